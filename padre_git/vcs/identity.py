"""Who commits: git's own idea of the person, or the login name where git has none."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass

from padre_git.messages import Author
from padre_git.vcs.config import Config
from padre_git.vcs.objects import tidy_author

__all__ = ["Identity", "find_identity"]


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Is who commits in a clone.

    Attributes:
        author: who changes are by.
        committer: who writes them down.
        invented: whether git knew nobody and the login name was taken.
    """

    author: Author
    committer: Author
    invented: bool

    @property
    def name(self) -> str:
        """The author's name."""
        return self.author.name

    @property
    def email(self) -> str:
        """The author's address."""
        return self.author.email


def find_identity(config: Config) -> Identity:
    """Returns who commits, from the places where git looks and in its order.

    Those are ``GIT_AUTHOR_NAME`` and its kin, ``author.*`` and ``committer.*``, ``user.*``, and
    for addresses ``EMAIL``. What none of them says is made from the login name: a run is never
    lost because nobody told git who they are.
    """
    author, author_invented = _find(config, "author")
    committer, committer_invented = _find(config, "committer")
    return Identity(
        author=author, committer=committer, invented=author_invented or committer_invented
    )


def _find(config: Config, role: str) -> tuple[Author, bool]:
    name = (
        os.environ.get(f"GIT_{role.upper()}_NAME")
        or config.get(f"{role}.name")
        or config.get("user.name")
    )
    email = (
        os.environ.get(f"GIT_{role.upper()}_EMAIL")
        or config.get(f"{role}.email")
        or config.get("user.email")
        or os.environ.get("EMAIL")
    )
    if name and email:
        return tidy_author(Author(name=name, email=email)), False
    login = _login()
    found = Author(name=name or login, email=email or f"{login}@localhost")
    return tidy_author(found), True


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        return f"user{os.getuid()}"

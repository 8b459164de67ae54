"""Opening: from a directory and a few words to a store over git repositories."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from padre_git.api.settings import (
    Settings,
    check_root,
    find_root,
    read_settings,
    remember,
)
from padre_git.api.store import Store
from padre_git.backends.base import Backend
from padre_git.bus import Bus
from padre_git.errors import InvalidInputError
from padre_git.messages import Author

__all__ = ["open_store"]

_AUTHOR = re.compile(r"\s*([^<>\n]+?)\s*<([^<>\s]+)>\s*")


def _now() -> datetime:
    return datetime.now(UTC)


def open_store(
    root: str | os.PathLike[str] | None = None,
    *,
    remote: str | os.PathLike[str] | None = None,
    artifacts: str | os.PathLike[str] | None = None,
    branch: str | None = None,
    author: str | Author | None = None,
    policy: str = "auto",
    max_age: float = 60,
    push_every: float = 30,
    clock: Callable[[], datetime] = _now,
) -> Store:
    """Opens a store; a directory that holds one git repository for each project.

    Opening makes no repository: the first put of a project does, or getting it from the remote.
    ``remote``, ``artifacts`` and ``branch`` are remembered in ``<root>/padre-git.yaml``.

        with padre_git.open("~/research", remote="git@host:lab") as store:
            ...

    Args:
        root: where the clones are; by default ``PADRE_ROOT``, then ``root`` of the user's
            configuration, then ``~/padre``.
        remote: where clones meet: a directory or url that has ``<project>.git`` in it, a template
            with ``{project}``, or one project's repository if it ends in ``.git``.
        artifacts: the DVC remote for data; by default beside a directory or ssh remote.
        branch: that is read and written; ``main`` by default.
        author: ``Name <email>`` for commits; git's own identity by default.
        policy: when clones and remote meet: ``"auto"``, ``"always"`` or ``"manual"``.
        max_age: seconds for which what the remote was seen to have is taken as true.
        push_every: seconds after which ended runs are published at the latest.
        clock: returns the time, with zone.

    Raises:
        InvalidInputError: for a root in somebody else's work tree, a remote that git must not be
            given, an unknown policy, or an author without email.
        DocumentError: if the settings cannot be read.
    """
    place = find_root(root)
    check_root(place)
    given = {"remote": _remote(remote), "artifacts": _artifacts(artifacts), "branch": branch}
    who = _author(author)
    settings = remember(place, read_settings(place), given)
    bus = Bus()
    backend = _backend(place, settings, who, bus)
    return Store(backend, root=place, bus=bus, clock=clock, artifacts_url=settings.artifacts)


def _remote(location: str | os.PathLike[str] | None) -> str | None:
    """Returns a remote in the one form that is remembered, whatever directory this is."""
    if location is None:
        return None
    from padre_git.vcs.remotes import RemoteLocation

    return str(RemoteLocation.parse(os.fspath(location)))


def _artifacts(location: str | os.PathLike[str] | None) -> str | None:
    """Returns a DVC remote: a URL as it is, a directory as an absolute path."""
    if location is None:
        return None
    text = os.fspath(location).strip()
    if not text:
        raise InvalidInputError("the artifact remote is a directory or a URL, not an empty text")
    if "://" in text:
        return text
    return os.path.abspath(Path(text).expanduser())  # noqa: PTH100 - links stay as they are


def _backend(root: Path, settings: Settings, author: Author | None, bus: Bus) -> Backend:
    from padre_git.backends.git import GitBackend

    return GitBackend(root, branch=settings.branch, author=author, notify=bus.publish)


def _author(author: str | Author | None) -> Author | None:
    if author is None or isinstance(author, Author):
        return author
    match = _AUTHOR.fullmatch(author)
    if match is None:
        raise InvalidInputError(f"not an author: '{author}'", hint="write 'Name <email>'")
    return Author(name=match[1], email=match[2])

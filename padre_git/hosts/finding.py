"""Finding credentials: the environment's, then those of git's helpers, then the keyring's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec

from padre_git.vcs.asking import ANYBODY, ask_git, ask_keyring
from padre_git.vcs.credentials import Login, Secret
from padre_git.vcs.forking import ProcessLock

__all__ = ["ANYBODY", "Finder", "Named", "no_name"]


@dataclass(frozen=True, kw_only=True)
class Named:
    """Is what the environment names for a host.

    Attributes:
        user: whose credentials to look for, or whose ``secret`` is.
        secret: a password or token; None to look for one.
    """

    user: str | None = None
    secret: Secret | None = field(default=None, repr=False)


def no_name(origin: str) -> Named:
    """Returns that the environment names nothing."""
    return Named()


class Finder:
    """Looks for the credentials of one host, in the order of docs/http.rst.

    What was found is remembered, and what was not is looked for again only by :meth:`find`.

    Args:
        origin: scheme, host and port.
        url: an address there, for helpers that tell repositories apart.
        named: returns what the environment names for an origin.

    Raises:
        InvalidInputError: if that is nothing that a host can be told.
    """

    def __init__(self, origin: str, url: str, named: Callable[[str], Named]) -> None:
        self._origin = origin
        self._url = url
        self._named = named
        self._lock = ProcessLock()
        self._gits: Login | None = None
        self._keyrings: Login | None = None
        self._has_asked = False
        self._from_environment()

    def find(self) -> Login | None:
        """Returns the credentials for calls; None if nobody has any."""
        named = self._from_environment()
        if named is not None:
            return named
        with self._lock:
            if self._gits is None and self._keyrings is None:
                self._ask()
            return self._gits or self._keyrings

    def find_for_git(self) -> Login | None:
        """Returns what git has to be handed; None if its own helpers do, or nobody has any."""
        named = self._from_environment()
        if named is not None:
            return named
        if find_spec("keyring") is None:
            return None
        with self._lock:
            if not self._has_asked:
                self._ask()
            return self._keyrings

    def forget(self) -> None:
        """Forgets what was found, so that it is looked for again."""
        with self._lock:
            self._gits = self._keyrings = None
            self._has_asked = False

    def _ask(self) -> None:
        user = self._named(self._origin).user
        self._has_asked = True
        self._gits = ask_git(self._url, user)
        if self._gits is None:
            self._keyrings = ask_keyring(self._origin, user)

    def _from_environment(self) -> Login | None:
        named = self._named(self._origin)
        if named.secret is None:
            return None
        return Login(origin=self._origin, user=named.user or ANYBODY, secret=named.secret)

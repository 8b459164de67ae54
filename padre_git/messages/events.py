"""Events: what happened, told to any number of subscribers."""

from __future__ import annotations

from dataclasses import dataclass

from padre_git.errors import Conflict, PadreGitError
from padre_git.messages.commit import DeleteMode
from padre_git.model import Key

__all__ = [
    "ConflictFound",
    "Deleted",
    "Event",
    "Notice",
    "Progress",
    "Pulled",
    "Pushed",
    "Restored",
    "Skipped",
    "Stored",
]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Is the base of what subscribers hear."""


@dataclass(frozen=True, kw_only=True)
class Stored(Event):
    """Says that a record was written."""

    key: Key
    revision: str


@dataclass(frozen=True, kw_only=True)
class Deleted(Event):
    """Says that a record was deleted (or evicted, for the mode local)."""

    key: Key
    mode: DeleteMode
    moved_to: Key | None = None


@dataclass(frozen=True, kw_only=True)
class Restored(Event):
    """Says that a deleted record is back, with what lay below it."""

    key: Key


@dataclass(frozen=True, kw_only=True)
class Pushed(Event):
    """Says that commits of a project reached the remote."""

    project: str
    commits: int
    head: str


@dataclass(frozen=True, kw_only=True)
class Pulled(Event):
    """Says that commits of a project came from the remote."""

    project: str
    commits: int
    head: str


@dataclass(frozen=True, kw_only=True)
class Progress(Event):
    """Says how far a transfer is; told many times a second while one goes on.

    Attributes:
        project: whose it is.
        step: what is being done, in git's words or ours, such as ``Receiving objects``.
        done: how many are done.
        total: of how many; None if nobody knows.
        detail: size and speed; empty if nobody says.
    """

    project: str
    step: str
    done: int
    total: int | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class ConflictFound(Event):
    """Says that two histories of a project disagree; nothing was merged."""

    project: str
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, kw_only=True)
class Skipped(Event):
    """Says that a record could not be read and was left out of a list."""

    key: Key
    error: PadreGitError

    @property
    def text(self) -> str:
        """What a person should know of it."""
        return f"skipped the {self.key.kind} '{self.key}': {self.error}"


@dataclass(frozen=True, kw_only=True)
class Notice(Event):
    """Says something a person should know, once (no identity configured, remote offline)."""

    text: str
    project: str | None = None

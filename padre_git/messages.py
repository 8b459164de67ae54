"""Messages: what crosses layers as data — commit messages, and events that tell what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from padre_git.errors import Conflict, PadreGitError
from padre_git.model import Key

__all__ = [
    "Author",
    "ConflictFound",
    "DeleteMode",
    "Deleted",
    "Event",
    "Message",
    "Notice",
    "Op",
    "Pulled",
    "Pushed",
    "Skipped",
    "Stored",
]


class Op(StrEnum):
    """What a commit does, its ``Padre-Op`` trailer."""

    INIT = "init"
    PUT = "put"
    RECORD = "record"
    DELETE = "delete"
    RENAME = "rename"
    PUBLISH = "publish"
    MERGE = "merge"
    RESTORE = "restore"


class DeleteMode(StrEnum):
    """From where a record is deleted."""

    ALL = "all"
    REMOTE = "remote"
    LOCAL = "local"


@dataclass(frozen=True, kw_only=True)
class Author:
    """Is who a commit is by."""

    name: str
    email: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """Is what the log will say of one change set.

    Attributes:
        op: what was done.
        subject: at most 72 characters, says the result.
        author: by whom; None for the clone's own identity.
        time: when; None for now.
    """

    op: Op
    subject: str
    author: Author | None = None
    time: datetime | None = None


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
class ConflictFound(Event):
    """Says that two histories of a project disagree; nothing was merged."""

    project: str
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, kw_only=True)
class Skipped(Event):
    """Says that a record could not be read and was left out of a list."""

    key: Key
    error: PadreGitError


@dataclass(frozen=True, kw_only=True)
class Notice(Event):
    """Says something a person should know, once (no identity configured, remote offline)."""

    text: str
    project: str | None = None

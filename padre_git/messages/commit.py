"""Commit messages: who did what, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from padre_git.model import Key

__all__ = ["Author", "DeleteMode", "Deletion", "Message", "Op", "Version"]


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
class Version:
    """Is one commit of a record's history.

    Attributes:
        state: the commit; it can be given as ``at``.
        time: when it was made.
        author: by whom.
        subject: the first line of its message.
        op: what it did, by its trailer; None for a commit made by hand.
    """

    state: str
    time: datetime
    author: Author
    subject: str
    op: Op | None = None


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """Is one record that was deleted and can be restored.

    Attributes:
        key: the record.
        state: the last state that has it, with all that lay below it; it can be given as ``at``.
            None, as the others, if the history of this clone does not reach back to it.
        time: when it was deleted.
        author: by whom.
        subject: the first line of the message of the commit that did it.
    """

    key: Key
    state: str | None = None
    time: datetime | None = None
    author: Author | None = None
    subject: str | None = None

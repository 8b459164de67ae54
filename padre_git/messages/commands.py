"""Commands: what collections ask of the services; each has exactly one handler.

A command is addressed by its type and its ``subject``, the kind it is about. ``R`` is what sending
it returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from padre_git.errors import InvalidInputError
from padre_git.messages.commit import DeleteMode, Message, Version
from padre_git.model import Change, Entity, Key, Kind, Record
from padre_git.model.values import FrozenMapping

__all__ = [
    "Annotate",
    "Command",
    "Commit",
    "Delete",
    "Ensure",
    "Exists",
    "Get",
    "History",
    "List",
    "Log",
    "Part",
    "Prepare",
    "Put",
    "Read",
    "Recall",
    "Rename",
    "Resolve",
    "Restore",
    "Shorten",
    "Subject",
    "Where",
]

R = TypeVar("R")
V = TypeVar("V")
E = TypeVar("E", bound=Entity)


class Part(StrEnum):
    """What is stored inside a run and has verbs of its own."""

    COMPUTATION = "computation"
    SPLIT = "split"


#: What a command is about.
Subject = Kind | Part
#: A query: its text, or wanted values by field.
Where = str | Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Command(Generic[R]):
    """Is the base of all commands.

    Attributes:
        subject: the kind whose service handles it.

    Raises:
        InvalidInputError: for a state that is not text.
    """

    subject: Subject

    def __post_init__(self) -> None:
        at = getattr(self, "at", None)
        if at is not None and not isinstance(at, str):
            raise InvalidInputError(
                f"a state is text, not {type(at).__name__}",
                hint="a commit, tag, branch or date, such as '2026-11-21'",
            )


@dataclass(frozen=True, kw_only=True)
class Put(Command[V]):
    """Stores a value; returns it as stored.

    Attributes:
        value: an entity, a computation or a split.
        message: the subject line of the commit; None for one that is made from the value.
    """

    value: V
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Prepare(Command[Change]):
    """Returns the change that would store an entity, without storing it.

    Attributes:
        entity: an execution or environment may come without id (it is computed), a run too (it is
            minted); the change's key tells. With :data:`~padre_git.model.ABSENT` as revision the
            record must not exist, and nothing is read.
        parts: further files of the record by name; None takes one away.
    """

    entity: Entity
    parts: Mapping[str, bytes | None] = FrozenMapping()


@dataclass(frozen=True, kw_only=True)
class Commit(Command[dict[Key, str | None]]):
    """Makes prepared changes of one project durable, all or none; returns the revisions.

    The subject is the kind of any of the changes.

    Attributes:
        changes: what :class:`Prepare` returned.
        message: what the log will say.
    """

    changes: Sequence[Change]
    message: Message


@dataclass(frozen=True, kw_only=True)
class Ensure(Command[tuple[Key, ...]]):
    """Stores the record and its parents where they are missing; returns the keys it created.

    Attributes:
        key: of a project or an experiment; what is missing gets a document without fields.
    """

    key: Key


@dataclass(frozen=True, kw_only=True)
class Annotate(Command[V]):
    """Adds and removes what people say of a run that has ended; returns the run.

    Attributes:
        key: of the run.
        tags: value by name, empty for a mere label; None takes the tag away.
        notes: texts to add.
    """

    key: Key
    tags: Mapping[str, str | None] = FrozenMapping()
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Resolve(Command[Key]):
    """Returns the key of the record that a reference means.

    Attributes:
        reference: what somebody typed; see :mod:`padre_git.services.references`.
        at: a state.
    """

    reference: str | Key | Entity
    at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Recall(Command[Key]):
    """Returns the key of the deleted record that a reference means; of a living one, if none.

    Attributes:
        reference: what somebody typed; see :mod:`padre_git.services.references`.
        at: a state that had the record; None for the present, with its tombstones.
    """

    reference: str | Key | Entity
    at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Get(Command[V]):
    """Returns what is stored under a key or a reference, following renames.

    Attributes:
        key: of the record, or of the run for parts; also as people type it.
        name: of the computation or number of the split; None for records.
        at: a state.
    """

    key: str | Key | Entity
    name: str | int | None = None
    at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Read(Command[Record]):
    """Returns a record as it is stored, with the parts that entities leave out.

    Attributes:
        key: of the record.
        at: a state.
    """

    key: Key
    at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Exists(Command[bool]):
    """Returns whether a living record has this key.

    Attributes:
        key: of the record.
        at: a state.
    """

    key: Key
    at: str | None = None


@dataclass(frozen=True, kw_only=True)
class List(Command[list[V]]):
    """Returns what is stored below a parent.

    Attributes:
        parent: key of a record above; None for everything.
        where: see :mod:`padre_git.services.query`.
        order_by: field names, a leading ``-`` for descending; NaN and missing come last.
        limit: at most this many.
        offset: leave out so many first.
        at: a state.
    """

    parent: Key | None = None
    where: Where | None = None
    order_by: str | Sequence[str] | None = None
    limit: int | None = None
    offset: int = 0
    at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Delete(Command[None]):
    """Deletes a record with what lies below it.

    Attributes:
        key: of the record; of the run for parts.
        name: as in :class:`Get`.
        mode: from where.
        force: whether a clone may go that has what exists nowhere else.
    """

    key: Key
    name: str | int | None = None
    mode: DeleteMode = DeleteMode.ALL
    force: bool = False


@dataclass(frozen=True, kw_only=True)
class Restore(Command[V]):
    """Brings a deleted record back, or an earlier version of a living one; returns it.

    Attributes:
        key: of the record, as :class:`Recall` gave it.
        at: a state that had it; None for the last one.
        message: the subject line of the commit.
    """

    key: Key
    at: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rename(Command[V]):
    """Gives a record another name and leaves a tombstone that leads to it; returns it.

    Attributes:
        key: of the record.
        new: its new name.
        message: the subject line of the commit.
    """

    key: Key
    new: str
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class History(Command[list[Version]]):
    """Returns the commits that changed a record, newest first.

    Attributes:
        key: of the record.
        limit: at most this many.
    """

    key: Key
    limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class Log(Command[list[Version]]):
    """Returns the commits that changed a record or what lies below it, newest first.

    Attributes:
        key: of the record.
        limit: at most this many.
    """

    key: Key
    limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class Shorten(Command[dict[Key, str]]):
    """Returns the shortest unique name of runs or executions within their experiments.

    Attributes:
        keys: of living records.
        at: a state.
    """

    keys: Sequence[Key]
    at: str | None = None

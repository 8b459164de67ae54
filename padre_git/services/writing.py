"""Writing: how a service puts, renames and deletes records of its kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from padre_git.backends.base import Backend
from padre_git.bus import Bus
from padre_git.errors import FormatError, InvalidInputError, NotFoundError, UnsupportedError
from padre_git.format import decode, encode
from padre_git.messages import (
    Commit,
    Delete,
    Deleted,
    DeleteMode,
    Ensure,
    Message,
    Op,
    Prepare,
    Put,
    Rename,
)
from padre_git.model import ABSENT, Change, Entity, Key, Kind, Record, Run
from padre_git.model.names import check_name
from padre_git.services.applying import Applier, persist
from padre_git.services.kinds import KINDS
from padre_git.services.reading import Reading
from padre_git.services.references import follow
from padre_git.services.subjects import named, subject_of, subject_text

__all__ = ["Writing"]

E = TypeVar("E", bound=Entity)


class Writing(Generic[E]):
    """Answers :class:`Put`, :class:`Delete` and the like for one kind of record.

    Args:
        kind: which.
        backend: where records are.
        bus: where events go.
        reading: reads records of the same kind.
        clock: returns the time, with zone.
    """

    def __init__(
        self,
        kind: Kind,
        backend: Backend,
        bus: Bus,
        reading: Reading[E],
        clock: Callable[[], datetime],
    ) -> None:
        self.kind = kind
        self._row = KINDS[kind]
        self._backend = backend
        self._bus = bus
        self._reading = reading
        self._clock = clock
        self._applier = Applier(backend, bus)

    def put(self, command: Put[E]) -> E:
        """Handles :class:`Put`."""
        entity = self._named(command.value)
        self._check_execution(entity)

        def attempt() -> E:
            before = self._before(entity)
            after = self._carried(entity, before, ())
            change = _change(after, before)
            subject = subject_of(after, _readable(before))
            message = Message(op=Op.PUT, subject=subject_text(command.message, subject))
            revision = self._applier.apply([change], message)[change.key]
            return self._as_stored(change, str(revision))

        return attempt() if entity.revision is not None else persist(attempt)

    def prepare(self, command: Prepare) -> Change:
        """Handles :class:`Prepare`."""
        entity = self._named(command.entity)
        before = self._before(entity)
        change = _change(self._carried(entity, before, command.parts), before)
        if not command.parts:
            return change
        files = {**(change.files or {}), **command.parts}
        kept = {name: data for name, data in files.items() if data is not None}
        return dataclasses.replace(change, files=kept)

    def commit(self, command: Commit) -> dict[Key, str | None]:
        """Handles :class:`Commit`."""
        return self._applier.apply(command.changes, command.message)

    def ensure(self, command: Ensure) -> tuple[Key, ...]:
        """Handles :class:`Ensure`."""
        line = [*reversed(command.key.ancestors()), command.key]
        what = f"add {command.key.kind} {named(command.key)}"

        def attempt() -> tuple[Key, ...]:
            found = self._backend.read(line)
            missing = [key for key in line if not isinstance(found.get(key), Record)]
            if missing:
                changes = [_bare(key) for key in missing]
                self._applier.apply(changes, Message(op=Op.PUT, subject=what))
            return tuple(missing)

        return persist(attempt)

    def delete(self, command: Delete) -> None:
        """Handles :class:`Delete`."""
        key = command.key
        if command.force and command.mode is not DeleteMode.LOCAL:
            raise InvalidInputError(
                f"force is for the mode 'local', not '{command.mode}'",
                key=key,
                hint="deleting with another mode loses nothing that could be forced",
            )
        if command.mode is DeleteMode.LOCAL:
            self._backend.evict(key, force=command.force)
            self._bus.publish(Deleted(key=key, mode=command.mode))
            return
        self._check_unused(key)
        if command.mode is DeleteMode.REMOTE:
            self._backend.withdraw(key)
            self._bus.publish(Deleted(key=key, mode=command.mode))
            return
        message = Message(op=Op.DELETE, subject=f"delete {key.kind} {named(key)}")
        self._applier.apply([Change(key=key, files=None)], message)

    def rename(self, command: Rename[E]) -> E:
        """Handles :class:`Rename`."""
        if self._row.renamed is None:
            raise UnsupportedError(
                f"{self.kind.noun} keeps its name: '{command.key}'",
                key=command.key,
                hint="what people read is its title, which may change",
            )
        target = Key(self.kind, check_name(command.new, self.kind.value), command.key.parent)
        subject = f"rename {self.kind} {command.key.name} to {command.new}"
        message = Message(op=Op.RENAME, subject=subject_text(command.message, subject))

        def attempt() -> E:
            record = follow(self._backend, command.key)
            if record.key == target:
                return self._reading.entity(record, self._backend.urls([target]))
            moved = self._moved(record, command.new)
            gone = Change(key=record.key, files=None, expected=record.revision, moved_to=moved.key)
            revision = self._applier.apply([moved, gone], message)[moved.key]
            return self._as_stored(moved, str(revision))

        return persist(attempt)

    def _moved(self, record: Record, new: str) -> Change:
        renamed = cast("Any", self._row.renamed)(decode(record), new)
        return Change(
            key=renamed.key,
            files=encode(renamed, previous=record),
            moved_from=record.key,
        )

    def _named(self, value: object) -> E:
        if not isinstance(value, self._row.type):
            raise InvalidInputError(
                f"not {self.kind.noun}: {type(value).__name__}",
                hint=f"pass a padre_git.{self._row.type.__name__}",
            )
        named = cast("E", self._row.named(value, self._clock))
        if isinstance(value, Run) and value.id is None:  # nobody can have this id already
            return named.stamped(revision=ABSENT)
        return named

    def _stored(self, key: Key) -> Record | None:
        found = self._backend.read([key]).get(key)
        return found if isinstance(found, Record) else None

    def _before(self, entity: E) -> Record | None:
        return None if entity.revision == ABSENT else self._stored(entity.key)

    def _carried(self, entity: E, before: Record | None, parts: Iterable[str]) -> E:
        """Returns an entity with what is not its to say: where it is published, what its data is.

        Args:
            entity: as it was given.
            before: what is stored now.
            parts: names of files that are changed with it.
        """
        known = _readable(before)
        if before is not None and known is not None:
            kept = before.files.keys() - set(parts)
            entity = cast("E", self._row.carried(entity, known, kept))
        return entity.stamped(url=getattr(known, "url", None))

    def _as_stored(self, change: Change, revision: str) -> E:
        record = Record(key=change.key, files=change.files or {}, revision=revision)
        return self._reading.entity(record, self._backend.urls([change.key]))

    def _check_execution(self, entity: Entity) -> None:
        if isinstance(entity, Run) and self._stored(entity.execution) is None:
            raise NotFoundError(
                f"no execution '{entity.execution}'",
                key=entity.execution,
                hint="put the execution first; start_run does it by itself",
            )

    def _check_unused(self, key: Key) -> None:
        if key.kind is not Kind.EXECUTION or key.parent is None:
            return
        runs: Reading[Run] = Reading(Kind.RUN, self._backend, self._bus)
        users = sum(1 for _ in runs.entities(key))
        if users:
            raise InvalidInputError(
                f"cannot delete '{key}': {users} runs belong to it",
                key=key,
                hint="delete the runs first, or the experiment with all of them",
            )


def _change(entity: Entity, before: Record | None) -> Change:
    expected = entity.revision or (before.revision if before else ABSENT)
    return Change(key=entity.key, files=encode(entity, previous=before), expected=expected)


def _readable(record: Record | None) -> Entity | None:
    """Returns what a record says; None if there is none or nobody can read it."""
    try:
        return None if record is None else decode(record)
    except FormatError:
        return None


def _bare(key: Key) -> Change:
    bare = KINDS[key.kind].bare
    if bare is None:
        raise InvalidInputError(f"{key.kind.noun} cannot be made up: '{key}'", key=key)
    return Change(key=key, files=encode(bare(key)), expected=ABSENT)

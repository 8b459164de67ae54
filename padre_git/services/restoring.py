"""Restoring: how a service finds what was deleted and brings it back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

from padre_git.backends.base import Backend
from padre_git.bus import Bus
from padre_git.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from padre_git.format import decode, encode
from padre_git.messages import Message, Op, Recall, Restore, Restored, Stored
from padre_git.model import Change, Entity, Key, Kind, Record, Run
from padre_git.services.applying import Applier, persist
from padre_git.services.kinds import KINDS
from padre_git.services.reading import Reading
from padre_git.services.references import destination, follow, recall, resolve
from padre_git.services.subjects import named, subject_text

__all__ = ["Restoring"]

E = TypeVar("E", bound=Entity)


class Restoring(Generic[E]):
    """Answers :class:`Recall` and :class:`Restore` for one kind of record.

    Args:
        kind: which.
        backend: where records are.
        bus: where events go.
        reading: reads records of the same kind.
    """

    def __init__(self, kind: Kind, backend: Backend, bus: Bus, reading: Reading[E]) -> None:
        self.kind = kind
        self._backend = backend
        self._bus = bus
        self._reading = reading
        self._applier = Applier(backend, bus)

    def recall(self, command: Recall) -> Key:
        """Handles :class:`Recall`."""
        if command.at is not None:
            return resolve(self._backend, self.kind, command.reference, command.at)
        return recall(self._backend, self.kind, command.reference)

    def restore(self, command: Restore[E]) -> E:
        """Handles :class:`Restore`."""
        key = destination(self._backend, command.key)
        message = self._message(key, command)
        try:
            self._backend.restore([key], message, at=command.at)
        except AlreadyExistsError as error:
            if command.at is None:
                raise _not_deleted(key, command.key) from error
            return self._earlier(key, command, message)
        record = follow(self._backend, key)
        self._tell(record)
        self._complete(record)
        return self._reading.entity(record, self._backend.urls([record.key]))

    def _message(self, key: Key, command: Restore[E]) -> Message:
        subject = f"restore {key.kind} {named(key)}"
        if command.at is not None:
            subject += f" as of {command.at[:19]}"
        return Message(op=Op.RESTORE, subject=subject_text(command.message, subject))

    def _tell(self, record: Record) -> None:
        self._bus.publish(Stored(key=record.key, revision=record.revision))
        self._bus.publish(Restored(key=record.key))

    def _complete(self, record: Record) -> None:
        """Brings back what a run cannot be without, if it was deleted after the run."""
        run = decode(record) if record.key.kind is Kind.RUN else None
        if not isinstance(run, Run):
            return
        needed = run.execution
        found = self._backend.read([needed, record.key])
        if not isinstance(found.get(needed), Record):
            subject = f"restore {needed.kind} {named(needed)}"
            with suppress(NotFoundError):  # the run never had it, and is as it was
                self._backend.restore([needed], Message(op=Op.RESTORE, subject=subject))
                self._tell(follow(self._backend, needed))

    def _earlier(self, key: Key, command: Restore[E], message: Message) -> E:
        """Gives a living record the files that it had; what lies below it stays."""
        before = follow(self._backend, command.key, command.at)

        def attempt() -> Record:
            record = follow(self._backend, key)
            files = self._renamed(before, key) if before.key != key else before.files
            change = Change(key=key, files=files, expected=record.revision)
            revision = self._applier.apply([change], message)[key]
            return Record(key=key, files=files, revision=str(revision))

        record = persist(attempt)
        self._bus.publish(Restored(key=key))
        return self._reading.entity(record, self._backend.urls([key]))

    def _renamed(self, record: Record, key: Key) -> Any:
        renamed = cast("Callable[[Any, str], Any]", KINDS[self.kind].renamed)
        return encode(renamed(decode(record), key.name), previous=record)


def _not_deleted(key: Key, asked: Key) -> InvalidInputError:
    if key != asked:
        return InvalidInputError(
            f"'{asked}' was not deleted but renamed to '{key}'",
            key=asked,
            hint=f"rename it back: padre-git rename {key} {asked.name}",
        )
    return InvalidInputError(
        f"'{key}' is not deleted",
        key=key,
        hint="to go back to an earlier version of it, name the state: --at COMMIT, at=…",
    )

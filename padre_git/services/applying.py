"""Applying: the last step of every verb that writes, and the events that tell of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import TypeVar

from padre_git.backends.base import Backend
from padre_git.backends.checks import ChangedError
from padre_git.bus import Bus
from padre_git.errors import ArtifactError, ConflictError, RemoteError
from padre_git.messages import Deleted, DeleteMode, Message, Stored
from padre_git.model import Change, ChangeSet, Key, Record
from padre_git.services.references import follow

__all__ = ["Applier", "persist"]

T = TypeVar("T")
#: How often a change is tried, and seconds for which it is while others change the same record.
_ATTEMPTS, _PATIENCE = 5, 60.0
_PAUSE, _LONGEST = 0.002, 0.05


def persist(attempt: Callable[[], T]) -> T:
    """Returns what ``attempt`` returns, trying again when somebody else was faster.

    Args:
        attempt: reads, decides and writes.

    Raises:
        ConflictError: if somebody was faster for as long as one waits for a lock, or something
            else is in the way.
    """
    deadline = time.monotonic() + _PATIENCE
    for tries in count(1):
        try:
            return attempt()
        except ConflictError as error:
            lost = isinstance(error, ChangedError) and time.monotonic() < deadline
            if tries >= _ATTEMPTS and not lost:
                raise
        # who waits a random while meets the others less often
        time.sleep(random.uniform(0, min(tries * _PAUSE, _LONGEST)))  # noqa: S311
    raise AssertionError("unreachable")


class Applier:
    """Makes changes durable and tells whoever listens.

    Args:
        backend: where records are.
        bus: where events go.
    """

    def __init__(self, backend: Backend, bus: Bus) -> None:
        self.backend = backend
        self._bus = bus

    def apply(self, changes: Sequence[Change], message: Message) -> dict[Key, str | None]:
        """Applies changes of one project, all or none; returns the revisions."""
        try:
            revisions = self.backend.apply(ChangeSet(changes=tuple(changes)), message)
        except (RemoteError, ArtifactError):  # stored here all the same, and not there
            self._tell_what_stands(changes)
            raise
        self._tell(changes, revisions)
        return revisions

    def edit(
        self, key: Key, files: Callable[[Record], Mapping[str, bytes]], message: Message
    ) -> Record:
        """Changes the files of a record that exists, as often as it takes; returns it.

        Args:
            key: of the record; renames are followed.
            files: returns all files of the record afterwards.
            message: what the log will say.

        Raises:
            NotFoundError: if there is no such record.
        """

        def attempt() -> Record:
            record = follow(self.backend, key)
            after = files(record)
            change = Change(key=record.key, files=after, expected=record.revision)
            revision = self.apply([change], message)[record.key]
            return Record(key=record.key, files=after, revision=str(revision))

        return persist(attempt)

    def _tell_what_stands(self, changes: Sequence[Change]) -> None:
        found = self.backend.read(change.key for change in changes)
        there = {key: record for key, record in found.items() if isinstance(record, Record)}
        done = [change for change in changes if (change.files is None) != (change.key in there)]
        self._tell(done, {key: record.revision for key, record in there.items()})

    def _tell(self, changes: Sequence[Change], revisions: Mapping[Key, str | None]) -> None:
        for change in changes:
            revision = revisions.get(change.key)
            if change.files is None:
                gone = Deleted(key=change.key, mode=DeleteMode.ALL, moved_to=change.moved_to)
                self._bus.publish(gone)
            elif revision is not None and revision != change.expected:
                self._bus.publish(Stored(key=change.key, revision=revision))

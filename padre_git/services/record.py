"""The service of a kind of record: its handlers on the bus."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from padre_git.backends.base import Backend
from padre_git.bus import Bus
from padre_git.messages import (
    Commit,
    Delete,
    Ensure,
    Exists,
    Get,
    History,
    List,
    Log,
    Prepare,
    Put,
    Read,
    Recall,
    RemoteOnly,
    Rename,
    Resolve,
    Restore,
    Shorten,
)
from padre_git.model import Entity, Kind
from padre_git.services.reading import Reading
from padre_git.services.restoring import Restoring
from padre_git.services.writing import Writing

__all__ = ["RecordService"]


class RecordService:
    """Answers every command about one kind of record.

    Args:
        kind: which; see :data:`padre_git.services.kinds.KINDS`.
        backend: where records are.
        bus: what it listens to and reports on.
        clock: returns the time, with zone.
        reads: what is asked for records; the backend, or one in front of it.
    """

    def __init__(
        self,
        kind: Kind,
        backend: Backend,
        bus: Bus,
        clock: Callable[[], datetime],
        *,
        reads: Backend,
    ) -> None:
        reading: Reading[Entity] = Reading(kind, reads, bus)
        writing: Writing[Entity] = Writing(kind, backend, bus, reading, clock)
        restoring: Restoring[Entity] = Restoring(kind, backend, bus, reading)
        bus.handle(Resolve, kind, reading.resolve)
        bus.handle(Read, kind, reading.read)
        bus.handle(Get, kind, reading.get)
        bus.handle(Exists, kind, reading.exists)
        bus.handle(List, kind, reading.select)
        if kind is Kind.PROJECT:
            bus.handle(RemoteOnly, kind, lambda command: list(reading.elsewhere()))
        bus.handle(History, kind, reading.history)
        bus.handle(Log, kind, reading.log)
        bus.handle(Shorten, kind, reading.shorten)
        bus.handle(Put, kind, writing.put)
        bus.handle(Prepare, kind, writing.prepare)
        bus.handle(Commit, kind, writing.commit)
        bus.handle(Ensure, kind, writing.ensure)
        bus.handle(Delete, kind, writing.delete)
        bus.handle(Rename, kind, writing.rename)
        bus.handle(Recall, kind, restoring.recall)
        bus.handle(Restore, kind, restoring.restore)

"""Reading: what a service answers about records of its kind without changing anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from heapq import merge
from itertools import islice
from typing import Any, Generic, TypeVar, cast

from padre_git.backends.base import Backend
from padre_git.bus import Bus
from padre_git.errors import FormatError, InvalidInputError
from padre_git.format import decode
from padre_git.messages import (
    Exists,
    Get,
    History,
    List,
    Log,
    Read,
    Resolve,
    Shorten,
    Skipped,
    Version,
)
from padre_git.model import Entity, Key, Kind, Record, Run
from padre_git.services.fields import Reader
from padre_git.services.kinds import KINDS
from padre_git.services.loading import living_keys, living_records
from padre_git.services.order import Order, by_start
from padre_git.services.query import condition_of
from padre_git.services.references import find, follow, resolve
from padre_git.services.spelling import short_names

__all__ = ["Reading", "check_page"]

E = TypeVar("E", bound=Entity)


class Reading(Generic[E]):
    """Answers :class:`Get`, :class:`List` and the like for one kind of record.

    Args:
        kind: which.
        backend: where records are.
        bus: where skipped records are reported.
    """

    def __init__(self, kind: Kind, backend: Backend, bus: Bus) -> None:
        self.kind = kind
        self._backend = backend
        self._bus = bus
        self._reader = Reader(KINDS[kind].type)

    def resolve(self, command: Resolve) -> Key:
        """Handles :class:`Resolve`."""
        return resolve(self._backend, self.kind, command.reference, command.at)

    def read(self, command: Read) -> Record:
        """Handles :class:`Read`."""
        return follow(self._backend, command.key, command.at)

    def get(self, command: Get[E]) -> E:
        """Handles :class:`Get`."""
        record = find(self._backend, self.kind, command.key, command.at)
        return self.entity(record, self._backend.urls([record.key]))

    def exists(self, command: Exists) -> bool:
        """Handles :class:`Exists`."""
        found = self._backend.read([command.key], at=command.at).get(command.key)
        return isinstance(found, Record)

    def select(self, command: List[E]) -> list[E]:
        """Handles :class:`List`."""
        condition = condition_of(command.where, self._reader)
        order = Order(command.order_by, self._reader)
        stop = check_page(command.limit, command.offset)
        most = None if condition or order else stop
        entities: Iterator[E] = self.entities(command.parent, at=command.at, most=most)
        if condition:
            entities = filter(condition, entities)
        if order:
            entities = iter(order.sorted(list(entities)))
        return list(islice(entities, command.offset, stop))

    def entities(
        self, parent: Key | None, *, at: str | None = None, most: int | None = None
    ) -> Iterator[E]:
        """Yields what lies below a parent, in order; what is corrupt is reported.

        The order is that of keys, and that of their starts for runs of the same second.

        Args:
            parent: a record above; runs also lie below their execution. None for everything.
            at: a state.
            most: how many will be wanted.
        """
        execution = parent if parent is not None and parent.kind is Kind.EXECUTION else None
        below = execution.parent if execution else parent
        skip = self._bus.publish
        keys = living_keys(self._backend, self.kind, below=below, at=at, skip=skip)
        records = living_records(self._backend, keys, at=at, skip=skip, most=most)
        entities = self._decoded(records)
        if self.kind is Kind.PROJECT and at is None:
            entities = merge(entities, self.elsewhere(), key=lambda entity: entity.key)
        if self.kind is Kind.RUN:
            entities = cast("Iterator[E]", by_start(cast("Iterator[Run]", entities)))
        for entity in entities:
            if execution is None or cast("Any", entity).execution == execution:
                yield entity

    def elsewhere(self) -> Iterator[E]:
        """Yields the projects that only the remote has, in order, as far as it shows them."""
        found = self._backend.elsewhere()
        for project in self._decoded([[found[key] for key in sorted(found)]]):
            yield project.stamped(remote_only=True)

    def history(self, command: History) -> list[Version]:
        """Handles :class:`History`."""
        if check_page(command.limit, 0) == 0:
            return []
        return list(self._backend.history(command.key, limit=command.limit))

    def log(self, command: Log) -> list[Version]:
        """Handles :class:`Log`."""
        if check_page(command.limit, 0) == 0:
            return []
        return list(self._backend.log(command.key, limit=command.limit))

    def shorten(self, command: Shorten) -> dict[Key, str]:
        """Handles :class:`Shorten`."""
        found: dict[Key, str] = {}
        for parent in {key.parent for key in command.keys}:
            siblings = self._backend.scan(parent, kind=self.kind, at=command.at)
            found |= short_names([key for key in command.keys if key.parent == parent], siblings)
        return found

    def entity(self, record: Record, urls: dict[Key, str]) -> E:
        """Returns what a record describes, with the url under which it is published.

        Raises:
            DocumentError: if it breaks the format.
        """
        if self.kind is Kind.RUN:
            entity = cast("E", decode(record))
        else:  # every run that begins reads the same project and experiment
            files = tuple(record.files.items())
            entity = cast("E", _decoded_once(record.key, record.revision, files))
        url = urls.get(record.key)
        return entity.stamped(url=url) if url else entity

    def _decoded(self, batches: Iterable[list[Record]]) -> Iterator[E]:
        for records in batches:
            urls = self._backend.urls([record.key for record in records])
            for record in records:
                try:
                    yield self.entity(record, urls)
                except FormatError as error:
                    self._bus.publish(Skipped(key=record.key, error=error))


def check_page(limit: object, offset: object) -> int | None:
    """Returns where a page ends: offset + limit, or None without limit.

    Raises:
        InvalidInputError: if one of them is not a count.
    """
    for name, value in (("limit", limit), ("offset", offset)):
        absent = name == "limit" and value is None
        if not absent and (type(value) is not int or value < 0):
            raise InvalidInputError(f"'{name}' is a number from 0, not {value!r}")
    return None if limit is None else cast("int", limit) + cast("int", offset)


@lru_cache(maxsize=256)
def _decoded_once(key: Key, revision: str, files: tuple[tuple[str, bytes], ...]) -> Entity:
    return decode(Record(key=key, files=dict(files), revision=revision))

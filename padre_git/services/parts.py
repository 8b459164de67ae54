"""The services of computations and splits, which are parts of runs with verbs of their own."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Generic, Protocol, TypeVar, cast

from padre_git.backends.base import Backend
from padre_git.bus import Bus
from padre_git.errors import FormatError, InvalidInputError, NotFoundError, UnsupportedError
from padre_git.format import decode, decode_splits, encode, encode_splits
from padre_git.messages import Delete, DeleteMode, Get, List, Message, Op, Part, Put, Skipped
from padre_git.model import Computation, Key, Kind, Record, Run, Split
from padre_git.services.applying import Applier
from padre_git.services.fields import Reader
from padre_git.services.loading import living_keys, living_records
from padre_git.services.order import Order
from padre_git.services.query import condition_of
from padre_git.services.reading import check_page
from padre_git.services.references import find, follow
from padre_git.services.subjects import named, subject_text

__all__ = ["ComputationService", "Large", "PartService", "SplitService"]

V = TypeVar("V", bound=Computation | Split)
_PARTS = ("splits.yaml", "results.csv")


class Large(Protocol):
    """Keeps parts of runs that are too large for git elsewhere."""

    def read(self, record: Record, name: str) -> bytes | None:
        """Returns the content of a part that is kept elsewhere; None if there is none."""

    def settled(
        self, record: Record, files: Mapping[str, bytes], names: Sequence[str]
    ) -> Mapping[str, bytes]:
        """Returns the files of a record after parts of it have moved to where they belong."""


class PartService(ABC, Generic[V]):
    """Answers the commands about one kind of part.

    Args:
        part: which.
        type_: of its values.
        backend: where runs are.
        bus: what it listens to and reports on.
        reads: what is asked for runs; the backend, or one in front of it.
    """

    def __init__(
        self, part: Part, type_: type[V], backend: Backend, bus: Bus, *, reads: Backend
    ) -> None:
        self.part = part
        self._type = type_
        self._reads = reads
        self._bus = bus
        self._applier = Applier(backend, bus)
        self._reader = Reader(type_)
        bus.handle(Put, part, self.put)
        bus.handle(Get, part, self.get)
        bus.handle(List, part, self.select)
        bus.handle(Delete, part, self.delete)

    @abstractmethod
    def values(self, record: Record) -> tuple[V, ...]:
        """Returns what a run's record has of this part.

        Raises:
            DocumentError: if it cannot be understood.
        """

    @abstractmethod
    def files(self, record: Record, values: Sequence[V]) -> Mapping[str, bytes]:
        """Returns the files of a run's record with these values in it.

        Raises:
            InvalidInputError: if they do not fit together.
        """

    @abstractmethod
    def name(self, value: V) -> str | int:
        """Returns what a value is called within its run."""

    def put(self, command: Put[V]) -> V:
        """Handles :class:`Put`."""
        value = command.value
        if not isinstance(value, self._type):
            raise InvalidInputError(
                f"not a {self.part}: {type(value).__name__}",
                hint=f"pass a padre_git.{self._type.__name__}",
            )
        subject = f"{named(value.run)}: {self.part} {self.name(value)}"

        def files(record: Record) -> Mapping[str, bytes]:
            moved = dataclasses.replace(value, run=record.key)
            return self.files(record, self._with(self.values(record), moved))

        message = Message(op=Op.PUT, subject=subject_text(command.message, subject))
        record = self._applier.edit(value.run, files, message)
        return self._one(self.values(record), self.name(value), record.key)

    def get(self, command: Get[V]) -> V:
        """Handles :class:`Get`."""
        record = find(self._reads, Kind.RUN, command.key, command.at)
        return self._one(self.values(record), command.name, record.key)

    def select(self, command: List[V]) -> list[V]:
        """Handles :class:`List`."""
        condition = condition_of(command.where, self._reader)
        order = Order(command.order_by, self._reader)
        stop = check_page(command.limit, command.offset)
        values: Iterator[V] = self._below(command.parent, command.at)
        if condition:
            values = filter(condition, values)
        if order:
            values = iter(order.sorted(list(values)))
        return list(islice(values, command.offset, stop))

    def delete(self, command: Delete) -> None:
        """Handles :class:`Delete`."""
        if command.mode is not DeleteMode.ALL:
            raise UnsupportedError(
                f"a {self.part} cannot be deleted from one side only", key=command.key
            )

        def files(record: Record) -> Mapping[str, bytes]:
            values = self.values(record)
            gone = self._one(values, command.name, record.key)
            return self.files(record, [value for value in values if value is not gone])

        subject = f"{named(command.key)}: delete {self.part} {command.name}"
        self._applier.edit(command.key, files, Message(op=Op.DELETE, subject=subject))

    def _below(self, parent: Key | None, at: str | None) -> Iterator[V]:
        if parent is not None and parent.kind is Kind.RUN:
            yield from self.values(follow(self._reads, parent, at))
            return
        skip = self._bus.publish
        keys = living_keys(self._reads, Kind.RUN, below=parent, at=at, skip=skip)
        for batch in living_records(self._reads, keys, at=at, skip=skip):
            for record in batch:
                try:
                    yield from self.values(record)
                except FormatError as error:
                    skip(Skipped(key=record.key, error=error))

    def _with(self, values: Sequence[V], value: V) -> list[V]:
        """Returns the values with one put in its place, or at the end."""
        name = self.name(value)
        if all(self.name(other) != name for other in values):
            return [*values, value]
        return [value if self.name(other) == name else other for other in values]

    def _one(self, values: Sequence[V], name: str | int | None, run: Key) -> V:
        for value in values:
            if self.name(value) == name:
                return value
        known = ", ".join(f"'{self.name(value)}'" for value in values)
        raise NotFoundError(
            f"no {self.part} '{name}' in '{run}'",
            key=run,
            hint=f"it has {known}" if known else f"it has no {self.part}s",
        )


class ComputationService(PartService[Computation]):
    """Keeps the computations of runs, in the order in which they came, in their documents."""

    def __init__(self, backend: Backend, bus: Bus, *, reads: Backend) -> None:
        super().__init__(Part.COMPUTATION, Computation, backend, bus, reads=reads)

    def values(self, record: Record) -> tuple[Computation, ...]:
        """See :meth:`PartService.values`."""
        return cast("Run", decode(record)).computations

    def files(self, record: Record, values: Sequence[Computation]) -> Mapping[str, bytes]:
        """See :meth:`PartService.files`; a predecessor is another computation of the run."""
        names = {value.name for value in values}
        for value in values:
            if value.predecessor is not None and value.predecessor not in names - {value.name}:
                raise InvalidInputError(
                    f"computation '{value.name}' has no predecessor '{value.predecessor}'",
                    key=record.key,
                    hint="put the predecessor first, and delete it last",
                )
        run = cast("Run", decode(record))
        return encode(run.replace(computations=tuple(values)), previous=record)

    def name(self, value: Computation) -> str:
        """See :meth:`PartService.name`."""
        return value.name


class SplitService(PartService[Split]):
    """Keeps the splits of runs with their indices, metrics and results.

    Args:
        backend: where runs are.
        bus: what it listens to and reports on.
        large: keeps what is too large for a run's directory.
        reads: what is asked for runs; the backend, or one in front of it.
    """

    def __init__(self, backend: Backend, bus: Bus, large: Large, *, reads: Backend) -> None:
        super().__init__(Part.SPLIT, Split, backend, bus, reads=reads)
        self._large = large

    def values(self, record: Record) -> tuple[Split, ...]:
        """See :meth:`PartService.values`."""
        files = {}
        for name in _PARTS:
            content = record.files.get(name)
            if content is None:
                content = self._large.read(record, name)
            if content is not None:
                files[name] = content
        return decode_splits(record.key, files) if files else ()

    def files(self, record: Record, values: Sequence[Split]) -> Mapping[str, bytes]:
        """See :meth:`PartService.files`."""
        ordered = sorted(values, key=self.name)
        others = {name: data for name, data in record.files.items() if name not in _PARTS}
        files = others | (encode_splits(ordered) if ordered else {})
        return self._large.settled(record, files, _PARTS)

    def name(self, value: Split) -> int:
        """See :meth:`PartService.name`."""
        return value.number

"""Order: sorting entities by fields, and runs of one second by their start."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, TypeVar

from padre_git.errors import InvalidInputError
from padre_git.model import Run
from padre_git.services.fields import MISSING, Field, Reader

__all__ = ["Order", "by_start"]

V = TypeVar("V")
_LATEST = datetime.max.replace(tzinfo=UTC)


class Order:
    """Is an order by one field or several, each ascending or, after a ``-``, descending.

    Values that are missing, None or NaN come last in both directions; numbers come before texts,
    and what is equal stays as it was.

    Args:
        order_by: ``"-metrics.accuracy"`` or ``["status", "-started"]``; None for no order.
        reader: finds the fields.

    Raises:
        InvalidInputError: for fields that the entities do not have.
    """

    def __init__(self, order_by: str | Sequence[str] | None, reader: Reader) -> None:
        names = [order_by] if isinstance(order_by, str) else order_by or ()
        for name in names if isinstance(names, list | tuple) else [names]:
            if not isinstance(name, str):
                raise InvalidInputError(f"an order is field names, not {type(name).__name__}")
        self._fields = [(reader.field(name.lstrip("+-")), name[:1] == "-") for name in names]

    def __bool__(self) -> bool:
        return bool(self._fields)

    def sorted(self, entities: Sequence[V]) -> list[V]:
        """Returns the entities in this order."""
        found = list(entities)
        for field, descending in reversed(self._fields):
            keyed = [(_rank(field, entity), entity) for entity in found]
            there = [pair for pair in keyed if pair[0] is not None]
            there.sort(key=lambda pair: pair[0], reverse=descending)
            found = [e for _, e in there] + [e for rank, e in keyed if rank is None]
        return found


def by_start(runs: Iterable[Run]) -> Iterator[Run]:
    """Yields runs, which come in the order of keys, in the order in which they were started.

    An id begins with the second of the start and goes on at random, so that only the runs of one
    second must be looked at together.
    """
    for _, same_second in groupby(runs, key=lambda run: run.key.text.rpartition("-")[0]):
        yield from sorted(same_second, key=lambda run: run.started or _LATEST)


def _rank(field: Field, entity: Any) -> Any:
    value = field.read(entity)
    if isinstance(value, tuple):
        value = value[0] if value else None
    if value is MISSING or value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, int | float):
        return (0, value)
    if isinstance(value, datetime):
        return (1, value)
    return (2, str(value))

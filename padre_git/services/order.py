"""Order: sorting entities by fields."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from padre_git.errors import InvalidInputError
from padre_git.services.fields import MISSING, Field, Reader

__all__ = ["Order"]

V = TypeVar("V")


class Order:
    """Is an order by one field or several, each ascending or, after a ``-``, descending.

    Values that are missing, None or NaN come last in both directions; numbers come before texts,
    and what is equal stays in the order of keys.

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

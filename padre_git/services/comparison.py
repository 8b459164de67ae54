"""Comparison: what the operators of a query mean for the values that entities have."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from padre_git.errors import InvalidInputError
from padre_git.model.values import is_number, scalar
from padre_git.services.fields import MISSING, Field

__all__ = ["Condition", "Literal", "Operator", "compare", "has_value", "negated", "parse_time"]

#: Says of an entity whether it is wanted.
Condition = Callable[[Any], bool]
_WORDS = {"true": True, "false": False, "null": None, "none": None}
#: Python refuses to read integers of more than 4,300 digits; none that is stored has so many.
_LONGEST = 1000
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|[+-]?(inf|nan)", re.IGNORECASE)


class Operator(StrEnum):
    """How a field is compared."""

    EQUAL = "="
    SAME = "=="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    MATCH = "~"
    NO_MATCH = "!~"
    IN = "in"
    NOT_IN = "not in"


@dataclass(frozen=True)
class Literal:
    """Is a value in a query.

    Attributes:
        value: bool, number, text or None.
        text: as it was written, for comparison with texts such as tags.
    """

    value: Any
    text: str

    @classmethod
    def parsed(cls, text: str) -> Literal:
        """Returns what a word means: a number, true, false, null, or itself."""
        if text.lower() in _WORDS:
            return cls(_WORDS[text.lower()], text)
        if _NUMBER.fullmatch(text):
            whole = text.lstrip("+-").isdigit() and len(text) <= _LONGEST
            return cls(int(text) if whole else float(text), text)
        return cls(text, text)

    @classmethod
    def text_of(cls, text: str) -> Literal:
        """Returns a text that was quoted and is nothing else."""
        return cls(text, text)

    @classmethod
    def of(cls, value: Any) -> Literal:
        """Returns a Python value as a literal; enums are their values, times their text."""
        value = scalar(value)
        if isinstance(value, datetime):
            return cls(value.isoformat(), value.isoformat())
        return cls(value, str(value))


_Test = Callable[[Any], bool]
_ORDERS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.LESS: lambda a, b: a < b,
    Operator.AT_MOST: lambda a, b: a <= b,
    Operator.MORE: lambda a, b: a > b,
    Operator.AT_LEAST: lambda a, b: a >= b,
}


def has_value(field: Field) -> Condition:
    """Returns the condition that a field is there and not None."""
    return lambda entity: bool(_values(field.read(entity)))


def negated(condition: Condition) -> Condition:
    """Returns the opposite of a condition."""
    return lambda entity: not condition(entity)


def compare(field: Field, operator: Operator, literals: Sequence[Literal]) -> Condition:
    """Returns the condition that a field compares so; of a list, one element is enough.

    Raises:
        InvalidInputError: for a text that is no regular expression, or no time where the field
            is one.
    """
    if operator in (Operator.EQUAL, Operator.SAME) and literals[0].value is None:
        return negated(has_value(field))
    if operator is Operator.UNEQUAL and literals[0].value is None:
        return has_value(field)
    test = _test(field, operator, literals)
    if operator in (Operator.UNEQUAL, Operator.NOT_IN, Operator.NO_MATCH):
        return lambda entity: _none(_values(field.read(entity)), test)
    return lambda entity: any(map(test, _values(field.read(entity))))


def _none(values: Sequence[Any], test: _Test) -> bool:
    return bool(values) and not any(map(test, values))


def _test(field: Field, operator: Operator, literals: Sequence[Literal]) -> _Test:
    if operator in (Operator.MATCH, Operator.NO_MATCH):
        pattern = _pattern(literals[0].text)
        return lambda value: pattern.search(_as_text(value)) is not None
    if operator in _ORDERS:
        return _ordered(_ORDERS[operator], _operand(field, literals[0]))
    tests = [_equals(_operand(field, literal)) for literal in literals]
    return lambda value: any(test(value) for test in tests)


def _operand(field: Field, literal: Literal) -> Literal:
    if not field.is_time:
        return literal
    return Literal(parse_time(literal.text), literal.text)


def parse_time(text: str) -> datetime:
    """Returns a date or RFC 3339 time; without a zone it is UTC.

    Raises:
        InvalidInputError: if it is neither.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(
            f"'{text}' is not a time", hint="write 2026-11-21 or 2026-11-21T10:15:00Z"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():  # of what a later Python may read otherwise
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidInputError(f"'{text}' is not a regular expression: {error}") from error


def _equals(literal: Literal) -> _Test:
    wanted = literal.value

    def test(value: Any) -> bool:
        if isinstance(value, str):
            return value == literal.text
        if isinstance(value, bool) or isinstance(wanted, bool):
            return value is wanted
        return bool(value == wanted) or (_is_nan(value) and _is_nan(wanted))

    return test


def _ordered(order: Callable[[Any, Any], bool], literal: Literal) -> _Test:
    wanted = literal.value

    def test(value: Any) -> bool:
        if isinstance(value, str):
            return order(value, literal.text)
        if is_number(value) and is_number(wanted):
            return order(value, wanted)
        return isinstance(value, datetime) and isinstance(wanted, datetime) and order(value, wanted)

    return test


def _values(value: Any) -> tuple[Any, ...]:
    if value is MISSING or value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)

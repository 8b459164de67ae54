"""Checks: what one value of a document may be.

A check takes a value and the dotted name of its field and returns the value in its one form (times
in UTC, for example). It raises :class:`Invalid` with a reason. Deep contents of ``parameters``,
``metrics`` and ``attributes`` are checked where they become part of an entity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from padre_git.errors import InvalidNameError
from padre_git.format.scalars import is_text
from padre_git.format.times import read_time, write_time
from padre_git.model.ids import check_id
from padre_git.model.names import check_label, check_name, quoted

__all__ = [
    "Check",
    "Invalid",
    "dataset_version",
    "flag",
    "id_of",
    "integer",
    "label_of",
    "line",
    "list_of",
    "map_of",
    "mapping",
    "matching",
    "name_of",
    "numbers",
    "one_of",
    "shown",
    "size",
    "tag_value",
    "text",
    "time",
    "url",
]

Check = Callable[[Any, str], Any]


class Invalid(Exception):  # noqa: N818 - never leaves this package
    """Says that the value of a field is not what its schema wants."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def shown(value: Any) -> str:
    """Returns a value as messages show it; huge ones are not spelled out."""
    if isinstance(value, Mapping | list | tuple):
        return "a mapping" if isinstance(value, Mapping) else "a list"
    if isinstance(value, int) and value.bit_length() > 200:
        return "a huge integer"
    return quoted(value)


def text(value: Any, field: str) -> str:
    """Takes text."""
    if not isinstance(value, str):
        raise Invalid(field, f"is {shown(value)}, not text")
    if not is_text(value):
        raise Invalid(field, "has a lone surrogate and is not text")
    return str(value)


def line(value: Any, field: str) -> str:
    """Takes text without a line break."""
    if text(value, field).splitlines() not in ([], [value]):
        raise Invalid(field, "has more than one line")
    return str(value)


def integer(value: Any, field: str) -> int:
    """Takes an integer."""
    if type(value) is not int:
        raise Invalid(field, f"is {shown(value)}, not an integer")
    return value


def size(value: Any, field: str) -> int:
    """Takes an integer that is not negative."""
    if integer(value, field) < 0:
        raise Invalid(field, "is negative")
    return int(value)


def flag(value: Any, field: str) -> bool:
    """Takes true or false."""
    if type(value) is not bool:
        raise Invalid(field, f"is {shown(value)}, not true or false")
    return value


def time(value: Any, field: str) -> str:
    """Takes an RFC 3339 time and gives it in UTC."""
    try:
        return write_time(read_time(text(value, field)))
    except ValueError as error:
        raise Invalid(field, str(error)) from error


def mapping(value: Any, field: str) -> Mapping[str, Any]:
    """Takes a mapping."""
    if not isinstance(value, Mapping):
        raise Invalid(field, f"is {shown(value)}, not a mapping")
    return value


def one_of(*words: str) -> Check:
    """Returns a check that takes one of these words."""

    def check(value: Any, field: str) -> str:
        if value not in words:
            raise Invalid(field, f"is {shown(value)}, not one of {', '.join(words)}")
        return str(value)

    return check


def matching(pattern: str, what: str) -> Check:
    """Returns a check that takes text that matches a pattern as a whole."""
    compiled = re.compile(pattern)

    def check(value: Any, field: str) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise Invalid(field, f"is {shown(value)}, not {what}")
        return str(value)

    return check


def _named(check_text: Callable[[object, str], str], what: str) -> Check:
    """Returns a check that takes what a check of names takes."""

    def check(value: Any, field: str) -> str:
        try:
            return str(check_text(value, what))
        except InvalidNameError as error:
            raise Invalid(field, f"is an {error.message}") from error

    return check


def dataset_version(value: Any, field: str) -> str:
    """Takes ``name`` or ``name@version``."""
    name, at, version = line(value, field).partition("@")
    name_of("dataset")(name, field)
    if at:
        data_version(version, field)
    return str(value)


def url(value: Any, field: str) -> str:
    """Takes an address without user and token."""
    server = line(value, field).partition("://")[2] or str(value)
    if "@" in server.partition("/")[0]:
        raise Invalid(field, "names a user or has a token in it")
    return str(value)


def list_of(check_item: Check) -> Check:
    """Returns a check that takes a list of what another check takes."""

    def check(value: Any, field: str) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise Invalid(field, f"is {shown(value)}, not a list")
        return [check_item(item, f"{field}[{n}]") for n, item in enumerate(value)]

    return check


def map_of(what: str, check_item: Check) -> Check:
    """Returns a check that takes a mapping of labels of ``what`` to what another check takes."""
    check_key = label_of(what)

    def check(value: Any, field: str) -> dict[str, Any]:
        return {
            check_key(name, f"{field}.{name}"): check_item(item, f"{field}.{name}")
            for name, item in mapping(value, field).items()
        }

    return check


def numbers(value: Any, field: str) -> Mapping[str, Any]:
    """Takes a mapping of labels to numbers."""
    for name, item in mapping(value, field).items():
        place = f"{field}.{name}" if field else name
        if isinstance(item, bool) or not isinstance(item, int | float):
            raise Invalid(place, f"is {shown(item)}, not a number")
        label_of("metric")(name, place)
    return value  # type: ignore[no-any-return]


def name_of(what: str) -> Check:
    """Returns a check that takes the name of a project, dataset or experiment."""
    return _named(check_name, what)


def id_of(what: str) -> Check:
    """Returns a check that takes the id of a run, execution or environment."""
    return _named(check_id, what)


def tag_value(value: Any, field: str) -> str:
    """Takes a label or empty text."""
    return str(label_of("tag value")(value, field)) if text(value, field) else ""


def label_of(what: str) -> Check:
    """Returns a check that takes the label of a metric, column or computation."""
    return _named(check_label, what)


object_id = matching(r"[0-9a-f]{40}|[0-9a-f]{64}", "a git object id")
data_version = matching(r"md5:[0-9a-f]{32}(\.dir)?", "a version such as 'md5:…'")

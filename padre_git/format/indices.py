"""Indices: which instances belong to a set, as text that is short, exact and diffs by line.

Integers that follow each other become ``first-last``, flags become runs such as ``true*120``;
order is kept and nothing is sorted. Texts are a list of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from padre_git.errors import InvalidValueError
from padre_git.format.cells import cell_reader, cell_writer, check_array, read_type, write_type
from padre_git.model import Array

__all__ = ["LONGEST", "read_indices", "write_indices"]

#: Elements beyond which a set is refused: a short text can stand for a range of any length.
LONGEST = 20_000_000
_COLUMNS = 92
_SHORTEST_RANGE = 3
_RANGE = re.compile(r"(0|[1-9][0-9]{0,19})-(0|[1-9][0-9]{0,19})")
_RUN = re.compile(r"(true|false)\*([1-9][0-9]{0,8})")
_KEYS = {"type", "length", "values"}


def write_indices(array: Array) -> dict[str, Any]:
    """Returns an array as a mapping for a document: type, length and values.

    Raises:
        InvalidValueError: if it has more than :data:`LONGEST` elements.
    """
    flat = _flat(array)
    if len(flat) > LONGEST:
        raise InvalidValueError(
            f"cannot store {len(flat)} indices in a document", hint="keep them as an artifact"
        )
    values: Any = flat if array.dtype == "str" else _wrapped(_tokens(flat, array.dtype))
    return {"type": write_type(array), "length": len(array), "values": values}


def _flat(array: Array) -> list[Any]:
    if array.width is None:
        return list(array.values)
    return [value for row in array.values for value in row]


def _tokens(values: list[Any], dtype: str) -> Iterator[str]:
    if dtype == "bool":
        return _runs(values)
    if dtype.startswith("float"):
        return map(cell_writer(dtype), values)
    return _ranges(values)


def _runs(values: list[bool]) -> Iterator[str]:
    for flag, group in groupby(values):
        yield f"{'true' if flag else 'false'}*{sum(1 for _ in group)}"


def _ranges(values: list[int]) -> Iterator[str]:
    start = 0
    while start < len(values):
        end = start + 1
        while end < len(values) and values[end] == values[end - 1] + 1:
            end += 1
        if values[start] >= 0 and end - start >= _SHORTEST_RANGE:
            yield f"{values[start]}-{values[end - 1]}"
        else:
            yield from map(str, values[start:end])
        start = end


def _wrapped(tokens: Iterable[str]) -> str:
    lines: list[str] = []
    line: list[str] = []
    length = 0
    for token in tokens:
        if line and length + len(token) > _COLUMNS:
            lines.append(" ".join(line))
            line, length = [], 0
        line.append(token)
        length += len(token) + 1
    return "\n".join([*lines, " ".join(line)])


def read_indices(values: object) -> Array:
    """Returns the array that :func:`write_indices` has written.

    Raises:
        ValueError: if it is something else; nothing longer than it says is ever built.
    """
    if not isinstance(values, dict) or set(values) != _KEYS:
        raise ValueError("is not a mapping of 'type', 'length' and 'values'")
    dtype, width = read_type(values["type"])
    length = values["length"]
    if type(length) is not int or not 0 <= length * (width or 1) <= LONGEST:
        raise ValueError(f"has the length {length!r}, which is no number up to {LONGEST}")
    count = length if width is None else length * width
    flat = _read_values(values["values"], dtype, count)
    if len(flat) != count:
        raise ValueError(f"has {len(flat)} values, not {count}")
    if width is None:
        return check_array(flat, dtype, None)
    rows = [tuple(flat[n * width : (n + 1) * width]) for n in range(length)]
    return check_array(rows, dtype, width)


def _read_values(values: object, dtype: str, count: int) -> list[Any]:
    if dtype == "str":
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            raise ValueError("has values that are not a list of texts")
        return values
    read = cell_reader(dtype)
    found: list[Any] = []
    for token in _split(values):
        if run := (_RANGE if "int" in dtype else _RUN).fullmatch(token):
            found.extend(_expanded(run, count - len(found)))
        else:
            found.append(_element(token, read))
    return found


def _split(values: object) -> list[str]:
    if not isinstance(values, str):
        raise ValueError("has values that are not text")  # noqa: TRY004, callers expect this one
    return values.split()


def _expanded(run: re.Match[str], room: int) -> Iterable[Any]:
    """Returns the elements a range or run stands for, if there is room for them."""
    flags = run[1] in ("true", "false")
    first = 1 if flags else int(run[1])
    last = int(run[2])
    if not first <= last < first + room:
        raise ValueError(f"has '{run[0]}', which runs backwards or beyond the length")
    return [run[1] == "true"] * last if flags else range(first, last + 1)


def _element(token: str, read: Any) -> Any:
    try:
        return read(token)
    except ValueError as error:
        raise ValueError(f"has '{token[:40]}', which {error}") from error

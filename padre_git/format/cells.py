"""Cells: one element of an array as text, by its type, and back exactly."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any

from padre_git.errors import InvalidValueError
from padre_git.model import Array
from padre_git.model.arrays import DTYPES

__all__ = ["cell_reader", "cell_writer", "check_array", "read_type", "write_type"]

_TYPE = re.compile(r"([a-z]+[0-9]*)(?: x (0|[1-9][0-9]{0,4}))?")
_INT = re.compile(r"0|-?[1-9][0-9]{0,19}")
_FLOAT = re.compile(r"-?(?:[0-9]+\.[0-9]+(?:e[+-]?[0-9]+)?|[0-9]+e[+-]?[0-9]+|inf)|nan")
_WIDEST = 99_999
_FLAGS = {"true": True, "false": False}
#: struct format and the digits that always suffice, for the types shorter than Python's own.
_SHORT = {"float16": ("<e", 5), "float32": ("<f", 9)}


def write_type(array: Array) -> str:
    """Returns the element type and the width of an array: ``float64 x 3``, ``int64``.

    Raises:
        InvalidValueError: if its rows are too long for a table.
    """
    if array.width is not None and array.width > _WIDEST:
        raise InvalidValueError(
            f"cannot store an array with rows of {array.width} elements",
            hint="keep it as an artifact",
        )
    return array.dtype if array.width is None else f"{array.dtype} x {array.width}"


def read_type(text: object) -> tuple[str, int | None]:
    """Returns the element type and the width that :func:`write_type` has written.

    Raises:
        ValueError: if it is something else.
    """
    found = _TYPE.fullmatch(text) if isinstance(text, str) else None
    if found is None or found[1] not in DTYPES:
        raise ValueError("is not an array type such as 'int64' or 'float64 x 3'")
    return found[1], None if found[2] is None else int(found[2])


def cell_writer(dtype: str) -> Callable[[Any], str]:
    """Returns what turns an element of this type into text; texts stay as they are."""
    if dtype == "bool":
        return lambda value: "true" if value else "false"
    if dtype in _SHORT:
        return _short_float(*_SHORT[dtype])
    return repr if dtype == "float64" else str


def _short_float(code: str, digits: int) -> Callable[[float], str]:
    packed = struct.Struct(code)

    def write(value: float) -> str:
        for length in range(1, digits + 1):
            text = repr(float(f"{value:.{length}g}"))
            try:
                if packed.unpack(packed.pack(float(text)))[0] == value:
                    return text
            except OverflowError:  # rounded up beyond what the type can hold
                continue
        return repr(value)  # nan, which equals nothing

    return write


def cell_reader(dtype: str) -> Callable[[str], Any]:
    """Returns what turns text into an element of this type; it raises ValueError for others."""
    if dtype == "bool":
        return _read_flag
    if dtype == "str":
        return str
    if dtype.startswith("float"):
        return _read_float
    return _read_int


def _read_flag(text: str) -> bool:
    if text not in _FLAGS:
        raise ValueError("is neither 'true' nor 'false'")
    return _FLAGS[text]


def _read_int(text: str) -> int:
    if not _INT.fullmatch(text):
        raise ValueError("is not an integer")
    return int(text)


def _read_float(text: str) -> float:
    if not _FLOAT.fullmatch(text) or len(text) > 400:
        raise ValueError("is not a floating-point number")
    return float(text)


def check_array(values: Any, dtype: str, width: int | None) -> Array:
    """Returns the array of these values.

    Raises:
        ValueError: if they do not fit the type.
    """
    try:
        return Array(values, dtype=dtype, width=width)
    except InvalidValueError as error:
        raise ValueError(error.message) from error

"""Arrays: indices and results held exactly, with or without numpy.

numpy arrays are accepted and given back through ``numpy.asarray(array)``; numpy itself is never
imported here.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

from padre_git.errors import InvalidValueError
from padre_git.model.values import scalar

__all__ = ["Array"]

_INTS = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_FLOATS = frozenset(["float16", "float32", "float64"])
#: The element types that can be stored; ``str`` stands for text of any length.
DTYPES = _INTS | _FLOATS | {"bool", "str"}


class Array(Sequence[Any]):
    """Is an immutable sequence of numbers, flags or texts (or of equally long rows of numbers).

    Attributes:
        dtype: element type as numpy names it; ``int64``, ``float64``, ``bool`` and ``str`` for
            plain Python values.
        width: None for one dimension, the length of a row for two.
    """

    __slots__ = ("_values", "dtype", "width")

    dtype: str
    width: int | None
    _values: tuple[Any, ...]

    def __init__(
        self, values: Iterable[Any], *, dtype: str | None = None, width: int | None = None
    ) -> None:
        given = getattr(values, "dtype", None)
        rows = values.tolist() if hasattr(values, "tolist") else values
        items = tuple(tuple(r) if isinstance(r, list | tuple) else scalar(r) for r in rows)
        if width is None and items and isinstance(items[0], tuple):
            width = len(items[0])
        if width is None and len(getattr(values, "shape", ())) == 2:
            width = values.shape[1]  # type: ignore[attr-defined]
        name = dtype or (_dtype_name(given) if given is not None else _infer(items))
        _check(items, name, width)
        if name == "str" or given is None or dtype is not None:  # numpy has checked its numbers
            items = tuple(map(_converter(name), items))
        for slot, value in (("_values", items), ("dtype", name), ("width", width)):
            object.__setattr__(self, slot, value)

    @property
    def values(self) -> tuple[Any, ...]:
        """The elements, or the rows as tuples."""
        return self._values

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Array: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Array(self._values[index], dtype=self.dtype, width=self.width)
        return self._values[index]

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an array is immutable: cannot set '{name}'")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Array):
            return NotImplemented
        return (
            self.dtype == other.dtype
            and self.width == other.width
            and len(self) == len(other)
            and all(map(_same, self._values, other.values))
        )

    def __hash__(self) -> int:
        return hash((self.dtype, self.width, len(self)))

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self._values[:6])) + (", …" if len(self) > 6 else "")
        return f"Array([{shown}], dtype='{self.dtype}', length={len(self)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._values, self.dtype, self.width)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        import numpy as np

        if copy is False:
            raise ValueError("an Array cannot be shared with numpy without a copy")
        shape = (len(self),) if self.width is None else (len(self), self.width)
        found = np.array(self._values, dtype=self.dtype).reshape(shape)
        return found if dtype is None else found.astype(dtype)


def _rebuild(values: tuple[Any, ...], dtype: str, width: int | None) -> Array:
    return Array(values, dtype=dtype, width=width)


def _converter(dtype: str) -> Callable[[Any], Any]:
    """Returns what turns an element, or a row, into exactly what the type can hold."""
    if dtype == "bool":
        return lambda item: item
    make = _ranged if dtype in _INTS else _rounded if dtype in _FLOATS else _encodable
    convert = make(dtype)
    return lambda item: tuple(map(convert, item)) if isinstance(item, tuple) else convert(item)


def _ranged(dtype: str) -> Callable[[int], int]:
    bits = int(dtype.lstrip("uint"))
    low, high = (0, 1 << bits) if dtype[0] == "u" else (-(1 << bits - 1), 1 << bits - 1)

    def convert(value: int) -> int:
        if not low <= value < high:
            raise InvalidValueError(f"cannot store an array of {dtype}: an element is out of range")
        return int(value)

    return convert


def _rounded(dtype: str) -> Callable[[Any], Any]:
    if dtype == "float64":
        return _as_float
    packed = struct.Struct("<f" if dtype == "float32" else "<e")

    def convert(value: Any) -> Any:
        try:
            found = packed.unpack(packed.pack(value))[0]
        except OverflowError:
            return math.copysign(math.inf, value)
        return found

    return convert


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise InvalidValueError(
            "cannot store an array of float64: an element is out of range"
        ) from error


def _encodable(dtype: str) -> Callable[[str], str]:
    def convert(value: str) -> str:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InvalidValueError(
                f"cannot store an array of {dtype}: an element has a lone surrogate"
            ) from error
        return str(value)

    return convert


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return all(map(_same, a, b))
    return bool(a == b) or (a != a and b != b)


def _dtype_name(dtype: Any) -> str:
    name = str(dtype)
    return "str" if name.startswith(("<U", "str", "=U")) or name == "string" else name


def _infer(items: tuple[Any, ...]) -> str:
    flat = [v for item in items for v in (item if isinstance(item, tuple) else (item,))]
    for name, type_ in (("bool", bool), ("int64", int), ("str", str)):
        if flat and all(type(v) is type_ for v in flat):
            return name
    return "float64" if flat and all(type(v) in (int, float) for v in flat) else "int64"


def _check(items: tuple[Any, ...], dtype: str, width: int | None) -> None:
    if dtype not in DTYPES:
        raise InvalidValueError(
            f"cannot store an array of '{dtype}'",
            hint="arrays hold integers, floats, flags or text; pass objects as text",
        )
    expected: tuple[type, ...] = (
        (bool,) if dtype == "bool" else (str,) if dtype == "str" else (int,)
    )
    if dtype in _FLOATS:
        expected = (int, float)
    for n, item in enumerate(items):
        row = item if isinstance(item, tuple) else (item,)
        if (len(row) if isinstance(item, tuple) else None) != width:
            raise InvalidValueError(f"cannot store an array: row {n} has another length")
        for value in row:
            if not isinstance(value, expected) or (isinstance(value, bool) and dtype != "bool"):
                raise InvalidValueError(
                    f"cannot store an array of {dtype}: element {n} is {type(value).__name__}"
                )

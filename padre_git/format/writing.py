"""Writing documents: one way to write each value, so that equal values are equal bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from padre_git.errors import InvalidValueError
from padre_git.format.scalars import LONGEST_KEY, is_literal, is_word, write_scalar, write_text
from padre_git.model.names import quoted

__all__ = ["END", "write_document"]

#: Under this name :class:`Document` keeps the comments after the last key.
END = ""
_DEEPEST = 32
_STEP = "  "
_SCALARS = (str, float, int)


def write_document(values: Mapping[str, Any], *, comments: Mapping[str, str] = {}) -> bytes:
    """Returns the canonical bytes of a document.

    Args:
        values: None, bool, int, float, text, and mappings and sequences of these, by key in the
            order they are to have.
        comments: full-line comments to keep, by the top-level key they stand above.

    Raises:
        InvalidValueError: if a value or key has no exact place in a document.
    """
    if not values:
        raise InvalidValueError("cannot write a document without keys")
    pieces: list[str] = []
    for name, value in values.items():
        if pieces:
            pieces.append("\n")
        if comments.get(name):
            pieces.append(f"{comments[name]}\n")
        pieces.append(_key(name))
        _value(value, "", 1, pieces)
    if comments.get(END):
        pieces.append(f"\n{comments[END]}\n")
    return "".join(pieces).encode()


def _value(value: Any, indent: str, depth: int, pieces: list[str]) -> None:
    """Adds what stands after ``name:`` or a dash, from the blank to the end of the last line."""
    if isinstance(value, str) and "\n" in value and is_literal(value):
        pieces.append(" |\n" if value.endswith("\n") else " |-\n")
        lines = value.removesuffix("\n").split("\n")
        pieces.extend(f"{indent}{_STEP}{line}\n" if line else "\n" for line in lines)
    elif isinstance(value, _SCALARS):
        pieces.append(f" {write_scalar(value)}\n")
    elif isinstance(value, Mapping | list | tuple):
        _collection(value, indent, depth, pieces)
    else:
        pieces.append(f" {write_scalar(value)}\n")  # None, and whatever it refuses


def _collection(value: Any, indent: str, depth: int, pieces: list[str]) -> None:
    if not value:
        _check_depth(depth)
        pieces.append(" {}\n" if isinstance(value, Mapping) else " []\n")
        return
    pieces.append("\n")
    _items(value, indent + _STEP, depth + 1, pieces, first=indent + _STEP)


def _items(value: Any, indent: str, depth: int, pieces: list[str], *, first: str) -> None:
    """Adds the lines of a mapping or list that is not empty.

    Args:
        value: the mapping or list.
        indent: what its lines begin with.
        depth: how deep it is nested.
        pieces: what they are added to.
        first: what its first line begins with; less than ``indent`` after a dash.
    """
    _check_depth(depth - 1)
    if isinstance(value, Mapping):
        for name, item in value.items():
            pieces.append(first + _key(name))
            _value(item, indent, depth, pieces)
            first = indent
        return
    for item in value:
        pieces.append(f"{first}-")
        if item and isinstance(item, Mapping | list | tuple):
            pieces.append(" ")
            _items(item, indent + _STEP, depth + 1, pieces, first="")
        else:
            _value(item, indent, depth, pieces)
        first = indent


def _check_depth(depth: int) -> None:
    if depth >= _DEEPEST:
        raise InvalidValueError(f"cannot write values nested deeper than {_DEEPEST}")


def _key(name: Any) -> str:
    if not isinstance(name, str):
        raise InvalidValueError(f"cannot write the key {quoted(name)}: it is not text")
    written = name if is_word(name) else write_text(name)
    if len(written) > LONGEST_KEY:
        raise InvalidValueError(f"cannot write the key {quoted(name)}: it is too long")
    return f"{written}:"

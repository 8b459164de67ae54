"""Writing documents: one way to write each value, so that equal values are equal bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from padre_git.errors import InvalidValueError
from padre_git.format.scalars import is_literal, is_word, write_scalar, write_text
from padre_git.model.names import quoted

__all__ = ["END", "write_document"]

#: Under this name :class:`Document` keeps the comments after the last key.
END = ""
_LONGEST_KEY = 500
_DEEPEST = 32
_STEP = "  "


def write_document(values: Mapping[str, Any], *, comments: Mapping[str, str] = {}) -> bytes:
    """Returns the canonical bytes of a document.

    Args:
        values: None, bool, int, float, text, and mappings and sequences of these, by key in the
            order they are to have.
        comments: full-line comments to keep, by the top-level key they stand above.

    Raises:
        InvalidValueError: if a value or key has no exact place in a document.
    """
    pieces = []
    for name, value in values.items():
        above = comments.get(name)
        head = f"{above}\n" if above else ""
        pieces.append(head + "".join(_entry(name, value, "", 1)))
    if comments.get(END):
        pieces.append(f"{comments[END]}\n")
    if not values:
        raise InvalidValueError("cannot write a document without keys")
    return "\n".join(pieces).encode()


def _entry(name: Any, value: Any, indent: str, depth: int) -> Iterator[str]:
    yield f"{indent}{_key(name)}:"
    yield from _value(value, indent, depth)


def _value(value: Any, indent: str, depth: int) -> Iterator[str]:
    """Yields what stands after ``name:``, from the blank to the end of the last line."""
    if isinstance(value, str) and is_literal(value):
        yield " |\n" if value.endswith("\n") else " |-\n"
        for line in value.removesuffix("\n").split("\n"):
            yield f"{indent}{_STEP}{line}\n" if line else "\n"
    elif isinstance(value, Mapping | list | tuple):
        yield from _collection(value, indent, depth)
    else:
        yield f" {write_scalar(value)}\n"


def _collection(value: Any, indent: str, depth: int) -> Iterator[str]:
    if depth >= _DEEPEST:
        raise InvalidValueError(f"cannot write values nested deeper than {_DEEPEST}")
    if not value:
        yield " {}\n" if isinstance(value, Mapping) else " []\n"
        return
    yield "\n"
    yield from _inner(value, indent + _STEP, depth + 1)


def _inner(value: Any, indent: str, depth: int) -> Iterator[str]:
    """Yields the lines of a mapping or list that is not empty."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _entry(name, item, indent, depth)
        return
    for item in value:
        if isinstance(item, Mapping | list | tuple) and item:
            if depth >= _DEEPEST:
                raise InvalidValueError(f"cannot write values nested deeper than {_DEEPEST}")
            lines = "".join(_inner(item, indent + _STEP, depth + 1))
            yield f"{indent}- {lines[len(indent) + len(_STEP) :]}"
        else:
            yield f"{indent}-"
            yield from _value(item, indent, depth)


def _key(name: Any) -> str:
    if not isinstance(name, str):
        raise InvalidValueError(f"cannot write the key {quoted(name)}: it is not text")
    if len(name) > _LONGEST_KEY:
        raise InvalidValueError(f"cannot write the key {quoted(name)}: it is too long")
    return name if is_word(name) else write_text(name)

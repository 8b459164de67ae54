"""Equality: whether two sets of files say the same, whatever the bytes of their documents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from padre_git.errors import FormatError
from padre_git.format import schemas
from padre_git.format.reading import Document, parse_document
from padre_git.model import DOCUMENTS, Kind

__all__ = ["equal", "normal_values", "same"]


def same(kind: Kind, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> bool:
    """Returns whether two sets of files of one record say the same.

    Values are equal if their types and values are; NaN equals NaN, 0.0 is not -0.0, and order
    does not matter in mappings. What cannot be understood equals nothing but the same bytes.

    Args:
        kind: of the record.
        old: content by part name.
        new: likewise.
    """
    if old.keys() != new.keys():
        return False
    return all(_same_part(kind, name, old[name], new[name]) for name in old)


def _same_part(kind: Kind, name: str, old: bytes, new: bytes) -> bool:
    if old == new or not name.endswith(".yaml"):
        return old == new
    try:
        before = normal_values(parse_document(old, file=name), name, kind)
        after = normal_values(parse_document(new, file=name), name, kind)
    except FormatError:
        return False
    return equal(before, after)


def normal_values(document: Document, name: str, kind: Kind) -> Mapping[str, Any]:
    """Returns the values of a record's part in the one form that its schema gives them.

    Raises:
        FormatError: if it is the record's document and breaks its schema.
    """
    if name == DOCUMENTS[kind]:
        return schemas.checked(document, schemas.OF_KIND[kind])
    return document.values


def equal(a: Any, b: Any) -> bool:
    """Returns whether two values of documents are the same value of the same type."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(equal(a[name], b[name]) for name in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b)
    return bool(a == b)

"""Merging one document, field by field.

Mappings are merged key by key at any depth; lists and scalars are whole. What only one side changed
is taken from it, what both changed alike is taken once, and the rest is a conflict with its dotted
name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from padre_git.errors import Conflict, FormatError
from padre_git.format import schemas
from padre_git.format.decoding import decode
from padre_git.format.equality import equal
from padre_git.format.reading import Document, parse_document
from padre_git.format.writing import write_document
from padre_git.model import DOCUMENTS, Key, Kind, Record

__all__ = ["differs_in_url_only", "is_document", "merge_document", "shown"]

#: Managed by the store, not by people: the remote's word counts when both sides have one.
_URL = "url"


class _Missing:
    """Is the value of a field that is not there, which None is not."""


_MISSING: Any = _Missing()
_Report = Callable[[str, Any, Any, Any], None]


def is_document(kind: Kind, part: str) -> bool:
    """Returns whether this part of a record is merged by fields."""
    return part == DOCUMENTS[kind] or (kind is Kind.RUN and part == schemas.METRICS)


def merge_document(
    place: tuple[Key, str], base: bytes | None, ours: bytes, theirs: bytes
) -> tuple[bytes | None, list[Conflict]]:
    """Returns the merged document and what is left for people to decide.

    Args:
        place: key of the record and name of the part.
        base: bytes in the common ancestor; None if there was none.
        ours: bytes on this side.
        theirs: bytes on the other side.

    Returns:
        Canonical bytes (those of one side if it says all of it; None for an empty table of
        metrics), and the conflicts, whose fields have the values of this side. If one of the
        versions cannot be understood, the whole part is in conflict.
    """
    key, part = place
    try:
        documents = [None if data is None else parse_document(data, file=part) for data in
                     (base, ours, theirs)]  # fmt: skip
        b, o, t = ({} if doc is None else _values(doc, key.kind, part) for doc in documents)
    except FormatError:
        return ours, [_whole(place, base, ours, theirs)]
    found: list[Conflict] = []
    prefix = "" if part == DOCUMENTS[key.kind] else "metrics."

    def report(field: str, b: Any, o: Any, t: Any) -> None:
        known = [None if value is _MISSING else value for value in (b, o, t)]
        found.append(
            Conflict(key=key.text, field=prefix + field, base=known[0], ours=known[1],
                     theirs=known[2])
        )  # fmt: skip

    merged = _merge_mappings(b, o, t, "", report)
    comments = _merge_comments(*documents)
    for data, values, document in ((ours, o, documents[1]), (theirs, t, documents[2])):
        if equal(merged, values) and document is not None and comments == document.comments:
            return data, found
    written = _written(key.kind, part, merged, comments)
    if not _is_sound(place, written):  # each side is, but not the two together
        return ours, [_whole(place, base, ours, theirs)]
    return written, found


def _values(document: Document, kind: Kind, part: str) -> Mapping[str, Any]:
    if part == schemas.METRICS:
        return schemas.check_metrics(document)
    return schemas.checked(document, schemas.OF_KIND[kind])


def _whole(place: tuple[Key, str], *versions: bytes | None) -> Conflict:
    base, ours, theirs = map(shown, versions)
    return Conflict(key=place[0].text, field=place[1], base=base, ours=ours, theirs=theirs)


def shown(data: bytes | None) -> str | bytes | None:
    """Returns the content of a file as conflicts show it: as text if it is text."""
    try:
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        return data


def _merge_mappings(
    base: Mapping[str, Any],
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    within: str,
    report: _Report,
) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name in dict.fromkeys((*ours, *theirs, *base)):
        value = _merge_values(
            base.get(name, _MISSING),
            ours.get(name, _MISSING),
            theirs.get(name, _MISSING),
            f"{within}{name}",
            report,
        )
        if value is not _MISSING:
            merged[name] = value
    return merged


def _merge_values(base: Any, ours: Any, theirs: Any, field: str, report: _Report) -> Any:
    if equal(ours, theirs) or equal(theirs, base):
        return ours
    if equal(ours, base) or (field == _URL and theirs is not _MISSING):
        return theirs
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        inner = base if isinstance(base, Mapping) else {}
        return _merge_mappings(inner, ours, theirs, f"{field}.", report)
    report(field, base, ours, theirs)
    return ours


def _written(
    kind: Kind, part: str, merged: Mapping[str, Any], comments: Mapping[str, str]
) -> bytes | None:
    if part == schemas.METRICS:
        return write_document(merged, comments=comments) if merged else None
    schema = schemas.OF_KIND[kind]
    values = {"schema": schema.name, **schemas.normal(merged, schema.fields)}
    return write_document(values, comments=comments)


def _merge_comments(*documents: Document | None) -> dict[str, str]:
    """Returns the comments of both sides; one that both changed is there twice."""
    base, ours, theirs = ({} if doc is None else doc.comments for doc in documents)
    merged = {}
    for name in {**ours, **theirs}:
        b, o, t = (side.get(name) for side in (base, ours, theirs))
        both = o if t in (o, b) else t if o == b else "\n".join(filter(None, (o, t)))
        if both:
            merged[name] = both
    return merged


def _is_sound(place: tuple[Key, str], data: bytes | None) -> bool:
    key, part = place
    if data is None or part != DOCUMENTS[key.kind]:
        return True
    try:
        decode(Record(key=key, files={part: data}))
    except FormatError:
        return False
    return True


def differs_in_url_only(kind: Kind, part: str, old: bytes | None, new: bytes | None) -> bool:
    """Returns whether two versions of a document say the same but for where it is published."""
    if old is None or new is None or part != DOCUMENTS[kind]:
        return False
    try:
        before, after = (
            {**_values(parse_document(data, file=part), kind, part), _URL: None}
            for data in (old, new)
        )
    except FormatError:
        return False
    return equal(before, after)

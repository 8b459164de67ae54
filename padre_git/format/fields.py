"""Merging one document, field by field.

Mappings are merged key by key at any depth; lists and scalars are whole. What only one side changed
is taken from it, what both changed alike is taken once, and the rest is a conflict with its dotted
name, unless somebody has decided it. The result does not depend on which side is which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from padre_git.errors import Conflict, FormatError, InvalidValueError
from padre_git.format import checks, schemas
from padre_git.format.checks import Invalid
from padre_git.format.decoding import decode
from padre_git.format.equality import equal
from padre_git.format.reading import Document, parse_document
from padre_git.format.tombstones import read_tombstone
from padre_git.format.writing import write_document
from padre_git.messages.settling import Choice, Decision
from padre_git.model import DOCUMENTS, Key, Kind, Record
from padre_git.model.values import freeze, thaw

__all__ = [
    "EVERYTHING",
    "Decide",
    "differs_in_url_only",
    "is_document",
    "merge_document",
    "nobody_decides",
    "shown",
]

#: Returns what was decided about a conflict; None if nothing was.
Decide = Callable[[Conflict], Decision | None]
#: The doubt about a file of which nobody knows what the common ancestor had.
EVERYTHING: Final = frozenset([""])

#: Managed by the store, not by people: the remote's word counts when both sides have one.
_URL = "url"


class _Missing:
    """Is the value of a field that is not there, which None is not."""


class _Unknown:
    """Is the value of a field in an ancestor that is not known; nothing equals it."""


_MISSING: Any = _Missing()
_UNKNOWN: Any = _Unknown()
#: Is told of a field that both changed, with all three values, and returns what to take.
_Report = Callable[[str, Any, Any, Any], Any]


def nobody_decides(_: Conflict) -> Decision | None:
    """Returns None: nothing was decided yet."""
    return None


def is_document(kind: Kind, part: str) -> bool:
    """Returns whether this part of a record is merged by fields."""
    return part == DOCUMENTS[kind] or (kind is Kind.RUN and part == schemas.METRICS)


def merge_document(
    place: tuple[Key, str],
    base: bytes | None,
    ours: bytes,
    theirs: bytes,
    *,
    doubt: frozenset[str] = frozenset(),
    decide: Decide = nobody_decides,
) -> tuple[bytes | None, list[tuple[str | None, Conflict]]]:
    """Returns the merged document and what is left for people to decide.

    Args:
        place: key of the record and name of the part.
        base: bytes in the common ancestor; None if there was none.
        ours: bytes on this side.
        theirs: bytes on the other side.
        doubt: dotted names of fields that count as changed by both, whatever the base says;
            :data:`EVERYTHING` for all.
        decide: knows what was decided already.

    Returns:
        Canonical bytes (those of one side if it says all of it; None for an empty table of
        metrics), and the conflicts with their fields' names in the document; those fields have the
        values of this side. If one of the versions cannot be understood, or a merged document could
        not, the whole part is in conflict, and the name is None.

    Raises:
        InvalidValueError: if a value that was decided has no place in the document.
    """
    key, part = place
    if base is not None and read_tombstone(base, key) is not None:
        base = None  # both have put the record back
    try:
        documents = [None if data is None else parse_document(data, file=part) for data in
                     (base, ours, theirs)]  # fmt: skip
        b, o, t = ({} if doc is None else _values(doc, key.kind, part) for doc in documents)
    except FormatError:
        return ours, [(None, _whole(place, base, ours, theirs))]
    found: list[tuple[str | None, Conflict]] = []
    merged = _Fields(doubt, _reporter(place, decide, found)).all(b, o, t)
    comments = _merge_comments(*documents)
    alike = [
        data
        for data, values, document in ((ours, o, documents[1]), (theirs, t, documents[2]))
        if equal(merged, values) and document is not None and comments == document.comments
    ]
    if alike:
        return min(alike), found
    written = _written(place, merged, comments)
    if not _is_sound(place, written):  # each side is, but not the two together
        return ours, [(None, _whole(place, base, ours, theirs))]
    return written, found


def _reporter(
    place: tuple[Key, str], decide: Decide, found: list[tuple[str | None, Conflict]]
) -> _Report:
    key, part = place
    prefix = "" if part == DOCUMENTS[key.kind] else "metrics."

    def report(field: str, b: Any, o: Any, t: Any) -> Any:
        base, ours, theirs = (_frozen(value, field) for value in (b, o, t))
        conflict = Conflict(key=key.text, field=prefix + field, base=base, ours=ours, theirs=theirs)
        decision = decide(conflict)
        if decision is None:
            found.append((field, conflict))
            return o
        if decision.choice is Choice.VALUE:
            return thaw(decision.value)
        return o if decision.choice is Choice.OURS else t

    return report


def _frozen(value: Any, field: str) -> Any:
    if isinstance(value, _Missing | _Unknown):
        return None
    return freeze(value, field, finite=False)


def _values(document: Document, kind: Kind, part: str) -> Mapping[str, Any]:
    if part == schemas.METRICS:
        return schemas.check_metrics(document)
    return schemas.checked(document, schemas.OF_KIND[kind])


def _whole(place: tuple[Key, str], *versions: bytes | None) -> Conflict:
    base, ours, theirs = (shown(place, data) for data in versions)
    return Conflict(key=place[0].text, field=place[1], base=base, ours=ours, theirs=theirs)


def shown(place: tuple[Key, str] | None, data: bytes | None) -> object:
    """Returns the content of a file as conflicts show it.

    Args:
        place: key of the record and name of the part; None for a file of the user's.
        data: its bytes; None for no file.

    Returns:
        The values of a document that can be read, None for a tombstone; else text if it is text.
    """
    if data is None:
        return None
    if place is not None and is_document(place[0].kind, place[1]):
        if read_tombstone(data, place[0]) is not None:
            return None
        try:
            document = parse_document(data, file=place[1])
            return freeze(_values(document, place[0].kind, place[1]), place[1], finite=False)
        except (FormatError, InvalidValueError):
            pass  # then it is shown as it stands
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


class _Fields:
    """Merges the fields of one document."""

    def __init__(self, doubt: frozenset[str], report: _Report) -> None:
        self._doubt = doubt
        self._report = report

    def all(
        self, base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Returns the merged fields of the whole document."""
        before = _UNKNOWN if self._doubt >= EVERYTHING else base
        return self._mappings(before, ours, theirs, "")

    def _mappings(
        self, base: Any, ours: Mapping[str, Any], theirs: Mapping[str, Any], within: str
    ) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        known = base if isinstance(base, Mapping) else {}
        absent = _UNKNOWN if base is _UNKNOWN else _MISSING
        for name in _order(known, ours, theirs):
            value = self._values(
                known.get(name, absent),
                ours.get(name, _MISSING),
                theirs.get(name, _MISSING),
                f"{within}{name}",
            )
            if value is not _MISSING:
                merged[name] = value
        return merged

    def _values(self, base: Any, ours: Any, theirs: Any, field: str) -> Any:
        if field in self._doubt:
            base = _UNKNOWN
        if equal(ours, theirs):
            return ours
        if any(name.startswith(f"{field}.") for name in self._doubt):
            if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
                return self._mappings(base, ours, theirs, f"{field}.")
            base = _UNKNOWN
        if equal(theirs, base):
            return ours
        if equal(ours, base) or (field == _URL and theirs is not _MISSING):
            return theirs
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            return self._mappings(base, ours, theirs, f"{field}.")
        return self._report(field, base, ours, theirs)


def _order(base: Iterable[str], ours: Iterable[str], theirs: Iterable[str]) -> list[str]:
    """Returns the names of all three, in an order that does not depend on which side is which."""
    known = set(base)
    new = [[name for name in side if name not in known] for side in (ours, theirs)]
    if all(new):
        first, second = sorted(new)
        return list(dict.fromkeys((*base, *first, *second)))
    leading = ours if new[0] else theirs if new[1] else ()
    return list(dict.fromkeys((*leading, *base, *ours, *theirs)))


def _written(
    place: tuple[Key, str], merged: Mapping[str, Any], comments: Mapping[str, str]
) -> bytes | None:
    key, part = place
    try:
        if part == schemas.METRICS:
            values = checks.numbers(merged, "") if merged else {}
            return write_document(values, comments=comments) if values else None
        schema = schemas.OF_KIND[key.kind]
        values = {"schema": schema.name, **schemas.normal(merged, schema.fields)}
    except Invalid as error:  # both sides are right, so it is what somebody has decided
        raise InvalidValueError(
            f"'{error.field}' {error.reason}", field=error.field, key=key
        ) from error
    return write_document(values, comments=comments)


def _merge_comments(*documents: Document | None) -> dict[str, str]:
    """Returns the comments of both sides; one that both changed is there twice."""
    base, ours, theirs = ({} if doc is None else doc.comments for doc in documents)
    merged = {}
    for name in {**ours, **theirs}:
        b, o, t = (side.get(name) for side in (base, ours, theirs))
        both = o if t in (o, b) else t if o == b else "\n".join(sorted(filter(None, (o, t))))
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

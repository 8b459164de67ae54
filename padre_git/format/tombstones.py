"""Tombstones: what stands in the place of a record that was deleted or renamed."""

from __future__ import annotations

from padre_git.errors import DocumentError, FormatError, InvalidNameError
from padre_git.format.reading import Document, parse_document
from padre_git.format.schemas import DELETED, checked
from padre_git.format.writing import write_document
from padre_git.model import DOCUMENTS, Key, Kind, Tombstone

__all__ = ["check_tombstone", "read_tombstone", "tombstone"]


def tombstone(moved_to: Key | None = None) -> bytes:
    """Returns the document that a deleted record leaves in its place.

    Args:
        moved_to: the record's new key, in the same project (or the project's new name), if it
            was renamed.
    """
    values = {"schema": DELETED.name}
    if moved_to is not None:
        values["moved_to"] = moved_to.path or moved_to.text
    return write_document(values)


def read_tombstone(data: bytes, key: Key) -> Tombstone | None:
    """Returns the tombstone that the document of ``key`` is; None if it is none.

    Whatever calls itself deleted is deleted, of whichever version, so that damage cannot bring a
    record back to life; :func:`check_tombstone` says what is wrong with it. What is no document at
    all is left to the reader of the record.

    Args:
        data: bytes of the record's document.
        key: where they were found.
    """
    if b"deleted/" not in data:
        return None
    try:
        document = parse_document(data)
    except DocumentError:
        return None
    if not _is_deleted(document):
        return None
    try:
        return Tombstone(key=key, moved_to=_moved_to(document, key))
    except FormatError:
        return Tombstone(key=key)


def check_tombstone(data: bytes, key: Key) -> None:
    """Makes sure that a tombstone keeps the format.

    Args:
        data: bytes of the record's document.
        key: where they were found.

    Raises:
        DocumentError: if it does not, naming line and field.
        UnsupportedFormatError: if it is of a later version.
    """
    try:
        _moved_to(parse_document(data, file=DOCUMENTS[key.kind]), key)
    except DocumentError as error:
        raise error.located(key=key) from error


def _is_deleted(document: Document) -> bool:
    schema = document.values.get("schema")
    return isinstance(schema, str) and schema.startswith("deleted/")


def _moved_to(document: Document, key: Key) -> Key | None:
    text = checked(document, DELETED).get("moved_to")
    if text is None:
        return None
    try:
        target = Key.parse(text if key.kind is Kind.PROJECT else f"{key.project}/{text}")
    except InvalidNameError as error:
        raise document.error(error.message, "moved_to") from error
    if target.kind is not key.kind:
        raise document.error(f"one {key.kind} cannot move to {target.kind.noun}", "moved_to")
    return target

"""Tombstones: what stands in the place of a record that was deleted or renamed."""

from __future__ import annotations

from padre_git.errors import InvalidNameError
from padre_git.format.reading import Document, parse_document
from padre_git.format.schemas import DELETED, checked, schema_of
from padre_git.format.writing import write_document
from padre_git.model import DOCUMENTS, Key, Kind, Tombstone

__all__ = ["read_tombstone", "tombstone"]


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
    """Returns the tombstone that the document of ``key`` is; None if it is a living record.

    Args:
        data: bytes of the record's document.
        key: where they were found.

    Raises:
        DocumentError: if it is a tombstone that breaks the format.
        UnsupportedFormatError: if it is a tombstone of a later format.
    """
    if b"deleted/" not in data:
        return None
    document = parse_document(data, file=DOCUMENTS[key.kind])
    if not str(document.values.get("schema", "")).startswith("deleted/"):
        return None
    schema_of(document, DELETED)
    values = checked(document, DELETED)
    return Tombstone(key=key, moved_to=_target(document, values.get("moved_to"), key))


def _target(document: Document, text: str | None, key: Key) -> Key | None:
    if text is None:
        return None
    try:
        target = Key.parse(text if key.kind is Kind.PROJECT else f"{key.project}/{text}")
    except InvalidNameError as error:
        raise document.error(error.message, "moved_to").located(key=key) from error
    if target.kind is not key.kind:
        raise document.error(f"a {key.kind} cannot move to a {target.kind}", "moved_to").located(
            key=key
        )
    return target

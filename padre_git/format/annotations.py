"""Tags and notes: what people add to a run after it has ended, one file each.

A tag is an empty file whose name says everything, ``tags/candidate`` or ``tags/table=2``, because
git never pairs empty files as renames and two people adding tags touch no common file. Characters
other than ``A-Z a-z 0-9 _ . -`` are written ``%XX``, byte by byte of their UTF-8 form. A tag whose
name would make a path too long is a file ``tags/~<hash>`` with that name as its content. Notes are
files that are added and never changed.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from padre_git.errors import DocumentError, InvalidNameError
from padre_git.model import FrozenMapping, Note
from padre_git.model.ids import ALPHABET
from padre_git.model.names import LONGEST_LABEL, check_label, is_device

__all__ = [
    "decode_notes",
    "decode_tag",
    "decode_tags",
    "encode_tag",
    "encode_tags",
    "is_note_part",
    "is_tag_part",
    "new_note_name",
]

#: Characters of a tag's file name beyond which the name becomes the file's content. The longest
#: directory of a run has 103 characters, "/tags/" 6, and a path of ours at most 150.
LONGEST_TAG = 41
_LONGEST_PART = LONGEST_TAG + len("tags/")
_LONGEST_NOTE = 40
_HASH_DIGITS = 24
_MOMENT = timedelta(milliseconds=1)

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_DOT = ord(".")
_WRITTEN = r"(?:[A-Za-z0-9_.-]|%[0-9A-F]{2})+"
_TAG = re.compile(rf"tags/({_WRITTEN})(?:=({_WRITTEN}))?")
_LONG_TAG = re.compile(rf"tags/~[0-9a-f]{{{_HASH_DIGITS}}}")
_LONG_CONTENT = re.compile(rf"({_WRITTEN})(?:=({_WRITTEN}))?\n")
_NOTE = re.compile(r"notes/[A-Za-z0-9][A-Za-z0-9_.-]*\.md")


def _written(text: str) -> str:
    """Returns ``text`` with all but plain characters as ``%XX``; a dot only stays inside."""
    data = text.encode()
    last = len(data) - 1
    pieces = [
        chr(byte) if byte in _PLAIN or (byte == _DOT and 0 < n < last) else f"%{byte:02X}"
        for n, byte in enumerate(data)
    ]
    if is_device(text.partition(".")[0].lower()):  # Windows would open a device, not a file
        pieces[0] = f"%{data[0]:02X}"
    return "".join(pieces)


def _read(written: str) -> str | None:
    """Returns the text that is written so, or None if it is not a label or not canonical."""
    try:
        text = check_label(unquote(written, errors="strict"), "tag")
    except (UnicodeDecodeError, InvalidNameError):
        return None
    return text if _written(text) == written else None


def encode_tag(name: str, value: str = "") -> tuple[str, bytes]:
    """Returns the part name and the content of one tag.

    Args:
        name: label of the tag.
        value: label too, or empty for a mere tag.

    Raises:
        InvalidNameError: if name or value is not a label.
    """
    written = _written(check_label(name, "tag"))
    if value:
        written += "=" + _written(check_label(value, "tag value"))
    if len(written) <= LONGEST_TAG:
        return f"tags/{written}", b""
    content = f"{written}\n".encode()
    return f"tags/~{hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]}", content


def encode_tags(tags: Mapping[str, str]) -> dict[str, bytes]:
    """Returns the parts of a run's tags: content by part name.

    Raises:
        InvalidNameError: if a name or value is not a label.
    """
    return dict(encode_tag(name, value) for name, value in tags.items())


def decode_tag(part: str, content: bytes = b"") -> tuple[str, str]:
    """Returns name and value of one tag.

    Args:
        part: name of the part.
        content: its bytes, which count only for tags with long names.

    Raises:
        DocumentError: if it is not a tag as :func:`encode_tag` writes it.
    """
    if _LONG_TAG.fullmatch(part):
        found = _LONG_CONTENT.fullmatch(content.decode("ascii", errors="replace"))
        if found is None or not part.endswith(hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]):
            raise DocumentError("the tag's content does not belong to its file name", file=part)
    else:
        found = _TAG.fullmatch(part) if len(part) <= _LONGEST_PART else None
    name = _read(found[1]) if found else None
    value = _read(found[2]) if found and found[2] is not None else ""
    if name is None or value is None:
        raise DocumentError("the file name is not a tag", file=part)
    return name, value


def decode_tags(files: Mapping[str, bytes]) -> FrozenMapping:
    """Returns a run's tags, value by name, sorted; parts that are not tags are passed over.

    A tag that got two values from two people has both, ``"1, 2"``, until somebody decides.

    Raises:
        DocumentError: if a tag's file is damaged.
    """
    found: dict[str, list[str]] = {}
    for part in sorted(files):
        if is_tag_part(part):
            name, value = decode_tag(part, files[part])
            found.setdefault(name, []).append(value)
    return FrozenMapping({name: _joined(found[name]) for name in sorted(found)})


def _joined(values: Iterable[str]) -> str:
    text = ", ".join(sorted(filter(None, values)))
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1].rstrip() + "…"


def decode_notes(files: Mapping[str, bytes]) -> tuple[Note, ...]:
    """Returns a run's notes in the order of their names, which is that of their times.

    Raises:
        DocumentError: if a note is not UTF-8.
    """
    notes = []
    for part in sorted(filter(is_note_part, files)):
        try:
            text = files[part].decode()
        except UnicodeDecodeError as error:
            raise DocumentError("the note is not UTF-8 text", file=part) from error
        notes.append(Note(text=text, name=part.removeprefix("notes/")))
    return tuple(notes)


def new_note_name(at: datetime, *, taken: Iterable[str] = ()) -> str:
    """Returns a file name for a new note: the UTC time and four random characters.

    It comes after the names of the same moment, which a clock may not tell apart.

    Args:
        at: when the note was written.
        taken: names that the run has already.
    """
    at = at.astimezone(UTC)
    soon = _stamp(at + _MOMENT)
    latest = max((s for name in taken if (s := name.partition("-")[0]) < soon), default="")
    while (stamp := _stamp(at)) <= latest:
        at += timedelta(microseconds=1)
    return f"{stamp}-{''.join(secrets.choice(ALPHABET) for _ in range(4))}.md"


def _stamp(at: datetime) -> str:
    return at.strftime("%Y%m%dt%H%M%S%f")


def is_tag_part(part: str) -> bool:
    """Returns whether this is the part name of a tag."""
    if not part.startswith("tags/"):
        return False
    if _LONG_TAG.fullmatch(part):
        return True
    found = _TAG.fullmatch(part)
    return (
        found is not None
        and len(part) <= _LONGEST_PART
        and all(_read(written) is not None for written in found.groups() if written is not None)
    )


def is_note_part(part: str) -> bool:
    """Returns whether this is the part name of a note."""
    return _NOTE.fullmatch(part) is not None and len(part) <= _LONGEST_NOTE + len("notes/")

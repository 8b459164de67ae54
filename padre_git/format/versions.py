"""Versions: which repositories this padre_git may read and write."""

from __future__ import annotations

from padre_git.errors import DocumentError, UnsupportedFormatError
from padre_git.format.checks import shown
from padre_git.format.reading import Document, parse_document
from padre_git.format.writing import write_document
from padre_git.model.names import quoted

__all__ = ["EXTENSIONS", "FORMAT", "FORMAT_FILE", "check_format", "format_document"]

#: The format that this version writes. Every earlier one is read, too.
FORMAT = 1
#: Extensions that this version understands.
EXTENSIONS: frozenset[str] = frozenset()
FORMAT_FILE = ".padre/format.yaml"

_UPGRADE = "upgrade: pip install --upgrade 'padre-git{}'"


def format_document() -> bytes:
    """Returns the content of a new project's ``.padre/format.yaml``."""
    return write_document({"format": FORMAT, "extensions": []})


_OURS = format_document()


def check_format(data: bytes | None, project: str) -> None:
    """Makes sure that a project's repository can be understood, before anything else is read.

    Args:
        data: content of its ``.padre/format.yaml``; None if there is none.
        project: its name.

    Raises:
        UnsupportedFormatError: if it is of a later format, has an unknown extension, or is not a
            project at all.
        DocumentError: if the file is damaged.
    """
    if data == _OURS:
        return
    if data is None:
        raise UnsupportedFormatError(
            f"'{project}' is not a project: it has no {FORMAT_FILE}",
            key=project,
            hint="'padre-git init' makes a project",
        )
    try:
        _check(parse_document(data, file=FORMAT_FILE), project)
    except DocumentError as error:
        raise error.located(key=project) from error


def _check(document: Document, project: str) -> None:
    _check_number(document, project)
    _check_extensions(document, project)
    for name in document.values:
        if name not in ("format", "extensions"):
            raise document.error(f"{quoted(name)} is not a known key", name)


def _check_number(document: Document, project: str) -> None:
    number = document.values.get("format")
    if type(number) is not int or number < 1:
        message = f"'format' is {shown(number)}, not a number from 1"
        raise document.error(message, "format")
    if number > FORMAT:
        raise UnsupportedFormatError(
            f"'{project}' has format {number}; this version reads up to {FORMAT}",
            key=project,
            hint=_advice(document),
        )


def _check_extensions(document: Document, project: str) -> None:
    extensions = document.values.get("extensions") or []
    if not isinstance(extensions, list) or not all(isinstance(e, str) for e in extensions):
        message = "'extensions' is not a list of names"
        raise document.error(message, "extensions")
    for name in extensions:
        if name not in EXTENSIONS:
            raise UnsupportedFormatError(
                f"'{project}' uses the extension {quoted(name)}, which this version does not know",
                key=project,
                hint=_advice(document),
            )


def _advice(document: Document) -> str:
    """Returns what to install; later formats name the first version that reads them."""
    needed = document.values.get("requires")
    return _UPGRADE.format(f">={needed}" if isinstance(needed, str) and _is_version(needed) else "")


def _is_version(text: str) -> bool:
    return len(text) < 20 and all(part.isascii() and part.isdigit() for part in text.split("."))

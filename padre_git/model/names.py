"""Which names may be stored: names of records, labels of parameters, metrics and tags.

Record names become directories on every platform and scalars in YAML, so they are narrow; labels
come from training frameworks, so they are wide. Both are checked on the way in and on the way out.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NoReturn

from padre_git.errors import InvalidNameError

__all__ = ["LONGEST_LABEL", "check_label", "check_name", "is_device", "is_name"]

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{port}{n}" for port in ("com", "lpt") for n in range(10)]
)
#: Characters of the longest label.
LONGEST_LABEL = 250
_SHOWN = 60


def quoted(text: object) -> str:
    """Returns ``text`` as one short, printable, quoted piece of an error message."""
    shown = ascii(text) if not isinstance(text, str) else f"'{_printable(text)}'"
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: _SHOWN + 1])


def is_device(text: str) -> bool:
    """Returns whether ``text``, in lower case, names a Windows device."""
    return text in _DEVICES


def is_name(text: str) -> bool:
    """Returns whether ``text`` may name a project, dataset or experiment."""
    return _NAME.fullmatch(text) is not None and text not in _DEVICES


def check_name(text: object, what: str) -> str:
    """Returns ``text`` if it may name a ``what`` (project, dataset, experiment).

    Raises:
        InvalidNameError: if it may not; the hint says how names look.
    """
    if isinstance(text, str) and is_name(text):
        return text
    if isinstance(text, str) and text in _DEVICES:
        reason = "is the name of a Windows device"
    else:
        reason = "is not a name"
    raise InvalidNameError(
        f"invalid {what} name: {quoted(text)} {reason}",
        hint="names are 1 to 40 characters, a-z 0-9 _ -, and begin with a letter;"
        " text for people belongs in 'title'",
    )


def check_label(text: object, what: str) -> str:
    """Returns ``text`` if it may label a ``what`` (parameter, metric, tag).

    Labels are 1 to 250 printable characters in Unicode's NFC form, without blanks at the ends.

    Raises:
        InvalidNameError: if it may not.
    """
    if isinstance(text, str) and len(text) <= LONGEST_LABEL and _is_label(text):
        return text
    return _refused_label(text, what)


@lru_cache(maxsize=4096)  # runs have the same few names by the thousand
def _is_label(text: str) -> bool:
    return (
        text != ""
        and text.isprintable()
        and text == text.strip()
        and unicodedata.is_normalized("NFC", text)
    )


def _refused_label(text: object, what: str) -> NoReturn:
    if not isinstance(text, str):
        raise InvalidNameError(
            f"invalid {what} name: {quoted(text)} is {type(text).__name__}, not text"
        )
    if not 1 <= len(text) <= LONGEST_LABEL:
        raise InvalidNameError(
            f"invalid {what} name: {quoted(text)} has {len(text)} characters, not 1 to 250"
        )
    if not text.isprintable() or text != text.strip():
        raise InvalidNameError(
            f"invalid {what} name: {quoted(text)} has control characters or blanks at its ends"
        )
    raise InvalidNameError(
        f"invalid {what} name: {quoted(text)} is not in Unicode's NFC form",
        hint="pass it through unicodedata.normalize('NFC', name)",
    )

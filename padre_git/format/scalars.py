"""Scalars: what one value looks like in a document, and what a word in a document means.

Words are read as YAML 1.2's core schema says. They are written so that YAML 1.1, which reads
``no``, ``012``, ``1:30`` and dates in its own way, agrees.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from padre_git.errors import InvalidValueError
from padre_git.model.names import quoted

__all__ = [
    "LONGEST_KEY",
    "MOST_DIGITS",
    "UNSEEN",
    "WORDS",
    "is_literal",
    "is_text",
    "is_word",
    "read_word",
    "write_scalar",
    "write_text",
]

#: Integers with more digits are refused, here as in the model; Python alone fails at 4,300.
MOST_DIGITS = 100
#: Characters that a key has at most, with quotes and escapes; YAML itself allows 1,024.
LONGEST_KEY = 1000
_LONGEST_NUMBER = 400

_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
#: The words that are no text without quotes, and no numbers either.
WORDS: Mapping[str, Any] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], math.nan),
    **{f"{sign}{word}": math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **{f"-{word}": -math.inf for word in (".inf", ".Inf", ".INF")},
}

#: Characters that are written as ``\\uXXXX``: controls, line breaks of one YAML version only, and
#: what nobody sees. A fixed list, since what Python calls printable changes between its versions.
UNSEEN = (
    "\x7f-\xa0\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff"
    "\ud800-\udfff"
)
_ESCAPES = re.compile(f"[{UNSEEN}]")

# A plain word begins with a letter, so that it cannot be a number, a date or an indicator, and has
# no blank after a colon, no # and no character that is an indicator inside brackets.
_PLAIN = re.compile(
    rf"(?![{UNSEEN}])[A-Za-z_/\u00a1-\U0010ffff]"
    rf"(?:[^\x00-\x20#:\[\]{{}}`{UNSEEN}]|:(?=[^ ])| (?=[^ ]))*"
)
_MISREAD = frozenset(
    "null true false yes no on off y n nan inf infinity none undefined".split()  # noqa: SIM905
)
_NOT_LITERAL = re.compile(rf"[\x00-\x08\x0b-\x1f{UNSEEN}]|\n\t|[ \t]\n|[ \t]\Z|\n\n\Z")


def is_text(text: str) -> bool:
    """Returns whether ``text`` can be encoded, that is, has no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_word(text: str) -> bool:
    """Returns whether ``text`` is written without quotes."""
    return _is_short_word(text) if len(text) <= _SHORT else _is_word(text)


def _is_word(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _MISREAD


#: Answers for short texts are kept: runs have the same few names and values by the thousand.
_SHORT = 64
_is_short_word = lru_cache(maxsize=4096)(_is_word)


def read_word(text: str) -> Any:
    """Returns the value of a scalar without quotes, as the core schema of YAML 1.2 has it.

    Raises:
        ValueError: for a number that Python cannot hold exactly enough; its text says why.
    """
    if text in WORDS:
        return WORDS[text]
    if not (text[0].isascii() and text[0] in "+-.0123456789"):
        return text
    for pattern, convert in _NUMBERS:
        if pattern.fullmatch(text):
            return convert(text)
    return text


def _read_int(text: str) -> int:
    return _bounded(int(_short(text, MOST_DIGITS + 1)))


def _read_based(text: str) -> int:
    return _bounded(int(_short(text, _LONGEST_NUMBER), 0))


def _read_float(text: str) -> float:
    value = float(_short(text, _LONGEST_NUMBER))
    if math.isinf(value):
        raise ValueError("the number is too large for a float")
    return value


def _short(text: str, length: int) -> str:
    if len(text) > length:
        raise ValueError(f"the number has {len(text)} characters, more than {length}")
    return text


def _bounded(value: int) -> int:
    if not -(10**MOST_DIGITS) < value < 10**MOST_DIGITS:
        raise ValueError(f"the integer has more than {MOST_DIGITS} digits")
    return value


_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (_INT, _read_int),
    (_FLOAT, _read_float),
    (_OCTAL, _read_based),
    (_HEX, _read_based),
)


def write_scalar(value: Any) -> str:
    """Returns a value that is not a mapping or list as it stands in a document, on one line.

    Raises:
        InvalidValueError: if the value is of another type or cannot be written exactly.
    """
    if isinstance(value, str):
        return value if is_word(value) else write_text(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _write_int(value)
    if isinstance(value, float):
        return _write_float(value)
    raise InvalidValueError(f"cannot write a value of type {type(value).__name__}")


def _write_int(value: int) -> str:
    if not -(10**MOST_DIGITS) < value < 10**MOST_DIGITS:
        raise InvalidValueError(f"cannot write an integer of more than {MOST_DIGITS} digits")
    return int.__repr__(value)


def _write_float(value: float) -> str:
    if value != value:
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = float.__repr__(value)
    mantissa, exponent, power = text.partition("e")
    return text if "." in mantissa else f"{mantissa}.0{exponent}{power}"


def write_text(text: str) -> str:
    """Returns ``text`` in double quotes; the result is a JSON string, too.

    Raises:
        InvalidValueError: if it has a lone surrogate.
    """
    if not is_text(text):
        raise InvalidValueError(f"cannot write {quoted(text)}: it has a lone surrogate")
    written = json.dumps(str(text), ensure_ascii=False)
    return _ESCAPES.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def is_literal(text: str) -> bool:
    """Returns whether ``text`` has a line break and a literal block holds exactly it."""
    return "\n" in text and text[0] not in " \t\n" and _NOT_LITERAL.search(text) is None

"""The quick reader: documents in our own canonical form, read line by line.

It is an optimization and nothing else. What is not in the form that
:mod:`padre_git.format.writing` gives (comments, literal blocks, other quotes, any error) makes it
give up, and the strict reader decides. What it does read, it reads as that one would;
``tests/format/test_quick.py`` holds the two against each other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from padre_git.format.scalars import LONGEST_KEY, MOST_DIGITS, UNSEEN, WORDS

__all__ = ["read_quickly"]

#: Longer documents are read strictly, since all lines are held at once here.
MOST_CHARACTERS = 2**20
_DEEPEST = 30

# A word without quotes, a text in quotes, a number, and what is written in brackets or with a dot.
# Possessive repeats keep the time linear and the lines short.
_FIRST = (
    r"A-Za-z_/\xa1-\xac\xae-\u061b\u061d-\u180d\u180f-\u200a\u2010-\u2027\u2070-\ud7ff"
    r"\ue000-\ufefe\uff00-\uffef\U00010000-\U0010ffff"
)
_REST = rf"[^\x00-\x20#:\[\]{{}}`{UNSEEN}]"
_WORD = rf"[{_FIRST}]{_REST}*+(?:[: ]{_REST}++)*+"
_CHARACTERS = rf'[^"\\\x00-\x1f{UNSEEN}]*+'
_ESCAPE = r'\\(?:["\\bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})'
_QUOTED = rf'"{_CHARACTERS}(?:{_ESCAPE}{_CHARACTERS})*+"'
_NUMBER = r"-?[0-9]{1,320}+(?:\.[0-9]{1,40}(?:e[-+][0-9]{2,3})?)?"
_LINE = re.compile(
    rf"^(?!\n)( *+)((?:- )*+)(?:({_WORD}|{_QUOTED}):(?=[ \n]) ?)?"
    rf"({_WORD}|{_QUOTED}|{_NUMBER}|\.nan|-?\.inf|\[\]|\{{\}}|)\n",
    re.MULTILINE,
)

Row = tuple[str, str, str, str]


class _GiveUp(Exception):  # noqa: N818 - an answer, not an error
    """Says that the document is not in canonical form."""


def read_quickly(text: str) -> dict[str, Any] | None:
    """Returns the values of a document in canonical form, or None if it is not in that form."""
    if len(text) > MOST_CHARACTERS:
        return None
    body = text.replace("\n\n", "\n")  # a value has no line breaks here, so none is lost
    rows: list[Row] = _LINE.findall(body)
    if len(rows) != body.count("\n") or body[-1:] != "\n":
        return None
    try:
        return _Builder().document(rows)
    except _GiveUp:
        return None


class _Builder:
    """Builds values from lines; knows in which mapping or list the last line was."""

    __slots__ = ("column", "here", "opened", "outer")

    def __init__(self) -> None:
        self.here: Any = {}
        self.column = 0
        self.outer: list[tuple[int, Any]] = []
        self.opened = ""  # the key whose value is on the lines that follow

    def document(self, rows: list[Row]) -> dict[str, Any]:
        top: dict[str, Any] = self.here
        here, column = top, 0
        find = _CONVERTERS.get
        for indent, dashes, name, value in rows:
            if dashes or len(indent) != column or self.opened:
                self.move(len(indent), len(dashes) // 2, name)
                here = self.here
                column = self.column if type(here) is dict else -1  # lists are always moved in
            if not name:
                self.append(value, dashes)
                continue
            if name[0] == '"' and len(name) <= LONGEST_KEY:
                name = _unquoted(name)
            if name in here or name in WORDS or len(name) > LONGEST_KEY:
                raise _GiveUp
            if value:
                convert = find(value[0])
                here[name] = value if convert is None else convert(value)
            else:
                self.opened = name
        if self.opened:
            raise _GiveUp
        return top

    def append(self, value: str, dashes: str) -> None:
        if not value or not dashes:
            raise _GiveUp
        convert = _CONVERTERS.get(value[0])
        self.here.append(value if convert is None else convert(value))

    def move(self, at: int, dashes: int, name: str) -> None:
        """Goes to the mapping or list that a line in column ``at`` belongs to."""
        if self.opened:
            if at != self.column + 2:
                raise _GiveUp
            self.enter(self.opened, [] if dashes else {})
            self.opened = ""
        while at < self.column:
            self.column, self.here = self.outer.pop()
        if at != self.column or (type(self.here) is list) is not bool(dashes):
            raise _GiveUp
        for _ in range(dashes - 1):
            self.enter(None, [])
        if dashes and name:
            self.enter(None, {})

    def enter(self, name: str | None, inner: Any) -> None:
        if len(self.outer) > _DEEPEST:
            raise _GiveUp
        if name is None:
            self.here.append(inner)
        else:
            self.here[name] = inner
        self.outer.append((self.column, self.here))
        self.column, self.here = self.column + 2, inner


def _number(text: str) -> int | float:
    if "." in text:
        value = WORDS.get(text)
        if value is None:
            value = float(text)
            if math.isinf(value):
                raise _GiveUp
        return float(value)
    if len(text) > MOST_DIGITS:
        raise _GiveUp
    return int(text)


def _unquoted(text: str) -> str:
    return text[1:-1] if "\\" not in text else scanstring(text, 1)[0]


def _word(text: str) -> Any:
    return WORDS.get(text, text)


#: How a scalar is converted, by its first character; others are what they are.
_CONVERTERS: Mapping[str, Callable[[str], Any]] = {
    '"': _unquoted,
    "[": lambda text: [],
    "{": lambda text: {},
    **dict.fromkeys("-.0123456789", _number),
    **dict.fromkeys("nNtTfF", _word),
}

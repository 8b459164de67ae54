"""Queries: the small language of ``where``, from text to a condition on entities.

    metrics.accuracy > 0.9 and parameters.C in (1, 10) or not status = failed

``and`` binds stronger than ``or``, ``not`` stronger than both. Operators are ``= == != < <= > >=``,
``~`` and ``!~`` (a regular expression found in the text) and ``in (…)``, ``not in (…)``; a field
alone asks whether it has a value, and so do ``= null`` and ``!= null``. Names and texts with blanks
are quoted: ``metrics."top 5"``, ``title = 'first try'``. A field without a value fulfils no other
comparison, not even ``!=``; of a field with many values, such as ``tags``, one is enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from padre_git.errors import InvalidInputError
from padre_git.messages import Where
from padre_git.services.comparison import Condition, Literal, Operator, compare, has_value, negated
from padre_git.services.fields import Field, Reader

__all__ = ["condition_of"]

_TOKEN = re.compile(
    r"""(?P<blank>\s+)
    |(?P<open>\()|(?P<close>\))|(?P<comma>,)
    |(?P<operator>==|!=|<=|>=|!~|=|<|>|~)
    |(?P<word>(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s()=<>!~,"'])+)""",
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(r"""(["'])((?:\\.|(?!\1).)*)\1""", re.DOTALL)
_RESERVED = frozenset(["and", "or", "not", "in"])
_DEEPEST = 50


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.lower() in words


def condition_of(where: Where | None, reader: Reader) -> Condition | None:
    """Returns the condition that a query stands for; None for no query.

    Args:
        where: text, or a mapping from field to wanted value; a list of values means any of them,
            None means that the field has no value. The mapping is only read.
        reader: finds the fields of the entities that the condition will see.

    Raises:
        InvalidInputError: for a text that is no query, showing where it goes wrong, and for fields
            that these entities do not have.
    """
    if where is None:
        return None
    if isinstance(where, str):
        return _Parser(where, reader).condition() if where.strip() else None
    if isinstance(where, Mapping):
        return _from_mapping(where, reader)
    raise InvalidInputError(
        f"a query is text or a mapping, not {type(where).__name__}",
        hint="where='metrics.accuracy > 0.9' or where={'status': 'failed'}",
    )


def _from_mapping(where: Mapping[str, Any], reader: Reader) -> Condition:
    conditions: list[Condition] = []
    for name, wanted in where.items():
        if not isinstance(name, str):
            raise InvalidInputError(f"a field of a query is text, not {type(name).__name__}")
        if isinstance(wanted, Mapping):
            inner = {f"{name}.{below}": value for below, value in wanted.items()}
            conditions.append(_from_mapping(inner, reader))
        else:
            conditions.append(_wanted(reader.field(name), wanted))
    return lambda entity: all(condition(entity) for condition in conditions)


def _wanted(field: Field, wanted: object) -> Condition:
    if isinstance(wanted, list | tuple | set | frozenset):
        return compare(field, Operator.IN, [Literal.of(value) for value in wanted])
    return compare(field, Operator.EQUAL, [Literal.of(wanted)])


class _Parser:
    """Reads one query by recursive descent; every method consumes what it returns."""

    def __init__(self, text: str, reader: Reader) -> None:
        self._text = text
        self._reader = reader
        self._tokens = self._split()
        self._next = 0
        self._depth = 0

    def condition(self) -> Condition:
        found = self._either()
        if self._token.kind != "end":
            raise self._wrong("expected 'and', 'or' or the end")
        return found

    def _split(self) -> list[_Token]:
        tokens, at = [], 0
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None:
                quote = self._text[at] in "\"'"
                raise self._error("a quote without its end" if quote else "unexpected text", at)
            if match.lastgroup != "blank":
                tokens.append(_Token(str(match.lastgroup), match.group(), at))
            at = match.end()
        return [*tokens, _Token("end", "", len(self._text))]

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _either(self) -> Condition:
        return self._chain("or", self._both, any)

    def _both(self) -> Condition:
        return self._chain("and", self._one, all)

    def _chain(
        self, word: str, part: Callable[[], Condition], join: Callable[[Any], bool]
    ) -> Condition:
        parts = [part()]
        while self._token.is_word(word):
            self._take()
            parts.append(part())
        return parts[0] if len(parts) == 1 else lambda entity: join(p(entity) for p in parts)

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong(f"nested deeper than {_DEEPEST}")
        try:
            if self._token.is_word("not"):
                self._take()
                return negated(self._one())
            if self._token.kind == "open":
                return self._group()
            return self._comparison()
        finally:
            self._depth -= 1

    def _group(self) -> Condition:
        self._take()
        inner = self._either()
        if self._token.kind != "close":
            raise self._wrong("expected ')'")
        self._take()
        return inner

    def _comparison(self) -> Condition:
        token = self._token
        if token.kind != "word" or token.is_word(*_RESERVED):
            raise self._wrong("expected a field")
        name = _unquoted(self._take().text)
        try:
            field = self._reader.field(name)
        except InvalidInputError as error:
            raise self._error(error.message, token.at, error.hint) from error
        if self._token.kind == "operator":
            return self._compared(field, Operator(self._take().text))
        if self._token.is_word("in"):
            self._take()
            return compare(field, Operator.IN, self._values())
        if self._token.is_word("not") and self._tokens[self._next + 1].is_word("in"):
            self._next += 2
            return compare(field, Operator.NOT_IN, self._values())
        return has_value(field)

    def _compared(self, field: Field, operator: Operator) -> Condition:
        at = self._token.at
        literal = self._value()
        try:
            return compare(field, operator, [literal])
        except InvalidInputError as error:
            raise self._error(error.message, at, error.hint) from error

    def _values(self) -> list[Literal]:
        if self._token.kind != "open":
            raise self._wrong("expected '(' and values")
        self._take()
        values = [self._value()]
        while self._token.kind == "comma":
            self._take()
            values.append(self._value())
        if self._token.kind != "close":
            raise self._wrong("expected ',' or ')'")
        self._take()
        return values

    def _value(self) -> Literal:
        token = self._token
        if token.kind != "word" or token.is_word(*_RESERVED):
            raise self._wrong("expected a value")
        text = self._take().text
        quoted = _QUOTED.fullmatch(text)
        return Literal.text_of(_unquoted(text)) if quoted else Literal.parsed(_unquoted(text))

    def _wrong(self, reason: str) -> InvalidInputError:
        token = self._token
        found = f"'{token.text}'" if token.text else "the end"
        return self._error(f"{reason}, found {found}", token.at)

    def _error(self, reason: str, at: int, advice: str | None = None) -> InvalidInputError:
        shown = re.sub(r"\s", " ", self._text)
        pointer = f"it goes wrong here:\n{shown}\n{' ' * at}^"
        return InvalidInputError(
            f"cannot read the query at character {at + 1}: {reason}",
            hint=f"{pointer}\n{advice}" if advice else pointer,
        )


def _unquoted(word: str) -> str:
    return _QUOTED.sub(lambda match: re.sub(r"\\(.)", r"\1", match.group(2)), word)

"""Reading documents, strictly: what could be understood in two ways is refused with its place.

Only the event stream of PyYAML's parser is used; values are built here, by the core schema of YAML
1.2. Since building stops at the first thing that is not allowed, nothing that a hostile document
holds (deep nesting, aliases upon aliases, huge numbers) is ever built.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from padre_git.errors import DocumentError
from padre_git.format.quick import read_quickly
from padre_git.format.scalars import is_text, read_word
from padre_git.format.writing import END
from padre_git.model.names import quoted

__all__ = ["Document", "parse_document", "parse_strictly"]

MOST_BYTES = 16 * 1024 * 1024
DEEPEST = 32
_PLACED_ITEMS = 1000

_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\r(?!\n)"
)
_MARKERS = re.compile(r"(?m)^(?:<{7}|>{7}|\|{7}) ")


class Document:
    """Is what one document says, and where.

    Attributes:
        values: plain dicts, lists and scalars.
    """

    __slots__ = ("_file", "_places", "_text", "values")

    def __init__(
        self,
        values: dict[str, Any],
        *,
        text: str,
        file: str = "",
        places: tuple[dict[str, int], dict[str, str]] | None = None,
    ) -> None:
        self.values = values
        self._text = text
        self._file = file
        self._places = places

    def _found(self) -> tuple[dict[str, int], dict[str, str]]:
        if self._places is None:  # the quick reader does not look for places
            _, self._places = parse_strictly(self._text, file=self._file)
        return self._places

    @property
    def lines(self) -> Mapping[str, int]:
        """The line of each field, counted from 1, by dotted name (``columns[0].name``)."""
        return self._found()[0]

    @property
    def comments(self) -> Mapping[str, str]:
        """The full-line comments above each top-level key; those after the last under ``""``."""
        return self._found()[1] if "#" in self._text else {}

    def error(
        self, message: str, field: str | None = None, *, hint: str | None = None
    ) -> DocumentError:
        """Returns an error about a field, with its line or that of what encloses it."""
        outer = field or ""
        while outer and outer not in self.lines:
            outer = outer[: max(outer.rfind("."), outer.rfind("["), 0)]
        line = self.lines.get(outer)
        return DocumentError(message, file=self._file, line=line, field=field, hint=hint)


def parse_document(data: bytes, *, file: str = "") -> Document:
    """Returns what the bytes of a document say.

    Args:
        data: the bytes as they are stored.
        file: path for messages.

    Raises:
        DocumentError: if they break the format, naming file and line, and the field if known.
    """
    if len(data) > MOST_BYTES:
        raise DocumentError(
            f"the document has {len(data)} bytes, more than {MOST_BYTES}", file=file
        )
    text = _decoded(data, file)
    quick = read_quickly(text)
    if quick is not None:
        return Document(quick, text=text, file=file)
    _check_text(text, file)
    values, places = parse_strictly(text, file=file)
    return Document(values, text=text, file=file, places=places)


def _decoded(data: bytes, file: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DocumentError("the document is not UTF-8", file=file, line=line) from error


def _check_text(text: str, file: str) -> None:
    if not text.strip():
        raise DocumentError("the document is empty", file=file)
    if marker := _MARKERS.search(text):
        raise DocumentError(
            "the document has conflict markers",
            file=file,
            line=_line_of(text, marker.start()),
            hint="resolve the merge, then commit; 'git checkout --conflict=merge' shows both sides",
        )
    if found := _FORBIDDEN.search(text):
        name = (
            "a byte order mark" if found[0] == "\ufeff" else f"the character U+{ord(found[0]):04X}"
        )
        raise DocumentError(
            f"the document has {name}",
            file=file,
            line=_line_of(text, found.start()),
            hint='in double quotes it can be written as an escape such as "\\u0085"',
        )
    if not text.endswith("\n"):
        raise DocumentError(
            "the document does not end with a line break",
            file=file,
            line=text.count("\n") + 1,
            hint="it was cut off, or an editor left the last line break out",
        )


def _line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def parse_strictly(
    text: str, *, file: str = "", parser: Callable[[str], Any] | None = None
) -> tuple[dict[str, Any], tuple[dict[str, int], dict[str, str]]]:
    """Returns the values of a document, the line of each field and the comments.

    Args:
        text: what :func:`parse_document` has decoded and looked over.
        file: path for messages.
        parser: type of the event source; None for the fastest there is.

    Raises:
        DocumentError: as :func:`parse_document`.
    """
    from yaml import YAMLError

    try:
        builder = _Builder((parser or event_parsers()[0])(text), file)
        values = builder.document()
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be scanned"
        raise DocumentError(
            f"the document is not valid YAML: {problem}",
            file=file,
            line=None if mark is None else mark.line + 1,
        ) from error
    return values, (builder.lines, _comments(text, builder.spans))


def event_parsers() -> tuple[Callable[[str], Any], ...]:
    """Returns the event sources that this machine has, the fastest first."""
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class PureParser(Reader, Scanner, Parser):
        def __init__(self, text: str) -> None:
            Reader.__init__(self, text)
            Scanner.__init__(self)
            Parser.__init__(self)

    try:
        from yaml.cyaml import CParser  # type: ignore[attr-defined]
    except ImportError:  # PyYAML was built without libyaml
        return (PureParser,)
    return (CParser, PureParser)


class _Builder:
    """Builds the values of one document from events."""

    def __init__(self, parser: Any, file: str) -> None:
        self._next = parser.get_event
        self._file = file
        self.lines: dict[str, int] = {}
        #: top-level key, its line, and the first line after its value; lines from 0
        self.spans: list[tuple[str, int, int]] = []

    def document(self) -> dict[str, Any]:
        self._next()  # the start of the stream
        event = self._next()
        if getattr(event, "version", None) or getattr(event, "tags", None):
            self._refuse("the document has a %YAML or %TAG directive", event)
        event = self._next()
        if event is None or type(event).__name__ != "MappingStartEvent":
            self._refuse("the document is not a mapping of names to values", event)
        values: dict[str, Any] = self._build(event, "", 1)
        self._next()  # the end of the document
        event = self._next()
        if type(event).__name__ != "StreamEndEvent":
            self._refuse("the document has more than one document", event)
        return values

    def _build(self, event: Any, field: str, depth: int) -> Any:
        kind = type(event).__name__
        if kind == "AliasEvent":
            self._refuse(
                f"the document uses the alias '*{event.anchor}'", event, field, _ALIAS_HINT
            )
        if event.anchor is not None:
            self._refuse(
                f"the document defines the anchor '&{event.anchor}'", event, field, _ALIAS_HINT
            )
        if event.tag is not None:
            self._refuse(f"the document has the tag {quoted(event.tag)}", event, field)
        if kind == "ScalarEvent":
            return self._scalar(event, field)
        if depth > DEEPEST:
            self._refuse(f"the document is nested deeper than {DEEPEST} levels", event)
        if kind == "SequenceStartEvent":
            return self._sequence(field, depth)
        return self._mapping(field, depth)

    def _sequence(self, field: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while type(event := self._next()).__name__ != "SequenceEndEvent":
            place = f"{field}[{len(items)}]"
            if len(items) < _PLACED_ITEMS:
                self.lines[place] = event.start_mark.line + 1
            items.append(self._build(event, place, depth + 1))
        return items

    def _mapping(self, field: str, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while type(event := self._next()).__name__ != "MappingEndEvent":
            name = self._key(event, field)
            place = f"{field}.{name}" if field else name
            if name in values:
                first = self.lines.get(place)
                self._refuse(
                    f"the document has the key {quoted(name)} twice (first in line {first})",
                    event,
                    place,
                )
            line = event.start_mark.line
            self.lines[place] = line + 1
            values[name] = self._build(self._next(), place, depth + 1)
            if depth == 1:
                self.spans.append((name, line, self._last_line))
        return values

    def _key(self, event: Any, field: str) -> str:
        if type(event).__name__ not in ("ScalarEvent", "AliasEvent"):
            self._refuse("the document has a key that is not text", event, field)
        name = self._build(event, field, DEEPEST)
        if not isinstance(name, str):
            self._refuse(
                f"the document has the key {quoted(event.value)}, which is not text",
                event,
                field,
                "put it in double quotes",
            )
        return name

    def _scalar(self, event: Any, field: str) -> Any:
        end = event.end_mark
        self._last_line = end.line + (end.column > 0)
        value: str = event.value
        if event.implicit[0]:
            try:
                return read_word(value)
            except ValueError as error:
                self._refuse(str(error), event, field)
        if not is_text(value):
            self._refuse("the text has a lone surrogate", event, field)
        return value

    _last_line = 0

    def _refuse(
        self, message: str, event: Any, field: str = "", hint: str | None = None
    ) -> NoReturn:
        line = None if event is None else event.start_mark.line + 1
        raise DocumentError(message, file=self._file, line=line, field=field or None, hint=hint)


_ALIAS_HINT = "write the value out; documents have no anchors and aliases"


def _comments(text: str, spans: list[tuple[str, int, int]]) -> dict[str, str]:
    """Returns the comment lines that stand between the values of top-level keys."""
    if "#" not in text:
        return {}
    lines = text.split("\n")
    found: dict[str, str] = {}
    free = 0
    for name, start, after in [*spans, (END, len(lines), 0)]:
        above = [line.rstrip() for line in lines[free:start] if line.startswith("#")]
        if above:
            found[name] = "\n".join(above)
        free = after
    return found

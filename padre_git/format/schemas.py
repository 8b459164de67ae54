"""Schemas: which keys each document has, as tables; one generic check reads them.

A check takes a value and the dotted name of its field and returns the value in its one form (times
in UTC, for example). It raises :class:`Invalid` with a reason. Deep contents of ``parameters``,
``metrics`` and ``attributes`` are checked where they become part of an entity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from padre_git.errors import InvalidNameError, UnsupportedFormatError
from padre_git.format.reading import Document
from padre_git.format.scalars import is_text
from padre_git.format.times import read_time, write_time
from padre_git.model import Direction, Kind, Status
from padre_git.model.ids import check_id
from padre_git.model.names import check_label, check_name, quoted

__all__ = [
    "DELETED",
    "METRICS",
    "OF_KIND",
    "SCHEMAS",
    "Field",
    "Invalid",
    "Schema",
    "check_metrics",
    "checked",
    "normal",
    "schema_of",
    "shown",
]

Check = Callable[[Any, str], Any]


class Invalid(Exception):  # noqa: N818 - never leaves this package
    """Says that the value of a field is not what its schema wants."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True)
class Field:
    """Is one key of a document.

    Attributes:
        name: the key.
        check: see the module.
        description: what it means, in one line.
        required: whether a document without it is refused.
    """

    name: str
    check: Check
    description: str
    required: bool = False


@dataclass(frozen=True)
class Schema:
    """Is what one kind of document looks like.

    Attributes:
        name: the value of its first key, ``run/1``.
        fields: its other keys in the order in which they are written.
    """

    name: str
    fields: tuple[Field, ...]

    @property
    def kind(self) -> str:
        """The name without the version."""
        return self.name.partition("/")[0]

    @property
    def version(self) -> int:
        """The version."""
        return int(self.name.partition("/")[2])


def normal(
    values: Mapping[str, Any], fields: tuple[Field, ...], within: str = ""
) -> dict[str, Any]:
    """Returns values in schema order and normal form; empty optional ones go.

    Args:
        values: by key, as read or as they are to be written.
        fields: the keys that may be there.
        within: dotted name of what holds the values.

    Raises:
        Invalid: for an unknown or missing key or a value that its check refuses.
    """
    left = dict(values)
    found: dict[str, Any] = {}
    for field in fields:
        value = left.pop(field.name, None)
        if value or isinstance(value, str | int | float):
            found[field.name] = field.check(value, f"{within}{field.name}")
        elif field.required:
            raise Invalid(f"{within}{field.name}", "is missing")
    for name in left:
        hint = " (what a schema does not know belongs below 'attributes')"
        raise Invalid(f"{within}{name}", f"is not a known key{hint if not within else ''}")
    return found


def schema_of(document: Document, schema: Schema) -> None:
    """Makes sure that a document says that it is of this schema.

    Raises:
        DocumentError: if it is of another kind or says nothing.
        UnsupportedFormatError: if it is of a later version.
    """
    given = document.values.get("schema")
    if given == schema.name:
        return
    if given is None:
        raise document.error(f"'schema' is missing; it should be '{schema.name}'", "schema")
    kind, slash, version = str(given).partition("/")
    if kind == schema.kind and slash and re.fullmatch(r"[1-9][0-9]{0,8}", version):
        raise UnsupportedFormatError(
            f"cannot read a document of schema {quoted(given)}",
            hint=f"this version reads '{schema.name}'; upgrade: pip install --upgrade padre-git",
        )
    raise document.error(f"'schema' is {quoted(given)}, not '{schema.name}'", "schema")


def checked(document: Document, schema: Schema) -> dict[str, Any]:
    """Returns a document's values, without ``schema``, in normal form.

    Raises:
        DocumentError: if they break the schema, naming line and field.
        UnsupportedFormatError: if the document is of a later version.
    """
    schema_of(document, schema)
    values = {name: value for name, value in document.values.items() if name != "schema"}
    try:
        return normal(values, schema.fields)
    except Invalid as error:
        raise document.error(f"'{error.field}' {error.reason}", error.field) from error


def check_metrics(document: Document) -> Mapping[str, Any]:
    """Returns what a ``metrics.yaml`` says; it is flat and has no ``schema`` key.

    Raises:
        DocumentError: if a value is not a number.
    """
    try:
        return _numbers(document.values, "")
    except Invalid as error:
        raise document.error(f"'{error.field}' {error.reason}", error.field) from error


# ---------------------------------------------------------------------------- checks of one value


def shown(value: Any) -> str:
    """Returns a value as messages show it; huge ones are not spelled out."""
    if isinstance(value, Mapping | list | tuple):
        return "a mapping" if isinstance(value, Mapping) else "a list"
    if isinstance(value, int) and value.bit_length() > 200:
        return "a huge integer"
    return quoted(value)


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise Invalid(field, f"is {shown(value)}, not text")
    if not is_text(value):
        raise Invalid(field, "has a lone surrogate and is not text")
    return str(value)


def _line(value: Any, field: str) -> str:
    if _text(value, field).splitlines() not in ([], [value]):
        raise Invalid(field, "has more than one line")
    return str(value)


def _int(value: Any, field: str) -> int:
    if type(value) is not int:
        raise Invalid(field, f"is {shown(value)}, not an integer")
    return value


def _size(value: Any, field: str) -> int:
    if _int(value, field) < 0:
        raise Invalid(field, "is negative")
    return int(value)


def _flag(value: Any, field: str) -> bool:
    if type(value) is not bool:
        raise Invalid(field, f"is {shown(value)}, not true or false")
    return value


def _time(value: Any, field: str) -> str:
    try:
        return write_time(read_time(_text(value, field)))
    except ValueError as error:
        raise Invalid(field, str(error)) from error


def _mapping(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Invalid(field, f"is {shown(value)}, not a mapping")
    return value


def _one_of(*words: str) -> Check:
    def check(value: Any, field: str) -> str:
        if value not in words:
            raise Invalid(field, f"is {shown(value)}, not one of {', '.join(words)}")
        return str(value)

    return check


def _matching(pattern: str, what: str) -> Check:
    compiled = re.compile(pattern)

    def check(value: Any, field: str) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise Invalid(field, f"is {shown(value)}, not {what}")
        return str(value)

    return check


def _named(check_text: Callable[[object, str], str], what: str) -> Check:
    def check(value: Any, field: str) -> str:
        try:
            return str(check_text(value, what))
        except InvalidNameError as error:
            raise Invalid(field, f"is an {error.message}") from error

    return check


def _dataset(value: Any, field: str) -> str:
    name, at, version = _line(value, field).partition("@")
    _named(check_name, "dataset")(name, field)
    if at:
        _version(version, field)
    return str(value)


def _url(value: Any, field: str) -> str:
    server = _line(value, field).partition("://")[2] or str(value)
    if "@" in server.partition("/")[0]:
        raise Invalid(field, "names a user or has a token in it")
    return str(value)


def _list(check_item: Check) -> Check:
    def check(value: Any, field: str) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise Invalid(field, f"is {shown(value)}, not a list")
        return [check_item(item, f"{field}[{n}]") for n, item in enumerate(value)]

    return check


def _map(check_item: Check) -> Check:
    def check(value: Any, field: str) -> dict[str, Any]:
        items = _mapping(value, field).items()
        return {name: check_item(item, f"{field}.{name}") for name, item in items}

    return check


def _steps(value: Any, field: str) -> list[Any]:
    steps: list[Any] = _list(_fields(*_COMPUTATION))(value, field)
    seen: set[str] = set()
    for n, step in enumerate(steps):
        if step["name"] in seen:
            raise Invalid(f"{field}[{n}].name", f"is {quoted(step['name'])} for the second time")
        seen.add(step["name"])
    return steps


def _fields(*fields: Field) -> Check:
    def check(value: Any, field: str) -> dict[str, Any]:
        return normal(_mapping(value, field), fields, f"{field}.")

    return check


def _numbers(value: Any, field: str) -> Mapping[str, Any]:
    for name, item in _mapping(value, field).items():
        place = f"{field}.{name}" if field else name
        if isinstance(item, bool) or not isinstance(item, int | float):
            raise Invalid(place, f"is {shown(item)}, not a number")
        _named(check_label, "metric")(name, place)
    return value  # type: ignore[no-any-return]


_label = _named(check_label, "computation")
_object = _matching(r"[0-9a-f]{40}|[0-9a-f]{64}", "a git object id")
_version = _matching(r"md5:[0-9a-f]{32}(\.dir)?", "a version such as 'md5:…'")

# -------------------------------------------------------------------------------------- the tables

_TITLE = Field("title", _line, "one line for people")
_DESCRIPTION = Field("description", _text, "text for people")
_ATTRIBUTES = Field("attributes", _mapping, "whatever else is worth keeping; not interpreted")
_URL = Field("url", _url, "where it is published, without user or token; absent until then")
_STARTED = Field("started", _time, "when it began")
_ENDED = Field("ended", _time, "when it ended")
_PARAMETERS = Field("parameters", _mapping, "values by name; nested mappings stay nested")

_COLUMN = (
    Field("name", _named(check_label, "column"), "as in the data", required=True),
    Field("type", _line, "such as float64 or text"),
    Field("unit", _line, "such as cm"),
    Field("level", _line, "measurement level: nominal, ordinal, interval or ratio"),
    Field("target", _flag, "whether it is what models predict"),
)
_COMPUTATION = (
    Field("name", _label, "unique in the run", required=True),
    Field("predecessor", _label, "name of the computation it builds on"),
    _STARTED,
    _ENDED,
    _PARAMETERS,
    Field("metrics", _numbers, "number by name"),
)
_SETTINGS = (
    Field("inline", _size, "bytes up to which results, indices and series stay in git"),
    Field("review", _one_of("required"), "recorders write to a branch that is reviewed"),
)

PROJECT = Schema(
    "project/1",
    (_TITLE, _DESCRIPTION, Field("settings", _fields(*_SETTINGS), "see below"), _URL, _ATTRIBUTES),
)
DATASET = Schema(
    "dataset/1",
    (
        _TITLE,
        _DESCRIPTION,
        Field("source", _text, "where the data came from"),
        Field("license", _line, "under which terms it may be used"),
        Field("version", _version, "hash of the data in data.dvc"),
        Field("columns", _list(_fields(*_COLUMN)), "what is in it, see below"),
        _URL,
        _ATTRIBUTES,
    ),
)
ENVIRONMENT = Schema(
    "environment/1",
    (
        Field("python", _line, "implementation and version", required=True),
        Field("platform", _line, "operating system and machine, no host name", required=True),
        Field("packages", _map(_line), "version by name, sorted by name"),
    ),
)
EXPERIMENT = Schema(
    "experiment/1",
    (
        _TITLE,
        _DESCRIPTION,
        Field("dataset", _named(check_name, "dataset"), "name of the dataset it uses"),
        Field("seed", _int, "default seed of its runs"),
        Field("parameters", _mapping, "default parameters of its runs; nested ones stay nested"),
        Field("metrics", _map(_one_of(*Direction)), "max or min by metric: what is better"),
        Field("tags", _map(_text), "text by name, empty for a mere label"),
        _URL,
        _ATTRIBUTES,
    ),
)
EXECUTION = Schema(
    "execution/1",
    (
        Field("repository", _object, "first root commit of the user's repository"),
        Field("commit", _object, "the commit that was checked out"),
        Field("snapshot", _object, "tree of the working state, if it differed from the commit"),
        Field("package", _line, "name of an installed package"),
        Field("version", _line, "version of that package"),
        Field(
            "content",
            _matching(r"(sha256:)?[0-9a-f]{64}", "a SHA-256"),
            "SHA-256 of a script or notebook outside any repository",
        ),
        Field("entry_point", _line, "what was started, relative to the repository"),
    ),
)
RUN = Schema(
    "run/1",
    (
        _TITLE,
        Field("execution", _named(check_id, "execution"), "id of the execution", required=True),
        Field("environment", _named(check_id, "environment"), "id of the environment"),
        Field("datasets", _list(_dataset), "used datasets, each name@version"),
        Field("parent_run", _named(check_id, "run"), "id of the run that started this one"),
        Field("status", _one_of(*Status), "how it stands, see below", required=True),
        _STARTED,
        _ENDED,
        Field("argv", _list(_text), "how the program was started"),
        Field("seed", _int, "what random numbers began with"),
        Field("defaults", _mapping, "the parameters' values before this run chose any"),
        _PARAMETERS,
        Field("computations", _steps, "the steps in order, see below"),
        _ATTRIBUTES,
    ),
)
DELETED = Schema(
    "deleted/1",
    (Field("moved_to", _line, "path of the record's new place, as in its key"),),
)
METRICS = "metrics.yaml"

OF_KIND: Mapping[Kind, Schema] = {
    Kind.PROJECT: PROJECT,
    Kind.DATASET: DATASET,
    Kind.ENVIRONMENT: ENVIRONMENT,
    Kind.EXPERIMENT: EXPERIMENT,
    Kind.EXECUTION: EXECUTION,
    Kind.RUN: RUN,
}
SCHEMAS: Mapping[str, Schema] = {s.name: s for s in (*OF_KIND.values(), DELETED)}
#: Names of the mappings inside documents and their keys, for the page of the format.
PARTS: Mapping[str, tuple[Field, ...]] = {
    "settings": _SETTINGS,
    "columns": _COLUMN,
    "computations": _COMPUTATION,
}

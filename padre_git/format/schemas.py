"""Schemas: which keys each document has, as tables; one generic check reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from padre_git.errors import UnsupportedFormatError
from padre_git.format import checks
from padre_git.format.checks import Check, Invalid
from padre_git.format.reading import Document
from padre_git.model import Direction, Kind, Status
from padre_git.model.names import quoted

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
]


@dataclass(frozen=True)
class Field:
    """Is one key of a document.

    Attributes:
        name: the key.
        check: a check of :mod:`padre_git.format.checks`.
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
        return checks.numbers(document.values, "")
    except Invalid as error:
        raise document.error(f"'{error.field}' {error.reason}", error.field) from error


def _steps(value: Any, field: str) -> list[Any]:
    steps: list[Any] = checks.list_of(_fields(*_COMPUTATION))(value, field)
    seen: set[str] = set()
    for n, step in enumerate(steps):
        if step["name"] in seen:
            raise Invalid(f"{field}[{n}].name", f"is {quoted(step['name'])} for the second time")
        seen.add(step["name"])
    return steps


def _fields(*fields: Field) -> Check:
    def check(value: Any, field: str) -> dict[str, Any]:
        return normal(checks.mapping(value, field), fields, f"{field}.")

    return check


# -------------------------------------------------------------------------------------- the tables

_TITLE = Field("title", checks.line, "one line for people")
_DESCRIPTION = Field("description", checks.text, "text for people")
_ATTRIBUTES = Field("attributes", checks.mapping, "whatever else is worth keeping; not interpreted")
_URL = Field("url", checks.url, "where it is published, without user or token; absent until then")
_STARTED = Field("started", checks.time, "when it began")
_ENDED = Field("ended", checks.time, "when it ended")
_PARAMETERS = Field("parameters", checks.mapping, "values by name; nested mappings stay nested")

_COLUMN = (
    Field("name", checks.label_of("column"), "as in the data", required=True),
    Field("type", checks.line, "such as float64 or text"),
    Field("unit", checks.line, "such as cm"),
    Field("level", checks.line, "measurement level: nominal, ordinal, interval or ratio"),
    Field("target", checks.flag, "whether it is what models predict"),
)
_COMPUTATION = (
    Field("name", checks.label_of("computation"), "unique in the run", required=True),
    Field("predecessor", checks.label_of("computation"), "name of the computation it builds on"),
    _STARTED,
    _ENDED,
    _PARAMETERS,
    Field("metrics", checks.numbers, "number by name"),
)
_SETTINGS = (
    Field("inline", checks.size, "bytes up to which results, indices and series stay in git"),
    Field("review", checks.one_of("required"), "recorders write to a branch that is reviewed"),
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
        Field("source", checks.text, "where the data came from"),
        Field("license", checks.line, "under which terms it may be used"),
        Field("version", checks.data_version, "hash of the data in data.dvc"),
        Field("columns", checks.list_of(_fields(*_COLUMN)), "what is in it, see below"),
        _URL,
        _ATTRIBUTES,
    ),
)
ENVIRONMENT = Schema(
    "environment/1",
    (
        Field("python", checks.line, "implementation and version", required=True),
        Field("platform", checks.line, "operating system and machine, no host name", required=True),
        Field("packages", checks.map_of("package", checks.line), "version by name, sorted by name"),
    ),
)
EXPERIMENT = Schema(
    "experiment/1",
    (
        _TITLE,
        _DESCRIPTION,
        Field("dataset", checks.name_of("dataset"), "name of the dataset it uses"),
        Field("seed", checks.integer, "default seed of its runs"),
        Field("parameters", checks.mapping, "default parameters of its runs"),
        Field(
            "metrics",
            checks.map_of("metric", checks.one_of(*Direction)),
            "max or min by metric",
        ),
        Field(
            "tags", checks.map_of("tag", checks.tag_value), "text by name, empty for a mere label"
        ),
        _URL,
        _ATTRIBUTES,
    ),
)
EXECUTION = Schema(
    "execution/1",
    (
        Field("repository", checks.object_id, "first root commit of the user's repository"),
        Field("commit", checks.object_id, "the commit that was checked out"),
        Field(
            "snapshot",
            checks.object_id,
            "tree of the working state if it differed",
        ),
        Field("package", checks.line, "name of an installed package"),
        Field("version", checks.line, "version of that package"),
        Field(
            "content",
            checks.matching(r"(sha256:)?[0-9a-f]{64}", "a SHA-256"),
            "SHA-256 of a script or notebook outside any repository",
        ),
        Field("entry_point", checks.line, "what was started, relative to the repository"),
    ),
)
RUN = Schema(
    "run/1",
    (
        _TITLE,
        Field("execution", checks.id_of("execution"), "id of the execution", required=True),
        Field("environment", checks.id_of("environment"), "id of the environment"),
        Field("datasets", checks.list_of(checks.dataset_version), "used datasets with version"),
        Field("parent_run", checks.id_of("run"), "id of the run that started this one"),
        Field("status", checks.one_of(*Status), "how it stands, see below", required=True),
        _STARTED,
        _ENDED,
        Field("argv", checks.list_of(checks.text), "how the program was started"),
        Field("seed", checks.integer, "what random numbers began with"),
        Field("defaults", checks.mapping, "the parameters' values before this run chose any"),
        _PARAMETERS,
        Field("computations", _steps, "the steps in order, see below"),
        _ATTRIBUTES,
    ),
)
DELETED = Schema(
    "deleted/1",
    (Field("moved_to", checks.line, "path of the record's new place, as in its key"),),
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

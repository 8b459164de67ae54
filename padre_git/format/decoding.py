"""Files to entities: what a record says, checked as if a stranger had written it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from padre_git.errors import (
    DocumentError,
    InvalidInputError,
    InvalidValueError,
    UnsupportedFormatError,
)
from padre_git.format import schemas
from padre_git.format.annotations import decode_notes, decode_tags
from padre_git.format.encoding import check_identity
from padre_git.format.reading import Document, parse_document
from padre_git.format.times import read_time
from padre_git.model import (
    DOCUMENTS,
    Code,
    Column,
    Computation,
    Dataset,
    Entity,
    Environment,
    Execution,
    Experiment,
    Key,
    Kind,
    Project,
    Record,
    Run,
    Status,
)

__all__ = ["decode"]

_HASH = re.compile(rb"(?m)^(?:- |  )md5: '?([0-9a-f]{32}(?:\.dir)?)'?$")
_CODE = ("repository", "commit", "snapshot", "package", "version", "content")


def decode(record: Record) -> Entity:
    """Returns the entity that a record's files describe, with its revision.

    Raises:
        DocumentError: if a file breaks the format, naming file, line, field and key.
        UnsupportedFormatError: if a document is of a later version.
    """
    try:
        return _decode(record)
    except DocumentError as error:
        raise error.located(key=record.key) from error
    except UnsupportedFormatError as error:
        raise UnsupportedFormatError(error.message, key=record.key, hint=error.hint) from error


def _decode(record: Record) -> Entity:
    kind = record.key.kind
    name = DOCUMENTS[kind]
    if name not in record.files:
        raise DocumentError("the document is missing", file=name)
    document = parse_document(record.files[name], file=name)
    values = schemas.checked(document, schemas.OF_KIND[kind])
    _read_times(values)
    values["revision"] = record.revision
    try:
        entity: Entity = _ENTITIES[kind](record, values)
        check_identity(entity)
    except InvalidInputError as error:
        raise _placed(error, document) from error
    return entity


def _read_times(values: dict[str, Any]) -> None:
    for name in ("started", "ended"):
        if name in values:
            values[name] = read_time(values[name])


def _placed(error: InvalidInputError, document: Document) -> DocumentError:
    """Returns what an entity says of its values as what is wrong with the document."""
    field = getattr(error, "field", None)
    message = error.message.removeprefix("cannot store ")
    return document.error(message, field, hint=error.hint)


def _project(record: Record, values: dict[str, Any]) -> Project:
    return Project(name=record.key.name, **values)


def _dataset(record: Record, values: dict[str, Any]) -> Dataset:
    columns = tuple(Column(**column) for column in values.pop("columns", ()))
    # `dvc add` changes the pointer and knows nothing of the document
    found = _HASH.search(record.files.get("data.dvc", b""))
    if found is not None:
        values["version"] = f"md5:{found[1].decode()}"
    return Dataset(project=record.key.project, name=record.key.name, columns=columns, **values)


def _environment(record: Record, values: dict[str, Any]) -> Environment:
    return Environment(project=record.key.project, id=record.key.name, **values)


def _experiment(record: Record, values: dict[str, Any]) -> Experiment:
    return Experiment(project=record.key.project, name=record.key.name, **values)


def _execution(record: Record, values: dict[str, Any]) -> Execution:
    code = Code(**{name: values.pop(name) for name in _CODE if name in values})
    return Execution(experiment=_parent(record.key), code=code, id=record.key.name, **values)


def _run(record: Record, values: dict[str, Any]) -> Run:
    execution = _parent(record.key).execution(values.pop("execution"))
    steps = enumerate(values.pop("computations", ()))
    computations = tuple(_computation(record.key, n, step) for n, step in steps)
    return Run(
        id=record.key.name,
        execution=execution,
        status=Status(values.pop("status")),
        metrics=_metrics(record),
        tags=decode_tags(record.files),
        notes=decode_notes(record.files),
        computations=computations,
        **values,
    )


def _computation(run: Key, number: int, values: dict[str, Any]) -> Computation:
    _read_times(values)
    try:
        return Computation(run=run, **values)
    except InvalidInputError as error:
        inner = getattr(error, "field", None)
        field = f"computations[{number}]" + (f".{inner}" if inner else "")
        raise InvalidValueError(error.message, field=field, hint=error.hint) from error


def _metrics(record: Record) -> Mapping[str, Any]:
    data = record.files.get(schemas.METRICS)
    if data is None:
        return {}
    return schemas.check_metrics(parse_document(data, file=schemas.METRICS))


def _parent(key: Key) -> Key:
    if key.parent is None:
        raise InvalidInputError(f"'{key}' has no parent", key=key)
    return key.parent


_ENTITIES: Mapping[Kind, Callable[[Record, dict[str, Any]], Any]] = {
    Kind.PROJECT: _project,
    Kind.DATASET: _dataset,
    Kind.ENVIRONMENT: _environment,
    Kind.EXPERIMENT: _experiment,
    Kind.EXECUTION: _execution,
    Kind.RUN: _run,
}

"""Entities to files: which field of an entity goes into which file of its record."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from padre_git.errors import DocumentError, InvalidInputError, InvalidValueError
from padre_git.format import schemas
from padre_git.format.annotations import (
    decode_tag,
    decode_tags,
    encode_tag,
    is_note_part,
    is_tag_part,
)
from padre_git.format.equality import equal, normal_values
from padre_git.format.reading import parse_document
from padre_git.format.scalars import is_text, write_scalar
from padre_git.format.times import write_time
from padre_git.format.writing import write_document
from padre_git.model import (
    DOCUMENTS,
    Column,
    Computation,
    Entity,
    Environment,
    Execution,
    Kind,
    Record,
    Run,
)
from padre_git.model.ids import content_id
from padre_git.model.record import revision_of

__all__ = ["check_identity", "encode", "identify"]

Named = TypeVar("Named", Execution, Environment)

_CODE = ("repository", "commit", "snapshot", "package", "version", "content")
_URL = re.compile(rb"(?m)(?:(?<=\n)\n)?^url: [^\n]*\n")
_PREFIXES: Mapping[Kind, str] = {Kind.EXECUTION: "x", Kind.ENVIRONMENT: "e"}


def encode(entity: Entity, *, previous: Record | None = None) -> dict[str, bytes]:
    """Returns all files of an entity's record.

    Args:
        entity: what to store; it has its id already.
        previous: what is stored now. Its parts that the entity does not hold (series, splits,
            pointers …) are kept, and so are the bytes of documents whose values are the same and
            the comments of those that change.

    Raises:
        InvalidInputError: if the entity has a value that cannot be stored, naming the field.
    """
    kind = entity.key.kind
    before = dict(previous.files) if previous is not None else {}
    check_identity(entity)
    files = {DOCUMENTS[kind]: _document(entity, kind)}
    if isinstance(entity, Run):
        files |= _run_parts(entity, before)
    kept = {
        name: data
        for name, data in before.items()
        if name not in files and not (kind is Kind.RUN and _is_of_entity(name))
    }
    return {name: _kept(name, data, before, kind) for name, data in files.items()} | kept


def identify(entity: Named) -> Named:
    """Returns an execution or environment with the id that its content gives it.

    Raises:
        InvalidInputError: if its content cannot be stored.
    """
    return replace(entity, id=_content_id(entity))


def check_identity(entity: Entity) -> None:
    """Makes sure that an entity that is named by its content has the right name.

    Raises:
        InvalidInputError: if it has not.
    """
    if isinstance(entity, Execution | Environment) and _content_id(entity) != entity.id:
        kind = entity.key.kind
        raise InvalidInputError(
            f"the id '{entity.id}' does not belong to this {kind}",
            key=entity.key,
            hint="it is computed from the content; padre_git.format.identify does so",
        )


def _content_id(entity: Execution | Environment) -> str:
    kind = Kind.EXECUTION if isinstance(entity, Execution) else Kind.ENVIRONMENT
    return content_id(_PREFIXES[kind], _document(entity, kind))


def _document(entity: Entity, kind: Kind) -> bytes:
    schema = schemas.OF_KIND[kind]
    try:
        values = schemas.normal(_VALUES[kind](entity), schema.fields)
        return write_document({"schema": schema.name, **values})
    except schemas.Invalid as error:
        raise InvalidValueError(
            f"cannot store '{error.field}': it {error.reason}",
            field=error.field,
            key=_key_text(entity),
        ) from error


def _key_text(entity: Entity) -> str | None:
    try:
        return entity.key.text
    except InvalidInputError:  # it has no id yet
        return None


def _plain(entity: Any, *names: str) -> dict[str, Any]:
    """Returns the fields of these names that are not None, in forms that documents have."""
    found = {}
    for name in names:
        value = getattr(entity, name)
        if value is not None:
            found[name] = write_time(value) if isinstance(value, datetime) else value
    return found


def _dataset_values(dataset: Any) -> dict[str, Any]:
    names = ("title", "description", "source", "license", "version", "url", "attributes")
    return {**_plain(dataset, *names), "columns": [_column(c) for c in dataset.columns]}


def _column(column: Column) -> dict[str, Any]:
    target = {"target": True} if column.target else {}
    return _plain(column, "name", "type", "unit", "level") | target


def _environment_values(environment: Any) -> dict[str, Any]:
    packages = {name: environment.packages[name] for name in sorted(environment.packages)}
    return {**_plain(environment, "python", "platform"), "packages": packages}


def _run_values(run: Any) -> dict[str, Any]:
    for computation in run.computations:
        if computation.run != run.key:
            raise InvalidInputError(
                f"computation '{computation.name}' belongs to another run", key=run.key
            )
    names = ("title", "environment", "datasets", "parent_run", "status", "started", "ended")
    more = ("argv", "seed", "defaults", "parameters", "attributes")
    return {
        "execution": run.execution.name,
        **_plain(run, *names, *more),
        "computations": [_computation(c) for c in run.computations],
    }


def _computation(computation: Computation) -> dict[str, Any]:
    names = ("name", "predecessor", "started", "ended", "parameters", "metrics")
    return _plain(computation, *names)


_VALUES: Mapping[Kind, Callable[[Any], dict[str, Any]]] = {
    Kind.PROJECT: lambda e: _plain(e, "title", "description", "settings", "url", "attributes"),
    Kind.DATASET: _dataset_values,
    Kind.ENVIRONMENT: _environment_values,
    Kind.EXPERIMENT: lambda e: _plain(
        e,
        *("title", "description", "dataset", "seed", "parameters", "metrics", "tags", "url"),
        "attributes",
    ),
    Kind.EXECUTION: lambda e: _plain(e.code, *_CODE) | _plain(e, "entry_point"),
    Kind.RUN: _run_values,
}


def _run_parts(run: Run, before: Mapping[str, bytes]) -> dict[str, bytes]:
    """Returns the files of a run besides its document that its entity holds."""
    files = dict(_tag_parts(run.tags, before))
    if run.metrics:
        files[schemas.METRICS] = write_document(run.metrics)
    for note in run.notes:
        name = f"notes/{note.name}"
        if note.name is None or not is_note_part(name):
            raise InvalidInputError(f"a note cannot have the name '{note.name}'", key=run.key)
        if not is_text(note.text):
            raise InvalidValueError("cannot store a note with a lone surrogate", key=run.key)
        files[name] = note.text.encode()
    return files


def _tag_parts(tags: Mapping[str, str], before: Mapping[str, bytes]) -> dict[str, bytes]:
    """Returns the parts of tags; those of unchanged tags, which may be several, stay as they are.

    Two people who give one tag two values leave two files, see :func:`decode_tags`.
    """
    old = {part: data for part, data in before.items() if is_tag_part(part)}
    values = decode_tags(old)
    stay = {name for name, value in tags.items() if values.get(name) == value}
    files = {part: data for part, data in old.items() if decode_tag(part, data)[0] in stay}
    return files | dict(encode_tag(n, v) for n, v in tags.items() if n not in stay)


def _is_of_entity(name: str) -> bool:
    return name == schemas.METRICS or is_tag_part(name) or is_note_part(name)


def _kept(name: str, data: bytes, before: Mapping[str, bytes], kind: Kind) -> bytes:
    """Returns the previous bytes of a document if they say the same, else ``data``.

    Raises:
        UnsupportedFormatError: if the previous document is of a later version.
    """
    old = before.get(name)
    if old is None or old == data or not name.endswith(".yaml"):
        return data
    try:
        document = parse_document(old, file=name)
        values = normal_values(document, name, kind)
    except DocumentError:
        return data  # what could not be understood is replaced
    new = parse_document(data, file=name)
    wanted = normal_values(new, name, kind)
    if equal(values, wanted):
        return old
    written = write_document(new.values, comments=document.comments)
    if equal(_without_url(values), _without_url(wanted)):
        return _published(name, old, written, wanted.get("url"))
    return written


def _without_url(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "url"}


def _published(name: str, old: bytes, written: bytes, url: str | None) -> bytes:
    """Returns a document of which only the url changes, with its revision as it was.

    A document that somebody wrote by hand would get another revision by being written anew.
    """
    if revision_of({name: old}) == revision_of({name: written}):
        return written
    line = f"\nurl: {write_scalar(url)}\n".encode() if url is not None else b""
    spliced = _URL.sub(b"", old) + line
    try:
        exact = parse_document(spliced, file=name).values.get("url") == url
    except DocumentError:
        exact = False
    return (
        spliced if exact and revision_of({name: old}) == revision_of({name: spliced}) else written
    )

"""Splits: which instances a run used for what and what it measured on them, as ``splits.yaml``.

Results per instance go to ``results.csv`` (:mod:`padre_git.format.results`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from padre_git.errors import (
    DocumentError,
    InvalidInputError,
    InvalidValueError,
    UnsupportedFormatError,
)
from padre_git.format.indices import read_indices, write_indices
from padre_git.format.reading import MOST_BYTES, Document, parse_document
from padre_git.format.results import FILE as RESULTS
from padre_git.format.results import (
    Shape,
    read_results,
    read_shape,
    write_results,
    write_shape,
)
from padre_git.format.writing import write_document
from padre_git.model import Key, Results, Split
from padre_git.model.names import quoted

__all__ = ["decode_splits", "encode_splits"]

_FILE = "splits.yaml"
_SCHEMA = "splits/1"
_SETS = ("train", "test", "validation")
_KEYS = {"number", "metrics", *_SETS, "results"}
_T = TypeVar("_T")


def encode_splits(splits: Sequence[Split]) -> dict[str, bytes]:
    """Returns the parts of a run's splits: ``splits.yaml``, and ``results.csv`` if any has results.

    Without splits there are no parts.

    Args:
        splits: of one run, in any order; they are written in the order of their numbers.

    Raises:
        InvalidValueError: if two have the same number, or they are too large for a document.
    """
    ordered = sorted(splits, key=lambda split: split.number)
    numbers = [split.number for split in ordered]
    if len(set(numbers)) != len(numbers):
        raise InvalidValueError("cannot store the splits: two have the same number")
    if not ordered:
        return {}
    document = {"schema": _SCHEMA, "splits": [_write_split(split) for split in ordered]}
    files = {_FILE: write_document(document)}
    if len(files[_FILE]) > MOST_BYTES:
        raise InvalidValueError(
            f"cannot store the splits: their indices take {len(files[_FILE])} bytes",
            hint="keep them as an artifact",
        )
    if any(split.results is not None for split in ordered):
        files[RESULTS] = write_results(ordered)
    return files


def _write_split(split: Split) -> dict[str, Any]:
    values: dict[str, Any] = {"number": split.number}
    if split.metrics:
        values["metrics"] = split.metrics
    for name in _SETS:
        array = getattr(split, name)
        if array is not None:
            values[name] = write_indices(array)
    if split.results is not None:
        values["results"] = write_shape(split.results)
    return values


def decode_splits(run: Key, files: Mapping[str, bytes]) -> tuple[Split, ...]:
    """Returns a run's splits in the order of their numbers; none if it has no ``splits.yaml``.

    Args:
        run: key of the run.
        files: its parts; others than the two are passed over.

    Raises:
        DocumentError: if they are not as :func:`encode_splits` writes them, naming the line.
        UnsupportedFormatError: if a later version has written them.
    """
    if _FILE not in files:
        return ()
    try:
        document = parse_document(files[_FILE], file=_FILE)
        entries = _entries(document)
        shapes = _shapes(document, entries)
        results = read_results(_results_of(files), shapes) if shapes else {}
        return tuple(
            _read_split(document, run, n, results.get(entry["number"]))
            for n, entry in enumerate(entries)
        )
    except DocumentError as error:
        raise error.located(key=run) from error


def _read_split(document: Document, run: Key, n: int, results: Results | None) -> Split:
    entry = document.values["splits"][n]
    sets = {
        name: _read(document, f"splits[{n}].{name}", entry[name], read_indices)
        for name in _SETS
        if name in entry
    }
    try:
        return Split(
            run=run,
            number=entry["number"],
            metrics=entry.get("metrics", {}),
            results=results,
            **sets,
        )
    except InvalidInputError as error:
        raise document.error(error.message, f"splits[{n}].metrics") from error


def _results_of(files: Mapping[str, bytes]) -> bytes:
    if RESULTS not in files:
        raise DocumentError(
            "the file is missing, 'splits.yaml' says there are results", file=RESULTS
        )
    return files[RESULTS]


def _entries(document: Document) -> list[dict[str, Any]]:
    schema = document.values.get("schema")
    if schema != _SCHEMA:
        if isinstance(schema, str) and schema.startswith("splits/"):
            raise UnsupportedFormatError(
                f"cannot read {quoted(schema)}", hint="install a later padre-git"
            )
        raise document.error(f"the schema is {quoted(schema)}, not '{_SCHEMA}'", "schema")
    entries = document.values.get("splits")
    if not isinstance(entries, list) or set(document.values) != {"schema", "splits"}:
        raise document.error("there is not exactly a list of splits", "splits")
    for n, entry in enumerate(entries):
        _check_entry(document, n, entry, entries[n - 1] if n else {"number": -1})
    return entries


def _check_entry(document: Document, n: int, entry: Any, before: Mapping[str, Any]) -> None:
    field = f"splits[{n}]"
    if not isinstance(entry, dict):
        raise document.error("a split is not a mapping", field)
    if unknown := sorted(set(entry) - _KEYS):
        raise document.error(f"unknown key {quoted(unknown[0])}", f"{field}.{unknown[0]}")
    number = entry.get("number")
    if type(number) is not int or number <= before["number"]:
        raise document.error("splits do not count upwards from 0", f"{field}.number")
    if not isinstance(entry.get("metrics", {}), dict):
        raise document.error("metrics are not a mapping", f"{field}.metrics")


def _shapes(document: Document, entries: Sequence[Mapping[str, Any]]) -> dict[int, Shape]:
    return {
        entry["number"]: _read(document, f"splits[{n}].results", entry["results"], read_shape)
        for n, entry in enumerate(entries)
        if "results" in entry
    }


def _read(document: Document, field: str, values: Any, read: Callable[[Any], _T]) -> _T:
    try:
        return read(values)
    except ValueError as error:
        raise document.error(str(error), field) from error

"""Documents: the quick reader, the strict one, and other people's readers of YAML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from padre_git.errors import DocumentError, FormatError
from padre_git.format import decode, encode, parse_document, write_document
from padre_git.format.equality import equal
from padre_git.format.quick import read_quickly
from padre_git.format.reading import event_parsers, parse_strictly
from padre_git.format.scalars import read_word
from padre_git.model import DOCUMENTS, Key, Kind, Record
from tests.format.sides import BASE

__all__ = ["check_document", "check_record", "document_seeds", "record_seeds"]

_ODD = (
    b"a: |\n  x\n  y\n\nb: 'it''s'\n",
    b'a: "\\u00e9\\x41"\nb: [1, {c: d}]\n# end\n',
    b"? a\n: b\n",
    b"a: >-\n  folded\n  text\n",
    b"- a\n- b\n",
    b"a: &x 1\nb: *x\n",
    b"%YAML 1.2\n---\na: 0x1F\n...\n",
    b"a: !!str 1\n",
    b"a: 1e3\nb: .nan\nc: -.inf\nd: 0o17\ne: 1_000\nf: 012\n",
)


def document_seeds() -> Iterator[bytes]:
    """Yields documents as we write them, and others."""
    yield from (data for path, data in BASE.items() if path.endswith(".yaml"))
    yield from _ODD


def check_document(data: bytes) -> None:
    """Every reader says the same; what was read can be written, and is read again as it was."""
    try:
        values = parse_document(data).values
    except DocumentError:
        _quick_refuses(data)
        return
    text = data.decode()
    _same_in_both_parsers(text, values)
    _same_to_others(text, values)
    if not values:
        return
    written = write_document(values)
    again = parse_document(written)
    assert equal(again.values, values), (values, again.values)
    assert list(again.values) == list(values)
    assert write_document(again.values) == written
    others = yaml.safe_load(written.decode())
    assert equal(others, values), ("YAML 1.1 reads it otherwise", values, others)


def _quick_refuses(data: bytes) -> None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    assert read_quickly(text) is None, text


def _same_in_both_parsers(text: str, values: dict[str, Any]) -> None:
    """Compares the parsers; PyYAML's own refuses a little more (``>-#``), but reads the same."""
    for parser in event_parsers():
        try:
            strict, _ = parse_strictly(text, parser=parser)
        except DocumentError:
            continue
        assert equal(strict, values), (parser, values, strict)
        assert list(strict) == list(values)


def _same_to_others(text: str, values: dict[str, Any]) -> None:
    """Compares with PyYAML's own constructor, which leaves scalars as text."""
    try:
        plain = yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError):
        return  # the parsers were compared already
    assert _agrees(plain, values), (plain, values)


def _agrees(plain: Any, ours: Any) -> bool:
    if isinstance(plain, dict):
        return plain.keys() == ours.keys() and all(_agrees(plain[n], ours[n]) for n in plain)
    if isinstance(plain, list):
        return len(plain) == len(ours) and all(map(_agrees, plain, ours))
    return bool(plain == ours) if isinstance(ours, str) else equal(read_word(plain), ours)


# --------------------------------------------------------------------------------- records

_KEYS: dict[Kind, str] = {
    Kind.PROJECT: "iris",
    Kind.DATASET: "iris/datasets/iris-data",
    Kind.EXPERIMENT: "iris/experiments/svm",
    Kind.EXECUTION: "iris/experiments/svm/executions/x-0123456789ab",
    Kind.ENVIRONMENT: "iris/environments/e-0123456789ab",
    Kind.RUN: "iris/experiments/svm/runs/r-20261121t101500-k3v9x2m7q4tz",
}


def record_seeds() -> Iterator[bytes]:
    """Yields a document of each kind, after the number of its kind."""
    for number, kind in enumerate(_KEYS):
        for path, data in BASE.items():
            if path.endswith(DOCUMENTS[kind]):
                yield bytes([number]) + data


def check_record(data: bytes) -> None:
    """A record is refused, or it is what its own document says."""
    kind = list(_KEYS)[data[0] % len(_KEYS)] if data else Kind.PROJECT
    key = Key.parse(_KEYS[kind])
    record = Record(key=key, files={DOCUMENTS[kind]: data[1:]})
    try:
        entity = decode(record)
    except FormatError:
        return
    again = decode(Record(key=key, files=encode(entity)))
    assert again.replace(revision=None) == entity.replace(revision=None), (entity, again)

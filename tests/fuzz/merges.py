"""Merges: what three versions of a project or a document may become."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from padre_git.errors import DocumentError
from padre_git.format import Merged, locate, merge_files, parse_document
from padre_git.format.decoding import decode
from padre_git.format.equality import equal
from padre_git.format.tombstones import read_tombstone
from padre_git.model import DOCUMENTS, Record
from tests.format.sides import PROJECT, SVM, Files, files, home
from tests.format.test_plain_git_merges import below_tombstones
from tests.format.test_random_merges import START, a_side
from tests.fuzz.draw import Draw
from tests.fuzz.gitfiles import scratch

__all__ = ["check_fields", "check_merge", "merge_seeds"]


class _Chance(random.Random):
    """Is luck that is read from bytes, then from a seed."""

    def __init__(self, draw: Draw) -> None:
        super().__init__(0)
        self._draw = draw

    def random(self) -> float:
        return self._draw.number(256) / 256

    def getrandbits(self, k: int) -> int:
        return int.from_bytes(bytes(self._draw.number(256) for _ in range(k // 8 + 1))) % (1 << k)


def merge_seeds() -> Iterator[bytes]:
    """Yields luck."""
    yield from (random.Random(seed).randbytes(60) for seed in range(40))


def _merged(base: Files, ours: Files, theirs: Files) -> Merged:
    return merge_files(base, ours, theirs, PROJECT)


def check_merge(data: bytes) -> None:
    """Two people do anything to a project: the merge keeps to its laws."""
    chance = _Chance(Draw(data))
    base = a_side(START, chance) if chance.random() < 0.3 else START
    ours, theirs = a_side(base, chance), a_side(base, chance)
    for side in (ours, theirs):
        assert _kept(_merged(base, side, side)) == side
        assert _kept(_merged(base, base, side)) == side
        assert _kept(_merged(base, side, base)) == side
    merged, mirrored = _merged(base, ours, theirs), _merged(base, theirs, ours)
    assert _turned(merged) == [(c.key, c.field, c.base, c.theirs, c.ours)
                               for c in mirrored.conflicts]  # fmt: skip
    if merged.conflicts:
        assert not equal(_by_path(ours), _by_path(theirs))
        return
    found = _kept(merged)
    assert found == _kept(mirrored)
    assert below_tombstones(found) == []
    _sound(found)
    for path, content in found.items():
        _nothing_new(path, content, base, ours, theirs)


def _kept(merged: Merged) -> Files:
    return {path: data for path, data in merged.files.items() if data is not None}


def _turned(merged: Merged) -> list[Any]:
    return [(c.key, c.field, c.base, c.ours, c.theirs) for c in merged.conflicts]


def _by_path(side: Files) -> Mapping[str, Any]:
    return {path: data.decode("latin-1") for path, data in side.items()}


def _sound(found: Files) -> None:
    """Every document of a merged project can be read."""
    for path, data in found.items():
        place = locate(path, PROJECT)
        if place is None or place[1] != DOCUMENTS[place[0].kind]:
            continue
        if read_tombstone(data, place[0]) is None:
            decode(Record(key=place[0], files={place[1]: data}))


def _nothing_new(path: str, content: bytes, *sides: Files) -> None:
    given = [side[path] for side in sides if path in side]
    if content in given:
        return
    known = {_leaf for data in given for _leaf in _leaves(parse_document(data).values)}
    new = set(_leaves(parse_document(content).values)) - known
    assert not new, (path, new)


def _leaves(value: Any, within: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{within}\0{name}")
    else:
        yield within, repr(value)


# ------------------------------------------------------------------------------ one document

_NAMES = ("C", "gamma", "kernel", "a", "b", "model")
_VALUES: tuple[Any, ...] = (
    *(0, 1, 1.0, True, None, "", "x", [1, 2], [], {}, {"a": 1}, {"a": 1, "b": {"c": 2}}),
    {"lr": 0.1},
)
_DOCUMENT = f"{home(SVM.key)}/experiment.yaml"


def _document(draw: Draw, before: dict[str, Any]) -> dict[str, Any]:
    """Returns fields of an experiment, some of them changed, added or gone."""
    found = dict(before)
    for _ in range(draw.number(4)):
        name = draw.one(("title", "description", "seed", "dataset", *_NAMES))
        if name in _NAMES:
            inner = dict(found.get("parameters") or {})
            if draw.flag():
                inner[name] = draw.one(_VALUES)
            else:
                inner.pop(name, None)
            found["parameters"] = inner
        elif draw.flag():
            found[name] = draw.number(3) if name == "seed" else draw.one(("iris-data", "x", "y"))
        else:
            found.pop(name, None)
    return found


def check_fields(data: bytes) -> None:
    """Two people change one document: a conflict is there if, and only if, both changed a field.

    Where neither plain git nor we see one, the values are the same. Git compares lines: of a field
    that one has changed and moved and the other has taken out, it may see no more than a new line.
    """
    draw = Draw(data)
    start = _document(draw, {"title": "t", "seed": 1, "parameters": {"C": 1.0, "kernel": "rbf"}})
    sides = [_file(start), _file(_document(draw, start)), _file(_document(draw, start))]
    if None in sides:
        return
    base, ours, theirs = (side for side in sides if side is not None)
    merged = _merged({_DOCUMENT: base}, {_DOCUMENT: ours}, {_DOCUMENT: theirs})
    mirrored = _merged({_DOCUMENT: base}, {_DOCUMENT: theirs}, {_DOCUMENT: ours})
    b, o, t = (parse_document(side).values for side in (base, ours, theirs))
    named = {str(c.field) for c in merged.conflicts}
    expected = set(_contradictions(b, o, t, ""))
    whole = named == {"experiment.yaml"}
    assert named == expected or whole, (named, expected)
    assert {str(c.field) for c in mirrored.conflicts} == named
    if not named:
        assert merged.files == mirrored.files
        _sound(_kept(merged))
        _nothing_new(_DOCUMENT, merged.files[_DOCUMENT] or b"", *({_DOCUMENT: s} for s in
                     (base, ours, theirs)))  # fmt: skip
    if not merged.conflicts and draw.number(16) == 0:
        _beside_git(base, ours, theirs, merged)


_GONE = object()


def _contradictions(base: Any, ours: Any, theirs: Any, within: str) -> Iterator[str]:
    """Yields the fields that both changed, and not alike."""
    known = base if isinstance(base, dict) else {}
    for name in {**known, **ours, **theirs}:
        b, o, t = (side.get(name, _GONE) for side in (known, ours, theirs))
        if _alike(o, t) or _alike(o, b) or _alike(t, b):
            continue
        if isinstance(o, dict) and isinstance(t, dict):
            yield from _contradictions(b, o, t, f"{within}{name}.")
        else:
            yield f"{within}{name}"


def _alike(one: Any, other: Any) -> bool:
    return one is other if _GONE in (one, other) else equal(one, other)


def _file(fields: dict[str, Any]) -> bytes | None:
    """Returns an experiment's document; None for fields that none can have."""
    try:
        changed = SVM.replace(parameters={}, title=None, description=None, dataset=None, seed=None)
        return files(changed.replace(**fields))[_DOCUMENT]
    except ValueError:
        return None


@cache
def _scratch() -> Path:
    return scratch()


def _beside_git(base: bytes, ours: bytes, theirs: bytes, merged: Merged) -> None:
    paths = [_scratch() / name for name in ("ours", "base", "theirs")]
    for path, data in zip(paths, (ours, base, theirs), strict=True):
        path.write_bytes(data)
    done = subprocess.run(["git", "merge-file", "-p", *paths], capture_output=True)
    if done.returncode:
        return
    try:
        values = parse_document(done.stdout).values
    except DocumentError:  # a field that both added is there twice: whoever reads it sees that
        return
    assert equal(values, parse_document(merged.files[_DOCUMENT] or b"").values), done.stdout

"""The layout: which path belongs to which record, and where a new run goes.

Paths are relative to the project's directory, with ``/``. A *part* is a file of a record by its
name below the record's directory (``run.yaml``, ``tags/candidate``). Runs lie in *shards*, which
the key does not show: ``2026-11``, then the day, then the first and the second random character of
the id. A writer takes the first that is not full, a reader looks into all four, and the first that
has the run counts (docs/decisions/0002-run-shards).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from padre_git.errors import InvalidNameError
from padre_git.format.annotations import is_note_part, is_tag_part
from padre_git.model import DOCUMENTS, Key, Kind
from padre_git.model.ids import run_month

__all__ = [
    "LIMIT",
    "LONGEST_PATH",
    "children_directory",
    "is_part",
    "is_shard",
    "locate",
    "part_path",
    "place_run",
    "record_directories",
    "shards_of",
]

#: Runs a shard takes before writers turn to the next level.
LIMIT = 64
#: Characters that no path of ours exceeds, counted below the project.
LONGEST_PATH = 150

_PARTS: dict[Kind, frozenset[str]] = {
    Kind.PROJECT: frozenset(),
    Kind.DATASET: frozenset(["data.dvc"]),
    Kind.ENVIRONMENT: frozenset(),
    Kind.EXPERIMENT: frozenset(),
    Kind.EXECUTION: frozenset(["code.patch", "code.dvc"]),
    Kind.RUN: frozenset(
        [
            "metrics.yaml",
            "series.csv",
            "log.txt",
            "error.txt",
            "splits.yaml",
            "results.csv",
            "artifacts.dvc",
        ]
    ),
}
_TOP = {kind.directory: kind for kind in (Kind.DATASET, Kind.EXPERIMENT)}
_RANDOM = "[0-9abcdefghjkmnp-tv-z]"
_SHARD = re.compile(
    rf"\d{{4}}-(0[1-9]|1[0-2])(/([0-2]\d|3[01])(/{_RANDOM}(/{_RANDOM})?)?)?", re.ASCII
)


def is_part(kind: Kind, name: str) -> bool:
    """Returns whether a record of ``kind`` may have a part of this name.

    Every other file below a record's directory is the user's.
    """
    if name == DOCUMENTS[kind] or name in _PARTS[kind]:
        return True
    return kind is Kind.RUN and (is_tag_part(name) or is_note_part(name))


def is_shard(path: str) -> bool:
    """Returns whether ``path``, below a ``runs`` directory, may be a shard: ``2026-11/21/k``."""
    return _SHARD.fullmatch(path) is not None


def shards_of(run_id: str) -> tuple[str, str, str, str]:
    """Returns the four shards below ``runs`` that a run can be in, the shallowest first."""
    month, day, random = run_month(run_id)
    return (
        month,
        f"{month}/{day}",
        f"{month}/{day}/{random[0]}",
        f"{month}/{day}/{random[0]}/{random[1]}",
    )


def place_run(run_id: str, count: Callable[[str], int]) -> str:
    """Returns the directory of a new run below its experiment's ``runs``: ``2026-11/r-…``.

    Args:
        run_id: the new run.
        count: says how many run directories lie directly in a shard (a path below ``runs``); it
            is asked for three shards at most, and never again for the same one.
    """
    *upper, last = shards_of(run_id)
    shard = next((shard for shard in upper if count(shard) < LIMIT), last)
    return f"{shard}/{run_id}"


def children_directory(parent: Key, kind: Kind) -> str:
    """Returns the directory that holds the records of ``kind`` below ``parent``.

    Runs lie deeper in it, in their shards; environments are files in it.

    Raises:
        InvalidNameError: if ``parent`` has no such records.
    """
    if kind.parent is not parent.kind:
        raise InvalidNameError(f"{parent.kind.noun} has no {kind.directory}", key=parent)
    return f"{parent.path}/{kind.directory}" if parent.path else kind.directory


def record_directories(key: Key) -> tuple[str, ...]:
    """Returns the directories a record can be in, the one to prefer first.

    A run has four candidates, everything else one: ``""`` for the project itself,
    ``environments`` for every environment.
    """
    if key.kind is Kind.RUN and key.parent is not None:
        runs = children_directory(key.parent, Kind.RUN)
        return tuple(f"{runs}/{shard}/{key.name}" for shard in shards_of(key.name))
    if key.kind is Kind.ENVIRONMENT:
        return (Kind.ENVIRONMENT.directory,)
    return (key.path,)


def part_path(key: Key, directory: str, part: str) -> str:
    """Returns the path of a part of a record that lies in ``directory``.

    Args:
        key: the record.
        directory: one of :func:`record_directories`.
        part: name of the part.
    """
    if key.kind is Kind.ENVIRONMENT:
        return f"{directory}/{key.name}.yaml"
    return f"{directory}/{part}" if directory else part


def locate(path: str, project: str) -> tuple[Key, str] | None:
    """Returns the record and the part that a path belongs to, or None for a path that is not ours.

    A run outside its four shards is not ours: no reader would look there.

    Args:
        path: below the project.
        project: its name.
    """
    names = path.split("/")
    depth = _record_depth(names)
    if depth is None:
        return None
    key = _record_at("/".join(names[:depth]), project)
    if key is None:
        return None
    part = DOCUMENTS[key.kind] if key.kind is Kind.ENVIRONMENT else "/".join(names[depth:])
    return (key, part) if is_part(key.kind, part) else None


def _record_depth(names: list[str]) -> int | None:
    """Returns how many leading names of a path are the record's place."""
    if len(names) == 1:
        return 0
    if names[0] == Kind.ENVIRONMENT.directory:
        return 2 if len(names) == 2 and names[1].endswith(".yaml") else None
    if names[0] not in _TOP or len(names) < 3:
        return None
    if names[0] == Kind.EXPERIMENT.directory and len(names) > 4:
        if names[2] == Kind.EXECUTION.directory:
            return 4
        if names[2] == Kind.RUN.directory:
            return _run_depth(names)
    return 2


def _run_depth(names: list[str]) -> int | None:
    for depth in range(4, min(8, len(names) - 1)):
        if names[depth].startswith("r-"):
            return depth + 1
    return None


@lru_cache(maxsize=4096)
def _record_at(place: str, project: str) -> Key | None:
    """Returns the record at a directory (or file, for environments) below the project."""
    names = place.split("/") if place else []
    try:
        key = Key.project_named(project)
        if not names:
            return key
        if names[0] == Kind.ENVIRONMENT.directory:
            return key.environment(names[1].removesuffix(".yaml"))
        key = key.child(_TOP[names[0]], names[1])
        if len(names) == 2:
            return key
        if names[2] == Kind.EXECUTION.directory:
            return key.execution(names[3])
        key = key.run(names[-1])
    except InvalidNameError:
        return None
    return key if place in record_directories(key) else None

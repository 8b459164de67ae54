"""What differs between two trees of a project, as records."""

from __future__ import annotations

from collections.abc import Iterable

from padre_git.backends.records import Records
from padre_git.format import locate
from padre_git.model import Key, Kind
from padre_git.vcs.objects import Entry

__all__ = ["compare", "contents", "touched"]

_HAVE_CHILDREN = (Kind.PROJECT, Kind.EXPERIMENT)


def compare(
    project: str, paths: Iterable[str], old: Records, new: Records
) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
    """Returns the records that are new or differ, and those that are gone, each in order.

    Args:
        project: its name.
        paths: the files that differ.
        old: what there was.
        new: what there is.
    """
    keys = touched(project, paths, old, new)
    before, after = contents(old, keys), contents(new, keys)
    stored = sorted(key for key in after if before.get(key) != after[key])
    return tuple(stored), tuple(sorted(before.keys() - after.keys()))


def touched(project: str, paths: Iterable[str], old: Records, new: Records) -> set[Key]:
    """Returns the records that differing paths belong to, and those that came or went with them."""
    located = (locate(path, project) for path in paths)
    keys = {key for key, _ in filter(None, located)}
    holders = [key for key in keys if key.kind in _HAVE_CHILDREN]
    for key in old.alive(holders) ^ new.alive(holders):
        keys.update(old.scan(key, None), new.scan(key, None))
    return keys


def contents(records: Records, keys: Iterable[Key]) -> dict[Key, dict[str, Entry]]:
    """Returns the parts of those of these records that exist."""
    places = records.places(records.alive(keys))
    return {key: records.parts(key, place) for key, place in places.items()}

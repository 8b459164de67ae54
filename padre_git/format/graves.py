"""Graves: every file that stands where a record was deleted, and why each of them is there.

The tombstone in place of the document makes git report a deletion against an edit. The others make
it report what it cannot see otherwise (docs/format, "Merging"): an empty file, a *seal*, where the
directory of children, tags or notes was is in the way of what somebody else adds there; a pointer
is emptied and not removed, so that git does not take a similar pointer for its new place. A run
that is changed after it was stored gets an empty file too, its *edit mark*: if the run or its
experiment is deleted elsewhere, the mark meets a seal, and the change does not get lost or end up
on a similar run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from itertools import filterfalse

from padre_git.format.layout import part_path
from padre_git.format.tombstones import tombstone
from padre_git.model import DOCUMENTS, Key, Kind

__all__ = ["edit_mark", "grave_files", "is_sign", "seals"]

_MARKS = "edits"
#: Directories whose place a seal takes. Environments mean nothing without runs and need none.
_SEALED: Mapping[Kind, tuple[str, ...]] = {
    Kind.PROJECT: (Kind.DATASET.directory, Kind.EXPERIMENT.directory),
    Kind.EXPERIMENT: (Kind.EXECUTION.directory, Kind.RUN.directory),
    Kind.RUN: (_MARKS, "notes", "tags"),
}
_SEAL_NAMES = frozenset(name for names in _SEALED.values() for name in names)


def seals(key: Key, directory: str) -> tuple[str, ...]:
    """Returns the paths where a deleted record has seals, unless files of the user's are there.

    Args:
        key: the record.
        directory: where it was.
    """
    prefix = f"{directory}/" if directory else ""
    return tuple(prefix + name for name in _SEALED.get(key.kind, ()))


def is_sign(path: str) -> bool:
    """Returns whether a file that is no part of a record may be a seal or an edit mark."""
    above, _, name = path.rpartition("/")
    return name in _SEAL_NAMES or above.rpartition("/")[2] == _MARKS


def grave_files(
    key: Key, directory: str, *, parts: Iterable[str] = (), moved_to: Key | None = None
) -> dict[str, bytes]:
    """Returns what stands at the place of a deleted record, content by path.

    Args:
        key: the record.
        directory: where it was.
        parts: the names of the parts it had.
        moved_to: its new key, if it was renamed.
    """
    files = {part_path(key, directory, DOCUMENTS[key.kind]): tombstone(moved_to)}
    files.update(dict.fromkeys(seals(key, directory), b""))
    pointers = {part for part in parts if part.endswith(".dvc")}
    if key.kind is Kind.DATASET:
        pointers.add("data.dvc")  # somebody may add the first data
    files.update({part_path(key, directory, part): b"" for part in sorted(pointers)})
    return files


def edit_mark(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> str | None:
    """Returns the name of the empty file, below a run's directory, that says it was changed.

    It is no part of the run, and two people who make the same change leave the same mark. Tags and
    notes need none, and neither does taking something away.

    Args:
        old: the parts of the run as it is stored.
        new: the parts it is to have.

    Returns:
        The name; None if there is nothing to mark.
    """
    seen = hashlib.sha256()
    changed = [name for name, data in sorted(new.items()) if old.get(name) != data]
    for name in filterfalse(_is_added_by_people, changed):
        seen.update(b"%s\0%s\0" % (name.encode(), hashlib.sha256(new[name]).digest()))
    if all(map(_is_added_by_people, changed)):
        return None
    return f"{_MARKS}/{seen.hexdigest()[:12]}"


def _is_added_by_people(part: str) -> bool:
    return part.startswith(("tags/", "notes/"))

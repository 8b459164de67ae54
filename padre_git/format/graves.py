"""Graves: every file that stands where a record was deleted, and why each of them is there.

The tombstone in place of the document makes git report a deletion against an edit. The others make
it report what it cannot see otherwise (docs/format, "Merging"): an empty file, a *seal*, where the
directory of children, tags or notes was is in the way of what somebody else adds there; a pointer
is emptied and not removed, so that git does not take a similar pointer for its new place. A run
that is changed after it was stored gets an empty file too, its *edit mark*: if its experiment is
deleted elsewhere, the mark meets the seal, and the change does not end up on a similar run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from padre_git.format.layout import part_path
from padre_git.format.tombstones import tombstone
from padre_git.model import DOCUMENTS, Key, Kind

__all__ = ["edit_mark", "grave_files", "seals"]

#: Directories whose place a seal takes. Environments mean nothing without runs and need none.
_SEALED: Mapping[Kind, tuple[str, ...]] = {
    Kind.PROJECT: (Kind.DATASET.directory, Kind.EXPERIMENT.directory),
    Kind.EXPERIMENT: (Kind.EXECUTION.directory, Kind.RUN.directory),
    Kind.RUN: ("notes", "tags"),
}


def seals(key: Key, directory: str) -> tuple[str, ...]:
    """Returns the paths where a deleted record has seals, unless files of the user's are there.

    Args:
        key: the record.
        directory: where it was.
    """
    prefix = f"{directory}/" if directory else ""
    return tuple(prefix + name for name in _SEALED.get(key.kind, ()))


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
    pointers = (part for part in parts if part.endswith(".dvc"))
    files.update({part_path(key, directory, part): b"" for part in pointers})
    return files


def edit_mark(changed: Mapping[str, bytes]) -> str:
    """Returns the name, below a run's directory, of the empty file that says it was changed.

    It is no part of the run, and two people who make the same change leave the same mark.

    Args:
        changed: the parts that a stored run had and that have other content now.
    """
    seen = hashlib.sha256()
    for name in sorted(changed):
        seen.update(b"%s\0%s\0" % (name.encode(), hashlib.sha256(changed[name]).digest()))
    return f"edits/{seen.hexdigest()[:12]}"

"""An index made anew: what the commit has, and what was staged as far as it can still be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from padre_git.vcs.examining import Examination
from padre_git.vcs.index import Index
from padre_git.vcs.objects import MODULE, Commit, Entry
from padre_git.vcs.rebuilding import read_entries
from padre_git.vcs.snapshot import Snapshot

__all__ = ["rebuilt_index"]


def rebuilt_index(
    found: Examination, path: Path, commit: Commit, is_evicted: Callable[[str], bool]
) -> bytes:
    """Returns the bytes of an index to replace a damaged one.

    What was staged stays staged where it can be read. A staged deletion comes back as a deletion
    that is not staged: it cannot be told from an entry that was lost.

    Args:
        found: gives objects and files.
        path: the damaged index.
        commit: what is checked out.
        is_evicted: tells which files are left out of the work tree.
    """
    snapshot = Snapshot(found.reader, commit.id)
    snapshot.load()
    wanted = dict(snapshot.walk())
    blobs = {entry.id for entry in wanted.values()}
    skipped = set()
    known = read_entries(path.read_bytes()) if path.is_file() else ()
    for one in (entry for entry in known if not entry.path.endswith("/")):  # no folded directory
        if _is_staged(found, one.path, one.entry, wanted, blobs):
            wanted[one.path] = one.entry
        if one.skipped:
            skipped.add(one.path)
    index = Index()
    for name, entry in wanted.items():
        skip = is_evicted(name) or (name in skipped and not _is_there(found, name))
        index.set(name, entry, None, skip=skip)
    return index.build()


def _is_staged(
    found: Examination, path: str, entry: Entry, wanted: dict[str, Entry], blobs: set[str]
) -> bool:
    """Tells whether an entry is something that a person staged, and not damage."""
    if entry.mode == MODULE or not found.has(entry.id):
        return False
    # a new path with old content is a name that was damaged, unless there is such a file
    return path in wanted or entry.id not in blobs or _is_there(found, path)


def _is_there(found: Examination, path: str) -> bool:
    root = found.patient.root
    return root is not None and (root / path).is_file()

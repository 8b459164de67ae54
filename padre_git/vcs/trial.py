"""Trying edits out: commits as they would be with other files in them, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from padre_git.vcs.objects import Commit, Entry
from padre_git.vcs.packs import PackWriter
from padre_git.vcs.plan import Edit, differences, edit_tree
from padre_git.vcs.reader import Reader
from padre_git.vcs.snapshot import Snapshot

__all__ = ["Trial"]


class Trial:
    """Makes snapshots of one repository that can be compared with each other and edited.

    Args:
        reader: gives the objects that exist.
        objects: the repository's ``objects``.
    """

    def __init__(self, reader: Reader, objects: Path) -> None:
        self._writer = PackWriter(objects)  # never flushed
        self._reader = _Memory(reader, self._writer.blobs)

    def snapshot(self, commit: str | None) -> Snapshot:
        """Returns what a commit holds; None for nothing."""
        return Snapshot(self._reader, commit)

    def edited(self, snapshot: Snapshot, edits: Mapping[str, Edit]) -> Snapshot:
        """Returns what a snapshot of this trial would hold after edits of its files.

        Raises:
            InvalidNameError: for a path that cannot stand in a tree.
            InvalidInputError: for edits below a file.
        """
        tree = edit_tree(snapshot.tree, edits, reader=self._reader, writer=self._writer)
        return _Edited(self._reader, tree)

    def differences(self, old: Snapshot, new: Snapshot) -> frozenset[str]:
        """Returns the paths of the files in which two snapshots of this trial differ."""
        return frozenset(d.path for d in differences(self._reader, old.tree, new.tree))


class _Edited(Snapshot):
    """Is a tree that no commit has."""

    def __init__(self, reader: Reader, tree: str) -> None:
        super().__init__(reader, None)
        self.tree = tree


class _Memory(Reader):
    """Reads what was only tried from memory, and everything else from below."""

    def __init__(self, below: Reader, blobs: Mapping[str, bytes]) -> None:
        self._below = below
        self._tried: dict[str, Mapping[str, Entry]] = {}
        self._blobs = blobs

    def tree(self, oid: str) -> Mapping[str, Entry]:
        found = self._tried.get(oid)
        return self._below.tree(oid) if found is None else found

    def remember(self, oid: str, entries: Mapping[str, Entry]) -> None:
        self._tried[oid] = entries

    def load_trees(self, oids: Iterable[str]) -> None:
        self._below.load_trees(oid for oid in oids if oid not in self._tried)

    def commit(self, oid: str) -> Commit:
        return self._below.commit(oid)

    def remember_commit(self, commit: Commit) -> None:
        self._below.remember_commit(commit)

    def objects(self, oids: Iterable[str], kind: str) -> dict[str, bytes]:
        wanted = list(oids)
        known = {oid: self._blobs[oid] for oid in wanted if oid in self._blobs}
        return known | self._below.objects((oid for oid in wanted if oid not in known), kind)

    def close(self) -> None:
        pass  # what is below belongs to the repository

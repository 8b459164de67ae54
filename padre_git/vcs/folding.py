"""Folded directories: left out of the work tree, and one entry of the index, whatever lies below.

What changes below one changes only the tree that its entry names, so a commit costs the same with
a thousand runs as with a million.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from padre_git.errors import Conflict, ConflictError
from padre_git.vcs.cachetree import Trees
from padre_git.vcs.cone import Cone
from padre_git.vcs.index import Index
from padre_git.vcs.objects import EMPTY_TREE, Entry
from padre_git.vcs.snapshot import entry_at, file_at
from padre_git.vcs.worktree import Change

__all__ = ["Folding", "Graft"]

#: Returns the id of a tree with other entries at some paths; it is durable.
Graft = Callable[[str, Mapping[str, Entry | None]], str]


class Folding(NamedTuple):
    """Changes what lies below folded directories.

    Attributes:
        cone: says which directories are left out.
        trees: gives the entries of a tree by its id.
        graft: makes the trees that no commit has.
    """

    cone: Cone
    trees: Trees
    graft: Graft

    def place(self, index: Index, path: str) -> str | None:
        """Returns the folded directory that a path belongs into, whether it is there yet or not."""
        above = index.fold_above(path)
        if above is not None or not index.is_sparse:
            return above
        out = self.cone.outermost(path)
        return out if out is not None and not index.count(out) else None

    def staged(self, index: Index, path: str) -> Entry | None:
        """Returns what the index holds at a path, also below a folded directory."""
        above = index.fold_above(path)
        if above is None:
            known = index.get(path)
            return known.entry if known else None
        tree = index.folded(above) or EMPTY_TREE
        return file_at(self.trees, tree, path[len(above) + 1 :])

    def check(self, index: Index, changes: Iterable[Change]) -> None:
        """Refuses changes of what the user has staged, of files that are left out.

        Raises:
            ConflictError: naming every such path.
        """
        found = [
            Conflict(key=change.path, field=None, theirs="has staged changes")
            for change in changes
            if self.staged(index, change.path) not in change.known | {change.new}
        ]
        if found:
            raise ConflictError(
                f"'{found[0].key}' has staged changes", conflicts=found, hint="commit or undo that"
            )

    def follow(self, index: Index, changes: Iterable[Change], old: str, new: str) -> set[str]:
        """Makes changes; returns the entries that went just from one tree to the other.

        Args:
            index: where.
            changes: with a :meth:`place`.
            old: tree that the changes come from.
            new: tree that they lead to.
        """
        moved = set()
        for directory, below in self._by_place(index, changes).items():
            now = index.folded(directory)
            was, wanted = self._tree(old, directory), self._tree(new, directory)
            if now not in {was, wanted}:  # the user has staged something else in there
                self._graft(index, directory, below)
                continue
            name = index.fold(directory, wanted)
            if now == was:
                moved.add(name)
        return moved

    def put(self, index: Index, changes: Iterable[Change]) -> None:
        """Makes changes, and no others, to what the index holds at this moment."""
        for directory, below in self._by_place(index, changes).items():
            self._graft(index, directory, below)

    def _by_place(self, index: Index, changes: Iterable[Change]) -> dict[str, list[Change]]:
        found: dict[str, list[Change]] = {}
        for change in changes:
            place = self.place(index, change.path)
            if place is not None:
                found.setdefault(place, []).append(change)
        return found

    def _graft(self, index: Index, directory: str, changes: Iterable[Change]) -> None:
        wanted = [c for c in changes if self.staged(index, c.path) in c.known]
        edits = {c.path[len(directory) + 1 :]: c.new for c in wanted}
        gone_first = dict(sorted(edits.items(), key=lambda item: item[1] is not None))
        made = self.graft(index.folded(directory) or EMPTY_TREE, gone_first)
        index.fold(directory, None if made == EMPTY_TREE else made)

    def _tree(self, tree: str, directory: str) -> str | None:
        found = entry_at(self.trees, tree, directory)
        return found.id if found is not None and found.is_tree else None

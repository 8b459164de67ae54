"""Bringing one checked-out work tree from one tree to another, files and index."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress

from padre_git.errors import DamagedError, LockedError
from padre_git.vcs.cachetree import Spliced, Trees
from padre_git.vcs.cone import EVERYTHING, is_sparse, read_cone
from padre_git.vcs.config import Config
from padre_git.vcs.durable import Durable
from padre_git.vcs.eviction import Evictions
from padre_git.vcs.folding import Folding, Graft
from padre_git.vcs.gitsite import GitSite
from padre_git.vcs.index import Index, UnknownIndexError
from padre_git.vcs.indexfile import IndexFile
from padre_git.vcs.objects import EMPTY_TREE, Entry
from padre_git.vcs.reflog import last_moves
from padre_git.vcs.restarts import remove_begun
from padre_git.vcs.site import Site
from padre_git.vcs.snapshot import entry_at, file_at
from padre_git.vcs.userstate import Checkout
from padre_git.vcs.worktree import Change, WorkTree

__all__ = ["open_site", "wait_for_index"]

_TRIES = 50
#: What the log of HEAD says of commits that take back what somebody wanted taken back.
_MEANT = ("commit (merge)", 'commit: Revert "')


class SplicedSite(Site):
    """Is a work tree whose files and index entries we write ourselves: a full one, or a cone."""

    def __init__(
        self,
        checkout: Checkout,
        tree: WorkTree,
        index: IndexFile,
        *,
        evictions: Evictions,
        folding: Folding,
        tree_of: Callable[[str], str],
        timeout: float,
    ) -> None:
        self._head_log = checkout.git_dir / "logs" / "HEAD"
        self._tree = tree
        self._index = index
        self._evictions = evictions
        self._folding = folding
        self._tree_of = tree_of
        self._timeout = timeout
        # what the check has found goes for the whole move, whatever the user does meanwhile
        self._kept: dict[str, bool] = {}

    def check(self, old: str, new: str, changes: Sequence[Change]) -> None:
        """Implements :meth:`Site.check`."""
        index, version = self._index.load()
        if version is None and old != EMPTY_TREE:
            self._index.check_exists()
        folded, rest = self._split(index, changes)
        going = {change.path for change in rest if change.new is None}
        found = self._left_out(index, rest)
        # no index can hold a file and what the user has staged below it
        left_out = {path for path in found if going.issuperset(index.below(path))}
        self._folding.check(index, [*folded, *(c for c in rest if c.path in left_out)])
        self._tree.check((c for c in rest if c.path not in left_out), index)

    def _split(self, index: Index, changes: Iterable[Change]) -> tuple[list[Change], list[Change]]:
        """Returns the changes below folded directories, and all others."""
        sides: tuple[list[Change], list[Change]] = ([], [])
        for change in changes:
            sides[self._folding.place(index, change.path) is None].append(change)
        return sides

    def _left_out(self, index: Index, changes: Sequence[Change]) -> set[str]:
        """Returns the files that have entries of their own and are not in the work tree."""
        going = {change.path for change in changes if change.new is None}
        return {change.path for change in changes if self._is_left_out(index, change, going)}

    def _is_left_out(self, index: Index, change: Change, going: set[str]) -> bool:
        path, known = change.path, index.get(change.path)
        if known is not None:
            if not known.skipped or known.entry not in change.known | {change.new}:
                return False
            # a killed eviction has left the file there, and it is still ours
            left = Change(path=change.path, known=change.known, new=known.entry)
            return not self._tree.holds(left)
        if self._evictions.covers(path) or not self._folding.cone.includes(path):
            return True
        if self._folding.cone is not EVERYTHING:  # there git looks what is in the place
            return False
        if path not in self._kept:
            self._kept[path] = self._tree.keeps_ignored(change, going)
        return self._kept[path]

    def written(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Implements :meth:`Site.written`."""
        index, _ = self._index.load()
        _, rest = self._split(index, changes)
        left_out = self._left_out(index, rest)
        return [change for change in rest if change.path not in left_out]

    def follow(
        self,
        old: str,
        new: str,
        changes: Sequence[Change],
        contents: Mapping[str, bytes],
        durable: Durable,
    ) -> None:
        """Implements :meth:`Site.follow`."""
        index, version = self._index.load()
        folded, rest = self._split(index, changes)
        left_out = self._left_out(index, rest)
        seen = self._tree.write((c for c in rest if c.path not in left_out), contents)
        for _ in range(_TRIES):
            moved = self._folding.follow(index, folded, old, new)
            for change in rest:
                was = index.get(change.path)
                _splice(index, change, seen.get(change.path), skip=change.path in left_out)
                if (was.entry if was else None) == entry_at(self._folding.trees, old, change.path):
                    moved.add(change.path)
            index.follow(Spliced(old, new, moved), self._folding.trees)
            if self._index.store(index, version, durable, timeout=self._timeout):
                return
            index, version = self._index.load()
            folded, rest = self._split(index, changes)
        raise LockedError(f"the index '{self._index.path}' keeps changing")

    def version(self) -> str:
        """Implements :meth:`Site.version`."""
        return self._index.version()

    def is_in_use(self) -> bool:
        """Implements :meth:`Site.is_in_use`."""
        return self._index.is_in_use()

    def is_quiet(self) -> bool:
        """Implements :meth:`Site.is_quiet`."""
        return self._index.is_ours() and not self._index.is_locked()

    def has_tried_to_commit(self, since: int) -> bool:
        """Implements :meth:`Site.has_tried_to_commit`."""
        return self._index.last_commit() >= since

    def staged(self, path: str) -> Entry | None:
        """Implements :meth:`Site.staged`."""
        return self._folding.staged(self._index.load()[0], path)

    def holds(self, change: Change) -> bool:
        """Implements :meth:`Site.holds`.

        Of a file that is left out nothing can be seen. Then it counts what has taken it back: a
        stale index is what ``git commit`` wrote, and no revert, merge or pull.
        """
        if self.written([change]):
            return self._tree.holds(change)
        for old, new, done in last_moves(self._head_log):
            with suppress(DamagedError):  # git has pruned what the user has thrown away
                was, became = (self._entry(commit, change.path) for commit in (old, new))
                if was == change.new and became in change.known:
                    return done.startswith("commit") and not done.startswith(_MEANT)
        return False

    def _entry(self, commit: str, path: str) -> Entry | None:
        tree = self._tree_of(commit) if commit.strip("0") else EMPTY_TREE
        return file_at(self._folding.trees, tree, path)

    def repair(self, changes: Sequence[Change]) -> None:
        """Implements :meth:`Site.repair`."""
        _wait_while(self._index.is_locked, self._timeout)
        for _ in range(_TRIES):
            index, version = self._index.load()
            folded, rest = self._split(index, changes)
            left_out = self._left_out(index, rest)
            there = all(self._tree.holds(c) for c in rest if c.path not in left_out)
            if not changes or not there or not all(self._is_stale(index, c) for c in changes):
                return
            self._folding.put(index, folded)
            for change in rest:
                skip = change.path in left_out
                _splice(index, change, None if skip else self._tree.seen(change.path), skip=skip)
            if self._index.store(index, version, Durable(), timeout=self._timeout):
                return

    def _is_stale(self, index: Index, change: Change) -> bool:
        entry = self._folding.staged(index, change.path)
        return entry != change.new and entry in change.known

    def mend(self, read: Callable[[list[str]], dict[str, bytes]]) -> None:
        """Implements :meth:`Site.mend`."""
        remove_begun(self._tree.root)
        index, version = self._index.load()
        known = ((path, index.get(path)) for path in index.below(""))
        short = {p: k.entry for p, k in known if k is not None and self._tree.is_cut_short(p, k)}
        contents = read([entry.id for entry in short.values()])
        torn = [
            Change(path=path, known=frozenset([entry]), new=entry)
            for path, entry in short.items()
            if self._tree.begins(path, contents[entry.id])
        ]
        for path, seen in self._tree.write(torn, contents).items():
            index.set(path, short[path], seen)
        if torn and not self._index.store(index, version, Durable(), timeout=self._timeout):
            raise LockedError(f"the index '{self._index.path}' has just changed; try again")

    def hold(self) -> AbstractContextManager[None]:
        """Implements :meth:`Site.hold`."""
        return self._index.hold(self._timeout)

    def evict(self, paths: Sequence[str]) -> None:
        """Implements :meth:`Site.evict`: first the index, so that no file is ever missed."""
        durable = Durable()
        index, version = self._index.load()
        gone = [_keep(index, path) for path in _covered(index, paths)]
        self._tree.check((c for c in gone if not _is_skipped(index, c.path)), index)
        for change in gone:
            index.skip(change.path)
        if not self._index.store(index, version, durable, timeout=self._timeout):
            raise LockedError(f"the index '{self._index.path}' has just changed; try again")
        self._tree.remove([change.path for change in gone])

    def restore(self, paths: Sequence[str], read: Callable[[list[str]], dict[str, bytes]]) -> None:
        """Implements :meth:`Site.restore`: first the files, for the same reason."""
        durable = Durable()
        index, version = self._index.load()
        left_out = [path for path in _covered(index, paths) if _is_skipped(index, path)]
        there = self._tree.look(left_out)
        back = [_keep(index, p) for p in left_out if not self._tree.is_directory(p)]
        contents = read([change.new.id for change in back if change.new is not None])
        seen = self._tree.write((c for c in back if c.path not in there), contents)
        for change in back:
            assert change.new is not None  # noqa: S101 - made so by _keep
            index.set(change.path, change.new, seen.get(change.path))
        if not self._index.store(index, version, durable, timeout=self._timeout):
            raise LockedError(f"the index '{self._index.path}' has just changed; try again")


def _splice(index: Index, change: Change, seen: os.stat_result | None, *, skip: bool) -> None:
    """Puts one change into the index, unless the user has staged something else there."""
    now = index.get(change.path)
    if (now.entry if now else None) not in change.known | {change.new}:
        return
    if change.new is None:
        index.remove(change.path)
    else:
        index.set(change.path, change.new, seen, skip=skip)


def _covered(index: Index, paths: Sequence[str]) -> list[str]:
    """Returns the files in the index that are, or lie below, one of these."""
    found = [p for path in paths for p in [path, *index.below(path)] if not p.endswith("/")]
    return [path for path in dict.fromkeys(found) if index.get(path) is not None]


def _is_skipped(index: Index, path: str) -> bool:
    known = index.get(path)
    return known is not None and known.skipped


def _keep(index: Index, path: str) -> Change:
    known = index.get(path)
    assert known is not None  # noqa: S101 - only asked for what is there
    return Change(path=path, known=frozenset([known.entry]), new=known.entry)


def open_site(
    checkout: Checkout,
    index: IndexFile,
    config: Config,
    tree: WorkTree,
    *,
    evictions: Evictions,
    trees: Trees,
    tree_of: Callable[[str], str],
    graft: Graft,
) -> Site:
    """Returns the right way to change a work tree.

    Args:
        checkout: where it is.
        index: its index file.
        config: says whether it is sparse.
        tree: its files.
        evictions: which directories are left out of the work tree.
        trees: gives the entries of a tree by its id.
        tree_of: gives the tree of a commit.
        graft: makes trees that no commit has.
    """
    cone = read_cone(checkout.git_dir) if is_sparse(config) else EVERYTHING
    try:
        known, _ = index.load()
    except UnknownIndexError:
        return GitSite(checkout)
    if cone is None or (known.is_sparse and cone is EVERYTHING):
        return GitSite(checkout)
    folding = Folding(cone, trees, graft)
    return SplicedSite(
        checkout, tree, index, evictions=evictions, folding=folding, tree_of=tree_of, timeout=2.0
    )


def wait_for_index(checkout: Checkout, seconds: float) -> bool:
    """Waits for the user's index lock to go away and tells whether it has."""
    return _wait_while((checkout.git_dir / "index.lock").exists, seconds)


def _wait_while(busy: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while busy():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.002)
    return True

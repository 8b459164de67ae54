"""Bringing one checked-out work tree from one tree to another, files and index."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from padre_git.errors import LockedError
from padre_git.vcs.cachetree import Spliced, Trees
from padre_git.vcs.config import Config
from padre_git.vcs.durable import Durable
from padre_git.vcs.eviction import Evictions
from padre_git.vcs.gitsite import GitSite
from padre_git.vcs.index import Index, UnknownIndexError
from padre_git.vcs.indexfile import IndexFile
from padre_git.vcs.objects import Entry
from padre_git.vcs.site import Site
from padre_git.vcs.snapshot import entry_at
from padre_git.vcs.userstate import Checkout
from padre_git.vcs.worktree import Change, WorkTree

__all__ = ["open_site", "wait_for_index"]

_TRIES = 50


class SplicedSite(Site):
    """Is a full checkout, whose files and index entries we write ourselves."""

    def __init__(
        self,
        tree: WorkTree,
        index: IndexFile,
        *,
        evictions: Evictions,
        trees: Trees,
        timeout: float,
    ) -> None:
        self._tree = tree
        self._index = index
        self._evictions = evictions
        self._trees = trees
        self._timeout = timeout

    def check(self, old: str, new: str, changes: Sequence[Change]) -> None:
        """Implements :meth:`Site.check`."""
        index, _ = self._index.load()
        self._tree.check((c for c in changes if not self._is_evicted(index, c)), index)

    def _is_evicted(self, index: Index, change: Change) -> bool:
        known = index.get(change.path)
        if known is not None:
            return known.skipped and known.entry in change.known | {change.new}
        return self._evictions.covers(change.path)

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
        evicted = {c.path for c in changes if self._is_evicted(index, c)}
        seen = self._tree.write((c for c in changes if c.path not in evicted), contents)
        for _ in range(_TRIES):
            moved = set()
            for change in changes:
                was = index.get(change.path)
                _splice(index, change, seen.get(change.path), skip=change.path in evicted)
                if (was.entry if was else None) == entry_at(self._trees, old, change.path):
                    moved.add(change.path)
            index.follow(Spliced(old, new, moved), self._trees)
            if self._index.store(index, version, durable, timeout=self._timeout):
                return
            index, version = self._index.load()
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
        known = self._index.load()[0].get(path)
        return known.entry if known else None

    def holds(self, change: Change) -> bool:
        """Implements :meth:`Site.holds`."""
        return self._tree.holds(change)

    def repair(self, changes: Sequence[Change]) -> None:
        """Implements :meth:`Site.repair`."""
        _wait_while(self._index.is_locked, self._timeout)
        for _ in range(_TRIES):
            index, version = self._index.load()
            if not changes or not all(_is_stale(index, c) and self._tree.holds(c) for c in changes):
                return
            for change in changes:
                _splice(index, change, self._tree.seen(change.path), skip=False)
            if self._index.store(index, version, Durable(), timeout=self._timeout):
                return

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
        back = [_keep(index, p) for p in _covered(index, paths) if _is_skipped(index, p)]
        contents = read([change.new.id for change in back if change.new is not None])
        there = self._tree.look([change.path for change in back])
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


def _is_stale(index: Index, change: Change) -> bool:
    now = index.get(change.path)
    if now is not None and now.skipped:
        return False
    entry = now.entry if now else None
    return entry != change.new and entry in change.known


def _covered(index: Index, paths: Sequence[str]) -> list[str]:
    """Returns the paths in the index that are, or lie below, one of these."""
    found = [p for path in paths for p in [path, *index.below(path)]]
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
) -> Site:
    """Returns the right way to change a work tree.

    Args:
        checkout: where it is.
        index: its index file.
        config: says whether it is sparse.
        tree: its files.
        evictions: which directories are left out of the work tree.
        trees: gives the entries of a tree by its id.
    """
    if not config.is_true("core.sparsecheckout"):
        try:
            index.load()
        except UnknownIndexError:
            pass
        else:
            return SplicedSite(tree, index, evictions=evictions, trees=trees, timeout=2.0)
    return GitSite(checkout)


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

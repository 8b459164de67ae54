"""A work tree whose index only git itself should change: split, version 4, sparse but no cone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from padre_git.errors import ConflictError, LockedError, UnsupportedError
from padre_git.vcs.durable import Durable
from padre_git.vcs.objects import Entry
from padre_git.vcs.process import run_git, try_git
from padre_git.vcs.site import Site
from padre_git.vcs.userstate import Checkout
from padre_git.vcs.worktree import Change

__all__ = ["GitSite"]


class GitSite(Site):
    """Is a work tree whose index only git itself should change."""

    def __init__(self, checkout: Checkout) -> None:
        self._root = checkout.root

    def check(self, old: str, new: str, changes: Sequence[Change]) -> None:
        """Implements :meth:`Site.check`."""
        done = try_git(["read-tree", "-m", "-u", "-n", old, new], self._root)
        if done.code == 0:
            return
        named = [change.path for change in changes if f"'{change.path}'" in done.err]
        if "index.lock" in done.err:
            raise LockedError(f"another process holds the index of '{self._root}'")
        raise ConflictError(
            f"{named or 'files'} in '{self._root}' hold uncommitted changes: {done.err.strip()}",
            hint="commit, move or undo them, then try again",
        )

    def written(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Implements :meth:`Site.written`: git reads what it writes."""
        return ()

    def follow(
        self,
        old: str,
        new: str,
        changes: Sequence[Change],
        contents: Mapping[str, bytes],
        durable: Durable,
    ) -> None:
        """Implements :meth:`Site.follow`."""
        durable.sync()
        run_git(["read-tree", "-m", "-u", old, new], self._root)

    def version(self) -> str:
        """Implements :meth:`Site.version`."""
        return "-"

    def is_in_use(self) -> bool:
        """Implements :meth:`Site.is_in_use`: git has its own ways here."""
        return False

    def is_quiet(self) -> bool:
        """Implements :meth:`Site.is_quiet`."""
        return True

    def has_tried_to_commit(self, since: int) -> bool:
        """Implements :meth:`Site.has_tried_to_commit`: git has its own ways here."""
        return False

    def staged(self, path: str) -> Entry | None:
        """Implements :meth:`Site.staged`; nothing asks it."""
        return None

    def holds(self, change: Change) -> bool:
        """Implements :meth:`Site.holds`: git has its own ways here."""
        return False

    def repair(self, changes: Sequence[Change]) -> None:
        """Implements :meth:`Site.repair`."""

    def mend(self, read: Callable[[list[str]], dict[str, bytes]]) -> None:
        """Implements :meth:`Site.mend`: what git has written is git's to look after."""

    def hold(self) -> AbstractContextManager[None]:
        """Implements :meth:`Site.hold`: git itself needs the lock here."""
        return nullcontext()

    def evict(self, paths: Sequence[str]) -> None:
        """Implements :meth:`Site.evict`."""
        raise UnsupportedError(
            f"'{self._root}' is a sparse checkout of a form that only git can change",
            hint="use `git sparse-checkout` to leave files out",
        )

    def restore(self, paths: Sequence[str], read: Callable[[list[str]], dict[str, bytes]]) -> None:
        """Implements :meth:`Site.restore`."""
        raise UnsupportedError(
            f"'{self._root}' is a sparse checkout of a form that only git can change",
            hint="use `git sparse-checkout add` to have files",
        )

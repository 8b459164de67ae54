"""What of a project is in the work tree: directories evicted, left out, and brought back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path

from padre_git.errors import ConflictError, LockedError, RepositoryError
from padre_git.vcs.cone import is_sparse
from padre_git.vcs.config import Config
from padre_git.vcs.eviction import Evictions
from padre_git.vcs.history import History
from padre_git.vcs.lean import Begun, Lean, LeanTree
from padre_git.vcs.process import run_git
from padre_git.vcs.site import Site

__all__ = ["Thinning"]


class Thinning(History):
    """Is the part of a clone that decides what is in its work tree.

    Attributes:
        lean: what a lean work tree of this project leaves out; None if none can be.
    """

    def __init__(self, path: str | Path, *, branch: str) -> None:
        super().__init__(path, branch=branch)
        self.lean: Lean | None = None
        self._config = Config(self.path, self.common_dir)
        self._evictions = Evictions(self._own / "evicted")
        self._lean_tree: LeanTree | None = None

    @abstractmethod
    def _changing(self) -> AbstractContextManager[Sequence[Site]]:
        """Gives the work trees to change, with nothing waiting to be brought up."""

    def evict(self, paths: Iterable[str]) -> None:
        """Takes directories out of the work tree; git keeps their content and misses nothing.

        Args:
            paths: directories or files as the branch has them.

        Raises:
            ConflictError: naming files with uncommitted changes; nothing was removed.
            LockedError: if the user is in the middle of something.
        """
        wanted = list(paths)
        with self._changing() as sites:
            for site in sites:
                site.evict(wanted)
            self._evictions.change(wanted, evicted=True)

    def restore(self, paths: Iterable[str]) -> None:
        """Brings evicted directories back into the work tree.

        Args:
            paths: directories or files as the branch has them.

        Raises:
            LockedError: if the user is in the middle of something.
        """
        wanted = list(paths)
        with self._changing() as sites:
            for site in sites:
                site.restore(wanted, partial(self._reader.objects, kind="blob"))
            self._evictions.change(wanted, evicted=False)

    def is_evicted(self, path: str) -> bool:
        """Tells whether a path was left out of the work tree by :meth:`evict`."""
        return self._evictions.covers(path)

    def evicted(self) -> list[str]:
        """Returns the directories and files that :meth:`evict` left out of the work tree."""
        return sorted(path for path, gone in self._evictions.marks().items() if gone)

    def is_sparse(self) -> bool:
        """Tells whether git leaves something out of the work tree."""
        self._config.refresh()
        return is_sparse(self._config)

    def is_overgrown(self) -> bool:
        """Tells whether everything is here of a project that is too large for that by now.

        Who has said once how much of it is to be here has made up their mind.
        """
        self._config.refresh()
        tip = None if self.lean is None or self._is_bare else self.tip()
        if tip is None or self._config.get("core.sparsecheckout") is not None:
            return False
        return self._needed().is_large(self._reader.tree, self._reader.commit(tip).tree)

    def bring(self, directories: Iterable[str]) -> None:
        """Brings directories that a lean work tree leaves out into it.

        Args:
            directories: as the branch has them.

        Raises:
            LockedError: if the user is in the middle of something.
        """
        with self._changing():
            if self.is_sparse():
                self._finish()
                self._cone().bring(directories)

    def bring_all(self) -> None:
        """Brings everything into the work tree that is not evicted.

        Raises:
            LockedError: if the user is in the middle of something.
        """
        with self._changing():
            if self.is_sparse():
                self._finish()
                self._cone().bring_all()

    def leave_out(self) -> None:
        """Makes the work tree lean.

        Raises:
            ConflictError: naming files in the way that git does not have.
            LockedError: if the user is in the middle of something.
        """
        with self._changing():
            tree = self.snapshot().tree
            self._check_left_out(tree)
            self._cone().leave_out(self._reader.tree, tree)

    def _finish(self) -> None:
        """Ends what was begun; git misses files meanwhile that it is not to."""
        begun = self._cone().begun()
        tip = None if begun is None else self.tip()
        if tip is None:
            return
        tree = self._reader.commit(tip).tree
        if begun is Begun.LESS:
            self._check_left_out(tree)
        self._cone().finish(self._reader.tree, tree, partial(self._reader.objects, kind="blob"))

    def _check_left_out(self, tree: str) -> None:
        """Refuses to leave directories out that have files which only the work tree has."""
        going = self._needed().left_out_of(self._reader.tree, tree)
        if not going:
            return
        listed = run_git(["ls-files", "--others", "-z", "--", *going], self.path)
        found = listed.decode(errors="replace").split("\0")[:-1]
        if found:
            raise ConflictError(
                f"git does not have '{found[0]}' in '{self.path}'"
                + (f" (and {len(found) - 1} more)" if len(found) > 1 else ""),
                hint="what `git clean -ndx experiments` lists would be lost: commit or remove it",
            )

    def _grow(self) -> None:
        """Takes what has come since into a cone that we have made."""
        tip = self.tip() if self.lean is not None and not self._is_bare else None
        if tip is not None:
            with suppress(ConflictError, RepositoryError):  # what was asked for is done
                self._finish()
            with suppress(LockedError):  # then it is the next call that does it
                self._cone().grow(self._reader.tree, self._reader.commit(tip).tree)

    def _cone(self) -> LeanTree:
        if self._lean_tree is None:
            self._lean_tree = LeanTree(self.path, self.git_dir, self._own, self._needed())
        return self._lean_tree

    def _needed(self) -> Lean:
        if self.lean is None:
            raise ValueError(f"nobody has said what '{self.path}' leaves out")
        return self.lean

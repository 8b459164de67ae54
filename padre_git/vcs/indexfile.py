"""An index on disk: read once, changed in memory, and put in place if nobody was quicker."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from padre_git.errors import DamagedError
from padre_git.vcs.damage import damaged
from padre_git.vcs.durable import REPLACED, Durable
from padre_git.vcs.index import Index, Stamp, stamp
from padre_git.vcs.locks import git_lock

__all__ = ["IndexFile"]

_ACTIVE = 1.0


class IndexFile:
    """Is the index of one work tree on disk, with what was last read of it.

    Args:
        path: the index file.
        root: the work tree's root.
        scratch: a directory on the same file system.
        mark: see :func:`padre_git.vcs.locks.make_mark`.
        is_left_by_us: tells of a version whether another process of ours has written it.
    """

    def __init__(
        self,
        path: Path,
        *,
        root: Path,
        scratch: Path,
        mark: Path,
        is_left_by_us: Callable[[str], bool],
    ) -> None:
        self.path = path
        self._root = root
        self._scratch = scratch
        self._mark = mark
        self._is_left_by_us = is_left_by_us
        self._held = False
        self._foreign = 0.0
        self._stamp: Stamp | None = None
        self._index: Index | None = None

    def is_locked(self) -> bool:
        """Tells whether somebody else holds git's lock on the index."""
        return not self._held and self.path.with_name(self.path.name + ".lock").exists()

    def version(self) -> str:
        """Returns what tells this version of the file from others, in one word."""
        return _word(stamp(self.path))

    def is_ours(self) -> bool:
        """Tells whether the file is as :meth:`store` left it."""
        return self._index is not None and stamp(self.path) == self._stamp

    def is_in_use(self) -> bool:
        """Tells whether the user's git has committed or changed the index within a second."""
        return max(self._foreign, self.last_commit()) > time.time() - _ACTIVE

    def last_commit(self) -> float:
        """Returns when the user's git last wrote down a commit's message; 0 for never."""
        try:
            return self.path.with_name("COMMIT_EDITMSG").stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def load(self) -> tuple[Index, Stamp | None]:
        """Returns the index and what tells this version of it from others.

        Raises:
            UnknownIndexError, DamagedError: see :class:`padre_git.vcs.index.Index`.
        """
        now = stamp(self.path)
        if self._index is None or now != self._stamp:
            before, self._index = self._index, None
            try:
                with self.path.open("rb") as file:
                    seen = os.fstat(file.fileno())
                    content = file.read() or b"\0"  # git never leaves an empty one
                self._index = Index(content, written=seen.st_mtime_ns, like=before)
                now = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
            except FileNotFoundError:
                self._index, now = Index(), None
            except DamagedError as error:
                raise damaged(f"{error.message}: '{self.path}'", self._root) from error
            ours = now is None or self._is_left_by_us(_word(now))
            self._stamp, self._foreign = now, 0.0 if ours or now is None else now[3] / 1e9
        return self._index, now

    def check_exists(self) -> None:
        """Makes sure that there is an index; without one, everything counts as deleted.

        Raises:
            DamagedError: if it is gone.
        """
        if not self.path.exists():
            raise damaged(f"the index '{self.path}' is missing", self._root)

    def _look(self, path: str) -> os.stat_result | None:
        try:
            return os.lstat(f"{self._root}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            return None

    @contextmanager
    def hold(self, timeout: float) -> Iterator[None]:
        """Holds git's lock on the index, so that no git command changes it or commits.

        Whoever holds it already goes on to.

        Raises:
            LockedError: if another process held it for all that time.
        """
        if self._held:
            yield
            return
        with git_lock(self.path, mark=self._mark, timeout=timeout):
            self._held = True
            try:
                yield
            finally:
                self._held = False

    def store(
        self, index: Index, expected: Stamp | None, durable: Durable, *, timeout: float
    ) -> bool:
        """Puts a changed index in place, durably, if nobody else has changed it meanwhile.

        The lock is held only for the moment of replacing, so the user's own git commands hardly
        ever meet it (unless :meth:`hold` holds it already).

        Args:
            index: what :meth:`load` returned, changed.
            expected: the version that was changed.
            durable: what must be durable first, which is synced with it.
            timeout: seconds to wait for a process that holds the index.

        Returns:
            Whether it was put in place; if not, load it again.

        Raises:
            LockedError: if the index was held for all that time.
        """
        self._index = None  # whatever happens now, what is in memory is not what was read
        fresh = self._scratch / f"index.{os.getpid()}"
        now = time.time_ns()
        index.settle(now, self._look)
        durable.write(fresh, index.build())
        os.utime(fresh, ns=(now, now))  # the time that was settled for, whenever it is written
        durable.sync()
        REPLACED.keep(self.path)
        try:
            with self.hold(timeout):
                if stamp(self.path) != expected:
                    return False
                fresh.replace(self.path)
                # while nobody can change it: what they write must not be taken for ours
                self._stamp, self._index = stamp(self.path), index
        finally:
            fresh.unlink(missing_ok=True)
        return True


def _word(version: Stamp | None) -> str:
    return ",".join(map(str, version or ()))

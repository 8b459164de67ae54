"""Locks: ours for a clone, and git's own ``<file>.lock`` taken as git takes them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from padre_git.errors import LockedError

if TYPE_CHECKING:
    from filelock import FileLock

__all__ = ["CloneLock", "clear_stale", "git_lock", "make_mark"]

_NO_LINKS = "padre_git holds this lock\n"
_PAUSE = 0.001
_POLL = 0.002


class CloneLock:
    """Keeps other writers of ours from a clone: processes, and threads of this one.

    Args:
        path: the file that is locked.
        of: the clone, for messages.
        mark: see :func:`make_mark`.
    """

    def __init__(self, path: Path, *, of: Path, mark: Path) -> None:
        self._path = path
        self._clone = of
        self._mark = mark
        self._lock: FileLock | None = None
        self._owner = os.getpid()
        self._guard = threading.Lock()

    @contextmanager
    def hold(self, timeout: float) -> Iterator[None]:
        """Holds it; a thread that has it can take it again.

        Args:
            timeout: seconds to wait for another process.

        Raises:
            LockedError: if it was held for all that time.
        """
        from filelock import FileLock, Timeout

        with self._guard:
            if self._lock is None or self._owner != os.getpid():  # a fork inherits no lock
                make_mark(self._mark)
                self._lock, self._owner = FileLock(self._path), os.getpid()
            lock = self._lock
        try:
            lock.acquire(timeout=timeout, poll_interval=_POLL)
        except Timeout as error:
            raise LockedError(
                f"another process has been writing to '{self._clone}' for {timeout:g} s",
                hint="try again when it has ended",
            ) from error
        try:
            yield
        finally:
            lock.release()


def make_mark(mark: Path) -> None:
    """Creates the file whose hard links are our holds on git's locks.

    A lock that is a link to it was left by one of our processes that was killed; whoever holds
    the clone's own lock may take it away.
    """
    if not mark.exists():
        mark.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            fresh = mark.with_name(f"{mark.name}.{os.getpid()}")
            fresh.write_text(_NO_LINKS)
            fresh.replace(mark)


def _take(lock: Path, mark: Path) -> None:
    try:
        os.link(mark, lock)
    except FileExistsError:
        raise
    except PermissionError:  # a file system without hard links
        with lock.open("x") as file:
            file.write(_NO_LINKS)


@contextmanager
def git_lock(target: Path, *, mark: Path, timeout: float) -> Iterator[None]:
    """Holds git's lock on a file, as every git command respects it.

    Args:
        target: the file; the lock is ``<target>.lock``.
        mark: see :func:`make_mark`.
        timeout: seconds to wait for a process that holds it.

    Raises:
        LockedError: if it was still held after that time; it names the lock.
    """
    lock = target.with_name(target.name + ".lock")
    deadline = time.monotonic() + timeout
    while True:
        try:
            _take(lock, mark)
            break
        except FileExistsError as error:
            if time.monotonic() >= deadline:
                raise LockedError(
                    f"another process holds '{lock}'",
                    hint="if no git command is running, remove that file",
                ) from error
            time.sleep(_PAUSE)
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            lock.unlink()


def clear_stale(target: Path, *, mark: Path) -> None:
    """Removes a lock on a file that one of our processes left when it was killed.

    Only whoever holds the clone's own lock may call this.
    """
    lock = target.with_name(target.name + ".lock")
    with suppress(FileNotFoundError):
        held = lock.lstat()
        ours = mark.lstat()
        same = (held.st_dev, held.st_ino) == (ours.st_dev, ours.st_ino)
        if same or (held.st_size == len(_NO_LINKS) and lock.read_text() == _NO_LINKS):
            lock.unlink()

"""Locks: ours for a clone, and git's own ``<file>.lock`` taken as git takes them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from padre_git.errors import LockedError

__all__ = ["clear_stale", "git_lock", "make_mark"]

_NO_LINKS = "padre_git holds this lock\n"
_PAUSE = 0.001


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

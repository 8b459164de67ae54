"""git's own locks, ``<file>.lock``, taken as git takes them, and known as ours afterwards."""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from padre_git.errors import LockedError
from padre_git.vcs.damage import age
from padre_git.vcs.ownfiles import read_own

__all__ = ["clear_stale", "git_lock", "make_mark"]

_OURS = "padre_git holds this lock"
_PAUSE = 0.001
#: What a file system says that has no hard links, or no symbolic ones.
_NO_LINKS = frozenset(
    [errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL]
)


def make_mark(mark: Path) -> None:
    """Creates the file whose hard links are our holds on git's locks.

    A lock that is a link to it was left by one of our processes that was killed; whoever holds
    the clone's own lock may take it away.
    """
    if not mark.exists():
        mark.parent.mkdir(parents=True, exist_ok=True)
        fresh = mark.with_name(f"{mark.name}.{os.getpid()}.{threading.get_ident()}")
        fresh.write_text(_OURS)
        try:
            os.link(fresh, mark)  # the first one stays: others may have links to it by now
            fresh.unlink()
        except FileExistsError:
            fresh.unlink()
        except OSError:
            fresh.replace(mark)


def _take(lock: Path, mark: Path) -> None:
    """Makes a lock that is known as ours from the moment on that it is there.

    Without hard links it is a symbolic link to nothing: git and everybody else finds the name
    taken. A file is the last resort, since a process may be killed before it has put its name in.
    """
    for take in (partial(os.link, mark, lock), partial(os.symlink, _OURS, lock)):
        try:
            take()
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            return
    with lock.open("x") as file:
        file.write(_OURS)


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
                    f"another process has held '{lock}' for {age(lock)}",
                    hint="if no git command is running, padre-git repair takes it away",
                ) from error
            time.sleep(_PAUSE)
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            lock.unlink()


def clear_stale(target: Path, *, mark: Path) -> Path | None:
    """Removes a lock on a file that one of our processes left when it was killed; returns it.

    Only whoever holds the clone's own lock may call this.
    """
    lock = target.with_name(target.name + ".lock")
    with suppress(FileNotFoundError):
        if _is_ours(lock, lock.lstat(), mark):
            lock.unlink()
            return lock
    return None


def _is_ours(lock: Path, held: os.stat_result, mark: Path) -> bool:
    if stat.S_ISLNK(held.st_mode):
        return str(lock.readlink()) == _OURS
    with suppress(FileNotFoundError):
        ours = mark.lstat()
        if (held.st_dev, held.st_ino) == (ours.st_dev, ours.st_ino):
            return True
    return held.st_size == len(_OURS) and read_own(lock) == _OURS.encode()

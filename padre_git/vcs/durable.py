"""Making files durable together: written first, then synced at the same time.

A file system flushes its journal once for all who wait for it, so three files synced together cost
little more than one; one after the other they cost up to five times that on a busy disk
(docs/decisions/0005-git-engine).
"""

from __future__ import annotations

import _thread
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from padre_git.errors import PadreGitError, RepositoryError

__all__ = ["REPLACED", "Durable", "Replaced", "beside", "fsync_directory", "storing"]

_HELD = 8


def fsync_directory(path: Path) -> None:
    """Makes the names in a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Replaced:
    """Holds files that others took the place of, until nobody waits for a disk any more.

    Freeing the old one is most of what renaming over a file costs: 1 ms for a small file and 3 ms
    for an index of 400 KB on ext4 that discards, against 0.01 ms while somebody holds it open; and
    whoever syncs meanwhile waits for it. Nothing depends on it, so it is done beside our work.
    """

    def __init__(self) -> None:
        self._held: list[int] = []

    def keep(self, path: Path) -> None:
        """Holds a file whose name is about to go to another, or to nobody.

        It is called before a lock is taken, which is then held for the renaming alone.
        """
        if len(self._held) >= _HELD:
            self.free()
        with suppress(OSError):  # nothing there, or nothing that could be held: as it is, then
            self._held.append(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))

    def free(self) -> None:
        """Lets go of what is held, without waiting for it."""
        held, self._held = self._held, []
        if held:
            beside(partial(_close, held))


def _close(held: Sequence[int]) -> None:
    for fd in held:
        os.close(fd)


#: What this process holds; a lock is not needed, since both ends of it are single operations.
REPLACED = Replaced()


class Durable:
    """Collects what is to survive a power cut; :meth:`sync` returns when it will."""

    def __init__(self) -> None:
        self._files: list[int] = []
        self._directories: list[Path] = []

    def write(self, path: Path, content: bytes, *, mode: int = 0o666) -> None:
        """Writes a new file, replacing a left-over of that name."""
        path.unlink(missing_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        self._files.append(fd)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(fd, rest) :]

    def directory(self, path: Path) -> None:
        """Takes the names in a directory along."""
        self._directories.append(path)

    def sync(self) -> None:
        """Makes everything that was collected durable and forgets it.

        Raises:
            OSError: if the disk refuses one of them.
        """
        work = [partial(os.fsync, fd) for fd in self._files]
        names = [partial(fsync_directory, path) for path in dict.fromkeys(self._directories)]
        try:
            _together([*work, *names])
        finally:
            self.close()

    def close(self) -> None:
        """Forgets what was collected."""
        for fd in self._files:
            os.close(fd)
        self._files.clear()
        self._directories.clear()


def _together(work: Sequence[Callable[[], None]]) -> None:
    """Does pieces of work at the same time and raises the first error of any."""
    errors: list[OSError] = []

    def do(piece: Callable[[], None]) -> None:
        try:
            piece()
        except OSError as error:
            errors.append(error)

    others = [beside(partial(do, piece)) for piece in work[1:]]
    for piece in work[:1]:
        do(piece)
    for other in others:
        other.acquire()
    if errors:
        raise errors[0]


def beside(work: Callable[[], None]) -> threading.Lock:
    """Does some work in a thread of its own; where there can be none, at once.

    A ``threading.Thread`` waits until it runs before it lets us go on, which is longer than most
    of what is done here: 0.2 ms where eight processes share two cores.

    Returns:
        A lock that can be had when the work is done.
    """
    done = threading.Lock()
    done.acquire()

    def do() -> None:
        try:
            work()
        finally:
            done.release()

    try:
        _thread.start_new_thread(do, ())
    except RuntimeError:  # too many of them, or the interpreter is on its way out
        do()
    return done


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Says so if the disk of the clone at a path does not take what the block writes.

    Raises:
        RepositoryError: if it does not.
    """
    try:
        yield
    except PadreGitError:  # some of ours are OSErrors, too
        raise
    except OSError as error:
        why = f"{error.strerror or error} ({error.filename or 'a file'})"
        raise RepositoryError(
            f"'{path}' could not be written: {why}",
            hint="what was acknowledged before stands; the next call finishes or forgets this one",
        ) from error

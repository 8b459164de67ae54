"""Making files durable together: written first, then synced at the same time.

A file system flushes its journal once for all who wait for it, so three files synced together cost
little more than one; one after the other they cost up to five times that on a busy disk
(docs/decisions/0005-git-engine).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

__all__ = ["Durable", "fsync_directory"]


def fsync_directory(path: Path) -> None:
    """Makes the names in a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


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

    threads = [threading.Thread(target=do, args=(piece,)) for piece in work[1:]]
    for thread in threads:
        thread.start()
    for piece in work[:1]:
        do(piece)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]

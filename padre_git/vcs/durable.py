"""Making files durable together: written first, then synced one after the other.

A file system flushes its journal once for everything written before, so three files written and
then synced cost little more than one; written and synced one by one they cost three times that
(docs/decisions/0005-git-engine).
"""

from __future__ import annotations

import os
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
        """Makes everything that was collected durable and forgets it."""
        try:
            for fd in self._files:
                os.fsync(fd)
            for path in dict.fromkeys(self._directories):
                fsync_directory(path)
        finally:
            self.close()

    def close(self) -> None:
        """Forgets what was collected."""
        for fd in self._files:
            os.close(fd)
        self._files.clear()
        self._directories.clear()

"""Durable bytes: copying and hashing in one pass, and making files and directories last.

DVC flushes nothing; after a power cut its cache holds empty files under the right names. What is
written here is flushed before it gets its final name, and its directory after.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

from padre_git.artifacts.threads import threads
from padre_git.errors import ArtifactError, PadreGitError

__all__ = [
    "copy_hashed",
    "hash_bytes",
    "hash_of",
    "make_directories",
    "stored",
    "sync_directory",
    "write_all",
]

_SMALL_CHUNK = 1 << 20
_CHUNK = 4 << 20
_LARGE = 16 << 20
#: Linux's FICLONE.
_CLONE = 0x40049409


def hash_bytes(data: bytes) -> str:
    """Returns the MD5 of ``data`` in hex."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def hash_of(source: int) -> tuple[str, int]:
    """Returns the MD5 and the number of the bytes from here to the end of a file."""
    return _pass(source, None)


def copy_hashed(source: int, target: int) -> tuple[str, int]:
    """Copies a file once, and returns MD5 and number of the bytes that were written.

    Args:
        source: descriptor to read, at its beginning.
        target: descriptor of an empty file to write and read; it is not flushed.
    """
    if os.fstat(source).st_size < _LARGE:
        return _pass(source, lambda part: write_all(target, part))
    if _shared(source, target):
        return hash_of(target)
    # hashing is the slow part: a second thread writes what is hashed, and the disk is kept busy
    with threads(1) as writer:
        behind: Future[None] | None = None

        def write(part: memoryview) -> None:
            nonlocal behind
            if behind is not None:
                behind.result()
            behind = writer.submit(_write_through, target, part)

        found = _pass(source, write)
        if behind is not None:
            behind.result()
    return found


def _shared(source: int, target: int) -> bool:
    """Lets two files have the same blocks until one is changed, where the file system can.

    Nothing has to be written, and what is hashed is as it was at one moment.
    """
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, _CLONE, source)
    except OSError:
        return False  # another disk, or a file system that copies; a full one says so again
    return True


def _pass(source: int, use: Callable[[memoryview], None] | None) -> tuple[str, int]:
    md5 = hashlib.md5(usedforsecurity=False)
    size = 0
    expected = os.fstat(source).st_size
    length = _CHUNK if expected >= _LARGE else min(_SMALL_CHUNK, max(expected, 1 << 14))
    # two in turn: one may still be written while the other is filled
    buffers = (memoryview(bytearray(length)), memoryview(bytearray(length)))
    turn = 0
    while count := os.readv(source, [buffers[turn]]):
        part = buffers[turn][:count]
        if use is not None:
            use(part)
        md5.update(part)
        size += count
        turn = 1 - turn
    return md5.hexdigest(), size


def _write_through(target: int, part: memoryview) -> None:
    write_all(target, part)
    # begins writing to disk now, so that the final flush finds little left
    end = os.lseek(target, 0, os.SEEK_CUR)
    os.posix_fadvise(target, end - len(part), len(part), os.POSIX_FADV_DONTNEED)


def write_all(target: int, data: bytes | memoryview) -> None:
    """Writes all of ``data``, however little the system takes at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(target, rest) :]


def sync_directory(path: str | Path) -> None:
    """Flushes the names in a directory."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextlib.contextmanager
def stored(place: Path) -> Iterator[None]:
    """Says in one of our errors what a disk does not take in this block.

    Args:
        place: what was to hold it, for the message.
    """
    try:
        yield
    except PadreGitError:  # some of ours are OSErrors, too
        raise
    except OSError as error:
        raise ArtifactError(
            f"'{place}' could not be written: {(error.strerror or str(error)).lower()}",
            hint="nothing refers to what is there of it; try again when there is room",
        ) from error


def make_directories(path: Path, *, mode: int) -> None:
    """Makes a directory and those above it, each with exactly ``mode``, and flushes their names."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        try:
            directory.mkdir()
        except FileExistsError:
            if not directory.is_dir():
                raise
            continue  # another process was faster
        directory.chmod(mode)
        sync_directory(directory.parent)

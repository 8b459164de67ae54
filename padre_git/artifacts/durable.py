"""Durable bytes: copying and hashing in one pass, and making files and directories last.

DVC flushes nothing; after a power cut its cache holds empty files under the right names. What is
written here is flushed before it gets its final name, and its directory after.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

__all__ = [
    "copy_hashed",
    "hash_bytes",
    "hash_of",
    "make_directories",
    "sync_directory",
    "write_all",
]

_CHUNK = 1 << 20
#: After how many bytes the kernel is asked to begin writing, so that the final flush is short.
_WRITE_BEHIND = 32 << 20


def hash_bytes(data: bytes) -> str:
    """Returns the MD5 of ``data`` in hex."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def hash_of(source: int) -> tuple[str, int]:
    """Returns the MD5 and the number of the bytes from here to the end of a file."""
    return _pass(source, None)


def copy_hashed(source: int, target: int) -> tuple[str, int]:
    """Copies from here to the end of a file, once, and returns MD5 and number of what was written.

    Args:
        source: descriptor to read.
        target: descriptor to write; it is not flushed.
    """
    return _pass(source, target)


def _pass(source: int, target: int | None) -> tuple[str, int]:
    md5 = hashlib.md5(usedforsecurity=False)
    size = begun = 0
    buffer = memoryview(bytearray(min(_CHUNK, max(os.fstat(source).st_size, 1 << 14))))
    while count := os.readv(source, [buffer]):
        part = buffer[:count]
        md5.update(part)
        size += count
        if target is None:
            continue
        write_all(target, part)
        if size - begun >= _WRITE_BEHIND:
            os.posix_fadvise(target, begun, size - begun, os.POSIX_FADV_DONTNEED)
            begun = size
    return md5.hexdigest(), size


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
            continue  # another process was faster
        directory.chmod(mode)
        sync_directory(directory.parent)

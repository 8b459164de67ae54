"""Own files: small ones that this program keeps for itself, in a clone or beside the clones.

A clone may come from anybody, with links and pipes in the places of these files. None of them is
followed or waited for.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from padre_git.errors import unless_scarce

__all__ = ["overwritten", "read_own", "replace_own"]

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_IN_PLACE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
_LARGEST = 64_000_000


def read_own(path: Path, *, largest: int = _LARGEST, start: int = 0) -> bytes | None:
    """Returns the content of a file; None if there is none that can be ours.

    Args:
        path: the file.
        largest: bytes up to which it can be.
        start: where to begin, in bytes.

    Raises:
        OSError: if nobody can say, because there is no descriptor or no memory left.
    """
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        # "nobody holds this lock", "nothing was decided" would be acted upon
        unless_scarce(error)
        return None
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_size > largest:
            return None
        return _rest(descriptor, start, state.st_size)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _rest(descriptor: int, start: int, end: int) -> bytes:
    """Returns what a file has from ``start``; most files end where it is said, some grow."""
    content = b""
    while piece := os.pread(descriptor, max(end - start, 0) + 1, start + len(content)):
        content += piece
    return content


@contextmanager
def overwritten(path: Path, content: bytes, *, mode: int = 0o666) -> Iterator[int]:
    """Writes the beginning of a file in place and gives its descriptor; what is behind it stays.

    Replacing and removing a file make ext4 write it to the disk first, and us wait for that.

    Args:
        path: the file; it is made if there is none.
        content: what it is to begin with.
        mode: of a file that is made.

    Raises:
        OSError: if it cannot be written, or not as a whole.
    """
    descriptor = os.open(path, _IN_PLACE, mode)
    try:
        if os.pwrite(descriptor, content, 0) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        yield descriptor
    finally:
        os.close(descriptor)


def replace_own(path: Path, content: bytes, *, time: float | None = None) -> None:
    """Replaces a file whole or not at all; a link in its place goes, and what it names stays.

    Args:
        path: the file; the directory above it exists.
        content: what it is to have.
        time: when it was changed, in seconds since 1970; None for now.

    Raises:
        OSError: if it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    descriptor = os.open(fresh, _NEW, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if time is not None:  # not the file server's
                os.utime(descriptor, (time, time))
        fresh.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            fresh.unlink()
        raise

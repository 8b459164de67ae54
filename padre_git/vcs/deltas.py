"""Trees as small as they can be: each as what it adds to the one before it.

A commit writes every tree above what it changes anew, and nearly all of it was there before: a
thousand versions of a directory of sixty runs are a thousand times one line. Trees are hashes,
which do not compress; the difference to the version before is some sixty bytes.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from padre_git.vcs.packs import entry_head, read_head

__all__ = ["Trees", "delta", "offset_bytes"]

_TREE, _OFS_DELTA = 2, 6
#: Versions that are built on one another; git reads as many without effort.
_DEPTH = 40
_LARGEST = 0xFFFFFF
_INSERT = 0x7F


class _Last(NamedTuple):
    """Is the version of a directory that was written last: where, what, and how deep."""

    position: int
    content: bytes
    depth: int


class Trees:
    """Makes entries of trees small, one pack after the other, in the order of their time."""

    def __init__(self) -> None:
        self._last: dict[bytes, _Last] = {}

    def small(self, raw: bytes, position: int) -> bytes:
        """Returns an entry that says the same; it may need one that was given before it.

        Args:
            raw: an entry of a pack.
            position: where it will stand.
        """
        kind, start = read_head(raw)
        # what is compressed already was small enough for whoever wrote it
        if kind != _TREE or raw[start + 2] & 6:
            return raw
        content = zlib.decompress(raw[start:])
        name = content.partition(b"\0")[0]  # versions of a directory mostly begin alike
        last = self._last.get(name)
        if last is not None and last.depth < _DEPTH:
            made = delta(last.content, content)
            if made is not None and len(made) < len(content) // 2:
                self._last[name] = _Last(position, content, last.depth + 1)
                back = offset_bytes(position - last.position)
                # sixty bytes, most of them a hash: trying to compress them costs the most of it
                return entry_head(_OFS_DELTA, len(made)) + back + zlib.compress(made, 0)
        self._last[name] = _Last(position, content, 0)
        return entry_head(_TREE, len(content)) + zlib.compress(content, 1)


def delta(base: bytes, target: bytes) -> bytes | None:
    """Returns how one content is made of another that has the same beginning and end.

    None if they are too large for that.

    Args:
        base: the content that is there.
        target: the content to make.
    """
    if max(len(base), len(target)) > _LARGEST:
        return None
    most = min(len(base), len(target))
    before = _alike(base, target, most)
    after = _alike(base[::-1], target[::-1], most - before)
    end = len(target) - after
    inserted = [target[at : min(at + _INSERT, end)] for at in range(before, end, _INSERT)]
    return b"".join(
        [
            _size(len(base)),
            _size(len(target)),
            _copied(0, before),
            *(bytes([len(part)]) + part for part in inserted),
            _copied(len(base) - after, after),
        ]
    )


def _alike(one: bytes, other: bytes, most: int) -> int:
    """Returns how many bytes two contents begin with alike."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _size(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _copied(offset: int, size: int) -> bytes:
    """Returns the order to copy a part of the base; nothing for none."""
    if not size:
        return b""
    flags, body = 0x80, bytearray()
    numbers = offset.to_bytes(4, "little") + size.to_bytes(3, "little")
    for bit, byte in enumerate(numbers):
        if byte:
            flags |= 1 << bit
            body.append(byte)
    return bytes([flags]) + bytes(body)


def offset_bytes(distance: int) -> bytes:
    """Returns the distance from a delta back to its base as a pack says it."""
    found = bytearray([distance & 0x7F])
    while distance := distance >> 7:
        distance -= 1
        found.insert(0, 0x80 | distance & 0x7F)
    return bytes(found)

"""The index of a pack: which objects it has, where each begins, and what its bytes add up to."""

from __future__ import annotations

import hashlib
import mmap
import struct
from binascii import crc32
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Place", "entries_of", "has_checksum", "pack_of", "read_index"]

_HEAD = 8 + 256 * 4
_FAR = 0x80000000
_CHUNK = 1 << 20


class Place(NamedTuple):
    """Is where an object stands in a pack.

    Attributes:
        offset: where its entry begins.
        id: its name.
        crc: the CRC-32 of the entry as it was written.
    """

    offset: int
    id: bytes
    crc: int


def read_index(path: Path) -> list[Place]:
    """Returns the objects of a pack in no order, from its version 2 index.

    Raises:
        ValueError: for another version, or one that is not as it was written.
        OSError: if it cannot be read.
    """
    content = path.read_bytes()
    if content[:8] != b"\xfftOc\0\0\0\2" or len(content) < _HEAD + 40:
        raise ValueError(path.name)
    if hashlib.sha1(content[:-20], usedforsecurity=False).digest() != content[-20:]:
        raise ValueError(path.name)
    (count,) = struct.unpack_from(">I", content, 8 + 255 * 4)
    ids = _HEAD + 20 * count
    far = ids + 8 * count
    crcs = struct.unpack_from(f">{count}I", content, ids)
    offsets = struct.unpack_from(f">{count}I", content, ids + 4 * count)
    wide = struct.unpack_from(f">{(len(content) - 40 - far) // 8}Q", content, far)
    return [
        Place(
            wide[offset & ~_FAR] if offset & _FAR else offset,
            content[_HEAD + 20 * n : _HEAD + 20 * n + 20],
            crcs[n],
        )
        for n, offset in enumerate(offsets)
    ]


def pack_of(index: Path) -> bytes:
    """Returns the checksum of the pack that an index, which can be read, was made for."""
    with index.open("rb") as file:
        file.seek(-40, 2)
        return file.read(20)


def entries_of(index: list[Place], data: mmap.mmap | bytes) -> Iterator[tuple[Place, bytes, bool]]:
    """Yields each entry of a pack in order: its place, its bytes, and whether they are right.

    Args:
        index: of the pack.
        data: the whole pack.
    """
    order = sorted(index)
    end = len(data) - 20
    for number, place in enumerate(order):
        stop = order[number + 1].offset if number + 1 < len(order) else end
        raw = bytes(data[place.offset : stop])
        yield place, raw, bool(raw) and crc32(raw) == place.crc


def has_checksum(path: Path) -> bool:
    """Returns whether a file ends in the SHA-1 of all before it, as git ends its own files.

    Raises:
        OSError: if it cannot be read.
    """
    found, last = hashlib.sha1(usedforsecurity=False), b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            last += chunk
            found.update(last[:-20])
            last = last[-20:]
    return len(last) == 20 and found.digest() == last

"""Writing packs: many objects in one durable file with its index, by the standard library."""

from __future__ import annotations

import hashlib
import secrets
import struct
import zlib
from binascii import crc32
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from padre_git.processes import Owner
from padre_git.vcs.durable import Durable, fsync_directory
from padre_git.vcs.objects import object_id

__all__ = [
    "KEEP",
    "PackWriter",
    "Packed",
    "entry_head",
    "pack_head",
    "read_head",
    "write_pack",
]

_TYPES = {"commit": 1, "tree": 2, "blob": 3}
#: The ending of a file beside a pack that keeps git from dropping it.
KEEP = ".keep"
_LARGE = 0x80000000


class Packed(NamedTuple):
    """Is one object as it stands in a pack: its name and its raw entry."""

    id: bytes
    raw: bytes


def entry_head(kind: int, size: int) -> bytes:
    """Returns the bytes that begin a pack entry: its type and its inflated size."""
    byte = (kind << 4) | (size & 15)
    size >>= 4
    head = bytearray()
    while size:
        head.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    head.append(byte)
    return bytes(head)


def read_head(entry: bytes) -> tuple[int, int]:
    """Returns the type of a pack entry, and where what follows its inflated size begins.

    Raises:
        IndexError: if it ends before that.
    """
    start = 1
    while entry[start - 1] & 0x80:
        start += 1
    return entry[0] >> 4 & 7, start


def pack_head(count: int) -> bytes:
    """Returns the bytes that begin a pack with so many objects."""
    return b"PACK" + struct.pack(">II", 2, count)


class PackWriter:
    """Collects objects and makes them durable together.

    An object that was written by this writer before is not written again, so that work done
    again after a lost race costs only what is different.

    Args:
        objects: the repository's object directory.
        keeper: who keeps git from dropping what is written, until :meth:`release`: a ``git repack``
            that has looked at the branches before one of them moves takes it for rubbish. None
            if it may.
    """

    def __init__(self, objects: Path, *, keeper: Owner | None = None) -> None:
        self._directory = objects / "pack"
        self._keeper = keeper
        self._kept: list[Path] = []
        self._waiting: dict[str, Packed] = {}
        self._durable: set[str] = set()
        #: Content of the blobs given to this writer, for writing work-tree files.
        self.blobs: dict[str, bytes] = {}

    def add(self, kind: str, content: bytes) -> str:
        """Takes an object and returns its id; :meth:`flush` makes it durable."""
        oid = object_id(kind, content)
        if kind == "blob":
            self.blobs[oid] = content
        if oid not in self._waiting and oid not in self._durable:
            # trees are full of hashes: trying to compress them costs more than it saves
            body = zlib.compress(content, 0 if kind == "tree" else 1)
            raw = entry_head(_TYPES[kind], len(content)) + body
            self._waiting[oid] = Packed(bytes.fromhex(oid), raw)
        return oid

    def flush(self, durable: Durable | None = None) -> None:
        """Writes what is waiting as one pack; when this returns it survives a power cut.

        Args:
            durable: takes the pack's name along, which is durable only when that is synced.
        """
        if self._waiting:
            entries = self._waiting.values()
            made = write_pack(self._directory, entries, durable, keeper=self._keeper)
            self._kept.append(made)
            self._durable.update(self._waiting)
            self._waiting.clear()

    def release(self) -> None:
        """Lets git do what it wants with the packs that were written."""
        for pack in self._kept if self._keeper is not None else ():
            pack.with_suffix(KEEP).unlink(missing_ok=True)
        self._kept.clear()


def write_pack(
    directory: Path,
    entries: Iterable[Packed],
    durable: Durable | None = None,
    *,
    keeper: Owner | None = None,
) -> Path:
    """Writes a pack and its index durably and returns the pack's path.

    Args:
        directory: ``objects/pack`` of a repository.
        entries: the objects; an entry that is a delta by offset needs its base before it.
        durable: as for :meth:`PackWriter.flush`.
        keeper: see :class:`PackWriter`.
    """
    body, places = _body(list(entries))
    digest = body[-20:]
    directory.mkdir(parents=True, exist_ok=True)
    pack = directory / f"pack-{digest.hex()}.pack"
    # two threads may be writing the same objects at the same time; and a `git gc` removes what
    # begins with tmp_, however young
    unique = secrets.token_hex(8)
    temporary, index = directory / f"padre_pack_{unique}", directory / f"padre_idx_{unique}"
    contents = Durable()
    try:
        contents.write(temporary, body, mode=0o444)
        contents.write(index, _index(places, digest), mode=0o444)
        contents.sync()
        if keeper is not None:
            pack.with_suffix(KEEP).write_bytes(keeper.line())
        temporary.replace(pack)
        index.replace(pack.with_suffix(".idx"))
    except BaseException:
        contents.close()
        temporary.unlink(missing_ok=True)
        index.unlink(missing_ok=True)
        if keeper is not None:
            pack.with_suffix(KEEP).unlink(missing_ok=True)
        raise
    if durable is None:
        fsync_directory(directory)
    else:
        durable.directory(directory)
    return pack


def _body(entries: list[Packed]) -> tuple[bytes, list[tuple[bytes, int, int]]]:
    """Returns a pack, and of each object its name, its checksum and where it stands."""
    body = bytearray(pack_head(len(entries)))
    places = []
    for entry in entries:
        places.append((entry.id, crc32(entry.raw), len(body)))
        body += entry.raw
    body += hashlib.sha1(body, usedforsecurity=False).digest()
    return bytes(body), places


def _index(places: list[tuple[bytes, int, int]], digest: bytes) -> bytes:
    """Returns a version 2 pack index."""
    places.sort()
    fanout = [0] * 256
    for oid, _, _ in places:
        fanout[oid[0]] += 1
    total = 0
    for first, count in enumerate(fanout):
        total += count
        fanout[first] = total
    count = len(places)
    far = [offset for _, _, offset in places if offset >= _LARGE]
    order = iter(range(len(far)))
    near = [_LARGE | next(order) if offset >= _LARGE else offset for _, _, offset in places]
    content = b"".join(
        [
            b"\xfftOc" + struct.pack(">I", 2),
            struct.pack(">256I", *fanout),
            b"".join([oid for oid, _, _ in places]),
            struct.pack(f">{count}I", *[crc for _, crc, _ in places]),
            struct.pack(f">{count}I", *near),
            struct.pack(f">{len(far)}Q", *far),
            digest,
        ]
    )
    return content + hashlib.sha1(content, usedforsecurity=False).digest()

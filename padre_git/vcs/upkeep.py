"""Upkeep: our many small packs made into few, by copying their entries.

One commit leaves one pack. When :data:`FAN_IN` packs of about one size are there, they become one
of the next size, so a thousand commits leave some tens of packs, and every entry is copied once
per size. Trees become small on the way (:mod:`.deltas`); nothing else is compressed again, and
nothing unreachable is dropped: that is for ``git gc``.
"""

from __future__ import annotations

import mmap
import struct
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from padre_git.processes import parse_owner
from padre_git.vcs.deltas import Trees, offset_bytes
from padre_git.vcs.ownfiles import read_own
from padre_git.vcs.packindex import Place, entries_of, read_index
from padre_git.vcs.packs import KEEP, Packed, read_head, write_pack

__all__ = ["FAN_IN", "Upkeep", "offset_bytes", "unsound", "without"]

#: This many packs of one size class become one.
FAN_IN = 32
#: Packs above this many bytes are left to git.
_LARGEST = 64 << 20
_OFS_DELTA, _REF_DELTA = 6, 7
#: Seconds in which commits that were made are moved to.
_KEPT_FOR = 600.0
#: Files beside a pack that say that somebody else looks after it.
_KEPT = (KEEP, ".promisor", ".bitmap", ".rev", ".mtimes")


class Upkeep:
    """Looks after the packs of one repository; call it with the clone's lock held.

    Args:
        objects: the repository's object directory.
    """

    def __init__(self, objects: Path) -> None:
        self._directory = objects / "pack"
        self._since = FAN_IN  # look at the first call

    def after_write(self) -> None:
        """Counts a pack that was written and merges packs when there are enough."""
        self._since += 1
        if self._since >= FAN_IN // 2:
            self._since = 0
            self.run()

    def run(self) -> None:
        """Merges packs of one size as long as there are enough of them."""
        while (group := self._group()) is not None:
            if not _merge(self._directory, group):
                return

    def _group(self) -> list[Path] | None:
        classes: dict[int, list[Path]] = defaultdict(list)
        names = {path.name for path in self._directory.iterdir()}
        for name in sorted(names):
            stem = name.removesuffix(".pack")
            if name.endswith(KEEP):
                _let_go(self._directory / name)
            if stem == name or f"{stem}.idx" not in names:
                continue
            if any(stem + suffix in names for suffix in _KEPT):
                continue
            path = self._directory / name
            with suppress(FileNotFoundError):  # git is repacking at this moment
                size = path.stat().st_size
                if size <= _LARGEST:
                    # one class below 64 KiB, one below 2 MiB, one below 64 MiB
                    # below 64 KiB, 2 MiB and 64 MiB
                    classes[max(size.bit_length() - 17, -1) // 5].append(path)
        full = (found for _, found in sorted(classes.items()) if len(found) >= FAN_IN)
        return next(full, None)


def _let_go(keep: Path) -> None:
    """Removes what one of our processes has left that keeps git from dropping a pack."""
    owner = parse_owner(read_own(keep, largest=4096))
    with suppress(FileNotFoundError):
        if owner is not None and (
            owner.is_gone() or time.time() - keep.stat().st_mtime > _KEPT_FOR
        ):
            keep.unlink()


def _merge(directory: Path, packs: list[Path]) -> bool:
    """Writes one pack with the objects of many and removes those; tells whether it could."""
    entries: dict[bytes, Packed] = {}
    places: dict[bytes, int] = {}
    position = 12
    trees = Trees()
    try:
        for pack in sorted(packs, key=lambda pack: (pack.stat().st_mtime_ns, pack.name)):
            position = _copy(pack, entries, places, position, trees)
    except (OSError, ValueError, struct.error, KeyError, IndexError):
        return False  # being repacked, or damaged: git's fsck names it, we leave it alone
    made = write_pack(directory, entries.values())
    for pack in packs:
        if pack != made:
            with suppress(FileNotFoundError):
                pack.with_suffix(".idx").unlink()
            with suppress(FileNotFoundError):
                pack.unlink()
    return True


def _copy(
    pack: Path,
    entries: dict[bytes, Packed],
    places: dict[bytes, int],
    position: int,
    trees: Trees,
) -> int:
    """Takes the entries of one pack that are not there yet; returns where the next one goes."""
    index = read_index(pack.with_suffix(".idx"))
    names = {place.offset: place.id for place in index}
    with pack.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for (offset, oid, _), entry, is_right in entries_of(index, data):
            if not is_right:  # copied, it would get a checksum that says that all is well
                raise ValueError(pack.name)
            if oid in entries:
                continue
            if read_head(entry)[0] == _OFS_DELTA:
                raw = _moved(entry, offset, position, names, places)
            else:
                raw = trees.small(entry, position)
            entries[oid], places[oid] = Packed(oid, raw), position
            position += len(raw)
    return position


def unsound(index: list[Place], data: mmap.mmap) -> set[bytes]:
    """Returns the objects of a pack that are not as they were written, or are built on such.

    Args:
        index: of the pack.
        data: all of it.
    """
    names = {place.offset: place.id for place in index}
    bases = {
        place.id: _base(place.offset, raw, names)
        for place, raw, is_right in entries_of(index, data)
        if is_right
    }
    gone = {place.id for place in index} - bases.keys()
    while more := {oid for oid, base in bases.items() if base in gone and oid not in gone}:
        gone |= more
    return gone


def without(index: list[Place], data: mmap.mmap, gone: set[bytes]) -> list[Packed]:
    """Returns the entries of a pack but for some, as one pack of their own.

    Args:
        index: of the pack.
        data: all of it.
        gone: what is left out, with all that is built on it.
    """
    names = {place.offset: place.id for place in index}
    entries: list[Packed] = []
    places: dict[bytes, int] = {}
    position = 12
    for (offset, oid, _), raw, _ in entries_of(index, data):
        if oid not in gone:
            is_near = read_head(raw)[0] == _OFS_DELTA
            moved = _moved(raw, offset, position, names, places) if is_near else raw
            entries.append(Packed(oid, moved))
            places[oid] = position
            position += len(moved)
    return entries


def _base(offset: int, raw: bytes, names: dict[int, bytes]) -> bytes | None:
    """Returns the object that an entry is built on; None if it stands for itself."""
    kind, start = read_head(raw)
    if kind not in {_OFS_DELTA, _REF_DELTA}:
        return None
    if kind == _REF_DELTA:
        return raw[start : start + 20]
    return names.get(offset - _distance(raw, start)[0])


def _distance(raw: bytes, start: int) -> tuple[int, int]:
    """Returns how far back the base of a delta is, and where its content begins."""
    end, distance = start + 1, raw[start] & 0x7F
    while raw[end - 1] & 0x80:
        distance = (distance + 1) << 7 | raw[end] & 0x7F
        end += 1
    return distance, end


def _moved(
    raw: bytes, offset: int, position: int, names: dict[int, bytes], places: dict[bytes, int]
) -> bytes:
    """Returns a delta's entry with the distance to its base as it will be in the new pack."""
    _, start = read_head(raw)
    distance, end = _distance(raw, start)
    base = places[names[offset - distance]]
    return raw[:start] + offset_bytes(position - base) + raw[end:]

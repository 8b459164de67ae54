"""The index: entries taken out and put in without starting git, as git itself would write them.

A sparse index holds some directories as one entry each, with the tree and a name that ends in
``/``: they are left out of the work tree, and are called folded here.
"""

from __future__ import annotations

import hashlib
import os
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from padre_git.errors import DamagedError
from padre_git.vcs.cachetree import CacheTree, Spliced, Trees
from padre_git.vcs.objects import DIRECTORY, Entry

__all__ = ["Index", "IndexEntry", "Stamp", "UnknownIndexError", "stamp"]

_FIXED = 62
_EXTENDED, _STAGE, _NAME, _SKIP, _VALID = 0x4000, 0x3000, 0x0FFF, 0x4000, 0x8000
_STAT = struct.Struct(">10I")
_HEAD = struct.Struct(">4sII")
_NOTHING = bytes(20)
_SPARSE = b"sdir"
#: Entries that are compared at once with those that are known.
_BLOCK = 64
#: The coarsest clock of a file system that we know: two changes within it may look like one.
_TICK = 20_000_000

#: What tells one version of the index file from another: device, inode, size, times.
Stamp = tuple[int, int, int, int, int]


class UnknownIndexError(Exception):
    """Says that an index has a form that only git itself should change."""


class IndexEntry(NamedTuple):
    """Is what the index says about one path."""

    entry: Entry
    stat: tuple[int, ...]
    skipped: bool


def stamp(path: Path) -> Stamp | None:
    """Returns what tells this version of an index file from others; None if there is none."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        return None
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _split_time(nanoseconds: int) -> tuple[int, int]:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return seconds & 0xFFFFFFFF, rest


def stat_fields(seen: os.stat_result) -> tuple[int, ...]:
    """Returns the part of a file's status that the index keeps, without mode."""
    low = 0xFFFFFFFF
    numbers = (seen.st_dev, seen.st_ino, seen.st_uid, seen.st_gid, seen.st_size)
    dev, ino, uid, gid, size = (number & low for number in numbers)
    return *_split_time(seen.st_ctime_ns), *_split_time(seen.st_mtime_ns), dev, ino, uid, gid, size


class Index:
    """Is an index in memory: versions 2 and 3, without the extensions that git can rebuild.

    Attributes:
        is_sparse: whether directories may be folded.

    Args:
        content: the bytes of an index file; empty for none.
        written: modification time of that file in nanoseconds.
        like: the same index at another time; what is alike is not parsed again.

    Raises:
        UnknownIndexError: for a version 4 or split index and unknown needed extensions.
        DamagedError: if the checksum is wrong.
    """

    def __init__(
        self, content: bytes = b"", *, written: int = 0, like: Index | None = None
    ) -> None:
        # two lists side by side, in git's order: the bytes of the file are one join away
        self._keys: list[bytes] = []
        self._raws: list[bytes] = []
        self._extended = 0
        self.is_sparse = False
        # entries not older than the file, by the second of their change
        self._fresh: dict[bytes, set[bytes]] = {}
        self._written = written
        self._trees = CacheTree()
        self._changed: set[str] = set()
        if content:
            self._parse(content, like or Index())

    def _parse(self, content: bytes, like: Index) -> None:
        magic, version, count = _HEAD.unpack_from(content) if len(content) >= 32 else (b"", 0, 0)
        if magic != b"DIRC":
            raise DamagedError("the index does not begin like one")
        if version not in {2, 3}:
            raise UnknownIndexError(f"version {version}")
        checksum = hashlib.sha1(content[:-20], usedforsecurity=False).digest()
        if content[-20:] not in {checksum, _NOTHING}:
            raise DamagedError("the index is corrupt")
        if like._written > self._written:  # else what was older than that is older than this
            like = Index()
        try:
            position, new, is_ordered = self._take_all(content, count, like)
        except (ValueError, IndexError, struct.error) as error:
            raise DamagedError("the index is corrupt") from error
        known = _extensions(content, position)
        if position > len(content) - 20 or not is_ordered:
            raise DamagedError("the index is corrupt")
        self._trees = CacheTree(known.get(b"TREE", b""), like=like._trees)
        self.is_sparse = _SPARSE in known
        looked = self._raws if like._extended else [self._raws[place] for place in new]
        self._extended = sum(raw[60] & 0x40 > 0 for raw in looked)
        self._refresh(new, like)

    def _refresh(self, new: list[int], like: Index) -> None:
        limit = struct.pack(">I", _split_time(self._written)[0])
        self._fresh = {second: {*keys} for second, keys in like._fresh.items() if second >= limit}
        for place in new:
            second = self._raws[place][8:12]
            if second >= limit:
                self._fresh.setdefault(second, set()).add(self._keys[place])

    def _take_all(self, content: bytes, count: int, like: Index) -> tuple[int, list[int], bool]:
        """Takes entries, those that another index has in blocks.

        Returns:
            Where they end, the places of those that are new, and whether all are in order.

        Raises:
            ValueError: if they are not as git writes them.
        """
        position, at, new, is_ordered, before = _HEAD.size, 0, list[int](), True, b""
        while len(self._keys) < count:
            left = count - len(self._keys)
            block = like._raws[at : at + min(_BLOCK, left)]
            same = b"".join(block)
            if same and content.startswith(same, position) and before < like._keys[at]:
                self._raws += block
                self._keys += like._keys[at : at + len(block)]
                position, at, before = position + len(same), at + len(block), self._keys[-1]
                continue
            for _ in range(min(_BLOCK, left)):
                if at < len(like._raws) and content.startswith(like._raws[at], position):
                    self._raws.append(like._raws[at])
                    self._keys.append(like._keys[at])
                    position, at = position + len(like._raws[at]), at + 1
                else:
                    new.append(len(self._keys))
                    position = self._take(content, position)
                    at = bisect_right(like._keys, self._keys[-1])
                is_ordered &= before < self._keys[-1]
                before = self._keys[-1]
        return position, new, is_ordered

    def _take(self, content: bytes, start: int) -> int:
        flags = content[start + 60] << 8 | content[start + 61]
        name_at = start + (_FIXED + 2 if flags & _EXTENDED else _FIXED)
        end = content.index(b"\0", name_at)
        if min(end - name_at, _NAME) != flags & _NAME:
            raise ValueError(start)  # git goes by this length, and would read another name
        stop = start + ((end - start) // 8 + 1) * 8
        key = content[name_at:end] + b"\0" + bytes([(flags & _STAGE) >> 12])
        self._keys.append(key)
        self._raws.append(content[start:stop])
        return stop

    def _at(self, key: bytes) -> int | None:
        place = bisect_left(self._keys, key)
        return place if place < len(self._keys) and self._keys[place] == key else None

    def settle(self, now: int, look: Callable[[str], os.stat_result | None]) -> None:
        """Prepares for being written: marks entries that no longer say how their file is.

        Git compares times by the second, and looks at the content of files that are not older
        than the index. When the index is rewritten in a later second, an edit within the second
        of an entry would go unseen; such an entry gets size 0, which makes git look at it.

        Args:
            now: the modification time that the index file will get, in nanoseconds.
            look: gives the status of a work-tree file.
        """
        limit = struct.pack(">I", _split_time(now)[0])
        for second in [second for second in self._fresh if second < limit]:
            for key in self._fresh.pop(second):
                self._settle(key, second, look)
        self._written = now

    def _settle(
        self, key: bytes, second: bytes, look: Callable[[str], os.stat_result | None]
    ) -> None:
        place = self._at(key)
        if place is None or self._raws[place][8:12] != second:
            return
        raw = self._raws[place]
        seen = look(key[:-2].decode("utf-8", "surrogateescape"))
        if seen is None or not same_file(_read(raw).stat, seen):
            self._raws[place] = raw[:36] + b"\0\0\0\0" + raw[40:]

    def is_clean(self, known: IndexEntry, seen: os.stat_result) -> bool:
        """Tells whether a file is certainly as its entry says; False means that one has to look."""
        settled = seen.st_mtime_ns + _TICK < self._written
        return settled and same_file(known.stat, seen) and known.stat[-1] > 0

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, path: str) -> IndexEntry | None:
        """Returns what stands at a path; None if nothing or a conflict does."""
        place = self._at(_key(path))
        return None if place is None else _read(self._raws[place])

    def folded(self, directory: str) -> str | None:
        """Returns the tree that a folded directory stands for; None if it is not folded."""
        found = self.get(f"{directory}/") if self.is_sparse and directory else None
        return found.entry.id if found is not None else None

    def fold_above(self, path: str) -> str | None:
        """Returns the folded directory that a path lies below; None if it lies below none."""
        end = path.find("/") if self.is_sparse else -1
        while end >= 0:
            if self._at(_key(path[: end + 1])) is not None:
                return path[:end]
            end = path.find("/", end + 1)
        return None

    def folds(self) -> list[str]:
        """Returns the folded directories."""
        keys = (key for key in self._keys if key.endswith(b"/\0\0")) if self.is_sparse else ()
        return [key[:-3].decode("utf-8", "surrogateescape") for key in keys]

    def fold(self, directory: str, tree: str | None) -> str:
        """Has a folded directory stand for a tree, or takes it out; returns its entry's name."""
        name = f"{directory}/"
        if tree is None:
            self.remove(name)
        else:
            self.set(name, Entry(DIRECTORY, tree), None, skip=True)
        return name

    def is_unmerged(self, path: str) -> bool:
        """Tells whether a path is in conflict."""
        key = _key(path, 1)
        place = bisect_left(self._keys, key)
        return place < len(self._keys) and self._keys[place][:-1] == key[:-1]

    def below(self, directory: str) -> list[str]:
        """Returns the paths below a directory, in order; of everything for an empty name."""
        prefix = f"{directory}/".encode("utf-8", "surrogateescape") if directory else b""
        found = []
        for position in range(bisect_left(self._keys, prefix), len(self._keys)):
            if not self._keys[position].startswith(prefix):
                break
            found.append(self._keys[position][:-2].decode("utf-8", "surrogateescape"))
        return list(dict.fromkeys(found))

    def set(
        self, path: str, entry: Entry, seen: os.stat_result | None, *, skip: bool = False
    ) -> None:
        """Puts an entry at a path.

        Args:
            path: where.
            entry: what the next commit holds there.
            seen: status of the work-tree file; None makes git compare the content.
            skip: whether the file is left out of the work tree (git's skip-worktree).
        """
        key = _key(path)
        self._changed.add(path)
        raw = _build(key[:-2], entry, seen, skip=skip)
        place = bisect_left(self._keys, key)
        if place < len(self._keys) and self._keys[place] == key:
            self._extended -= bool(self._raws[place][60] & 0x40)
            self._raws[place] = raw
        else:
            self._keys.insert(place, key)
            self._raws.insert(place, raw)
        self._extended += skip
        self._fresh.setdefault(raw[8:12], set()).add(key)

    def remove(self, path: str) -> None:
        """Takes a path out, in whatever stages it is there."""
        self._changed.add(path)
        for stage in range(4):
            place = self._at(_key(path, stage))
            if place is not None:
                self._extended -= bool(self._raws[place][60] & 0x40)
                del self._keys[place], self._raws[place]

    def skip(self, path: str) -> None:
        """Takes the file of an entry out of what git expects in the work tree."""
        found = self.get(path)
        if found is not None:
            known = path in self._changed
            self.set(path, found.entry, None, skip=True)
            if not known:  # the next commit is the same
                self._changed.discard(path)

    def count(self, directory: str) -> int:
        """Returns how many entries lie below a directory; all of them for an empty name."""
        if not directory:
            return len(self._keys)
        prefix = directory.encode("utf-8", "surrogateescape")
        return bisect_left(self._keys, prefix + b"0") - bisect_left(self._keys, prefix + b"/")

    def follow(self, move: Spliced, trees: Trees) -> None:
        """Notes that some of what was changed went just from one tree to another.

        Args:
            move: what did.
            trees: gives the entries of a tree.
        """
        self._trees.follow(move, trees, self.count, self.folded)
        self._changed -= move.paths

    def build(self) -> bytes:
        """Returns the bytes of the index file."""
        for path in self._changed:
            self._trees.forget(path)
        self._changed.clear()
        known = self._trees.build()
        head = _HEAD.pack(b"DIRC", 3 if self._extended else 2, len(self._raws))
        tail = [b"TREE", struct.pack(">I", len(known)), known] if known else []
        tail += [_SPARSE, bytes(4)] if self.is_sparse else []
        body = b"".join([head, *self._raws, *tail])
        return body + hashlib.sha1(body, usedforsecurity=False).digest()


def _key(path: str, stage: int = 0) -> bytes:
    return path.encode("utf-8", "surrogateescape") + b"\0" + bytes([stage])


def _read(raw: bytes) -> IndexEntry:
    values = _STAT.unpack_from(raw)
    flags = raw[60] << 8
    extra = raw[62] << 8 if flags & _EXTENDED else 0
    mode = values[6]
    return IndexEntry(
        Entry(mode, raw[40:60].hex()), (*values[:6], *values[7:]), bool(extra & _SKIP)
    )


def _build(name: bytes, entry: Entry, seen: os.stat_result | None, *, skip: bool) -> bytes:
    fields = (0,) * 9 if seen is None else stat_fields(seen)
    flags = min(len(name), _NAME) | (_EXTENDED if skip else 0)
    fixed = _STAT.pack(*fields[:6], entry.mode, *fields[6:]) + bytes.fromhex(entry.id)
    head = fixed + (struct.pack(">HH", flags, _SKIP) if skip else struct.pack(">H", flags))
    length = len(head) + len(name)
    return head + name + b"\0" * (8 - length % 8)


def _extensions(content: bytes, position: int) -> dict[bytes, bytes]:
    """Returns the extensions by name; refuses those that change the meaning of entries."""
    found = {}
    while position < len(content) - 20:
        name = content[position : position + 4]
        if not name[:1].isupper() and name != _SPARSE:
            raise UnknownIndexError(f"extension {name!r}")
        (size,) = struct.unpack_from(">I", content, position + 4)
        found[name] = content[position + 8 : position + 8 + size]
        position += 8 + size
    return found


def same_file(known: tuple[int, ...], seen: os.stat_result) -> bool:
    """Tells whether a file's status is the one that the index keeps of it."""
    return known == stat_fields(seen)

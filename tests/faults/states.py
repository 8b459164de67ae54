"""States: what tells the files that one fault has left from those that another one has.

What differs from time to time and means nothing is left out: who has held a lock, random names of
halves, inodes, and times. What is *said* of inodes and times (by an index, or in notes of ours)
counts by whether it is true of the files that are there.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["below", "state"]

_RANDOM = re.compile(
    r"(/tmp_[a-z]+(?:-incoming)?[-_])\w{6}(?=/|$)|(/padre_(?:pack|idx)_)\w{16}$"
    r"|(\.git/padre/(?:ref|index)\.)\d+(?:\.\d+)?$|(\.|/\.now-)[0-9a-f]{8,16}(?=\.[a-z-]+(?:/|$)|/|$)"
)
_NUMBER = re.compile(rb"\b\d{6,}\b")
_SECOND = re.compile(rb"\b\d{10}\b")
#: ctime, mtime, device and inode, mode, user and group, size, object, flags.
_ENTRY = struct.Struct(">IIIIIIIIII20sH")
_EXTENDED = 0x4000


def below(directory: Path) -> Iterator[str]:
    """Yields the paths of all that is below a directory."""
    for parent, directories, files in os.walk(directory):
        for name in (*directories, *files):
            yield f"{parent}/{name}"


def state(lab: Path) -> str:
    """Returns what tells the files below a directory from others."""
    found = {path: os.lstat(path) for path in sorted(below(lab))}
    said = _sayings(found)
    lines = []
    for path, seen in found.items():
        content = b""
        if stat.S_ISLNK(seen.st_mode):
            content = os.fsencode(Path(path).readlink())
        elif stat.S_ISREG(seen.st_mode) and not path.endswith("padre/lock"):
            content = _meaning(path, Path(path).read_bytes(), found, said)
        name = _RANDOM.sub(lambda random: f"{random[random.lastindex or 0]}*", path)
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        lines.append(f"{name}\0{seen.st_mode}\0{digest}")
    return hashlib.sha1("\n".join(sorted(lines)).encode(), usedforsecurity=False).hexdigest()


def _sayings(found: Mapping[str, os.stat_result]) -> dict[bytes, bytes]:
    """Returns what numbers mean that are an inode or a time of a file."""
    said: dict[bytes, bytes] = {}
    for path, seen in found.items():
        for what in ("st_ino", "st_mtime_ns", "st_ctime_ns"):
            said.setdefault(b"%d" % getattr(seen, what), f"{what} of {path}".encode())
    return said


def _meaning(
    path: str, content: bytes, found: Mapping[str, os.stat_result], said: Mapping[bytes, bytes]
) -> bytes:
    directory, _, name = path.rpartition("/")
    if name == "index" and directory.endswith(".git"):
        return _index(directory.removesuffix("/.git"), content, found[path], found)
    if directory.endswith("/objects/pack") and name.endswith(".keep"):
        return re.sub(rb"\d+", b"0", content)  # which process it is of: a dead one
    if "/padre/" in path and "/files/" not in path:
        content = _NUMBER.sub(lambda number: said.get(number[0], number[0]), content)
        return _SECOND.sub(b"a second", content)
    return content


def _index(
    tree: str, content: bytes, index: os.stat_result, found: Mapping[str, os.stat_result]
) -> bytes:
    """Returns an index with what it says of files replaced by whether that is true."""
    end = content[-20:]
    if content[:7] != b"DIRC\0\0\0" or content[7] not in b"\2\3":
        return content
    if end != hashlib.sha1(content[:-20], usedforsecurity=False).digest():
        return content
    place, parts = 12, [content[:12]]
    for _ in range(int.from_bytes(content[8:12], "big")):
        *times, _, inode, mode, _, _, size, blob, flags = _ENTRY.unpack_from(content, place)
        start = place + _ENTRY.size + (2 if flags & _EXTENDED else 0)
        name = content[start : content.index(b"\0", start)]
        seen = found.get(f"{tree}/{os.fsdecode(name)}")
        parts += [content[place + _ENTRY.size : start], name, blob]
        parts.append(f"{mode} {size} {flags} {_truths(times, inode, seen, index)}".encode())
        place += (start - place + len(name) + 8) // 8 * 8
    return b"\0".join([*parts, content[place:-20]])


def _truths(
    times: list[int], inode: int, seen: os.stat_result | None, index: os.stat_result
) -> str:
    if seen is None:
        return "of nothing"
    changed, modified = (divmod(ns, 10**9) for ns in (seen.st_ctime_ns, seen.st_mtime_ns))
    is_true = (times[:2] == [*changed], times[2:4] == [*modified], inode == seen.st_ino % (1 << 32))
    return f"{is_true} {any(times)} {seen.st_mtime_ns >= index.st_mtime_ns}"

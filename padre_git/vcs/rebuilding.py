"""Remains: objects that can be had from the work tree's files and from what the index lists."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from padre_git.errors import InvalidNameError, unless_scarce
from padre_git.vcs.objects import (
    DIRECTORY,
    EXECUTABLE,
    FILE,
    LINK,
    MODULE,
    Entry,
    build_tree,
    check_path,
    object_id,
    sort_tree,
)

__all__ = ["Listed", "Remains", "read_entries"]

_FIXED = 62
_EXTENDED, _STAGE = 0x4000, 0x3000
_MODES = frozenset([FILE, EXECUTABLE, LINK, MODULE])


class Listed(NamedTuple):
    """Is what an index says of one path.

    Attributes:
        path: of the file.
        entry: what was staged there.
        skipped: whether the file is left out of the work tree.
    """

    path: str
    entry: Entry
    skipped: bool


def read_entries(content: bytes) -> Iterator[Listed]:
    """Yields what can be read of an index, whether it is damaged or not.

    Versions 2 and 3 only; conflicts, and entries that make no sense, are left out.

    Args:
        content: of the index file.
    """
    if content[:4] != b"DIRC" or content[4:8] not in {b"\0\0\0\2", b"\0\0\0\3"}:
        return
    position = 12
    (count,) = struct.unpack_from(">I", content.ljust(12, b"\0"), 8)
    for _ in range(count):
        if position + _FIXED > len(content) - 20:
            return
        (flags,) = struct.unpack_from(">H", content, position + 60)
        name_at = position + (_FIXED + 2 if flags & _EXTENDED else _FIXED)
        end = content.find(b"\0", name_at)
        if end < 0:
            return
        listed = _listed(content, position, content[name_at:end], flags)
        if listed is not None:
            yield listed
        position += ((end - position) // 8 + 1) * 8


def _listed(content: bytes, at: int, name: bytes, flags: int) -> Listed | None:
    (mode,) = struct.unpack_from(">I", content, at + 24)
    path = name.decode("utf-8", "surrogateescape")
    try:
        check_path(path)
    except InvalidNameError:
        return None
    if flags & _STAGE or mode not in _MODES:
        return None
    skipped = bool(flags & _EXTENDED and content[at + 62] & 0x40)
    return Listed(path, Entry(mode, content[at + 40 : at + 60].hex()), skipped)


class Remains:
    """Is what a work tree and its index have of objects.

    Args:
        root: the work tree; None for none.
        common: the git directory that has its index.
    """

    def __init__(self, root: Path | None, common: Path) -> None:
        self._root = root
        self._index = common / "index"

    @cached_property
    def listed(self) -> dict[str, Listed]:
        """What the index lists, by path."""
        try:
            content = self._index.read_bytes()
        except OSError as error:
            unless_scarce(error)
            return {}
        return {one.path: one for one in read_entries(content)}

    @cached_property
    def _trees(self) -> dict[str, bytes]:
        """The trees of all directories that the index lists, by path."""
        inside: dict[str, dict[str, Entry]] = defaultdict(dict)
        for path, one in self.listed.items():
            above, _, name = path.rpartition("/")
            inside[above][name] = one.entry
            while above and above not in inside[(parts := above.rpartition("/"))[0]]:
                inside[parts[0]][parts[2]] = Entry(DIRECTORY, "")
                above = parts[0]
        found: dict[str, bytes] = {}
        for path in sorted(inside, key=lambda path: path.count("/") + bool(path), reverse=True):
            content = found[path] = build_tree(sort_tree(inside[path]))
            if path:
                above, _, name = path.rpartition("/")
                inside[above][name] = Entry(DIRECTORY, object_id("tree", content))
        return found

    def has(self, oid: str, paths: Iterable[str]) -> bool:
        """Tells whether an object can be had, see :meth:`content`."""
        return self.content(oid, paths) is not None

    def content(self, oid: str, paths: Iterable[str]) -> tuple[str, bytes] | None:
        """Returns kind and content of an object, if one of these paths has it now.

        Args:
            oid: the object.
            paths: where it stands in the project.
        """
        for path in paths:
            tree = self._trees.get(path)
            if tree is not None and object_id("tree", tree) == oid:
                return "tree", tree
            blob = self._file(path)
            if blob is not None and object_id("blob", blob) == oid:
                return "blob", blob
        return None

    def _file(self, path: str) -> bytes | None:
        if self._root is None or not path:
            return None
        file = self._root / path
        try:
            check_path(path)
            is_own = file.is_file() and file.resolve().is_relative_to(self._root.resolve())
            return file.read_bytes() if is_own else None
        except (OSError, ValueError) as error:
            unless_scarce(error)
            return None

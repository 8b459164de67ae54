"""The index's cache of trees, kept right: with it ``git status`` looks only at what is different.

Git writes into the index which directories are, entry by entry, a tree that exists (the extension
``TREE``). Without it ``git status`` reads every tree of the branch: 100 ms instead of 9 at 1,000
runs. A wrong one makes git write wrong trees, so a directory is called a known tree after a splice
only if it was known to be the old one, every file in which old and new differ was spliced from the
one to the other, and it holds as many entries as the new one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from padre_git.vcs.objects import EMPTY_TREE, Entry

__all__ = ["CacheTree", "Count", "Folded", "Spliced", "Trees"]

_NODE = re.compile(rb"([^\0]*)\0(-?\d{1,10}) (\d{1,10})\n")

#: Gives the entries of a tree by name.
Trees = Callable[[str], Mapping[str, Entry]]
#: Gives how many index entries lie below a directory.
Count = Callable[[str], int]
#: Gives the tree of a directory that the index holds as one entry; None for all others.
Folded = Callable[[str], str | None]


class Spliced(NamedTuple):
    """Is a change of entries: those at ``paths`` stood as in one tree and stand as in another."""

    old: str
    new: str
    paths: AbstractSet[str]


@dataclass(slots=True)
class _Node:
    """Is one directory: how many entries it has, which tree it is, and those inside."""

    name: bytes
    count: int = -1
    tree: str | None = None
    inside: dict[str, _Node] = field(default_factory=dict)
    raw: bytes | None = None

    def build(self) -> bytes:
        """Returns the bytes of this directory and those inside; they are kept until it changes."""
        if self.raw is None:
            # git looks names up by length first
            order = sorted(self.inside.values(), key=lambda node: (len(node.name), node.name))
            head = b"%s\0%d %d\n" % (self.name, self.count, len(order))
            own = bytes.fromhex(self.tree) if self.tree is not None else b""
            self.raw = b"".join([head, own, *[node.build() for node in order]])
        return self.raw


class CacheTree:
    """Is the cache of trees of one index.

    Args:
        content: the extension's bytes; empty for none.
        like: the same at another time, which is not used any more; what is alike is taken over.
    """

    def __init__(self, content: bytes = b"", *, like: CacheTree | None = None) -> None:
        known = None if like is None else like._root  # noqa: SLF001 - of the same class
        self._root: _Node = _parse(content, known) if content else _Node(b"")

    def build(self) -> bytes:
        """Returns the extension's bytes; empty if nothing is known."""
        return self._root.build() if self._root.tree or self._root.inside else b""

    def forget(self, path: str) -> None:
        """Notes that an entry has changed: no directory above it is a known tree any more."""
        node: _Node | None = self._root
        for name in path.split("/"):
            if node is None:
                return
            node.count, node.tree, node.raw = -1, None, None
            node = node.inside.get(name)

    def follow(self, move: Spliced, trees: Trees, count: Count, folded: Folded) -> None:
        """Notes that entries were changed.

        Args:
            move: what was changed.
            trees: gives the entries of a tree.
            count: gives how many entries the index now has below a directory.
            folded: tells which directories are one entry.
        """
        fresh = self._root.tree is None and not self._root.inside
        was = EMPTY_TREE if fresh and move.old == EMPTY_TREE else self._root.tree
        _Walk(trees, count, folded).follow(self._root, "", was, move)


def _parse(content: bytes, like: _Node | None) -> _Node:
    try:
        node, end = _parse_node(content, 0, like)
    except RecursionError:  # directories a thousand deep
        return _Node(b"")
    if end != len(content):
        return _Node(b"")  # a form that we do not know: git rebuilds it
    return node


def _parse_node(content: bytes, start: int, like: _Node | None) -> tuple[_Node, int]:
    if like is not None and like.raw is not None and content.startswith(like.raw, start):
        return like, start + len(like.raw)
    match = _NODE.match(content, start)
    if match is None:
        return _Node(b""), -1
    name, count, inside = match[1], int(match[2]), int(match[3])
    end = match.end()
    node = _Node(name, count)
    if count >= 0:
        node.tree, end = content[end : end + 20].hex(), end + 20
    for _ in range(inside):
        name = content[end : content.find(b"\0", end)].decode("utf-8", "surrogateescape")
        inner, end = _parse_node(content, end, None if like is None else like.inside.get(name))
        if end < 0:
            return node, -1
        node.inside[name] = inner
    node.raw = content[start:end]
    return node, end


@dataclass(frozen=True, slots=True)
class _Walk:
    """Goes with one change of entries through the directories that it concerns."""

    trees: Trees
    count: Count
    folded: Folded

    def follow(self, node: _Node, path: str, was: str | None, move: Spliced) -> None:
        """Brings the node of one directory along; its path ends in ``/`` unless it is the root."""
        if move.old == move.new:
            return
        one = self.folded(path.rstrip("/"))
        if one is not None:  # a leaf, as git has it
            node.count, node.tree, node.inside, node.raw = 1, one, {}, None
            return
        before, after = self.trees(move.old), self.trees(move.new)
        known = was == move.old
        for name in {name for name, _ in before.items() ^ after.items()}:
            sides = [side.get(name) for side in (before, after)]
            known &= all(e is None or e.is_tree for e in sides) or f"{path}{name}" in move.paths
            old, new = (e.id if e is not None and e.is_tree else EMPTY_TREE for e in sides)
            self._inside(node, path, name, Spliced(old, new, move.paths))
        node.count, node.tree, node.raw = -1, None, None
        total = _total(node, after)
        if known and total is not None and total == self.count(path.rstrip("/")):
            node.count, node.tree = total, move.new

    def _inside(self, node: _Node, path: str, name: str, move: Spliced) -> None:
        if move.new == EMPTY_TREE:
            node.inside.pop(name, None)
            return
        inner = node.inside.get(name)
        if inner is None:
            inner = node.inside[name] = _Node(name.encode("utf-8", "surrogateescape"))
            was = EMPTY_TREE if move.old == EMPTY_TREE else None
        else:
            was = inner.tree
        self.follow(inner, f"{path}{name}/", was, move)


def _total(node: _Node, entries: Mapping[str, Entry]) -> int | None:
    """Returns how many files a tree holds; None if that is not known for one inside it."""
    total = 0
    for name, entry in entries.items():
        if not entry.is_tree:
            total += 1
            continue
        inner = node.inside.get(name)
        if inner is None or inner.tree != entry.id:
            return None
        total += inner.count
    return total

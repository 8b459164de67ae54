"""A tree with edits on top that are not written yet, so that later writes can build on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from padre_git.backends.planning import Edits
from padre_git.backends.records import Tree
from padre_git.vcs.objects import DIRECTORY, FILE, Entry

__all__ = ["EMPTY", "Overlay"]

_NOTHING: Mapping[str, Entry] = MappingProxyType({})
#: New files have no id before they are written.
_NEW_FILE, _NEW_DIRECTORY = Entry(FILE, ""), Entry(DIRECTORY, "")


class _Empty:
    """Is the tree of a project that does not exist yet."""

    def entries(self, directory: str) -> Mapping[str, Entry]:
        return _NOTHING

    def blobs(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        return {}

    def prefetch(self, paths: Iterable[str]) -> None:
        pass


EMPTY: Tree = _Empty()


class Overlay:
    """Is a tree as it will be after edits; existing directories cannot be put into it.

    Args:
        base: the tree that the edits are made to.
    """

    def __init__(self, base: Tree) -> None:
        self._base = base
        self._content: dict[str, bytes] = {}
        self._added: dict[str, dict[str, Entry]] = {}
        self._removed: set[str] = set()
        self._merged: dict[str, Mapping[str, Entry]] = {}

    def edit(self, edits: Edits) -> None:
        """Makes further edits; all removals come before all additions."""
        self._merged.clear()
        for path, value in edits.items():
            if value is None:
                self._remove(path)
        for path, value in edits.items():
            if isinstance(value, Entry):
                raise TypeError("an overlay holds new content only")
            if value is not None:
                self._add(path, value)

    def entries(self, directory: str) -> Mapping[str, Entry]:
        """See :meth:`Tree.entries`."""
        known = self._merged.get(directory)
        if known is None:
            known = self._merged[directory] = self._merge(directory)
        return known

    def _merge(self, directory: str) -> Mapping[str, Entry]:
        base = _NOTHING if self._is_removed(directory) else self._base.entries(directory)
        added = self._added.get(directory)
        if not self._removed:
            return base if added is None else {**base, **added}
        start = f"{directory}/" if directory else ""
        left = {n: e for n, e in base.items() if start + n not in self._removed}
        return left | (added or {})

    def blobs(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """See :meth:`Tree.blobs`."""
        below: list[str] = []
        found: dict[str, bytes] = {}
        for path in paths:
            if path in self._content:
                found[path] = self._content[path]
            elif not self._is_removed(path):
                below.append(path)
        return found | dict(self._base.blobs(below)) if below else found

    def prefetch(self, paths: Iterable[str]) -> None:
        """See :meth:`Tree.prefetch`."""
        self._base.prefetch(paths)

    def _is_removed(self, path: str) -> bool:
        while path and self._removed:
            if path in self._removed:
                return True
            path = path.rpartition("/")[0]
        return False

    def _remove(self, path: str) -> None:
        self._removed.add(path)
        below = path + "/"
        for gone in [p for p in self._content if p == path or p.startswith(below)]:
            del self._content[gone]
        for directory in [d for d in self._added if d == path or d.startswith(below)]:
            del self._added[directory]
        holder, _, name = path.rpartition("/")
        self._added.get(holder, {}).pop(name, None)

    def _add(self, path: str, content: bytes) -> None:
        if self._merge(path):
            self._remove(path)  # a file takes the place of a directory
        self._content[path] = content
        holder, _, name = path.rpartition("/")
        self._added.setdefault(holder, {})[name] = _NEW_FILE
        while holder and holder.rpartition("/")[2] not in self._added.get(
            holder.rpartition("/")[0], {}
        ):
            above, _, name = holder.rpartition("/")
            self._added.setdefault(above, {})[name] = _NEW_DIRECTORY
            holder = above

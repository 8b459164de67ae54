"""A project as one commit has it: read without a work tree, an index or a process per object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from padre_git.vcs.objects import DIRECTORY, EMPTY_TREE, MODULE, Entry
from padre_git.vcs.reader import Reader

__all__ = ["Snapshot", "entry_at", "file_at"]

_NOTHING: Mapping[str, Entry] = MappingProxyType({})
_MOST_KNOWN = 1000


class Snapshot:
    """Is everything a commit holds.

    Args:
        reader: where the objects are read.
        commit: id of the commit; None for a branch without commits.

    Attributes:
        commit: as given.
        tree: id of its tree.
    """

    def __init__(self, reader: Reader, commit: str | None) -> None:
        self._reader = reader
        self.commit = commit
        self.tree = EMPTY_TREE if commit is None else reader.commit(commit).tree
        #: What directories hold; planning one run asks for the same few a hundred times.
        self._known: dict[str, Mapping[str, Entry]] = {}

    def entries(self, directory: str = "") -> Mapping[str, Entry]:
        """Returns what a directory holds, by name; nothing if it is not a directory."""
        known = self._known.get(directory)
        if known is None:
            known = self._known[directory] = self._read(directory)
            if len(self._known) > _MOST_KNOWN:
                self._known.clear()
        return known

    def _read(self, directory: str) -> Mapping[str, Entry]:
        if not directory:
            return self._reader.tree(self.tree)
        found = self.entry(directory)
        return self._reader.tree(found.id) if found is not None and found.is_tree else _NOTHING

    def entry(self, path: str) -> Entry | None:
        """Returns what stands at a path; None if nothing does."""
        holder, _, name = path.rpartition("/")
        return self.entries(holder).get(name) if name else None

    def blob(self, path: str) -> bytes | None:
        """Returns the content of a file; None if there is none."""
        return self.blobs([path]).get(path)

    def blobs(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Returns the content of many files, asked for in one go; those missing are left out."""
        wanted = list(paths)
        self.prefetch(wanted)
        found = {path: self.entry(path) for path in wanted}
        ids = {path: e.id for path, e in found.items() if e and e.mode not in {DIRECTORY, MODULE}}
        contents = self._reader.objects(ids.values(), "blob")
        return {path: contents[oid] for path, oid in ids.items()}

    def walk(self, directory: str = "") -> Iterator[tuple[str, Entry]]:
        """Yields every file below a directory with its path, in the order of the tree."""
        for name, entry in self.entries(directory).items():
            path = f"{directory}/{name}" if directory else name
            if entry.is_tree:
                yield from self.walk(path)
            else:
                yield path, entry

    def load(self, directory: str = "") -> None:
        """Reads all trees below a directory level by level, so that :meth:`walk` need not wait."""
        level = [entry.id for entry in self.entries(directory).values() if entry.is_tree]
        while level:
            self._reader.load_trees(level)
            below = (self._reader.tree(oid).values() for oid in level)
            level = [entry.id for entries in below for entry in entries if entry.is_tree]

    def prefetch(self, paths: Iterable[str]) -> None:
        """Reads the trees on the way to these paths, one request per level."""
        holders = {path.rpartition("/")[0] for path in paths}
        wanted = [holder.split("/") for holder in holders if holder and holder not in self._known]
        if len(wanted) < 3:
            return
        level = {"": self.tree}
        for depth in range(max((len(parts) for parts in wanted), default=0)):
            heads = {tuple(parts[: depth + 1]) for parts in wanted if len(parts) > depth}
            found = {}
            for head in heads:
                above = level.get("/".join(head[:-1]))
                entry = self._reader.tree(above).get(head[-1]) if above else None
                if entry is not None and entry.is_tree:
                    found["/".join(head)] = entry.id
            self._reader.load_trees(found.values())
            level = found


def entry_at(trees: Callable[[str], Mapping[str, Entry]], tree: str, path: str) -> Entry | None:
    """Returns what stands at a path of a tree; None if nothing does.

    Args:
        trees: gives the entries of a tree by its id.
        tree: id of the tree.
        path: below it.
    """
    found: Entry | None = Entry(DIRECTORY, tree)
    for name in path.split("/"):
        if found is None or not found.is_tree:
            return None
        found = trees(found.id).get(name)
    return found


def file_at(trees: Callable[[str], Mapping[str, Entry]], tree: str, path: str) -> Entry | None:
    """Returns what stands at a path of a tree, as an index has it: a directory is nothing there.

    Args:
        trees: as for :func:`entry_at`.
        tree: as for :func:`entry_at`.
        path: as for :func:`entry_at`.
    """
    found = entry_at(trees, tree, path)
    return None if found is None or found.is_tree else found

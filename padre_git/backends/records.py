"""Records in a tree of files: where they are, whether they exist, what they hold.

The layout says where a record may be; a tree (a commit, or a directory) says what is there.
Everything else in the tree — files of the user, names that are not ours, links, submodules — is
passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from padre_git.errors import DamagedError, InvalidNameError
from padre_git.format import (
    children_directory,
    is_part,
    is_shard,
    part_path,
    read_tombstone,
    record_directories,
    shards_of,
)
from padre_git.model import DOCUMENTS, Found, Key, Kind, Record
from padre_git.vcs.objects import EXECUTABLE, FILE, Entry

__all__ = ["Records", "Skip", "Tree", "is_file"]

_PART_DIRECTORIES = ("notes", "tags")
_NOTHING: Mapping[str, Entry] = MappingProxyType({})
_SHARD_LEVELS = 5
#: Documents known to be alive, some 20 MB of ids; beyond that it begins anew.
_MOST_KNOWN = 200_000

Skip = Callable[[Key, DamagedError], None]


class Tree(Protocol):
    """Is one state of a project's files. Paths are relative, with ``/``; the root is empty."""

    def entries(self, directory: str) -> Mapping[str, Entry]:
        """Returns what is in a directory by name; nothing if there is no such directory."""

    def blobs(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Returns the content of these regular files; those that do not exist are missing."""

    def prefetch(self, paths: Iterable[str]) -> None:
        """Says which paths will be asked for, so that all can be read at once."""


def is_file(entry: Entry | None) -> bool:
    """Returns whether there is a regular file."""
    return entry is not None and entry.mode in (FILE, EXECUTABLE)


class Records:
    """Reads the records of one project from one tree.

    Args:
        project: its name.
        tree: its files.
        living: ids of documents that are known to be no tombstones; it is added to.
        skip: is told, once each, of directories that cannot be read; what lies in them is then
            not listed. None to fail.
    """

    def __init__(
        self,
        project: str,
        tree: Tree,
        living: set[str] | None = None,
        *,
        skip: Skip | None = None,
    ) -> None:
        self._root = Key.project_named(project)
        self.tree = tree
        self._skip = skip
        self._skipped: set[str] = set()
        self._living = set[str]() if living is None else living
        self._alive: dict[Key, bool] = {}

    def find(self, keys: Iterable[Key]) -> dict[Key, Found]:
        """Returns what is stored under these keys."""
        places = self.places(self._below_the_living(keys))
        self._prefetch_parts(places)
        parts = {key: self._parts(key, place) for key, place in places.items()}
        blobs = self.tree.blobs(path for paths in parts.values() for path in paths.values())
        found: dict[Key, Found] = {}
        for key, paths in parts.items():
            files = {name: blobs[path] for name, path in paths.items()}
            dead = read_tombstone(files[DOCUMENTS[key.kind]], key)
            found[key] = dead or Record(key=key, files=files)
        return found

    def alive(self, keys: Iterable[Key]) -> set[Key]:
        """Returns those of these keys that have a living record."""
        return set(self._only_alive(self.places(self._below_the_living(keys))))

    def scan(self, prefix: Key | None, kind: Kind | None) -> list[Key]:
        """Returns the keys of living records below ``prefix``, in no order.

        Args:
            prefix: a record of this project; None for the project itself and all below it.
            kind: only records of this kind.
        """
        start = prefix or self._root
        is_there = bool(self.alive([start]))
        if not is_there and not self._lacks_document(start):
            return []
        found = list(self._below(start, kind))
        with_it = is_there and prefix is None and kind in (None, Kind.PROJECT)
        return [start, *found] if with_it else found

    def graves(self, prefix: Key | None, kind: Kind | None) -> dict[Key, str]:
        """Returns the documents of deleted records whose parents are alive.

        Renamed ones are not among them.

        Args:
            prefix: a record of this project; None for the project itself and all below it.
            kind: only records of this kind.
        """
        start = prefix or self._root
        alive = self.alive([start])
        parents = [start, *self._below(start, None)] if alive else []
        dead = {} if alive or prefix is not None else self.places([start])
        for parent in (key for key in parents if key.kind is not Kind.RUN):
            for child in (k for k in Kind if k.parent is parent.kind and kind in (None, k)):
                places = self._children(parent, child)
                living = set(self._only_alive(places))
                dead |= {key: place for key, place in places.items() if key not in living}
        paths = {k: _document_path(k, d) for k, d in dead.items() if kind in (None, k.kind)}
        contents = self.tree.blobs(paths.values())
        graves = {k: read_tombstone(contents[path], k) for k, path in paths.items()}
        return {k: paths[k] for k, grave in graves.items() if grave and not grave.moved_to}

    def places(self, keys: Iterable[Key]) -> dict[Key, str]:
        """Returns the directory of each record whose document is there, dead or alive."""
        candidates = {key: record_directories(key) for key in keys}
        self.tree.prefetch(_document_path(k, d) for k, ds in candidates.items() for d in ds)
        found: dict[Key, str] = {}
        for key, directories in candidates.items():
            for directory in directories:
                if is_file(self._document(key, directory)):
                    found[key] = directory
                    break
        return found

    def parts(self, key: Key, directory: str) -> dict[str, Entry]:
        """Returns the parts of a record that lies in ``directory``, by name."""
        if key.kind is Kind.ENVIRONMENT:
            document = self._document(key, directory)
            return {} if document is None else {DOCUMENTS[key.kind]: document}
        entries = self.tree.entries(directory)
        found = {n: e for n, e in entries.items() if is_file(e) and is_part(key.kind, n)}
        for inner in _PART_DIRECTORIES if key.kind is Kind.RUN else ():
            if inner in entries and entries[inner].is_tree:
                for name, entry in self.tree.entries(f"{directory}/{inner}").items():
                    if is_file(entry) and is_part(key.kind, f"{inner}/{name}"):
                        found[f"{inner}/{name}"] = entry
        return found

    def _prefetch_parts(self, places: Mapping[Key, str]) -> None:
        self.tree.prefetch(
            f"{place}/{inner}/"
            for key, place in places.items()
            if key.kind is Kind.RUN
            for inner in _PART_DIRECTORIES
            if inner in self.tree.entries(place)
        )

    def _parts(self, key: Key, directory: str) -> dict[str, str]:
        return {name: part_path(key, directory, name) for name in self.parts(key, directory)}

    def _document(self, key: Key, directory: str) -> Entry | None:
        holder, _, name = _document_path(key, directory).rpartition("/")
        return self._entries(holder).get(name)

    # ------------------------------------------------------------------ which records exist

    def _below_the_living(self, keys: Iterable[Key]) -> list[Key]:
        """Returns those of these keys none of whose ancestors is a tombstone.

        An ancestor without a document does not hide what lies below it: somebody has taken it
        away by hand, or it cannot be read.
        """
        keys = list(keys)
        above = {key for record in keys for key in record.ancestors()}
        unknown = [key for key in above if key not in self._alive]
        if unknown:
            places = self.places(unknown)
            living = set(self._only_alive(places))
            self._alive |= {key: key in living or key not in places for key in unknown}
        return [key for key in keys if all(self._alive[above] for above in key.ancestors())]

    def _only_alive(self, places: Mapping[Key, str]) -> Iterator[Key]:
        """Yields the keys whose documents, at these places, are no tombstones."""
        unknown: dict[str, Key] = {}
        for key, place in places.items():
            document = self._document(key, place)
            if document is not None and document.id in self._living:
                yield key
            else:
                unknown[_document_path(key, place)] = key
        contents, unreadable = self._contents(list(unknown))
        yield from (unknown[path] for path in unreadable)  # what reading it says, is said then
        for path, content in contents.items():
            key = unknown[path]
            if read_tombstone(content, key) is None:
                document = self._document(key, places[key])
                if document is not None and document.id:
                    self._remember(document.id)
                yield key

    def _contents(self, paths: list[str]) -> tuple[Mapping[str, bytes], list[str]]:
        """Returns the content of files, and the paths of those that cannot be read."""
        try:
            return self.tree.blobs(paths), []
        except DamagedError:
            if len(paths) == 1:
                return {}, paths
        middle = len(paths) // 2
        halves = [self._contents(part) for part in (paths[:middle], paths[middle:])]
        return {**halves[0][0], **halves[1][0]}, halves[0][1] + halves[1][1]

    def _remember(self, document: str) -> None:
        if len(self._living) >= _MOST_KNOWN:
            self._living.clear()
        self._living.add(document)

    # ------------------------------------------------------------------ what lies below a record

    def _below(self, parent: Key, kind: Kind | None) -> Iterator[Key]:
        for child in (k for k in Kind if k.parent is parent.kind):
            if kind is not None and kind not in (child, *_kinds_below(child)):
                continue
            places = self._children(parent, child)
            living = list(self._only_alive(places))
            if kind in (None, child):
                yield from living
            if _kinds_below(child) and kind is not child:
                for key in [*living, *self._without_document(parent, child, places)]:
                    yield from self._below(key, kind)

    def bereft(self) -> Iterator[Key]:
        """Yields the records whose document is gone without a tombstone, while others need it."""
        if self._lacks_document(self._root):
            yield self._root
        for kind in (k for k in Kind if k.parent is Kind.PROJECT and _kinds_below(k)):
            places = self._children(self._root, kind)
            for key in self._without_document(self._root, kind, places):
                if next(self._below(key, None), None) is not None:
                    yield key

    def _lacks_document(self, key: Key) -> bool:
        """Returns whether there is a directory of a record and no document in it."""
        return any(
            self._entries(place) and not is_file(self._document(key, place))
            for place in record_directories(key)
            if key.kind is not Kind.ENVIRONMENT
        )

    def _without_document(
        self, parent: Key, kind: Kind, places: Mapping[Key, str]
    ) -> Iterator[Key]:
        for name, entry in self._entries(children_directory(parent, kind)).items():
            key = _child(parent, kind, name)
            if key is not None and key not in places and entry.is_tree:
                yield key

    def _entries(self, directory: str) -> Mapping[str, Entry]:
        """Returns what is in a directory; nothing, if it cannot be read and that is told."""
        try:
            return self.tree.entries(directory)
        except DamagedError as error:
            if self._skip is None:
                raise
            if directory not in self._skipped:
                self._skipped.add(directory)
                self._skip(self._root, error)
            return _NOTHING

    def _children(self, parent: Key, kind: Kind) -> dict[Key, str]:
        """Returns the records of one kind below ``parent`` with their places, dead or alive."""
        if kind is Kind.RUN:
            return self._runs(parent)
        holder = children_directory(parent, kind)
        keys = []
        for name, entry in self._entries(holder).items():
            key = _child(parent, kind, name)
            if key is not None and (entry.is_tree or kind is Kind.ENVIRONMENT):
                keys.append(key)
        return self.places(keys)

    def _runs(self, experiment: Key) -> dict[Key, str]:
        runs = children_directory(experiment, Kind.RUN)
        found: dict[Key, list[str]] = {}
        shards: Sequence[str] = [""]
        for _ in range(_SHARD_LEVELS):
            directories = {shard: f"{runs}/{shard}" if shard else runs for shard in shards}
            self.tree.prefetch(f"{directory}/" for directory in directories.values())
            deeper: list[str] = []
            for shard, directory in directories.items():
                for name, entry in self._entries(directory).items():
                    inner = f"{shard}/{name}" if shard else name
                    if entry.is_tree and is_shard(inner):
                        deeper.append(inner)
                    elif entry.is_tree and (key := _run(experiment, name, shard)):
                        found.setdefault(key, []).append(f"{directory}/{name}")
            shards = deeper
        self.tree.prefetch(f"{place}/" for places in found.values() for place in places)
        return {
            key: place
            for key, places in found.items()
            for place in reversed(places)  # so that the shallowest is what remains
            if is_file(self._document(key, place))
        }


def _document_path(key: Key, directory: str) -> str:
    return part_path(key, directory, DOCUMENTS[key.kind])


def _kinds_below(kind: Kind) -> tuple[Kind, ...]:
    return tuple(below for below in Kind if below.parent is kind)


def _child(parent: Key, kind: Kind, name: str) -> Key | None:
    if kind is Kind.ENVIRONMENT:
        name, _, ending = name.rpartition(".")
        if ending != "yaml":
            return None
    try:
        return parent.child(kind, name)
    except InvalidNameError:
        return None


def _run(experiment: Key, name: str, shard: str) -> Key | None:
    """Returns the run that a directory in a shard holds; None if no reader would look there."""
    key = _child(experiment, Kind.RUN, name)
    return key if key is not None and shard in shards_of(name) else None

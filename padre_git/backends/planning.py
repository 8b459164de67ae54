"""From a change set to edits of paths: what the file and the git backend do to a tree."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from padre_git.backends.checks import check_expected, check_parents
from padre_git.backends.records import Records, Tree, is_file
from padre_git.errors import AlreadyExistsError, ConflictError
from padre_git.format import (
    children_directory,
    edit_mark,
    grave_files,
    is_part,
    locate,
    part_path,
    place_run,
    record_directories,
    same,
    seals,
)
from padre_git.model import Change, ChangeSet, Found, Key, Kind, Record, Tombstone
from padre_git.model.names import is_name
from padre_git.model.record import revision_of
from padre_git.vcs.objects import Entry

__all__ = ["Edits", "Plan", "plan"]

#: What becomes of paths: new content, an existing file or directory put there, or None for
#: nothing any more (of a directory, nothing of it).
Edits = dict[str, bytes | Entry | None]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Is what a change set does to a tree.

    Attributes:
        edits: see :data:`Edits`; empty if everything is as it was.
        changed: the keys whose records change, as the set has them.
        revisions: what :meth:`Backend.apply` returns.
        seals: the paths where deleted records get seals, see :func:`padre_git.format.seals`.
    """

    edits: Edits
    changed: tuple[Key, ...]
    revisions: dict[Key, str | None]
    seals: tuple[str, ...] = ()


def plan(changes: ChangeSet, records: Records, *, unsealed: Collection[str] = ()) -> Plan:
    """Returns what a change set does to the tree that ``records`` reads.

    Args:
        changes: what is asked for.
        records: what there is.
        unsealed: paths that must not get a seal.

    Raises:
        AlreadyExistsError, ConflictError, NotFoundError: see :meth:`Backend.apply`.
    """
    keys = [change.key for change in changes]
    current = records.find(keys)
    for change in changes:
        check_expected(change, _living(current, change.key))
    above = {parent for key in keys for parent in key.ancestors()}
    check_parents(changes, records.alive(above))
    return _Planner(changes, records, current, unsealed).planned()


def _living(current: Mapping[Key, Found], key: Key) -> Record | None:
    found = current.get(key)
    return found if isinstance(found, Record) else None


@dataclass
class _Planner:
    changes: ChangeSet
    records: Records
    current: Mapping[Key, Found]
    unsealed: Collection[str]
    sealed: list[str] = field(default_factory=list)
    edits: Edits = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    clear: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.places = self.records.places(change.key for change in self.changes)
        self.gone = {change.key for change in self.changes if change.files is None}

    @property
    def tree(self) -> Tree:
        return self.records.tree

    def planned(self) -> Plan:
        revisions: dict[Key, str | None] = {}
        changed: list[Key] = []
        self._open_graves()
        for change in self.changes:
            before = len(self.edits)
            if change.files is None:
                self._bury(change)
                revisions[change.key] = None
            else:
                revisions[change.key] = self._store(change, change.files)
            if len(self.edits) > before:
                changed.append(change.key)
        return Plan(
            edits=self.edits,
            changed=tuple(changed),
            revisions=revisions,
            seals=tuple(self.sealed),
        )

    # ------------------------------------------------------------------------------- storing

    def _open_graves(self) -> None:
        """Removes the seals of records that come back to life, and of those that are replaced."""
        for change in self.changes:
            if change.files is None or not isinstance(self.current.get(change.key), Tombstone):
                continue
            for path in seals(change.key, self.places[change.key]):
                if is_file(self._entry(path)):
                    self.edits[path] = None
                    self.opened.add(path)

    def _entry(self, path: str) -> Entry | None:
        holder, _, name = path.rpartition("/")
        return self.tree.entries(holder).get(name)

    def _store(self, change: Change, files: Mapping[str, bytes]) -> str:
        key = change.key
        current = _living(self.current, key)
        if change.moved_from is not None:
            self._move(change.moved_from, key)
        elif current is not None and _unchanged(current, files):
            return current.revision
        directory = self.places.get(key) or self._place(key)
        known = current.files if current is not None else {}
        for name in self.records.parts(key, directory):
            if name not in files:
                self.edits[part_path(key, directory, name)] = None
        for name, content in files.items():
            if known.get(name) != content:
                path = part_path(key, directory, name)
                if name not in known:
                    self._check_way(path)
                self.edits[path] = content
        self._mark(key, directory, files)
        return revision_of(files)

    def _mark(self, key: Key, directory: str, new: Mapping[str, bytes]) -> None:
        """Leaves a mark where a stored run is changed, see :mod:`padre_git.format.graves`."""
        current = _living(self.current, key)
        if key.kind is not Kind.RUN or current is None:
            return
        mark = edit_mark(current.files, new)
        if mark is not None:
            path = f"{directory}/{mark}"
            self._check_way(path)
            marks = path.rpartition("/")[0]
            self.edits.update({f"{marks}/{n}": None for n in self.tree.entries(marks)})
            self.edits[path] = b""

    def _place(self, key: Key) -> str:
        if key.kind is not Kind.RUN or key.parent is None:
            return record_directories(key)[0]
        runs = children_directory(key.parent, Kind.RUN)
        directory = f"{runs}/{place_run(key.name, lambda shard: self._count(f'{runs}/{shard}'))}"
        shard = directory.rpartition("/")[0]
        self.counts[shard] = self._count(shard) + 1
        return directory

    def _count(self, shard: str) -> int:
        if shard not in self.counts:
            entries = self.tree.entries(shard)
            self.counts[shard] = sum(name.startswith("r-") for name in entries)
        return self.counts[shard]

    def _check_way(self, path: str) -> None:
        """Makes sure that no file of the user's is where a directory or part has to be."""
        holder, _, name = path.rpartition("/")
        if holder and holder not in self.clear:
            steps = holder.split("/")
            for depth in range(len(steps)):
                above = "/".join(steps[:depth])
                entry = self.tree.entries(above).get(steps[depth])
                path_above = f"{above}/{steps[depth]}".lstrip("/")
                if entry is not None and not entry.is_tree and path_above not in self.opened:
                    raise self._in_the_way(path_above)
            self.clear.add(holder)
        entry = self.tree.entries(holder).get(name)
        if entry is not None and not is_file(entry):
            raise self._in_the_way(path)

    def _in_the_way(self, path: str) -> ConflictError:
        return ConflictError(
            f"'{path}' of project '{self.changes.project}' is in the way",
            key=self.changes.project,
            hint="padre_git needs this path; move what is there and try again",
        )

    def _move(self, source: Key, target: Key) -> None:
        if _living(self.current, target) is not None:
            raise AlreadyExistsError(f"'{target}' exists already", key=target)
        if target.kind not in (Kind.DATASET, Kind.EXPERIMENT):
            return  # nothing lies below the others, and their directories are all ours
        (old,), (new,) = record_directories(source), record_directories(target)
        there = self.tree.entries(new)
        for name, entry in self.tree.entries(old).items():
            path = f"{new}/{name}"
            if is_part(source.kind, name):
                continue
            if name in there and path not in self.opened:
                raise self._in_the_way(path)
            self.edits[path] = entry

    # ------------------------------------------------------------------------------ deleting

    def _bury(self, change: Change) -> None:
        key = change.key
        if any(above in self.gone for above in key.ancestors()):
            return  # goes with its parent
        directory = self.places[key]
        parts = self.records.parts(key, directory)
        grave = grave_files(key, directory, parts=parts, moved_to=change.moved_to)
        for path in seals(key, directory):
            if path in self.unsealed or (key.kind is Kind.PROJECT and self._holds_the_users(path)):
                del grave[path]
            else:
                self.sealed.append(path)
        for path in self._remains(key, directory):
            if path not in grave and path.rpartition("/")[0] not in grave:
                self.edits[path] = None
        self.edits.update(grave)

    def _holds_the_users(self, directory: str) -> bool:
        entries = self.tree.entries(directory).items()
        return any(not entry.is_tree or not is_name(name) for name, entry in entries)

    def _remains(self, key: Key, directory: str) -> Iterator[str]:
        """Yields what goes when a record is deleted, files of the user's included."""
        if key.kind is Kind.PROJECT:
            yield from self._records_of_project()
        elif key.kind is not Kind.ENVIRONMENT:
            for name in self.tree.entries(directory):
                yield f"{directory}/{name}"
            for other in record_directories(key):
                if other != directory and self.tree.entries(other):
                    yield other

    def _records_of_project(self) -> Iterator[str]:
        """Yields the places of all records; files of the user's beside them stay."""
        for kind in (Kind.DATASET, Kind.EXPERIMENT):
            for name, entry in self.tree.entries(kind.directory).items():
                if entry.is_tree and is_name(name):
                    yield f"{kind.directory}/{name}"
        environments = Kind.ENVIRONMENT.directory
        for name, entry in self.tree.entries(environments).items():
            if is_file(entry) and locate(f"{environments}/{name}", self.changes.project):
                yield f"{environments}/{name}"


def _unchanged(current: Record, files: Mapping[str, bytes]) -> bool:
    return current.files == files or same(current.key.kind, current.files, files)

"""Reconciling two histories of a project: three-way, by path and then by field, never by clock.

What one side changed is taken from that side without being read. What both changed, and what the
deletion of a record on one side has to do with, goes through :func:`padre_git.format.merge_files`,
which merges documents field by field and reports what only a person can decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from padre_git.backends.checks import tombstone_in
from padre_git.errors import Conflict, ConflictError
from padre_git.format import commit_text, locate
from padre_git.format.merging import merge_files
from padre_git.messages import Message
from padre_git.model import DOCUMENTS, Key, Kind
from padre_git.vcs.objects import EXECUTABLE, FILE, Entry
from padre_git.vcs.plan import NewCommit
from padre_git.vcs.repository import Repository
from padre_git.vcs.snapshot import Snapshot

__all__ = ["ContradictionError", "merge_commit"]


class ContradictionError(ConflictError):
    """Says that two histories cannot be merged by themselves; it is the same until one moves."""


def merge_commit(
    repository: Repository, project: str, ours: str, theirs: str, *, message: Message
) -> NewCommit:
    """Returns the merge of two commits, to be made on top of ``ours``.

    Args:
        repository: the clone that has both.
        project: its name.
        ours: the first parent.
        theirs: the second parent.
        message: what the log shall say, and by whom.

    Raises:
        ContradictionError: if both changed the same thing, with every such place, or if the two
            have no common beginning.
    """
    base = repository.merge_base(ours, theirs)
    if base is None:
        raise _unrelated(project, repository.path)
    sides = _Sides(
        project=project,
        base=repository.snapshot(base),
        ours=repository.snapshot(ours),
        theirs=repository.snapshot(theirs),
        our_paths=frozenset(repository.diff_paths(base, ours)),
        their_paths=frozenset(repository.diff_paths(base, theirs)),
    )
    contested = sides.contested()
    edits: dict[str, bytes | Entry | None] = {
        path: _file(sides.theirs, path)
        for path in sides.their_paths - contested
        if not sides.is_merged_below(path)
    }
    merged = sides.merge(contested)
    conflicts = [*merged.conflicts, *sides.in_the_way(edits)]
    if conflicts:
        raise _contradiction(project, conflicts)
    edits.update(merged.edits)
    keys = _keys(project, edits)
    text = commit_text(message, keys)
    return NewCommit(edits=edits, text=text, author=message.author, parents=(theirs,))


def _unrelated(project: str, path: Path) -> ContradictionError:
    return ContradictionError(
        f"two projects named '{project}' that have nothing in common: one here, one at the remote",
        key=project,
        hint=f"nothing is lost: rename the directory '{path}' to give this one another name,"
        " then get the other one",
    )


def _contradiction(project: str, conflicts: Sequence[Conflict]) -> ContradictionError:
    places = sorted({conflict.key for conflict in conflicts})
    return ContradictionError(
        f"'{places[0]}' was changed here and at the remote"
        + (f", and {len(places) - 1} more" if len(places) > 1 else ""),
        conflicts=conflicts,
        key=project,
        hint="nothing was merged; decide each place, then sync again",
    )


@dataclass(frozen=True, kw_only=True)
class _Merged:
    edits: Mapping[str, bytes | Entry | None]
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, kw_only=True)
class _Sides:
    """Is two histories since their common beginning."""

    project: str
    base: Snapshot
    ours: Snapshot
    theirs: Snapshot
    our_paths: frozenset[str]
    their_paths: frozenset[str]

    def contested(self) -> frozenset[str]:
        """Returns the paths that one side alone does not decide."""
        found = {
            path
            for path in self.our_paths & self.their_paths
            if _file(self.ours, path) != _file(self.theirs, path)
        }
        for document, directory in self._graves():
            found.add(document)
            if directory is not None:
                for side in (self.base, self.ours, self.theirs):
                    found.update(path for path, _ in side.walk(directory))
        return frozenset(found)

    def _graves(self) -> Iterator[tuple[str, str | None]]:
        """Yields document and directory of the records that one side deleted since the base."""
        for paths, after in ((self.our_paths, self.ours), (self.their_paths, self.theirs)):
            documents = {path: key for path in paths if (key := self._was_document(path))}
            contents = after.blobs(documents)
            for path, key in documents.items():
                if path not in contents or tombstone_in(contents[path], key) is not None:
                    alone = key.kind is Kind.ENVIRONMENT
                    yield path, None if alone else path.rpartition("/")[0]

    def _was_document(self, path: str) -> Key | None:
        """Returns the record whose document stood at a path in the base; None for no document."""
        if not path.endswith(".yaml") or self.base.entry(path) is None:
            return None
        place = locate(path, self.project)
        return place[0] if place is not None and place[1] == DOCUMENTS[place[0].kind] else None

    def merge(self, paths: frozenset[str]) -> _Merged:
        """Merges contested paths: files by content, anything else only if one side decides."""
        files: list[str] = []
        odd: list[str] = []
        for path in sorted(paths):
            entries = [_file(side, path) for side in (self.base, self.ours, self.theirs)]
            plain = all(entry is None or entry.mode in (FILE, EXECUTABLE) for entry in entries)
            (files if plain else odd).append(path)
        merged = merge_files(
            self.base.blobs(files), self.ours.blobs(files), self.theirs.blobs(files), self.project
        )
        edits: dict[str, bytes | Entry | None] = {
            path: content
            for path, content in merged.files.items()
            if content is not None or not self.is_merged_below(path)
        }
        conflicts = list(merged.conflicts)
        for path in odd:
            base, ours, theirs = (_file(s, path) for s in (self.base, self.ours, self.theirs))
            if ours == base:
                edits[path] = theirs
            elif theirs not in (base, ours):
                conflicts.append(Conflict(key=path, field=None))
        return _Merged(edits=edits, conflicts=tuple(conflicts))

    def is_merged_below(self, path: str) -> bool:
        """Returns whether both sides have a directory where the base had a file.

        A seal that both took away is one: removing the path would remove what is there now.
        """
        here, there = self.ours.entry(path), self.theirs.entry(path)
        return here is not None and there is not None and here.is_tree and there.is_tree

    def in_the_way(self, edits: Mapping[str, object]) -> Iterable[Conflict]:
        """Yields the paths where one side has a file and the other a directory."""
        added = [path for path, entry in edits.items() if entry is not None]
        for path in added:
            here = self.ours.entry(path)
            if here is not None and here.is_tree and not self._emptied(path, edits):
                yield Conflict(key=path, field=None)
        above = {path[:n] for path in added for n, letter in enumerate(path) if letter == "/"}
        for path in sorted(above):
            here = self.ours.entry(path)
            if here is not None and not here.is_tree and edits.get(path, "") is not None:
                yield Conflict(key=path, field=None)

    def _emptied(self, directory: str, edits: Mapping[str, object]) -> bool:
        return all(edits.get(path, "") is None for path, _ in self.ours.walk(directory))


def _file(side: Snapshot, path: str) -> Entry | None:
    """Returns the entry of a path that is no directory."""
    entry = side.entry(path)
    return None if entry is None or entry.is_tree else entry


def _keys(project: str, edits: Iterable[str]) -> list[Key]:
    found = (locate(path, project) for path in edits)
    return sorted({place[0] for place in found if place is not None})

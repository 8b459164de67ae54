"""Two sides of a project and what both began with: what each changed, and what comes of it.

What one side changed is taken from that side without being read. What both changed, and what the
deletion of a record on one side has to do with, goes through :func:`padre_git.format.merge_files`,
which merges documents field by field and reports what only a person can decide.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from padre_git.errors import Conflict
from padre_git.format import locate, read_tombstone, record_directories
from padre_git.format.fields import Decide, nobody_decides, shown
from padre_git.format.merging import Dispute, Doubts, merge_files
from padre_git.model import DOCUMENTS, Key, Kind
from padre_git.vcs.objects import EXECUTABLE, FILE, Entry
from padre_git.vcs.plan import Edit
from padre_git.vcs.snapshot import Snapshot
from padre_git.vcs.trial import Trial

__all__ = ["Outcome", "Sides", "file_at"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Is what comes of a merge.

    Attributes:
        edits: what becomes of our side; with any dispute they are not to be made.
        disputes: what only people can decide.
    """

    edits: Mapping[str, Edit]
    disputes: tuple[Dispute, ...]


def file_at(side: Snapshot, path: str) -> Entry | None:
    """Returns the entry of a path that is no directory."""
    entry = side.entry(path)
    return None if entry is None or entry.is_tree else entry


def _is_below(directory: str, others: AbstractSet[str]) -> bool:
    """Returns whether one of the others holds a directory."""
    above = directory
    while above:
        above = above.rpartition("/")[0]
        if above in others:
            return True
    return False


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Is two sides since their common beginning; all snapshots are of one trial.

    Attributes:
        trial: compares them.
        project: its name.
        base: the common beginning.
        ours, theirs: the two sides.
        doubts: what of the base counts as changed by both, whatever it says.
    """

    trial: Trial
    project: str
    base: Snapshot
    ours: Snapshot
    theirs: Snapshot
    doubts: Doubts = field(default_factory=dict)

    def with_edits(self, ours: Mapping[str, Edit], theirs: Mapping[str, Edit]) -> Sides:
        """Returns these sides with other files in them."""
        return dataclasses.replace(
            self,
            ours=self.trial.edited(self.ours, ours),
            theirs=self.trial.edited(self.theirs, theirs),
        )

    def merged(self, decide: Decide = nobody_decides) -> Outcome:
        """Returns what comes of merging them.

        Args:
            decide: knows which fields were decided already.

        Raises:
            InvalidValueError: if a value that was decided has no place in its document.
        """
        return _Merge(self, decide).outcome()


class _Merge:
    """Is one merge of two sides under way."""

    def __init__(self, sides: Sides, decide: Decide) -> None:
        self._project = sides.project
        self._base, self._ours, self._theirs = sides.base, sides.ours, sides.theirs
        self._doubts = sides.doubts
        self._decide = decide
        self._our_paths = sides.trial.differences(sides.base, sides.ours)
        self._their_paths = sides.trial.differences(sides.base, sides.theirs)

    def outcome(self) -> Outcome:
        contested = self._contested()
        edits: dict[str, Edit] = {
            path: file_at(self._theirs, path)
            for path in self._their_paths - contested
            if not self._is_merged_below(path)
        }
        merged, disputes = self._merge_files(contested)
        disputes += self._merge_others(contested, merged)
        deletions = {path for dispute in disputes if dispute.top for path in dispute.paths}
        disputes += [d for d in self._in_the_way(edits) if deletions.isdisjoint(d.paths)]
        return Outcome(edits=edits | merged, disputes=tuple(disputes))

    # -- what is contested -----------------------------------------------------------------------

    def _contested(self) -> frozenset[str]:
        """Returns the paths that one side alone does not decide."""
        found = {
            path
            for path in (self._our_paths & self._their_paths) | self._doubts.keys()
            if file_at(self._ours, path) != file_at(self._theirs, path)
        }
        ours = self._graves(self._our_paths, self._ours)
        theirs = self._graves(self._their_paths, self._theirs)
        directories = set()
        for path, (key, moved_to) in [*ours.items(), *theirs.items()]:
            found.add(path)
            if key.kind is not Kind.ENVIRONMENT:
                directories.add(path.rpartition("/")[0])
            if moved_to is not None and ours.get(path) == theirs.get(path):
                directories.add(record_directories(moved_to)[0])
        for directory in directories:
            if not _is_below(directory, directories):
                found.update(self._all_below(directory))
        return frozenset(found)

    def _all_below(self, directory: str) -> Iterator[str]:
        for side in (self._base, self._ours, self._theirs):
            yield from (path for path, _ in side.walk(directory))

    def _graves(self, paths: frozenset[str], after: Snapshot) -> dict[str, tuple[Key, Key | None]]:
        """Returns the records that one side deleted, with where to, by their documents' paths."""
        documents = {path: key for path in paths if (key := self._was_document(path))}
        contents = after.blobs(documents)
        found: dict[str, tuple[Key, Key | None]] = {}
        for path, key in documents.items():
            if path not in contents:
                found[path] = key, None
            elif (grave := read_tombstone(contents[path], key)) is not None:
                found[path] = key, grave.moved_to
        return found

    def _was_document(self, path: str) -> Key | None:
        """Returns the record whose document stood at a path in the base; None for no document."""
        if not path.endswith(".yaml"):
            return None
        if self._base.entry(path) is None and path not in self._doubts:
            return None
        place = locate(path, self._project)
        return place[0] if place is not None and place[1] == DOCUMENTS[place[0].kind] else None

    # -- merging it ------------------------------------------------------------------------------

    def _merge_files(self, contested: frozenset[str]) -> tuple[dict[str, Edit], list[Dispute]]:
        paths = [path for path in sorted(contested) if self._is_plain(path)]
        merged = merge_files(
            self._base.blobs(paths),
            self._ours.blobs(paths),
            self._theirs.blobs(paths),
            self._project,
            doubts={path: self._doubts[path] for path in paths if path in self._doubts},
            decide=self._decide,
        )
        edits: dict[str, Edit] = {
            path: content
            for path, content in merged.files.items()
            if content is not None or not self._is_merged_below(path)
        }
        return edits, list(merged.disputes)

    def _is_plain(self, path: str) -> bool:
        entries = [file_at(side, path) for side in (self._base, self._ours, self._theirs)]
        return all(entry is None or entry.mode in (FILE, EXECUTABLE) for entry in entries)

    def _merge_others(self, contested: frozenset[str], edits: dict[str, Edit]) -> list[Dispute]:
        """Merges links and submodules, each as a whole."""
        disputes = []
        for path in sorted(path for path in contested if not self._is_plain(path)):
            base, ours, theirs = (file_at(s, path) for s in (self._base, self._ours, self._theirs))
            known = path not in self._doubts
            if known and ours == base:
                edits[path] = theirs
            elif theirs != ours and not (known and theirs == base):
                disputes.append(Dispute(conflict=self._about(path), paths=(path,)))
        return disputes

    def _about(self, path: str) -> Conflict:
        base, ours, theirs = (
            shown(None, side.blobs([path]).get(path))
            for side in (self._base, self._ours, self._theirs)
        )
        return Conflict(key=path, field=None, base=base, ours=ours, theirs=theirs)

    def _is_merged_below(self, path: str) -> bool:
        """Returns whether we have a directory where the base had a file that they do not have.

        A seal that both took away is one: removing the path would remove what is there now.
        """
        here = self._ours.entry(path)
        return here is not None and here.is_tree and file_at(self._theirs, path) is None

    # -- what is in the way ----------------------------------------------------------------------

    def _in_the_way(self, edits: Mapping[str, Edit]) -> list[Dispute]:
        """Returns the paths where one side has a file and the other a directory."""
        added = [path for path, entry in edits.items() if entry is not None]
        above = {path[:n] for path in added for n, letter in enumerate(path) if letter == "/"}
        blocked = [path for path in added if self._is_blocked_below(path, edits)]
        blocked += [path for path in sorted(above) if self._is_blocked(path, edits)]
        return [self._dispute_about(path) for path in dict.fromkeys(blocked)]

    def _is_blocked_below(self, path: str, edits: Mapping[str, Edit]) -> bool:
        here = self._ours.entry(path)
        if here is None or not here.is_tree:
            return False
        return any(edits.get(inner, "") is not None for inner, _ in self._ours.walk(path))

    def _is_blocked(self, path: str, edits: Mapping[str, Edit]) -> bool:
        here = self._ours.entry(path)
        return here is not None and not here.is_tree and edits.get(path, "") is not None

    def _dispute_about(self, path: str) -> Dispute:
        below: Sequence[str] = [
            p for side in (self._ours, self._theirs) for p, _ in side.walk(path)
        ]
        return Dispute(conflict=self._about(path), paths=tuple(dict.fromkeys((path, *below))))

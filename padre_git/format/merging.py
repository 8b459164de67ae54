"""Merging two versions of a project: by path, documents by field, deletions by record.

git's own merge pairs files that look alike; this one never does, and follows a rename only where
both sides have recorded the same one. What a deleted record held cannot come back unnoticed: a
change below a tombstone is a conflict, even where no path changed twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from padre_git.errors import Conflict
from padre_git.format.fields import (
    Decide,
    differs_in_url_only,
    is_document,
    merge_document,
    nobody_decides,
    shown,
)
from padre_git.format.graves import seals
from padre_git.format.layout import locate, record_directories
from padre_git.format.tombstones import read_tombstone
from padre_git.model import DOCUMENTS, Key, Tombstone

__all__ = ["Dispute", "Doubts", "Merged", "merge_files"]

_Files = Mapping[str, bytes]
_Place = tuple[Key, str] | None
#: For each path of which the common ancestor is not known, the names of its doubtful fields, or
#: :data:`~padre_git.format.fields.EVERYTHING`.
Doubts = Mapping[str, frozenset[str]]


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """Is a conflict and what it is about.

    Attributes:
        conflict: what people are shown.
        paths: the files that one side's word would settle.
        field: the field of the one document, by its name in it; None for whole files.
        top: the record whose deletion is in question; None for anything else.
    """

    conflict: Conflict
    paths: tuple[str, ...]
    field: str | None = None
    top: Key | None = None


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Is what comes of a merge.

    Attributes:
        files: content by path, for every path that was given; None for files that are to go.
        disputes: what only people can decide, in the order of keys and fields; with any of these
            the files are not to be used.
    """

    files: Mapping[str, bytes | None]
    disputes: tuple[Dispute, ...] = ()

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """The disputes as people are shown them."""
        return tuple(dispute.conflict for dispute in self.disputes)


def merge_files(
    base: _Files,
    ours: _Files,
    theirs: _Files,
    project: str,
    *,
    doubts: Doubts | None = None,
    decide: Decide = nobody_decides,
) -> Merged:
    """Returns the three-way merge of a project's files.

    Only paths that are not the same on all three sides need be given; where a side deleted a
    record, everything that any side has below it, and where both renamed it, below its new name.

    Args:
        base: content by path below the project, in the common ancestor.
        ours: likewise, on this side.
        theirs: likewise, on the other side.
        project: name of the project.
        doubts: what of the base counts as changed by both sides, whatever it says.
        decide: knows which fields were decided already.

    Raises:
        InvalidValueError: if a value that was decided has no place in its document.
    """
    return _Merge(base, ours, theirs, project, doubts or {}, decide).result()


def _is_main(place: tuple[Key, str]) -> bool:
    return place[1] == DOCUMENTS[place[0].kind]


class _Merge:
    """Is one merge under way."""

    def __init__(
        self,
        base: _Files,
        ours: _Files,
        theirs: _Files,
        project: str,
        doubts: Doubts,
        decide: Decide,
    ) -> None:
        self._base = base
        self._ours = ours
        self._theirs = theirs
        self._doubts = doubts
        self._decide = decide
        self._places = {p: locate(p, project) for p in sorted({*base, *ours, *theirs})}
        self._base = {**base, **self._carried_over()}
        self._files: dict[str, bytes | None] = {}
        self._disputes: list[Dispute] = []

    def result(self) -> Merged:
        for key in self._deleted_records:
            self._merge_deletion(key)
        for path, place in self._places.items():
            if path not in self._files:
                self._merge_path(path, place)
        self._disputes.extend(self._in_the_way())
        order = sorted(self._disputes, key=lambda d: (d.conflict.key, d.conflict.field or ""))
        return Merged(files=self._files, disputes=tuple(order))

    # -- renames -------------------------------------------------------------------------------

    def _carried_over(self) -> dict[str, bytes]:
        """Returns what the base has below records that both sides renamed alike, there."""
        found: dict[str, bytes] = {}
        for path, place in self._places.items():
            target = self._new_place(path, place)
            if target is None:
                continue
            (new,) = record_directories(target)
            old = f"{path.rpartition('/')[0]}/"
            moved = {f"{new}/{p.removeprefix(old)}": p for p in self._base if p.startswith(old)}
            found |= {to: self._base[p] for to, p in moved.items() if to in self._places}
        return found

    def _new_place(self, path: str, place: _Place) -> Key | None:
        """Returns where both sides moved the record whose document is at a path."""
        if place is None or not _is_main(place) or path not in self._base:
            return None
        key = place[0]
        graves = [self._grave(side, key, path) for side in (self._ours, self._theirs)]
        targets = {grave.moved_to for grave in graves if grave is not None}
        if None in graves or len(targets) != 1 or self._grave(self._base, key, path) is not None:
            return None
        (target,) = targets
        if target is None or target.project != key.project or target.parent != key.parent:
            return None
        there = f"{record_directories(target)[0]}/{DOCUMENTS[key.kind]}"
        copied = there in self._ours and there in self._theirs
        return target if copied and not self._was_alive(target, there) else None

    # -- deletions -----------------------------------------------------------------------------

    @cached_property
    def _paths(self) -> dict[Key, str]:
        """One path of each record, that of its document if it was given."""
        found: dict[Key, str] = {}
        for path, place in self._places.items():
            if place is not None and (place[0] not in found or _is_main(place)):
                found[place[0]] = path
        return found

    @cached_property
    def _documents(self) -> dict[Key, str]:
        """The path of each record's document, where the base has the record alive."""
        return {
            place[0]: path
            for path, place in self._places.items()
            if place is not None
            and _is_main(place)
            and (self._was_alive(place[0], path) or path in self._doubts)
        }

    def _was_alive(self, key: Key, path: str) -> bool:
        return path in self._base and self._grave(self._base, key, path) is None

    @cached_property
    def _deleted_records(self) -> list[Key]:
        """The records that a side deleted, without those below others of them."""
        found = {
            key
            for key, path in self._documents.items()
            if self._is_gone(self._ours, key, path) or self._is_gone(self._theirs, key, path)
        }
        return sorted(key for key in found if found.isdisjoint(key.ancestors()))

    def _is_gone(self, side: _Files, key: Key, path: str) -> bool:
        return path not in side or self._grave(side, key, path) is not None

    def _grave(self, side: _Files, key: Key, path: str) -> Tombstone | None:
        return read_tombstone(side[path], key) if path in side else None

    def _merge_deletion(self, key: Key) -> None:
        path = self._documents[key]
        below = [p for p, place in self._places.items() if place and key.contains(place[0])]
        below += self._marks_of(below)
        gone = [side for side in (self._ours, self._theirs) if self._is_gone(side, key, path)]
        if len(gone) == 2:
            self._disputes.extend(self._different_graves(key, path))
        else:
            other = self._theirs if gone[0] is self._ours else self._ours
            grave = self._grave(gone[0], key, path)
            moved = grave is not None and grave.moved_to is not None
            self._disputes.extend(self._changes_below(key, below, other, moved))
        self._files.update(dict.fromkeys(below))
        self._files.update(dict.fromkeys(self._seals_of(below)))
        own = [p for p in below if (place := self._places[p]) is not None and place[0] == key]
        for part in (*own, *self._seals_of([path])):
            self._files[part] = min((side[part] for side in gone if part in side), default=None)

    def _seals_of(self, paths: Iterable[str]) -> Iterator[str]:
        """Yields the seals that either side has where these paths have their records."""
        for path in paths:
            place = self._places[path]
            if place is not None and _is_main(place):
                directory = path.rpartition("/")[0]
                yield from filter(self._places.__contains__, seals(place[0], directory))

    def _marks_of(self, paths: Iterable[str]) -> list[str]:
        """Returns the files that are no parts and lie where these records have their seals."""
        sealed: set[str] = set()
        for path in paths:
            place = self._places[path]
            if place is not None and _is_main(place):
                sealed.update(seals(place[0], path.rpartition("/")[0]))
        return [
            path
            for path, place in self._places.items()
            if place is None and path.rpartition("/")[0] in sealed
        ]

    def _different_graves(self, key: Key, path: str) -> Iterator[Dispute]:
        targets = []
        for side in (self._ours, self._theirs):
            grave = self._grave(side, key, path)
            targets.append(str(grave.moved_to) if grave and grave.moved_to else None)
        if targets[0] != targets[1]:
            conflict = Conflict(key=key.text, field="moved_to", ours=targets[0], theirs=targets[1])
            yield Dispute(conflict=conflict, paths=(path,))

    def _changes_below(
        self, top: Key, paths: list[str], side: _Files, moved: bool
    ) -> Iterator[Dispute]:
        """Yields a dispute for each record that one side changed and the other deleted.

        Deleting a part of what the other side deleted is no contradiction; of what it moved it is,
        since the copy has that part.
        """
        seen = set()
        for path in paths:
            place = self._places[path]
            if place is None or place[0] in seen or self._agrees(path, place, side, moved):
                continue
            seen.add(place[0])
            document = self._paths[place[0]]
            main = self._places[document]
            conflict = Conflict(
                key=place[0].text,
                field=None,
                base=shown(main, self._base.get(document)),
                ours=shown(main, self._ours.get(document)) if side is self._ours else None,
                theirs=shown(main, self._theirs.get(document)) if side is self._theirs else None,
            )
            yield Dispute(conflict=conflict, paths=tuple(paths), top=top)

    def _agrees(self, path: str, place: tuple[Key, str], side: _Files, moved: bool) -> bool:
        old, new = self._base.get(path), side.get(path)
        known = path not in self._doubts
        if known and (new == old or differs_in_url_only(place[0].kind, place[1], old, new)):
            return True
        if moved:
            return False
        is_grave = _is_main(place) and self._grave(side, place[0], path)
        return new is None or bool(is_grave)

    # -- paths ---------------------------------------------------------------------------------

    def _merge_path(self, path: str, place: _Place) -> None:
        base, ours, theirs = (s.get(path) for s in (self._base, self._ours, self._theirs))
        known = path not in self._doubts
        if theirs == ours or (known and theirs == base):
            self._files[path] = ours
        elif known and ours == base:
            self._files[path] = theirs
        elif (
            ours is None
            or theirs is None
            or place is None
            or not is_document(place[0].kind, place[1])
        ):
            self._files[path] = ours
            self._disputes.append(Dispute(conflict=self._about(path, place), paths=(path,)))
        else:
            doubt = self._doubts.get(path, frozenset())
            self._files[path], found = merge_document(
                place, base, ours, theirs, doubt=doubt, decide=self._decide
            )
            self._disputes += [
                Dispute(conflict=conflict, paths=(path,), field=field) for field, conflict in found
            ]

    def _about(self, path: str, place: _Place) -> Conflict:
        base, ours, theirs = (
            shown(place, side.get(path)) for side in (self._base, self._ours, self._theirs)
        )
        if place is None:
            return Conflict(key=path, field=None, base=base, ours=ours, theirs=theirs)
        key, part = place
        return Conflict(key=key.text, field=part, base=base, ours=ours, theirs=theirs)

    def _in_the_way(self) -> Iterator[Dispute]:
        """Yields files that stand where the other side has a directory."""
        kept = {path for path, data in self._files.items() if data is not None}
        covered: dict[str, list[str]] = {}
        for path in sorted(kept):
            above = path.rpartition("/")[0]
            while above:
                if above in kept:
                    covered.setdefault(above, [above]).append(path)
                above = above.rpartition("/")[0]
        for path, paths in covered.items():
            yield Dispute(conflict=self._about(path, None), paths=tuple(paths))

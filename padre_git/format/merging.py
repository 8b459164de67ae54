"""Merging two versions of a project: by path, documents by field, deletions by record.

git's own merge pairs files that look alike; this one never does. What a deleted record held cannot
come back unnoticed: a change below a tombstone is a conflict, even where no path changed twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from padre_git.errors import Conflict, FormatError
from padre_git.format.fields import differs_in_url_only, is_document, merge_document, shown
from padre_git.format.graves import seals
from padre_git.format.layout import locate
from padre_git.format.tombstones import read_tombstone
from padre_git.model import DOCUMENTS, Key, Tombstone

__all__ = ["Merged", "merge_files"]

_Files = Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Is what comes of a merge.

    Attributes:
        files: content by path, for every path that was given; None for files that are to go.
        conflicts: what only people can decide, in the order of keys and fields; with any of these
            the files are not to be used.
    """

    files: Mapping[str, bytes | None]
    conflicts: tuple[Conflict, ...]


def merge_files(base: _Files, ours: _Files, theirs: _Files, project: str) -> Merged:
    """Returns the three-way merge of a project's files.

    Only paths that are not the same on all three sides need be given; where a side deleted a
    record, everything that any side has below it.

    Args:
        base: content by path below the project, in the common ancestor.
        ours: likewise, on this side.
        theirs: likewise, on the other side.
        project: name of the project.
    """
    return _Merge(base, ours, theirs, project).result()


def _is_main(place: tuple[Key, str]) -> bool:
    return place[1] == DOCUMENTS[place[0].kind]


class _Merge:
    """Is one merge under way."""

    def __init__(self, base: _Files, ours: _Files, theirs: _Files, project: str) -> None:
        self._base = base
        self._ours = ours
        self._theirs = theirs
        self._places = {p: locate(p, project) for p in sorted({*base, *ours, *theirs})}
        self._files: dict[str, bytes | None] = {}
        self._conflicts: list[Conflict] = []

    def result(self) -> Merged:
        for key in self._deleted_records:
            self._merge_deletion(key)
        for path, place in self._places.items():
            if path not in self._files:
                self._merge_path(path, place)
        self._conflicts.extend(self._in_the_way())
        order = sorted(self._conflicts, key=lambda c: (c.key, c.field or ""))
        return Merged(files=self._files, conflicts=tuple(order))

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
            and path in self._base
            and self._grave(self._base, place[0], path) is None
        }

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
        try:
            return read_tombstone(side[path], key) if path in side else None
        except FormatError:
            return None  # a damaged document is merged, and refused, as a document

    def _merge_deletion(self, key: Key) -> None:
        path = self._documents[key]
        below = [p for p, place in self._places.items() if place and key.contains(place[0])]
        gone = [side for side in (self._ours, self._theirs) if self._is_gone(side, key, path)]
        if len(gone) == 2:
            self._conflicts.extend(self._different_graves(key, path))
        else:
            other = self._theirs if gone[0] is self._ours else self._ours
            grave = self._grave(gone[0], key, path)
            moved = grave is not None and grave.moved_to is not None
            self._conflicts.extend(self._changes_below(below, other, moved))
        self._files.update(dict.fromkeys(below))
        self._files.update(dict.fromkeys(self._seals_of(below)))
        own = [p for p in below if self._places[p][0] == key]  # type: ignore[index]
        for part in (*own, *self._seals_of([path])):
            self._files[part] = next((side[part] for side in gone if part in side), None)

    def _seals_of(self, paths: Iterable[str]) -> Iterator[str]:
        """Yields the seals that either side has where these paths have their records."""
        for path in paths:
            place = self._places[path]
            if place is not None and _is_main(place):
                directory = path.rpartition("/")[0]
                yield from filter(self._places.__contains__, seals(place[0], directory))

    def _different_graves(self, key: Key, path: str) -> Iterator[Conflict]:
        targets = []
        for side in (self._ours, self._theirs):
            grave = self._grave(side, key, path)
            targets.append(str(grave.moved_to) if grave and grave.moved_to else None)
        if targets[0] != targets[1]:
            yield Conflict(key=key.text, field="moved_to", ours=targets[0], theirs=targets[1])

    def _changes_below(self, paths: Iterable[str], side: _Files, moved: bool) -> Iterator[Conflict]:
        """Yields a conflict for each record that one side changed and the other deleted.

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
            yield Conflict(
                key=place[0].text,
                field=None,
                base=shown(self._base.get(document)),
                ours=shown(self._ours.get(document)) if side is self._ours else None,
                theirs=shown(self._theirs.get(document)) if side is self._theirs else None,
            )

    def _agrees(self, path: str, place: tuple[Key, str], side: _Files, moved: bool) -> bool:
        old, new = self._base.get(path), side.get(path)
        if new == old or differs_in_url_only(place[0].kind, place[1], old, new):
            return True
        if moved:
            return False
        is_grave = _is_main(place) and self._grave(side, place[0], path)
        return new is None or bool(is_grave)

    # -- paths ---------------------------------------------------------------------------------

    def _merge_path(self, path: str, place: tuple[Key, str] | None) -> None:
        base, ours, theirs = (s.get(path) for s in (self._base, self._ours, self._theirs))
        if theirs in (ours, base):
            self._files[path] = ours
        elif ours == base:
            self._files[path] = theirs
        elif (
            ours is None
            or theirs is None
            or place is None
            or not is_document(place[0].kind, place[1])
        ):
            self._files[path] = ours
            self._conflicts.append(
                Conflict(
                    key=path if place is None else place[0].text,
                    field=None if place is None else place[1],
                    base=shown(base),
                    ours=shown(ours),
                    theirs=shown(theirs),
                )
            )  # fmt: skip
        else:
            self._files[path], found = merge_document(place, base, ours, theirs)
            self._conflicts.extend(found)

    def _in_the_way(self) -> Iterator[Conflict]:
        """Yields files that stand where the other side has a directory."""
        kept = {path for path, data in self._files.items() if data is not None}
        for path in sorted(kept):
            above = path.rpartition("/")[0]
            while above:
                if above in kept:
                    yield Conflict(
                        key=above,
                        field=None,
                        base=shown(self._base.get(above)),
                        ours=shown(self._ours.get(above)),
                        theirs=shown(self._theirs.get(above)),
                    )
                above = above.rpartition("/")[0]

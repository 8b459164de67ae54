"""Lost objects: what commits need and a clone does not have, and which files that is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from padre_git.errors import DamagedError
from padre_git.vcs.objects import MODULE, Entry
from padre_git.vcs.reader import Reader
from padre_git.vcs.scratch import Scratch

__all__ = ["Search", "is_complete"]

_PLAIN = ("-c", "core.commitGraph=false", "-c", "core.multiPackIndex=false")


def is_complete(view: Scratch, tips: Iterable[str]) -> bool:
    """Returns whether everything is there that these commits need; git is asked, which is quick.

    Args:
        view: has all that is sound.
        tips: commits and tags.
    """
    words = [*_PLAIN, "rev-list", "--objects", "--quiet", "--stdin"]
    names = "".join(f"{tip}\n" for tip in tips)
    return not names or not view.try_git(*words, stdin=names.encode()).code


class Search:
    """Looks for what is lost, file by file and commit by commit.

    Args:
        reader: reads what is sound.
        has: tells whether an object is there and sound.
        shallow: commits whose parents this clone is not to have.

    Attributes:
        lost: the paths at which each lost object stands; a commit stands at ``""``.
    """

    def __init__(self, reader: Reader, has: Callable[[str], bool], shallow: frozenset[str]) -> None:
        self._reader = reader
        self._has = has
        self._shallow = shallow
        self._seen: set[str] = set()
        self.lost: dict[str, set[str]] = defaultdict(set)

    def walk(self, tips: Iterable[str]) -> set[str]:
        """Looks at all that commits need; returns which of the lost objects these are."""
        found: set[str] = set()
        self._seen = set()
        waiting = list(tips)
        while waiting:
            oid = waiting.pop()
            if oid in self._seen:
                continue
            self._seen.add(oid)
            waiting += self._commit(oid, found)
        return found

    def _commit(self, oid: str, found: set[str]) -> Iterable[str]:
        """Looks at what a commit holds, and returns its parents."""
        if not self._has(oid):
            self._miss(oid, "", found)
            return ()
        try:
            commit = self._reader.commit(oid)
        except DamagedError:  # a tag: git says what it names
            return self._tagged(oid)
        self._tree(commit.tree, found)
        return () if oid in self._shallow else commit.parents

    def _tagged(self, oid: str) -> Iterable[str]:
        try:
            head = self._reader.object(oid, "tag")
        except DamagedError:
            return ()
        return [head.split(b"\n")[0].removeprefix(b"object ").decode("ascii", "replace")]

    def _tree(self, top: str, found: set[str]) -> None:
        """Looks at the files of a tree, level by level."""
        level = {top: ""}
        while level:
            fresh = {oid: path for oid, path in level.items() if oid not in self._seen}
            self._seen.update(fresh)
            there = [oid for oid in fresh if self._has(oid)]
            for oid in fresh.keys() - set(there):
                self._miss(oid, fresh[oid], found)
            self._reader.load_trees(there)
            level = {}
            for oid in there:
                self._entries(self._reader.tree(oid), fresh[oid], level, found)

    def _entries(
        self, entries: Mapping[str, Entry], above: str, level: dict[str, str], found: set[str]
    ) -> None:
        for name, entry in entries.items():
            path = f"{above}/{name}" if above else name
            if entry.is_tree:
                level.setdefault(entry.id, path)
            elif entry.mode != MODULE and not self._has(entry.id):
                self._miss(entry.id, path, found)

    def _miss(self, oid: str, path: str, found: set[str]) -> None:
        self.lost[oid].add(path)
        found.add(oid)

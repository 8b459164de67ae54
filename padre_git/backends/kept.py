"""Copies that a clone keeps of records that it withdrew from the remote.

A kept copy is a ref that is never pushed, ``refs/padre/kept/<key>``, to the last commit that had
the record. It answers for the record as long as a tombstone stands there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from padre_git.backends.records import Records
from padre_git.backends.urls import with_url
from padre_git.errors import InvalidNameError
from padre_git.model import Key, Kind, Record
from padre_git.vcs.repository import Repository

__all__ = ["Kept"]

_PREFIX = "refs/padre/kept/"
_MARK = "="


class Kept:
    """Is the kept copies of one clone.

    Args:
        project: its name.
        repository: the clone.
    """

    def __init__(self, project: str, repository: Repository) -> None:
        self._project = project
        self._repository = repository
        self._seen: tuple[tuple[int, ...], dict[Key, str]] | None = None

    def keep(self, key: Key, commit: str) -> None:
        """Remembers the commit that has the copy of a record."""
        name = _ref(key)
        self._repository.write_ref(name, commit, self._repository.read_ref(name))

    def drop(self, keys: Iterable[Key]) -> None:
        """Forgets the copies of these records and of what lay below them."""
        kept = self._all()
        for key in keys:
            for copy in [k for k in kept if key.contains(k)]:
                self._repository.delete_ref(_ref(copy))

    def tops(self) -> list[Key]:
        """Returns the records whose copies answer, without what lies below them."""
        kept = self._all()
        if not kept:
            return []
        living = Records(self._project, self._repository.snapshot()).alive(kept)
        return sorted(key for key in kept if key not in living)

    def commit(self, key: Key) -> str | None:
        """Returns the commit with the copy of a record that answers; None if none does."""
        return self._all()[key] if key in self.tops() else None

    def read(self, keys: Iterable[Key]) -> dict[Key, Record]:
        """Returns the copies of these records; those without one are missing."""
        tops = self.tops()
        found: dict[Key, Record] = {}
        for key in keys if tops else ():
            for top in (top for top in tops if top.contains(key)):
                copy = self._records(top).find([key]).get(key)
                if isinstance(copy, Record):
                    found[key] = Record(key=key, files=with_url(copy, None))
        return found

    def scan(self, prefix: Key | None, kind: Kind | None) -> Iterator[Key]:
        """Yields the keys of copies below ``prefix``, in no order."""
        for top in self.tops():
            if prefix is None or (top != prefix and prefix.contains(top)):
                if kind in (None, top.kind):
                    yield top
                yield from (k for k in self._records(top).scan(top, kind))
            elif top.contains(prefix):
                yield from self._records(top).scan(prefix, kind)

    def _records(self, top: Key) -> Records:
        return Records(self._project, self._repository.snapshot(self._all()[top]))

    def _all(self) -> dict[Key, str]:
        stamp = self._stamp()
        if self._seen is None or self._seen[0] != stamp:
            found = {}
            for name, commit in self._repository.refs(_PREFIX).items() if any(stamp) else ():
                with suppress(InvalidNameError):
                    found[_key(name)] = commit
            self._seen = stamp, found
        return self._seen[1]

    def _stamp(self) -> tuple[int, ...]:
        """Returns what tells whether there can be other kept copies than those seen before."""
        common = self._repository.common_dir
        times = []
        for path in (common / _PREFIX, common / "packed-refs"):
            try:
                seen = path.stat()
                times += [seen.st_mtime_ns, seen.st_ino]
            except FileNotFoundError:
                times += [0, 0]
        return tuple(times)


def _ref(key: Key) -> str:
    # git takes no ref that ends in `.lock`, and nobody is kept from naming an experiment `lock`
    name = key.text.replace("/", ".")
    return f"{_PREFIX}{name}{_MARK if name.endswith('.lock') else ''}"


def _key(name: str) -> Key:
    return Key.parse(name.removeprefix(_PREFIX).removesuffix(_MARK).replace(".", "/"))

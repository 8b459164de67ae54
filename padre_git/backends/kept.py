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
from padre_git.format import commit_text, record_directories
from padre_git.messages import Message, Op
from padre_git.model import Key, Kind, Record, Tombstone
from padre_git.vcs.plan import NewCommit
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
        self._fresh: set[Key] = set()
        self._seen: tuple[tuple[int, ...], dict[Key, str]] | None = None

    def keep(self, key: Key, commit: str) -> None:
        """Remembers the commit that has the copy of a record."""
        self._fresh.add(key)
        name = _ref(key)
        self._repository.write_ref(name, commit, self._repository.read_ref(name))

    def tidy(self, theirs: str) -> None:
        """Forgets the copies of records that somebody has brought back.

        Those that were made in this process stay: they come before the tombstones.

        Args:
            theirs: what the remote has.
        """
        if not self._all():
            return
        names = self._names()
        there = Records(self._project, self._repository.snapshot(theirs)).alive(names)
        here = Records(self._project, self._repository.snapshot()).alive(names)
        for key in there & here - self._fresh:
            self.drop(key)

    def drop(self, key: Key) -> None:
        """Forgets the copy of a record."""
        for name, ref in self._names().items():
            if name == key:
                self._repository.delete_ref(_ref(ref))

    def drop_below(self, key: Key) -> None:
        """Forgets the copies of a record and of what lay below it, by its old names, too."""
        for name, ref in self._names().items():
            if key.contains(name) or key.contains(ref):
                self._repository.delete_ref(_ref(ref))

    def cut(self, key: Key) -> None:
        """Forgets one record within the copy of another one above it."""
        for top in (top for top in self.tops() if top.contains(key) and top != key):
            ref = self._names()[top]
            commit, old = self._all()[ref], _moved(key, top, ref)
            places = Records(self._project, self._repository.snapshot(commit)).places([old])
            edits = dict.fromkeys(places.values())
            text = commit_text(Message(op=Op.DELETE, subject=f"leave out {key.kind}"), [old])
            self.keep(ref, self._repository.build(commit, [NewCommit(edits=edits, text=text)]))

    def tops(self) -> list[Key]:
        """Returns the records whose copies answer, without what lies below them."""
        names = self._names()
        if not names:
            return []
        living = Records(self._project, self._repository.snapshot()).alive(names)
        return sorted(key for key in names if key not in living)

    def above(self, key: Key) -> Key | None:
        """Returns the record whose copy a key belongs to; None if it is in none."""
        return next((top for top in self.tops() if top.contains(key)), None)

    def commit(self, key: Key) -> str | None:
        """Returns a commit with the copy of a record under its present name; None without one."""
        if key not in self.tops():
            return None
        ref = self._names()[key]
        commit = self._all()[ref]
        if ref == key or key.parent is None or ref.parent is None:
            return commit
        (new,), (old,) = record_directories(key.parent), record_directories(ref.parent)
        text = commit_text(Message(op=Op.RENAME, subject=f"rename {ref.parent.name}"), [key])
        entry = self._repository.snapshot(commit).entry(old)
        return self._repository.build(commit, [NewCommit(edits={new: entry}, text=text)])

    def read(self, keys: Iterable[Key]) -> dict[Key, Record]:
        """Returns the copies of these records; those without one are missing."""
        tops = self.tops()
        names = self._names() if tops else {}
        found: dict[Key, Record] = {}
        for key in keys if tops else ():
            for top in (top for top in tops if top.contains(key)):
                old = _moved(key, top, names[top])
                copy = self._records(names[top]).find([old]).get(old)
                if isinstance(copy, Record):
                    found[key] = Record(key=key, files=with_url(copy, None))
        return found

    def scan(self, prefix: Key | None, kind: Kind | None) -> Iterator[Key]:
        """Yields the keys of copies below ``prefix``, in no order."""
        for top in self.tops():
            ref = self._names()[top]
            if prefix is None or (top != prefix and prefix.contains(top)):
                if kind in (None, top.kind):
                    yield top
                below = self._records(ref).scan(ref, kind)
            elif top.contains(prefix):
                below = self._records(ref).scan(_moved(prefix, top, ref), kind)
            else:
                continue
            yield from (_moved(key, ref, top) for key in below)

    def _records(self, ref: Key) -> Records:
        return Records(self._project, self._repository.snapshot(self._all()[ref]))

    def _names(self) -> dict[Key, Key]:
        """Returns the records that have copies, as they are named now, and as their refs are."""
        kept = self._all()
        if not kept:
            return {}
        records = Records(self._project, self._repository.snapshot())
        return {_present(records, ref): ref for ref in kept}

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


def _moved(key: Key, old: Key, new: Key) -> Key:
    """Returns what becomes of a key when a record above it, or itself, gets another key."""
    return key if old == new else Key.parse(new.text + key.text.removeprefix(old.text))


def _present(records: Records, key: Key) -> Key:
    """Returns the key that renames of what lies above it have led to."""
    seen: set[Key] = set()
    while key not in seen:
        seen.add(key)
        for above in reversed(key.ancestors()):
            grave = records.find([above]).get(above)
            if isinstance(grave, Tombstone) and grave.moved_to is not None:
                key = _moved(key, above, grave.moved_to)
                break
    return key


def _ref(key: Key) -> str:
    # git takes no ref that ends in `.lock`, and nobody is kept from naming an experiment `lock`
    name = key.text.replace("/", ".")
    return f"{_PREFIX}{name}{_MARK if name.endswith('.lock') else ''}"


def _key(name: str) -> Key:
    return Key.parse(name.removeprefix(_PREFIX).removesuffix(_MARK).replace(".", "/"))

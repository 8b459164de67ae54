"""Records and change sets: what crosses the waist between services and backends.

A record is a key and named files; what is in the files is the business of
:mod:`padre_git.format`. A change set is what one verb does, all or nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from padre_git.errors import InvalidInputError
from padre_git.model.key import Key, Kind

__all__ = [
    "ABSENT",
    "DOCUMENTS",
    "Change",
    "ChangeSet",
    "Found",
    "Record",
    "Tombstone",
    "revision_of",
]

#: The document of each kind: the one file that a record cannot be without.
DOCUMENTS: Mapping[Kind, str] = {
    Kind.PROJECT: "project.yaml",
    Kind.DATASET: "dataset.yaml",
    Kind.ENVIRONMENT: "environment.yaml",
    Kind.EXPERIMENT: "experiment.yaml",
    Kind.EXECUTION: "execution.yaml",
    Kind.RUN: "run.yaml",
}
_URL = re.compile(rb"(?m)(?:(?<=\n)\n)?^url: [^\n]*\n")
_HAVE_URL = frozenset(["project.yaml", "dataset.yaml", "experiment.yaml"])


#: The revision to expect of a record that must not exist yet.
ABSENT = "absent"


def _without_url(name: str, content: bytes) -> bytes:
    return _URL.sub(b"", content) if name in _HAVE_URL else content


def _object_id(kind: bytes, content: bytes) -> bytes:
    header = kind + b" " + str(len(content)).encode() + b"\0"
    return hashlib.sha1(header + content, usedforsecurity=False).digest()


def _tree_id(files: Mapping[str, bytes]) -> bytes:
    entries: dict[str, tuple[bytes, bytes]] = {}
    below: dict[str, dict[str, bytes]] = {}
    for name, content in files.items():
        head, _, rest = name.partition("/")
        if rest:
            below.setdefault(head, {})[rest] = content
        else:
            entries[head] = (b"100644", _object_id(b"blob", content))
    for head, inner in below.items():
        entries[head] = (b"40000", _tree_id(inner))
    # git sorts a directory as if its name ended in a slash
    order = sorted(entries, key=lambda n: (n + "/" if n in below else n).encode())
    content = b"".join(entries[n][0] + b" " + n.encode() + b"\0" + entries[n][1] for n in order)
    return _object_id(b"tree", content)


def revision_of(files: Mapping[str, bytes]) -> str:
    """Returns the revision of a record: the git tree id over exactly its files.

    The ``url`` line of project, dataset and experiment documents does not count, so publishing a
    record leaves its revision as it was (docs/format, "Revisions").
    """
    return _tree_id({name: _without_url(name, data) for name, data in files.items()}).hex()


@dataclass(frozen=True, kw_only=True)
class Record:
    """Is one stored record: a key and its files.

    Attributes:
        key: where it lives.
        files: content by name below the record's directory, e.g. ``run.yaml``,
            ``tags/candidate``; files of child records are not among them.
        revision: see :func:`revision_of`.
    """

    key: Key
    files: Mapping[str, bytes]
    revision: str = field(default="")

    def __post_init__(self) -> None:
        if not self.revision:
            object.__setattr__(self, "revision", revision_of(self.files))

    @property
    def document(self) -> bytes:
        """The bytes of the record's document; empty if it is missing."""
        return self.files.get(DOCUMENTS[self.key.kind], b"")


@dataclass(frozen=True, kw_only=True)
class Tombstone:
    """Is what a deleted or renamed record leaves behind.

    Attributes:
        key: where the record was.
        moved_to: where it went, if it was renamed.
    """

    key: Key
    moved_to: Key | None = None


#: What reading a key can give.
Found = Record | Tombstone


@dataclass(frozen=True, kw_only=True)
class Change:
    """Is what becomes of one record.

    Attributes:
        key: the record.
        files: its files afterwards, all of them; None deletes the record and what lies below it
            and leaves a tombstone.
        expected: the revision it must have now, :data:`ABSENT` if it must not exist, None if
            that does not matter.
        moved_to: where a deleted record went, for the tombstone.
        moved_from: for a renamed record, the record deleted in the same set whose child records
            come along, as they are and without being read.
    """

    key: Key
    files: Mapping[str, bytes] | None
    expected: str | None = None
    moved_to: Key | None = None
    moved_from: Key | None = None

    def __post_init__(self) -> None:
        if self.files is not None and DOCUMENTS[self.key.kind] not in self.files:
            raise InvalidInputError(
                f"{self.key.kind.noun} without its {DOCUMENTS[self.key.kind]}", key=self.key
            )


@dataclass(frozen=True, kw_only=True)
class ChangeSet:
    """Is what one verb does to one project: every change or none.

    Attributes:
        changes: at most one per key; applied as one, whatever their order.

    Raises:
        InvalidInputError: for no changes, two changes of one key or two projects in one set, and
            for a ``moved_from`` without the deletion that says ``moved_to``.
    """

    changes: tuple[Change, ...]

    def __post_init__(self) -> None:
        if not self.changes:
            raise InvalidInputError("a change set without changes")
        keys = {change.key for change in self.changes}
        if len(keys) != len(self.changes):
            raise InvalidInputError("a change set with two changes of one record")
        if len({key.project for key in keys}) != 1:
            raise InvalidInputError("a change set over two projects", hint="apply one by one")
        for change in self.changes:
            if change.moved_from is not None:
                self._check_move(change, change.moved_from)

    def _check_move(self, change: Change, source: Key) -> None:
        moved = any(c.key == source and c.moved_to == change.key for c in self.changes)
        if not moved or change.files is None or source.kind is not change.key.kind:
            raise InvalidInputError(f"not a move from '{source}'", key=change.key)
        for other in self.changes:
            if change.key.contains(other.key) and other.key != change.key:
                raise InvalidInputError("a change below a record that moves", key=other.key)

    @property
    def project(self) -> str:
        """The name of the project that is changed."""
        return self.changes[0].key.project

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

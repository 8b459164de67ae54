"""Points: which runs tried which parameters and how they ended, found without reading them all.

It is kept in ``.git/padre/points.sqlite``, advanced from the last state of the project that was
seen to the present one, whoever has made what is between, and can be removed at any time. What it
finds is read and compared; it is believed only in what it does not find.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, cast

from padre_git.api.home import Home
from padre_git.backends.base import Backend, Changes
from padre_git.errors import FormatError, NotFoundError
from padre_git.format import decode
from padre_git.model import Key, Kind, Record, Run, Status
from padre_git.model.values import flatten

__all__ = ["Points"]

_VERSION = 1
_BATCH = 500
_TABLES = (
    "DROP TABLE IF EXISTS seen",
    "DROP TABLE IF EXISTS runs",
    "CREATE TABLE seen (state TEXT NOT NULL)",
    "CREATE TABLE runs (run TEXT PRIMARY KEY, experiment TEXT, point BLOB, status TEXT, seed TEXT,"
    " started REAL) WITHOUT ROWID",
    "CREATE INDEX points ON runs (experiment, point)",
    f"PRAGMA user_version = {_VERSION}",
)
_FIND = """
SELECT run FROM runs WHERE experiment = ? AND point = ? AND status = ? AND (? IS NULL OR seed = ?)
ORDER BY substr(run, -30, 17) DESC, started DESC
"""


class Points:
    """Finds the stored runs of a point.

    Args:
        backend: where runs are.
        home: where the clones are.
    """

    def __init__(self, backend: Backend, home: Home) -> None:
        self._backend = backend
        self._home = home

    def runs(
        self,
        experiment: Key,
        point: Mapping[str, Any],
        status: Status,
        seed: int | None,
    ) -> Iterator[Run]:
        """Yields the runs of an experiment that may have tried a point, the latest first.

        Args:
            experiment: its key.
            point: flat parameters, with the defaults.
            status: that a run must have.
            seed: that a run must have; None for any.
        """
        text = None if seed is None else str(seed)
        wanted = (experiment.text, _digest(point), str(status), text, text)
        with closing(self._advanced(experiment.project)) as index:
            found = [Key.parse(row[0]) for row in index.execute(_FIND, wanted)]
        for key in found:
            record = self._backend.read([key]).get(key)
            if isinstance(record, Record):
                yield cast("Run", decode(record))

    def statuses(self, project: str, besides: Mapping[Key, object]) -> Counter[str]:
        """Returns how many stored runs of a project there are of each status.

        Args:
            project: its name.
            besides: runs that are not counted.
        """
        others = ", ".join("?" * len(besides))
        count = f"SELECT status, count(*) FROM runs WHERE run NOT IN ({others}) GROUP BY status"  # noqa: S608 - marks only
        with closing(self._advanced(project)) as index:
            rows = index.execute(count, [key.text for key in besides])
            return Counter(dict(rows.fetchall()))

    def _advanced(self, project: str) -> sqlite3.Connection:
        """Returns the index of a project as it is now; where it cannot be kept, made anew."""
        private = self._home.private(project)
        file = None if private is None else private / "points.sqlite"
        if file is not None and not file.is_symlink():
            with suppress(sqlite3.Error):
                return self._brought_up(project, file)
            with suppress(OSError):
                file.unlink()
            with suppress(sqlite3.Error):
                return self._brought_up(project, file)
        return self._brought_up(project, ":memory:")

    def _brought_up(self, project: str, file: Path | str) -> sqlite3.Connection:
        index = sqlite3.connect(file, timeout=10.0, isolation_level=None)
        try:
            index.execute("PRAGMA trusted_schema = OFF")
            if not self._is_present(project, index):
                with _alone(index):
                    self._advance(project, index)
        except BaseException:
            index.close()
            raise
        return index

    def _is_present(self, project: str, index: sqlite3.Connection) -> bool:
        seen = _seen(index)
        if seen is None:
            return False
        with suppress(NotFoundError):
            return self._backend.changes(project, seen).end == seen
        return False

    def _advance(self, project: str, index: sqlite3.Connection) -> None:
        seen = _seen(index)
        try:
            changes = self._backend.changes(project, seen)
        except NotFoundError:
            seen, changes = None, self._changes(project)
        if seen is None:
            _make(index)
        gone = [(key.text,) for key in changes.deleted if key.kind is Kind.RUN]
        index.executemany("DELETE FROM runs WHERE run = ?", gone)
        rows = self._rows(key for key in changes.stored if key.kind is Kind.RUN)
        index.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?)", rows)
        index.execute("DELETE FROM seen")
        index.execute("INSERT INTO seen VALUES (?)", (changes.end,))

    def _changes(self, project: str) -> Changes:
        """Returns all there is; nothing of a project that is not here."""
        try:
            return self._backend.changes(project)
        except NotFoundError:
            return Changes(start=None, end="")

    def _rows(self, keys: Iterable[Key]) -> Iterator[tuple[Any, ...]]:
        left = iter(keys)
        while batch := list(islice(left, _BATCH)):
            for key, record in self._backend.read(batch).items():
                with suppress(FormatError):  # lists tell of it
                    if isinstance(record, Record):
                        yield _row(key, cast("Run", decode(record)))


@contextmanager
def _alone(index: sqlite3.Connection) -> Iterator[None]:
    """Lets no other process advance the index; all or nothing of what is done is kept."""
    index.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        index.execute("ROLLBACK")
        raise
    index.execute("COMMIT")


def _seen(index: sqlite3.Connection) -> str | None:
    """Returns the state that the index is of; None if there is none, or of another form."""
    if index.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
        return None
    row = index.execute("SELECT state FROM seen").fetchone()
    return None if row is None else str(row[0])


def _make(index: sqlite3.Connection) -> None:
    for statement in _TABLES:
        index.execute(statement)


def _row(key: Key, run: Run) -> tuple[Any, ...]:
    point = flatten(run.defaults, "defaults") | flatten(run.parameters)
    started = 0.0 if run.started is None else run.started.timestamp()
    seed = None if run.seed is None else str(run.seed)
    return key.text, run.experiment.text, _digest(point), str(run.status), seed, started


def _digest(point: Mapping[str, Any]) -> bytes:
    """Returns a hash of flat parameters that is equal for equal ones, as 1 and 1.0 are."""
    text = json.dumps(_normal(point), sort_keys=True)
    return blake2b(text.encode(), digest_size=16).digest()


def _normal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _normal(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_normal(inner) for inner in value]
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    return value

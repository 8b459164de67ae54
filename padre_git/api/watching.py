"""Watching: runs that are running, as their spools tell, among those that are stored.

It is a backend in front of the clones that reading runs goes through, and writing does not: a run
that is running is no record yet. One that nobody will end is among them too, as lost.
"""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import cast

from padre_git.api import provenance
from padre_git.api.committing import run_of
from padre_git.api.continuing import replayed
from padre_git.api.draft import Draft
from padre_git.api.home import Home
from padre_git.api.owners import owner_of
from padre_git.api.replaying import Replayed, go_on
from padre_git.api.spool import EVENTS, is_blank, is_settled, read_file
from padre_git.api.spooling import in_use
from padre_git.backends.base import Backend, Changes
from padre_git.errors import DamagedError, LockedError, NotFoundError, PadreGitError
from padre_git.format import encode, encode_rows, encode_splits
from padre_git.format.spools import read_lines
from padre_git.messages import Deletion, Message, Skipped, Version
from padre_git.model import ChangeSet, Found, Key, Kind, Record, Run, Status
from padre_git.services.kinds import KINDS

__all__ = ["Watched"]

#: The revision of what is no record yet: nothing can be put over it.
_REVISION = "running"
_SERIES = "series.csv"


class Watched(Backend):
    """Reads runs from the clones and, where they are not over, from their spools.

    Args:
        backend: the clones.
        home: where the spools are.
    """

    def __init__(self, backend: Backend, home: Home) -> None:
        self._backend = backend
        self._home = home
        self._read: dict[Path, tuple[int, Replayed]] = {}

    def read(self, keys: Iterable[Key], *, at: str | None = None) -> dict[Key, Found]:
        """See :meth:`Backend.read`."""
        wanted = list(keys)
        found = self._backend.read(wanted, at=at)
        if at is not None:
            return found
        for project in {key.project for key in wanted if key.kind is Kind.RUN}:
            going = self._going(project)
            for key in going.keys() & set(wanted):
                if going[key].ending is None or not isinstance(found.get(key), Record):
                    found[key] = self._record(going[key])
        return found

    def scan(
        self,
        prefix: Key | None = None,
        *,
        kind: Kind | None = None,
        at: str | None = None,
        after: Key | None = None,
        limit: int | None = None,
    ) -> Iterator[Key]:
        """See :meth:`Backend.scan`."""
        if at is not None or kind not in (Kind.RUN, Kind.PROJECT):
            yield from self._backend.scan(prefix, kind=kind, at=at, after=after, limit=limit)
            return
        own = self._own(prefix, kind)
        own = [key for key in own if after is None or after < key]
        stored = self._backend.scan(prefix, kind=kind, after=after, limit=limit)
        yield from islice(_merged(stored, own), limit)

    def going(self, above: Key) -> list[Run]:
        """Returns the runs below a record that are running, or lost."""
        runs = self._going(above.project).values()
        return [_as_it_is(one) for one in runs if above.contains(one.run.key)]

    def check_recorded(self, key: Key) -> None:
        """Makes sure that a run is a record, or nothing that is known here.

        Raises:
            LockedError: if it is running or lost, and was never recorded.
        """
        found, directory = self._going(key.project).get(key), self._home.spool(key)
        if found is None or directory is None or key in self._backend.read([key]):
            return
        if found.run.status is Status.RUNNING:
            raise in_use(key, owner_of(directory))
        hint = "padre-git reconcile records it with all that it logged"
        raise LockedError(f"run '{key}' is lost, and no record yet", key=key, hint=hint)

    def discard(self, key: Key) -> bool:
        """Removes what a run has logged that is lost, or was; returns whether it is.

        Raises:
            LockedError: if it is running.
        """
        found = self._going(key.project).get(key)
        directory = self._home.spool(key)
        if directory is None or not directory.is_dir():
            return False
        if found is None:  # recorded, and kept because it may go on
            shutil.rmtree(directory, ignore_errors=True)
            return False
        if found.run.status is Status.RUNNING:
            raise in_use(key, owner_of(directory))
        shutil.rmtree(directory)
        return True

    def apply(self, changes: ChangeSet, message: Message) -> dict[Key, str | None]:
        """See :meth:`Backend.apply`."""
        return self._backend.apply(changes, message)

    def changes(self, project: str, start: str | None = None, end: str | None = None) -> Changes:
        """See :meth:`Backend.changes`."""
        return self._backend.changes(project, start, end)

    def history(self, key: Key, *, limit: int | None = None) -> Iterator[Version]:
        """See :meth:`Backend.history`."""
        return self._backend.history(key, limit=limit)

    def log(self, key: Key, *, limit: int | None = None) -> Iterator[Version]:
        """See :meth:`Backend.log`."""
        return self._backend.log(key, limit=limit)

    def urls(self, keys: Iterable[Key]) -> dict[Key, str]:
        """See :meth:`Backend.urls`."""
        return self._backend.urls(keys)

    def key_of(self, url: str) -> Key | None:
        """See :meth:`Backend.key_of`."""
        return self._backend.key_of(url)

    def deletions(self, prefix: Key | None = None, *, kind: Kind | None = None) -> list[Deletion]:
        """See :meth:`Backend.deletions`."""
        return self._backend.deletions(prefix, kind=kind)

    def _own(self, prefix: Key | None, kind: Kind) -> list[Key]:
        """Returns the keys that the spools add, in order."""
        if kind is Kind.PROJECT:
            return [Key.project_named(name) for name in self._home.recording_projects()]
        names = self._home.recording_projects() if prefix is None else [prefix.project]
        keys = [key for name in names for key in self._going(name)]
        return sorted(key for key in keys if prefix is None or prefix.contains(key))

    def _going(self, project: str) -> dict[Key, Replayed]:
        """Returns the runs of a project that are not over."""
        found: dict[Key, Replayed] = {}
        there = self._home.spools(project)
        for directory in there:
            try:
                one = self._open(project, directory)
                if one is not None:
                    found[one.run.key] = one
            except OSError:  # committed meanwhile, or of another user
                continue
            except PadreGitError as error:
                bus = self._home.session.bus
                bus.publish(Skipped(key=Key.project_named(project), error=error))
        for directory in [d for d in self._read if d not in there]:
            if directory.parent in {one.parent for one in there} or not there:
                self._read.pop(directory, None)
        return found

    def _open(self, project: str, directory: Path) -> Replayed | None:
        """Returns the run of a spool; None if it is over, or never began."""
        try:
            return None if is_settled(directory) else self._replayed(project, directory)
        except DamagedError:
            if is_blank(directory):
                return None
            return self._replayed(project, directory)  # it may have begun at this moment

    def _replayed(self, project: str, directory: Path) -> Replayed:
        size = (directory / EVENTS).lstat().st_size
        known, found = self._read.get(directory, (0, None))
        if found is None or size < known:
            found = replayed(self._home, directory, project)
            self._read[directory] = (size, found)
        elif size > known:
            new = read_file(directory / EVENTS, known)
            new = new[: new.rfind(b"\n") + 1]  # the last line may not be whole yet
            go_on(found, read_lines(new).events)
            self._read[directory] = (known + len(new), found)
        owner = owner_of(directory)
        is_lost = owner.records or owner.is_lost(provenance.job())
        found.run = found.run.replace(status=Status.LOST if is_lost else Status.RUNNING)
        return found

    def _record(self, found: Replayed) -> Record:
        """Returns what the record of a run would be, had it ended now; its artifacts are not."""
        draft, run = found.draft, _as_it_is(found)
        named = cast("Run", KINDS[Kind.RUN].named(run, lambda: run.started or datetime.now(UTC)))
        files = dict(encode(named)) | {name: text.encode() for name, text in draft.texts.items()}
        if draft.splits:
            files |= encode_splits(list(draft.splits.values()))
        return Record(key=run.key, files=_Files(files, draft), revision=_REVISION)


class _Files(Mapping[str, bytes]):
    """Is the files of a running run; its series is made when somebody asks for it."""

    def __init__(self, files: Mapping[str, bytes], draft: Draft) -> None:
        self._files = files
        self._draft = draft

    def __getitem__(self, name: str) -> bytes:
        if name == _SERIES and self._draft.has_series:
            return encode_rows(self._draft.series())
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._files
        if self._draft.has_series:
            yield _SERIES

    def __len__(self) -> int:
        return len(self._files) + self._draft.has_series


def _as_it_is(found: Replayed) -> Run:
    run = run_of(found.run, found.draft, found.run.status, datetime.now(UTC))
    return run.replace(ended=None)


def _merged(stored: Iterator[Key], own: list[Key]) -> Iterator[Key]:
    """Yields the keys of both in order, each once."""
    last: Key | None = None
    for key in heapq.merge(_there(stored, own), own):
        if key != last:
            yield key
        last = key


def _there(stored: Iterator[Key], own: list[Key]) -> Iterator[Key]:
    try:
        yield from stored
    except NotFoundError:  # the project comes with its first run
        if not own:
            raise

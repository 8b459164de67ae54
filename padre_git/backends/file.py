"""The file backend: plain directories in the layout of a project, without git and without history.

It is for places where no git is wanted, and it shows that nothing above the waist knows of git.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from padre_git.backends import journal
from padre_git.backends.base import Backend, Changes
from padre_git.backends.checks import check_files
from padre_git.backends.overlay import EMPTY
from padre_git.backends.planning import plan
from padre_git.backends.projects import ignore, project_directories, project_directory
from padre_git.backends.records import Records, is_file
from padre_git.errors import (
    LockedError,
    NotFoundError,
    PadreGitError,
    RepositoryError,
    UnsupportedError,
)
from padre_git.format import FORMAT_FILE, check_format, scaffold
from padre_git.messages import Event, Message, Skipped
from padre_git.model import ChangeSet, Found, Key, Kind, Record
from padre_git.vcs.objects import DIRECTORY, FILE, LINK, MODULE, Entry

__all__ = ["FileBackend"]

_PAUSE = 0.005
#: Our own directory in the root: locks and what is on the way. No project can have this name.
_OWN = ".padre"


class FileBackend(Backend):
    """Stores records in plain directories, one for each project.

    Args:
        root: the directory that holds the projects.
        timeout: seconds to wait for another process that uses a project.
        notify: is told what a person should know, such as a project that cannot be read.
    """

    keeps_history: ClassVar[bool] = False

    def __init__(
        self,
        root: Path,
        *,
        timeout: float = 60.0,
        notify: Callable[[Event], None] = ignore,
    ) -> None:
        self.root = Path(root)
        self._timeout = timeout
        self._notify = notify

    def read(self, keys: Iterable[Key], *, at: str | None = None) -> dict[Key, Found]:
        """See :meth:`Backend.read`."""
        _check_present(at)
        wanted: dict[str, list[Key]] = {}
        for key in keys:
            wanted.setdefault(key.project, []).append(key)
        found: dict[Key, Found] = {}
        for project, of_project in wanted.items():
            with self._reading(project) as records:
                found |= records.find(of_project)
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
        _check_present(at)
        keys = self._scan_all(kind) if prefix is None else self._scan(prefix.project, prefix, kind)
        return iter(sorted(key for key in keys if after is None or key > after)[:limit])

    def apply(self, changes: ChangeSet, message: Message) -> dict[Key, str | None]:
        """See :meth:`Backend.apply`; the message is not kept."""
        check_files(changes)
        project = changes.project
        with self._locked(project) as records:
            planned = plan(changes, records)
            edits = planned.edits
            if edits and not _is_project(self._directory(project)):
                edits = {**scaffold(), **edits}
            if edits:
                journal.write(
                    edits, project=self._directory(project), scratch=self._scratch(project)
                )
        return planned.revisions

    def changes(self, project: str, start: str | None = None, end: str | None = None) -> Changes:
        """See :meth:`Backend.changes`; the name of the present state is a hash of its records."""
        _check_present(start)
        _check_present(end)
        with self._reading(project) as records:
            if not _is_project(self._directory(project)):
                raise NotFoundError(f"no project '{project}'", key=project)
            keys = sorted(records.scan(None, None))
            found = records.find(keys)
        state = hashlib.sha256()
        for key in keys:
            record = found[key]
            if isinstance(record, Record):
                state.update(f"{key} {record.revision}\n".encode() + record.document)
        return Changes(start=None, end=state.hexdigest(), stored=tuple(keys))

    # ---------------------------------------------------------------------------- the projects

    def _scan(self, project: str, prefix: Key | None, kind: Kind | None) -> list[Key]:
        with self._reading(project) as records:
            return records.scan(prefix, kind)

    def _scan_all(self, kind: Kind | None) -> list[Key]:
        keys: list[Key] = []
        for name, path in project_directories(self.root):
            if _is_project(path):
                try:
                    keys += self._scan(name, None, kind)
                except PadreGitError as error:
                    self._notify(Skipped(key=Key.project_named(name), error=error))
        return keys

    def _directory(self, project: str) -> Path:
        path = project_directory(self.root, project)
        if path.exists() and not _is_project(path) and any(path.iterdir()):
            raise RepositoryError(
                f"'{path}' is not a project: it has no {FORMAT_FILE}",
                key=project,
                hint="choose another name, or move that directory",
            )
        return path

    def _scratch(self, project: str) -> Path:
        return self.root / _OWN / project

    @contextmanager
    def _reading(self, project: str) -> Iterator[Records]:
        """Gives the records of a project; nothing is created for one that does not exist."""
        if project_directory(self.root, project).exists() or self._scratch(project).exists():
            with self._locked(project) as records:
                yield records
        else:
            yield Records(project, EMPTY)

    @contextmanager
    def _locked(self, project: str) -> Iterator[Records]:
        """Holds a project's lock and gives its records, after finishing what somebody began.

        Readers hold it too: a set of files can only be read whole while nobody writes.
        """
        import filelock

        own = self.root / _OWN
        own.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(own / f"{project}.lock", timeout=self._timeout)
        try:
            lock.acquire(poll_interval=_PAUSE)
        except filelock.Timeout as error:
            raise LockedError(f"another process holds '{lock.lock_file}'", key=project) from error
        try:
            path = project_directory(self.root, project)
            journal.finish(project=path, scratch=self._scratch(project))
            path = self._directory(project)
            tree = _Directory(path)
            if _is_project(path):
                check_format(tree.blobs([FORMAT_FILE]).get(FORMAT_FILE), project)
            yield Records(project, tree)
        finally:
            lock.release()


def _check_present(state: str | None) -> None:
    if state is not None:
        raise UnsupportedError(
            f"no state '{state}': plain directories keep no history",
            hint="a store of git repositories keeps every state",
        )


def _is_project(path: Path) -> bool:
    return (path / FORMAT_FILE).is_file()


class _Directory:
    """Is a directory as a :class:`~padre_git.backends.records.Tree`; links are not followed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Mapping[str, Entry]] = {}

    def entries(self, directory: str) -> Mapping[str, Entry]:
        """See :meth:`Tree.entries`; the id of an entry is its path."""
        if directory not in self._known:
            self._known[directory] = self._read(directory)
        return self._known[directory]

    def blobs(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """See :meth:`Tree.blobs`."""
        return {path: (self._path / path).read_bytes() for path in paths if self._is_file(path)}

    def prefetch(self, paths: Iterable[str]) -> None:
        """See :meth:`Tree.prefetch`; there is nothing to gain."""

    def _is_file(self, path: str) -> bool:
        holder, _, name = path.rpartition("/")
        return is_file(self.entries(holder).get(name))

    def _read(self, directory: str) -> Mapping[str, Entry]:
        holder, _, name = directory.rpartition("/")
        if directory:
            above = self.entries(holder).get(name)
            if above is None or not above.is_tree:
                return {}
        elif not self._path.is_dir():
            return {}
        start = f"{directory}/" if directory else ""
        with os.scandir(self._path / directory) as found:
            return {item.name: Entry(_mode(item), start + item.name) for item in found}


def _mode(item: os.DirEntry[str]) -> int:
    """Returns the mode that git would give it; a submodule stands for what has no place in git."""
    mode = item.stat(follow_symlinks=False).st_mode
    if stat.S_ISREG(mode):
        return FILE
    if stat.S_ISDIR(mode):
        return DIRECTORY
    return LINK if stat.S_ISLNK(mode) else MODULE

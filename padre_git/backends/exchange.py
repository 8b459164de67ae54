"""One clone and its remote: what each has, and moving commits between the two.

What the remote is known to have is ``refs/remotes/origin/<branch>``, as in any clone. A clone with
that ref has known its remote: if the repository is gone there, it was deleted by somebody, and is
not made again from here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from padre_git.backends.checks import tombstone_in
from padre_git.backends.git import GitBackend
from padre_git.backends.kept import Kept
from padre_git.backends.projects import project_directories
from padre_git.backends.records import Records
from padre_git.errors import (
    RemoteError,
    RemoteMissingError,
    RemoteUnavailableError,
    RepositoryError,
)
from padre_git.messages import Event
from padre_git.model import DOCUMENTS, Key, Kind, Record
from padre_git.vcs.process import run_git, try_git
from padre_git.vcs.remotes import RemoteLocation, without_user
from padre_git.vcs.repository import Repository
from padre_git.vcs.transport import Limits, Outcome, create, fetch, push, remote_tip

__all__ = ["Exchange", "Side"]


class Exchange:
    """Knows the clones of a store and where each of them meets others.

    Args:
        local: the clones.
        location: their remotes.
        limits: how long a remote may take.
        notify: is told what happened.
    """

    def __init__(
        self,
        local: GitBackend,
        location: RemoteLocation,
        *,
        limits: Limits,
        notify: Callable[[Event], None],
    ) -> None:
        self.local = local
        self.location = location
        self.limits = limits
        self.notify = notify
        self._guard = threading.Lock()
        self._sides: dict[str, Side] = {}

    def side(self, project: str) -> Side | None:
        """Returns the clone of a project; None if there is none, or no place at the remote."""
        repository = self.local.repository(project)
        url = self.location.url(project)
        if repository is None or url is None:
            return None
        with self._guard:
            known = self._sides.get(project)
            if known is None or known.repository is not repository:
                known = self._sides[project] = Side(project, repository, url, self)
            return known

    def clone(self, project: str) -> bool:
        """Gets a project that is not here; returns whether the remote has it.

        Raises:
            RemoteUnavailableError, AuthenticationError, RemoteError: if it cannot be asked.
        """
        url = self.location.url(project)
        if url is None:
            return False
        try:
            return self.local.adopt(project, url, limits=self.limits)
        except RemoteMissingError:
            return False
        except OSError:  # another process was quicker to clone it
            if self.local.repository(project) is None:
                raise
            return True

    def here(self) -> list[str]:
        """Returns the names of the clones that have a place at the remote, deleted ones too."""
        found = project_directories(self.local.root)
        return [n for n, path in found if (path / ".git").exists() and self.location.url(n)]

    def elsewhere(self) -> tuple[str, ...]:
        """Returns the living projects of the remote that have no clone here, as far as it tells.

        Directories can be listed, and the one repository of a location can be asked for; a base
        on a host keeps to itself what it has.

        Raises:
            RemoteUnavailableError, AuthenticationError, RemoteError: if it cannot be asked.
        """
        only = self.location.only
        try:
            names = self.location.projects()
        except FileNotFoundError as error:
            raise RemoteUnavailableError(f"no directory '{self.location.directory}'") from error
        except OSError as error:
            raise RemoteError(f"'{self.location}' cannot be read: {error.strerror}") from error
        if names is None and only is not None and self.local.repository(only) is None:
            url = str(self.location.url(only))
            there = remote_tip(url, self.local.branch, limits=self.limits)
            return (only,) if there is not None else ()
        unknown = (name for name in names or () if self.local.repository(name) is None)
        return tuple(name for name in unknown if self._is_alive(name))

    def _is_alive(self, project: str) -> bool:
        """Returns whether a repository in a directory holds a project that was not deleted."""
        path = self.location.path(project)
        name = f"refs/heads/{self.local.branch}:{DOCUMENTS[Kind.PROJECT]}"
        found = try_git(["cat-file", "blob", name], path) if path is not None else None
        if found is None or found.code:
            return False
        return tombstone_in(found.out, Key.project_named(project)) is None


class Side:
    """Is one clone as its remote sees it.

    Attributes:
        project: its name.
        repository: the clone.
        kept: the copies it keeps of records that it withdrew.
        busy: held by whoever publishes or merges in this process, the network included.
    """

    def __init__(self, project: str, repository: Repository, url: str, store: Exchange) -> None:
        self.project = project
        self.repository = repository
        self.kept = Kept(project, repository)
        self.busy = threading.RLock()
        self._url = url
        self._store = store
        self._remembered = False
        self._tracking = f"refs/remotes/origin/{repository.branch}"

    @property
    def seen(self) -> str | None:
        """The commit that the remote had when it was seen last; None if it never had any."""
        return self.repository.read_ref(self._tracking)

    def fetch(self) -> str | None:
        """Asks the remote what it has and brings it here; None if it has nothing yet.

        Raises:
            RemoteMissingError: if the repository is gone.
            RemoteUnavailableError, AuthenticationError, RemoteError: if it cannot be asked.
        """
        known = self.seen
        try:
            found = fetch(
                self.repository.path,
                self._url,
                self.repository.branch,
                tracking=self._tracking,
                limits=self._store.limits,
            )
        except RemoteMissingError as error:
            if known is None:
                return None
            raise self._gone() from error
        if found is None and known is not None:
            raise self._gone()
        return found

    def push(self, commit: str) -> Outcome:
        """Offers a commit to the remote, and makes the repository there if it is new.

        Raises:
            RejectedError: if the remote refuses.
            RemoteMissingError: if the repository is gone, or somebody has to make it.
            RemoteUnavailableError, AuthenticationError, RemoteError: if it cannot be reached.
        """
        known = self.seen
        try:
            outcome = self._push(commit)
        except RemoteMissingError as error:
            if known is not None:
                raise self._gone() from error
            create(self._store.location, self.project, self.repository.branch)
            outcome = self._push(commit)
        if outcome is Outcome.LANDED:
            with suppress(RepositoryError):  # a fetch at the same time has written it
                self.repository.write_ref(self._tracking, commit, known)
            self._remember()
        return outcome

    def published(self, keys: Sequence[Key]) -> list[Key]:
        """Returns those of these records that the remote, as seen last, holds as they are here."""
        tip, seen = self.repository.tip(), self.seen
        if tip is None or seen is None:
            return []
        here = Records(self.project, self.repository.snapshot(tip))
        if tip == seen:
            return sorted(here.alive(keys))
        there = Records(self.project, self.repository.snapshot(seen)).find(keys)
        return [
            key
            for key, record in here.find(keys).items()
            if isinstance(record, Record)
            and isinstance(other := there.get(key), Record)
            and other.revision == record.revision
        ]

    def is_foreign(self, commit: str) -> bool:
        """Returns whether a commit and this clone have no common beginning."""
        tip = self.repository.tip()
        return tip is not None and self.repository.merge_base(tip, commit) is None

    def forget(self) -> None:
        """Forgets what the remote has, because it turned out to be another project."""
        self.repository.delete_ref(self._tracking)

    def is_ancestor(self, old: str, new: str) -> bool:
        """Returns whether a commit is reachable from another one."""
        return old == new or self.repository.is_ancestor(old, new)

    def between(self, start: str | None, end: str) -> list[str]:
        """Returns the commits of ``end`` that ``start`` does not have, the oldest first."""
        ends = [end] if start is None else [end, f"^{start}"]
        out = run_git(["rev-list", "--topo-order", "--reverse", *ends], self.repository.path)
        return out.decode().split()

    def _push(self, commit: str) -> Outcome:
        repository, limits = self.repository, self._store.limits
        return push(repository.path, self._url, commit, repository.branch, limits=limits)

    def _remember(self) -> None:
        """Tells plain git where this clone's remote is, if nobody has told it yet."""
        if self._remembered:
            return
        self._remembered = True
        branch, path = self.repository.branch, self.repository.path
        for name, value in (
            ("remote.origin.url", self._url),
            ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
            (f"branch.{branch}.remote", "origin"),
            (f"branch.{branch}.merge", f"refs/heads/{branch}"),
        ):
            if not run_git(["config", "--local", "--get", name], path, check=False).strip():
                run_git(["config", "--local", name, value], path)

    def _gone(self) -> RemoteError:
        return RemoteMissingError(
            f"the repository of '{self.project}' is gone: '{without_user(self._url)}'",
            key=self.project,
            hint="somebody deleted or moved it; it is not made again. To publish this clone there"
            f" all the same, run: git -C {self.repository.path} update-ref -d {self._tracking}",
        )

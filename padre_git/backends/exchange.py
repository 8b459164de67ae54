"""The clones of a store and their remotes: which there are, got and asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from padre_git.backends.clones import check_branch
from padre_git.backends.git import GitBackend
from padre_git.backends.projects import project_directories
from padre_git.backends.side import MET, Side
from padre_git.backends.watching import watching
from padre_git.errors import (
    NotFoundError,
    OfflineError,
    RemoteError,
    RemoteMissingError,
)
from padre_git.format import read_tombstone
from padre_git.messages import Event, Notice
from padre_git.model import DOCUMENTS, Key, Kind
from padre_git.vcs import driver
from padre_git.vcs.places import Catalogue, Place
from padre_git.vcs.progress import Watch
from padre_git.vcs.remotes import RemoteLocation
from padre_git.vcs.transport import Terms, fetch, remote_tip

__all__ = ["MET", "Exchange", "Side", "unknown"]


class Exchange:
    """Knows the clones of a store and where each of them meets others.

    Args:
        local: the clones.
        location: their remotes.
        terms: on which remotes are talked to.
        notify: is told what happened.
        catalogue: what knows a host's own interface; None for nothing.
        offline: why no remote is talked to; None if they may be.
        answered: is called once, when the remote has told something of its repositories.
    """

    def __init__(
        self,
        local: GitBackend,
        location: RemoteLocation,
        *,
        terms: Terms,
        notify: Callable[[Event], None],
        catalogue: Catalogue | None = None,
        offline: str | None = None,
        answered: Callable[[], None] | None = None,
    ) -> None:
        self.local = local
        self._answered = answered
        self.offline = offline
        self.location = location
        self._given_up = threading.Event()
        self.terms = replace(terms, given_up=self._given_up.is_set)
        self.notify = notify
        self.place = Place(location, branch=local.branch, limit=terms.ask, catalogue=catalogue)
        self._guard = threading.Lock()
        self._sides: dict[str, Side] = {}
        self.cloned: set[str] = set()

    def side(self, project: str) -> Side | None:
        """Returns the clone of a project; None if there is none, or no place at the remote.

        Raises:
            RepositoryError: if something else is in its place, or its branch was renamed.
        """
        repository = self.local.repository(project)
        url = self.location.url(project)
        if repository is None or url is None:
            return None
        check_branch(repository, project)
        with self._guard:
            known = self._sides.get(project)
            if known is None or known.repository is not repository:
                known = self._sides[project] = Side(project, repository, url, self)
                driver.install(repository.path, repository.common_dir)
            return known

    def clone(self, project: str) -> bool:
        """Gets a project that is not here; returns whether the remote has it.

        Raises:
            RemoteUnavailableError, AuthenticationError, RemoteError: if it cannot be asked.
        """
        url = self.location.url(project)
        if url is None:
            return False
        self.reach()
        try:
            came = self.local.adopt(project, url, terms=self.terms, watch=self.watch(project))
        except RemoteMissingError:
            return False
        except OSError:  # another process was quicker to clone it
            if self.local.repository(project) is None:
                raise
            came = True
        self.heard()
        if came:
            self.cloned.add(project)
        return came

    def copier(self, project: str) -> Callable[[Path], bool]:
        """Returns what brings all that the remote has of a project into an empty repository.

        It tells whether it could; why not is told as a notice.
        """

        def copy(place: Path) -> bool:
            url, branch = self.location.url(project), self.local.branch
            if url is None:
                return False
            tracking = f"refs/heads/{branch}"
            try:
                self.reach()
                return bool(fetch(place, url, branch, tracking=tracking, terms=self.terms))
            except RemoteError as error:
                text = f"nothing is restored from the remote: {error.message}"
                self.notify(Notice(text=text, project=project))
                return False

        return copy

    def heard(self) -> None:
        """Notes that the remote is there: it has told something of its repositories."""
        answered, self._answered = self._answered, None
        if answered is not None:
            answered()

    def give_up(self) -> None:
        """Ends whatever is being sent or asked; for good, unless :meth:`go_on` is called."""
        self._given_up.set()

    def go_on(self) -> None:
        """Lets remotes be talked to again."""
        self._given_up.clear()

    def reach(self) -> None:
        """Makes sure that remotes may be talked to at all; comes before whatever does.

        Raises:
            OfflineError: if this store is not to talk to any, saying why.
        """
        if self.offline is not None:
            raise OfflineError(self.offline)

    def has(self, project: str) -> bool:
        """Returns whether the remote has a project, as it says now.

        Raises:
            RemoteUnavailableError, AuthenticationError, RemoteError: if it cannot be asked.
        """
        url = self.location.url(project)
        if url is None:
            return False
        self.reach()
        try:
            tip = remote_tip(url, self.local.branch, terms=self.terms)
        except RemoteMissingError:
            return False
        self.heard()
        return tip is not None

    def watch(self, project: str) -> Watch:
        """Returns what tells subscribers how far a transfer of a project is."""
        return watching(project, self.notify)

    def here(self) -> list[str]:
        """Returns the names of the clones that have a place at the remote, deleted ones too."""
        found = project_directories(self.local.root)
        return [n for n, path in found if (path / ".git").exists() and self.location.url(n)]

    def _is_here(self, project: str) -> bool:
        return (self.local.root / project / ".git").exists()

    def elsewhere(self) -> dict[str, bytes | None]:
        """Returns the living projects of the remote that have no clone here, as far as it tells.

        A directory can be listed, and so can a host that gives a shell or has a catalogue; the
        one repository of a location is asked for. Any other host keeps to itself what it has.

        Returns:
            The project's document by its name; None for one that was not looked into.

        Raises:
            RemoteUnavailableError, AuthenticationError, RemoteError: if it cannot be asked.
        """
        self.reach()
        only = self.location.only
        if only is not None:
            return {only: None} if not self._is_here(only) and self.has(only) else {}
        found = self.place.projects(DOCUMENTS[Kind.PROJECT])
        if found is None:
            return {}
        self.heard()
        return {
            name: document
            for name, document in found.items()
            if not self._is_here(name) and _is_alive(name, document)
        }


def _is_alive(project: str, document: bytes | None) -> bool:
    """Returns whether a project was not deleted, as far as its document tells."""
    return document is None or read_tombstone(document, Key.project_named(project)) is None


def unknown(project: str) -> NotFoundError:
    """Returns the error that nobody has a project, for raising."""
    return NotFoundError(
        f"no project '{project}', neither here nor at the remote",
        key=project,
        hint=f"to make it: padre-git init {project}",
    )

"""The data remotes of one clone: the one that it shares data through, and others with copies."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from pathlib import Path

from padre_git.artifacts.cache import Cache
from padre_git.artifacts.consent import check_place, identity, place_of
from padre_git.artifacts.remote import DataRemote
from padre_git.artifacts.settings import (
    RemoteSettings,
    create_store,
    own_settings,
    read_settings,
    url_beside,
    write_settings,
)
from padre_git.errors import ArtifactError, OfflineError, RemoteError
from padre_git.vcs.credentials import Login
from padre_git.vcs.progress import Watch

__all__ = ["DataRemotes"]


class DataRemotes:
    """Knows where else the data of a clone is.

    Args:
        project: the clone's directory.
        git_dir: its git directory (of the main work tree).
        cache: of the clone.
        url: a data remote to use instead of the one in DVC's configuration.
        offline: why no data remote is talked to; None if it may be.
        watch: hears how far a transfer is.
        login: returns who we are on one web server, for a remote that does not say it itself.
    """

    def __init__(
        self,
        project: Path,
        git_dir: Path,
        cache: Cache,
        *,
        url: str | None,
        offline: str | None,
        watch: Watch | None,
        login: Callable[[], Login | None],
    ) -> None:
        self._project = project
        self._git_dir = git_dir
        self._cache = cache
        self._url = url
        self._offline = offline
        self._watch = watch
        self._login = login

    def into(self, cache: Cache) -> DataRemotes:
        """Returns the same remotes for another view of the clone's cache."""
        other = copy(self)
        other._cache = cache  # noqa: SLF001 - a copy of this one
        return other

    @property
    def first(self) -> DataRemote | None:
        """The data remote as configured now, or beside git's remote; None if there is none.

        Raises:
            ArtifactError: if this clone has not agreed to it; see :mod:`.consent`.
            OfflineError: if there is one that is not to be talked to.
        """
        settings = self._settings()
        return None if settings is None else self._reached(settings)

    @property
    def all(self) -> list[DataRemote]:
        """The data remote, and then every other place that this clone's owner has configured.

        Two names of one place count once, and the clone's own cache is none. What only the tracked
        configuration names is none either: whoever can push could say that data is there.

        Raises:
            ArtifactError, OfflineError: as :attr:`first`.
        """
        return [self._reached(settings) for settings in self._places()]

    def prepare(self) -> bool:
        """Makes the data remote ready for a push, and returns whether there is one.

        A directory beside a repository is made if it is missing. What was not configured in the
        clone is written into ``.dvc/config.local``, so that plain DVC uses it too.

        Raises:
            ArtifactError: if the store cannot be made or DVC's configuration not be read.
        """
        settings = self._settings()
        if settings is None or settings.url is None:
            return settings is not None
        ours = settings.name in (None, RemoteSettings.OURS)
        if ours and settings.directory is not None and settings.directory.parent.is_dir():
            create_store(settings.directory)
        if settings.name is None:
            write_settings(self._project, settings.url)
        return True

    def try_each(self, fetch: Callable[[DataRemote], None]) -> bool:
        """Has the first place do something, or another what that one cannot.

        Args:
            fetch: goes on where it was when it is called again.

        Returns:
            Whether there is any place.

        Raises:
            OfflineError: if none is to be talked to.
            ArtifactError, RemoteError: what the first place said, if none could.
        """
        failure: ArtifactError | RemoteError | None = None
        for settings in self._places():
            try:
                fetch(self._reached(settings))
            except OfflineError:
                raise
            except (ArtifactError, RemoteError) as error:
                failure = failure or error
            else:
                return True
        if failure is not None:
            raise failure
        return False

    def _places(self) -> list[RemoteSettings]:
        first = self._settings()
        found: dict[object, RemoteSettings] = {}
        for settings in ([] if first is None else [first]) + own_settings(self._project):
            found.setdefault(place_of(self._project, settings), settings)
        found.pop(identity(self._cache.root), None)
        return list(found.values())

    def _reached(self, settings: RemoteSettings) -> DataRemote:
        if self._offline is not None:
            raise OfflineError(self._offline)
        if settings.name is not None:
            check_place(self._project, self._git_dir, settings.name)
        return DataRemote(
            self._project, self._cache, settings, watch=self._watch, login=self._login
        )

    def _settings(self) -> RemoteSettings | None:
        configured = read_settings(self._project)
        url = self._url
        if configured is not None and url in (None, configured.url):
            if configured.name is not None:
                check_place(self._project, self._git_dir, configured.name)
            return configured  # with the credentials that DVC has for it
        if url is None:
            url = url_beside(self._project.name, self._git_dir)
        return None if url is None else RemoteSettings.of_url(url, base=self._project / ".dvc")

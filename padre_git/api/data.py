"""Data: what DVC keeps for the clones of a store, and through which DVC remote they share it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from padre_git.backends.watching import watching
from padre_git.bus import refusing
from padre_git.errors import (
    ArtifactError,
    FormatError,
    InvalidInputError,
    NotFoundError,
    RemoteError,
)
from padre_git.messages import Event, Notice
from padre_git.model.values import freeze
from padre_git.vcs.credentials import Login, no_login
from padre_git.vcs.remotes import RemoteLocation
from padre_git.vcs.trust import Seen

if TYPE_CHECKING:
    from padre_git.artifacts import ProjectData, Published
    from padre_git.backends.uniting import Pointers, United
    from padre_git.vcs.repository import Repository

__all__ = ["DataPlaces"]


class DataPlaces:
    """Knows the data of every clone below a root.

    A clone that names a DVC remote itself keeps to it, unless the store was opened with another.
    Without either, data is shared beside the git remote, where that is possible.

    Args:
        root: the directory of the clones.
        url: the DVC remote that the store was opened with; None for none.
        remote: where the clones' git remotes are; None for a store without.
        notify: is told what a person should know.
        offline: why no data remote is talked to; None if they may be.
        login: returns who we are at a data remote on a web server; None for nobody in particular.
    """

    def __init__(
        self,
        root: Path,
        url: str | None,
        remote: RemoteLocation | None,
        notify: Callable[[Event], None],
        *,
        offline: str | None = None,
        login: Callable[[], Login | None] = no_login,
    ) -> None:
        self._root = root
        self._offline = offline
        self._login = login
        self._url = url
        self._remote = remote
        self._notify = notify
        self._told: set[str] = set()
        self._seen = Seen()

    @property
    def place(self) -> str | None:
        """Where data is shared, as a template; None if that is up to each clone."""
        if self._url is not None:
            return re.sub(r"//[^/@]*@", "//", self._url)
        return None if self._remote is None else self._remote.data_url("<project>")

    def of(self, project: str) -> ProjectData:
        """Returns the data of a project's clone.

        Raises:
            NotFoundError: if there is no clone.
            UntrustedProjectError: if it could run a program of somebody's, or leads elsewhere.
        """
        with refusing():
            return self._of(self._root / project)

    def _of(self, path: Path) -> ProjectData:
        project, git_dir = path.name, path / ".git"
        self._seen.check(path)  # data is written there before a record is
        if not git_dir.is_dir():
            raise NotFoundError(
                f"no clone of project '{project}'",
                key=project,
                hint=f"padre-git init {project} makes a new project, padre-git pull {project}"
                " brings one that is at the remote",
            )
        return self._at(path, git_dir)

    def publish(self, path: Path, git_dir: Path, commits: Sequence[str]) -> None:
        """Has the data of these commits at the DVC remote, or raises; comes before every push.

        Args:
            path: the clone's directory.
            git_dir: its git directory.
            commits: ids of commits that are about to be pushed.

        Raises:
            ArtifactMissingError, ArtifactCorruptError, DocumentError, RemoteError: see
                :func:`padre_git.artifacts.publish_data`.
        """
        from padre_git.artifacts import publish_data

        self._tell(path.name, publish_data(self._at(path, git_dir), commits))

    def only_here(self, path: Path, git_dir: Path, commits: Sequence[str]) -> list[str]:
        """Returns the pointers in these commits whose data only this clone has.

        Raises:
            RemoteError: if the DVC remote cannot be asked.
        """
        from padre_git.artifacts import only_here

        return only_here(self._at(path, git_dir), commits)

    def unite(self, repository: Repository, pointers: Pointers) -> United | None:
        """Returns what comes of a pointer that both sides changed.

        None if that cannot be found out, which is told.

        Args:
            repository: the clone.
            pointers: the three versions, and what was decided.
        """
        from padre_git.artifacts import unite_pointers
        from padre_git.backends.uniting import United

        data = self._at(repository.path, repository.common_dir)
        base, ours, theirs, choices = pointers
        try:
            found = unite_pointers(data, base, ours, theirs, dict(choices))
        except (ArtifactError, RemoteError, FormatError, InvalidInputError) as error:
            text = f"files that both sides changed are not put together: {error.message}"
            self._notify(Notice(text=text, project=repository.path.name))
            return None
        version = None if found.pointer is None else found.pointer.md5
        disputed = {n: freeze(v, n) for n, v in found.disputed.items()}
        return United(found.content, version, disputed)

    def shed(
        self, path: Path, git_dir: Path, going: Mapping[str, bytes], staying: Mapping[str, bytes]
    ) -> None:
        """Removes data from a clone that the DVC remote has; see :func:`padre_git.artifacts.shed`.

        Raises:
            RemoteError: if the DVC remote cannot be asked; nothing was removed.
        """
        from padre_git.artifacts import shed

        shed(self._at(path, git_dir), going, staying)

    def _at(self, path: Path, git_dir: Path) -> ProjectData:
        from padre_git.artifacts import ProjectData, RemoteSettings, reachable_url, read_settings
        from padre_git.artifacts.serving import serve_if_changed

        url = self._url
        if url is None and self._remote is not None:
            configured = read_settings(path)
            if configured is None or configured.name == RemoteSettings.OURS:
                url = reachable_url(self._remote.data_url(path.name))
        watch = watching(path.name, self._notify)
        data = ProjectData(
            path, git_dir, url=url, offline=self._offline, watch=watch, login=self._login
        )
        serve_if_changed(path, data.cache)
        return data

    def _tell(self, project: str, published: Published) -> None:
        texts = [f"'{path}' was not published: {why}" for path, why in published.skipped]
        if published.local_only:
            texts.append(
                f"the data of '{project}' stays in this clone, which has no DVC remote;"
                " open the store with artifacts=…"
            )
        for text in texts:
            if text not in self._told:
                self._told.add(text)
                self._notify(Notice(text=text, project=project))

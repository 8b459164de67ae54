"""Places: listing and making repositories where the remote can do more than git's own protocol.

A directory can, a host with a shell over ssh can, and for any other host a :class:`Catalogue` may:
something that knows the host's own interface. Where none of them can, nothing is listed, and the
error of a missing repository says what somebody has to do.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from padre_git.errors import RemoteError, RemoteMissingError, RemoteUnavailableError
from padre_git.vcs.network import ask
from padre_git.vcs.process import try_git
from padre_git.vcs.remotes import RemoteLocation
from padre_git.vcs.shell import Made, make_repository, project_documents

__all__ = ["Catalogue", "Place", "create"]

#: What a repository lacks would be fetched by a program that it names itself.
_NOTHING_FETCHED = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": ""}
#: Seconds that making a repository may take.
_LIMIT = 60.0


class Catalogue(Protocol):
    """Is what a host offers beside git to list and to make repositories.

    Errors are those of :mod:`padre_git.errors`: unavailable, authentication, rejected.
    """

    def projects(
        self, location: RemoteLocation, branch: str, document: str
    ) -> Mapping[str, bytes | None] | None:
        """Returns the projects that have a repository there; None if nobody can say.

        Args:
            location: a base or template on a host.
            branch: the branch that projects are read from.
            document: path of a file that every project has.

        Returns:
            The file's content by the project's name, None for one that was not looked into.
        """

    def create(self, location: RemoteLocation, project: str, branch: str) -> bool:
        """Makes an empty repository for a project; returns whether there is one now.

        Args:
            location: a base, a template, or the project's own repository.
            project: its name.
            branch: what its HEAD shall name.
        """


class Place:
    """Is a location whose repositories can be listed and made, as far as that goes.

    Args:
        location: where.
        branch: the branch that projects are read from.
        limit: seconds that listing may take.
        catalogue: what is asked where git and ssh cannot; None for nothing.
    """

    def __init__(
        self,
        location: RemoteLocation,
        *,
        branch: str,
        limit: float,
        catalogue: Catalogue | None = None,
    ) -> None:
        self.location = location
        self._branch = branch
        self._limit = limit
        self._catalogue = catalogue
        self._has_shell = True  # until it says otherwise

    def projects(self, document: str) -> dict[str, bytes | None] | None:
        """Returns the projects that are there; None if that cannot be found out.

        Args:
            document: path of a file that every project has.

        Returns:
            The file's content by the project's name, None for one that was not looked into.

        Raises:
            RemoteUnavailableError, AuthenticationError, RemoteError: if the place cannot be asked.
        """
        if self.location.only is not None:
            return None
        if self.location.directory is not None:
            return dict(self._in_directory(document))
        found = self._through_shell(document)
        if found is not None:
            return found
        if self._catalogue is None:
            return None
        listed = self._catalogue.projects(self.location, self._branch, document)
        return None if listed is None else dict(listed)

    def create(self, project: str) -> None:
        """Makes an empty bare repository for a project; see :func:`create`."""
        create(self.location, project, self._branch, catalogue=self._catalogue)

    def _in_directory(self, document: str) -> Iterator[tuple[str, bytes | None]]:
        try:
            names = self.location.projects() or ()
        except FileNotFoundError as error:
            raise RemoteUnavailableError(f"no directory '{self.location.directory}'") from error
        except OSError as error:
            raise RemoteError(f"'{self.location}' cannot be read: {error.strerror}") from error
        for name in names:
            # named outright, so that it need not be a repository of one's own
            found = try_git(
                [
                    f"--git-dir={self.location.path(name)}",
                    *("cat-file", "blob", f"refs/heads/{self._branch}:{document}"),
                ],
                "/",
                env=_NOTHING_FETCHED,
            )
            if not found.code:
                yield name, found.out

    def _through_shell(self, document: str) -> dict[str, bytes | None] | None:
        if not self._has_shell:
            return None
        found = project_documents(self.location.template, self._branch, document, limit=self._limit)
        if found is None:
            self._has_shell = False
            return None
        return {n: content for n, content in found.items() if self.location.has_place(n)}


def create(
    location: RemoteLocation, project: str, branch: str, *, catalogue: Catalogue | None = None
) -> None:
    """Makes an empty bare repository for a project, where that can be done from here.

    It is private to its owner, or to the group if the directory above is the group's to write.

    Args:
        location: where.
        project: its name.
        branch: what its HEAD shall name.
        catalogue: what is asked where git and ssh cannot.

    Raises:
        RemoteUnavailableError: if the directory above is not there, or the host does not answer.
        RemoteMissingError: if somebody has to do it on the host; the hint says how.
        AuthenticationError, RemoteError: if it cannot be made.
    """
    path, url = location.path(project), location.url(project) or ""
    if path is not None:
        _create_directory(path, project, branch)
        return
    made = make_repository(url, branch, limit=_LIMIT)
    if made is Made.MADE or (catalogue and catalogue.create(location, project, branch)):
        return
    raise RemoteMissingError(
        f"no repository for project '{project}' at '{location.public_url(project)}'",
        key=project,
        hint=_how_to_create(url, made),
    )


def _create_directory(path: Path, project: str, branch: str) -> None:
    if not path.parent.is_dir():
        raise RemoteUnavailableError(
            f"no directory '{path.parent}'", hint="mount it, or create it if it is new"
        )
    new = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    shared = ["--shared=group"] if path.parent.stat().st_mode & 0o020 else []
    steps = [
        ["init", "--quiet", "--bare", "--template=", *shared, f"--initial-branch={branch}", new],
        ["config", "--file", new / "config", "receive.fsckObjects", "true"],
    ]
    try:
        for step in steps:
            done = ask(
                [str(part) for part in step], path.parent, _LIMIT, umask=0o007 if shared else 0o077
            )
            if done.code:
                raise RemoteError(f"cannot create '{path}': {done.words()}", key=project)
        with contextlib.suppress(FileExistsError, OSError):
            new.rename(path)  # loses only against another process that created it
    finally:
        shutil.rmtree(new, ignore_errors=True)
    if not path.is_dir():
        raise RemoteError(f"cannot create '{path}'", key=project)


def _how_to_create(url: str, made: Made) -> str:
    if made is Made.NO_DIRECTORY:
        return "make the directory above it on the host first, or correct the remote"
    name = url.rpartition("/")[2]
    return f"create an empty repository '{name}' on the host, without a README, and sync again"

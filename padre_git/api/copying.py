"""Copying a project that somebody handed over as a directory into a store of one's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from padre_git.api.settings import find_root, read_settings
from padre_git.backends.clones import Clone
from padre_git.backends.projects import project_directory
from padre_git.errors import ArtifactError, NotFoundError
from padre_git.vcs import driver
from padre_git.vcs.copying import copy_repository
from padre_git.vcs.repository import Repository
from padre_git.vcs.setup import new_directory

__all__ = ["copy_project", "is_clone"]


def is_clone(directory: str | os.PathLike[str]) -> bool:
    """Returns whether a directory is a clone with files, and not a place for repositories."""
    return "://" not in os.fspath(directory) and os.path.lexists(Path(directory) / ".git")


def copy_project(
    directory: str | os.PathLike[str],
    project: str | None = None,
    *,
    root: str | os.PathLike[str] | None = None,
) -> Path:
    """Copies a project into a store, whoever made it: nothing of its settings or hooks comes along.

    Its history and its data are copied and checked; what is not committed stays where it is.

    Args:
        directory: the clone that was handed over.
        project: its name here; the directory's name if it is not given.
        root: of the store; found as by :func:`padre_git.open` if it is not given.

    Returns:
        The directory of the new clone.

    Raises:
        AlreadyExistsError: if the store has a project of that name.
        UnsupportedFormatError: if it is not a project of ours.
        NotFoundError, UnsupportedError, RemoteError, RepositoryError: if it cannot be copied.
    """
    source = Path(os.path.abspath(directory))  # noqa: PTH100 - links stay as they are
    store = find_root(root)
    name = project or source.name
    place = project_directory(store, name)
    if not (source / ".git").is_dir() or (source / ".git").is_symlink():
        raise NotFoundError(f"no repository in '{source}'", key=name)
    branch = read_settings(store).branch
    with new_directory(place) as fresh:
        copy_repository(source, fresh, branch=branch)
        with Repository.open(fresh, branch=branch) as repository:
            Clone(name, repository).snapshot()
        _copy_data(source / ".git" / "padre" / "cache", fresh / ".git" / "padre" / "cache")
    driver.install(place, place / ".git")
    return place


def _copy_data(source: Path, target: Path) -> None:
    """Copies the data whose bytes have their hash; the rest is as if it had not been fetched."""
    from padre_git.artifacts import Cache
    from padre_git.artifacts.objects import Objects

    objects, cache = Objects(source), Cache(target)
    with cache.batch() as batch:
        for md5 in _names(source / "files" / "md5"):
            try:
                with objects.open_unchecked(md5) as stream:
                    batch.receive(stream.fileno(), md5)
            except ArtifactError:
                continue


def _names(directory: Path) -> Iterator[str]:
    from padre_git.artifacts.hashes import is_hash

    for file in directory.glob("??/*"):
        if is_hash(md5 := file.parent.name + file.name):
            yield md5

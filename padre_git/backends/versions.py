"""Versions: what was done to a record, as the commits of its clone tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from padre_git.errors import NotFoundError
from padre_git.format import part_path, read_trailers, record_directories
from padre_git.messages import Version
from padre_git.model import DOCUMENTS, Key, Kind
from padre_git.vcs.objects import Commit
from padre_git.vcs.repository import Repository

__all__ = ["all_paths", "own_paths", "versions"]


def versions(
    repository: Repository | None, key: Key, paths: Sequence[str], *, limit: int | None
) -> Iterator[Version]:
    """Returns the commits that changed any of these paths, the newest first.

    Args:
        repository: the clone; None if there is none.
        key: the record that they are about.
        paths: its own, or all below it; none for every commit of the branch.
        limit: at most so many.

    Raises:
        NotFoundError: if there is no such commit.
    """
    commits = repository.log(paths, limit=limit) if repository is not None else []
    if not commits:
        raise NotFoundError(f"no {key.kind} '{key}'", key=key)
    return map(_version, commits)


def own_paths(key: Key) -> Sequence[str]:
    """Returns the paths of a record, without what lies below it."""
    directories = record_directories(key)
    if key.kind in (Kind.DATASET, Kind.EXECUTION, Kind.RUN):
        return directories
    return [part_path(key, directories[0], DOCUMENTS[key.kind])]


def all_paths(key: Key) -> Sequence[str]:
    """Returns the paths of a record with what lies below it; none for all of a project."""
    if key.kind is Kind.PROJECT:
        return ()
    return record_directories(key) if key.kind is Kind.EXPERIMENT else own_paths(key)


def _version(commit: Commit) -> Version:
    return Version(
        state=commit.id,
        time=commit.time,
        author=commit.author,
        subject=commit.text.partition("\n")[0],
        op=read_trailers(commit.text)[0],
    )

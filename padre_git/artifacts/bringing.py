"""Bringing: all data that a history refers to, into the clone, so that it can go elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from padre_git.artifacts.commits import introduced_pointers, pointer_texts
from padre_git.artifacts.data import ProjectData
from padre_git.artifacts.pointers import read_pointer
from padre_git.errors import ArtifactError, DocumentError

__all__ = ["bring_all"]


def bring_all(data: ProjectData, commits: Sequence[str]) -> tuple[str, ...]:
    """Copies what these commits point to from the data remote into the clone, where it is not.

    Args:
        data: of the clone, with the data remote that has it.
        commits: those that brought the pointers.

    Returns:
        The paths of pointers whose data cannot be had.

    Raises:
        RemoteError: if the data remote cannot be reached.
        RepositoryError: if git cannot read a commit.
    """
    remote, lost = data.remote, []
    if remote is None:
        return ()
    for path, content in pointer_texts(data.project, introduced_pointers(data.project, commits)):
        if not content:  # what deleting leaves of a pointer
            continue
        try:
            pointer = read_pointer(content, file=path)
            remote.fetch([pointer.md5])
            if pointer.is_directory:
                remote.fetch(md5 for _, md5 in data.listing(pointer).items())
        except (ArtifactError, DocumentError):
            lost.append(path)
    return tuple(sorted(lost))

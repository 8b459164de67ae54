"""Uniting pointers: what two clones made of one directory of artifacts, as one pointer."""

from __future__ import annotations

from padre_git.artifacts.data import ProjectData
from padre_git.artifacts.members import unite
from padre_git.artifacts.pointers import read_pointer, write_pointer

__all__ = ["unite_pointers"]

_FILE = "artifacts.dvc"


def unite_pointers(
    data: ProjectData, base: bytes | None, ours: bytes, theirs: bytes
) -> bytes | None:
    """Returns a pointer to what both sides made of a directory; None if they disagree.

    Only the listings are fetched. The new listing is in the clone's cache.

    Args:
        data: of the clone.
        base: the pointer both began with; None for no artifacts.
        ours: what this clone made of it.
        theirs: what the other made of it.

    Raises:
        ArtifactMissingError, ArtifactCorruptError: if a listing cannot be had.
        ArtifactError: if a file of one side is a directory of the other.
        DocumentError: if a pointer or a listing is none.
        InvalidInputError: if a pointer is to a single file.
        RemoteError: if the data remote is needed and cannot be reached.
    """
    before = None if base is None else read_pointer(base, file=_FILE)
    here, there = (read_pointer(content, file=_FILE) for content in (ours, theirs))
    data.ensure(pointer.md5 for pointer in (before, here, there) if pointer is not None)
    united, disputed = unite(data.cache, before, here, there)
    return None if disputed else write_pointer(united)

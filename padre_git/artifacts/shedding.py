"""Shedding: data that may leave a clone because the data remote has it, and data that may not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from padre_git.artifacts.commits import introduced_pointers, pointer_texts
from padre_git.artifacts.data import ProjectData
from padre_git.artifacts.hashes import hashes_in
from padre_git.artifacts.members import listing_of
from padre_git.artifacts.pointers import Pointer, read_pointer, readable
from padre_git.errors import ArtifactError, DocumentError

__all__ = ["only_here", "shed", "unobtainable"]


def only_here(data: ProjectData, commits: Sequence[str]) -> list[str]:
    """Returns the paths of pointers whose data is in this clone and not at the data remote.

    Args:
        data: of the clone.
        commits: those that brought the pointers.

    Raises:
        RemoteError: if the data remote cannot be asked.
        RepositoryError: if git cannot read a commit.
    """
    found = introduced_pointers(data.project, commits)
    places: dict[str, str] = {}
    for path, content in pointer_texts(data.project, found):
        for pointer in _mentioned(path, content):
            places.update(dict.fromkeys(_objects_here(data, pointer), path))
    remote = data.remote
    lonely = places.keys() if remote is None else remote.missing(places)
    return sorted({places[md5] for md5 in lonely})


def _mentioned(path: str, content: bytes) -> list[Pointer]:
    """Returns what a pointer says; of one that only DVC understands, all that it may mean."""
    try:
        return [read_pointer(content, file=path)]
    except DocumentError:
        return [Pointer(md5=md5, path=path, size=None) for md5 in hashes_in(content)]


def shed(data: ProjectData, going: Mapping[str, bytes], staying: Mapping[str, bytes]) -> int:
    """Removes data from this clone that the data remote has, and returns how many objects.

    Args:
        data: of the clone.
        going: content of the pointer files whose data is not wanted here any more, by path.
        staying: content of all others; what they share with those that go stays.

    Raises:
        RemoteError: if the data remote cannot be asked; only private copies were removed.
    """
    for _, pointer in readable(going.items()):
        with suppress(ArtifactError, DocumentError):  # what has no listing here has no copies
            data.drop_copies(pointer)
    wanted = {md5 for _, pointer in readable(going.items()) for md5 in _objects_here(data, pointer)}
    remote = data.remote
    if remote is None or not wanted:
        return 0
    shared = {
        md5 for _, pointer in readable(staying.items()) for md5 in _objects_here(data, pointer)
    }
    safe = wanted - shared
    safe -= remote.missing(safe)
    for md5 in safe:
        data.cache.discard(md5)
    return len(safe)


def unobtainable(data: ProjectData, pointers: Mapping[str, bytes]) -> list[str]:
    """Returns the paths of pointers whose data neither this clone nor the data remote has.

    Args:
        data: of the clone.
        pointers: content of the pointer files by path.

    Raises:
        RemoteError: if the data remote cannot be asked.
    """
    places: dict[str, str] = {}
    for path, pointer in readable(pointers.items()):
        found = _objects_of(data, pointer)
        places.update({md5: path for md5 in found if not data.cache.has(md5)})
    remote = data.remote
    gone = remote.missing(places) if remote is not None and places else places.keys()
    return sorted({places[md5] for md5 in gone})


def _objects_of(data: ProjectData, pointer: Pointer) -> list[str]:
    """Returns what a pointer stands for, as far as it is known here; nothing is fetched."""
    found = [pointer.md5]
    if pointer.is_directory and data.cache.has(pointer.md5):
        with suppress(ArtifactError, DocumentError):  # a damaged listing is for `verify` to find
            found += listing_of(data.cache, pointer).values()
    return found


def _objects_here(data: ProjectData, pointer: Pointer) -> list[str]:
    """Returns what the cache has of what a pointer stands for; nothing is fetched."""
    if not data.cache.has(pointer.md5):
        return []
    found = [pointer.md5]
    if pointer.is_directory:
        try:
            found += listing_of(data.cache, pointer).values()
        except (ArtifactError, DocumentError):
            return []  # a damaged listing is for `verify` to find; nothing goes because of it
    return [md5 for md5 in found if data.cache.has(md5)]

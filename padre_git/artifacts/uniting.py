"""Uniting pointers: what two clones made of the files of one directory, as one pointer."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from padre_git.artifacts.data import ProjectData
from padre_git.artifacts.hashes import Item
from padre_git.artifacts.listings import Listing
from padre_git.artifacts.members import directory_of, listing_of
from padre_git.artifacts.pointers import Pointer, read_pointer, write_pointer
from padre_git.errors import ArtifactError
from padre_git.messages.settling import Choice

__all__ = ["Union", "unite_items", "unite_pointers"]

_FILE = "pointer.dvc"
#: Of more files nobody decides one by one.
_MOST = 1000
_Versions = tuple[str | None, str | None, str | None]


class Union(NamedTuple):
    """Is what comes of two pointers.

    Attributes:
        pointer: to what both sides made of the directory; None while somebody has to decide.
        disputed: hash and size of each file that both changed, by name: before, here and there;
            None for no file.
    """

    pointer: Pointer | None
    disputed: Mapping[str, tuple[object, object, object]] = {}

    @property
    def content(self) -> bytes | None:
        """The text of the pointer."""
        return None if self.pointer is None else write_pointer(self.pointer)


def unite_pointers(
    data: ProjectData,
    base: bytes | None,
    ours: bytes,
    theirs: bytes,
    choices: Mapping[str, Choice],
) -> Union:
    """Returns what both sides made of a directory, and what somebody has to decide.

    Only the listings are fetched. The new listing is in the clone's cache.

    Args:
        data: of the clone.
        base: the pointer both began with; None for no files.
        ours: what this clone made of it.
        theirs: what the other made of it.
        choices: which side counts for files that both changed.

    Raises:
        ArtifactMissingError, ArtifactCorruptError: if a listing cannot be had.
        ArtifactError: if a file of one side is a directory of the other, or too many to decide on
            were changed by both.
        DocumentError: if a pointer or a listing is none.
        InvalidInputError: if only one side has a directory.
        RemoteError: if the data remote is needed and cannot be reached.
    """
    before = None if base is None else read_pointer(base, file=_FILE)
    here, there = (read_pointer(content, file=_FILE) for content in (ours, theirs))
    if not here.is_directory and not there.is_directory:
        return _one_file(data, before, here, there, choices.get(here.path))
    data.ensure(pointer.md5 for pointer in (before, here, there) if pointer is not None)
    old, left, right = (listing_of(data.cache, pointer) for pointer in (before, here, there))
    merged: dict[str, str] = {}
    disputed: dict[str, _Versions] = {}
    for name in sorted({*old, *left, *right}):
        was, mine, other = versions = old.get(name), left.get(name), right.get(name)
        if was != mine != other != was and name not in choices:
            disputed[name] = versions
        chosen = other if mine == was or choices.get(name) is Choice.THEIRS else mine
        if chosen is not None:
            merged[name] = chosen
    if len(disputed) > _MOST:
        raise ArtifactError(
            f"both changed {len(disputed)} files of '{here.path}'",
            hint="choose one side for all of them",
        )
    if disputed:
        return Union(None, _described(data, disputed))
    return Union(directory_of(data.cache, here.path, Listing(merged), _total(data, merged)))


def unite_items(
    data: ProjectData,
    path: str,
    before: Mapping[str, Item],
    after: Mapping[str, Item],
    stored: Pointer | None,
    *,
    own: Container[str],
) -> Pointer | None:
    """Returns a pointer to what one writer and others made of a directory; None for no files.

    What both changed is as the writer has it.

    Args:
        data: of the clone.
        path: the directory's name.
        before: what the writer had.
        after: what it has now.
        stored: what others have made of it meanwhile; None for no files.
        own: names of which nobody else has a say.

    Raises:
        ArtifactMissingError, ArtifactCorruptError: if the listing cannot be had.
        ArtifactError: if a file of one side is a directory of the other.
        DocumentError, RemoteError: as :func:`unite_pointers`.
    """
    found = {} if stored is None else data.names(stored)
    merged: dict[str, str] = {}
    for name in sorted({*found, *after}):
        was, mine = before.get(name), after.get(name)
        if was == mine and name not in own:
            chosen = found.get(name)
        else:
            chosen = None if mine is None else mine.md5
        if chosen is not None:
            merged[name] = chosen
    if not merged:
        return None
    return directory_of(data.cache, path, Listing(merged), _total(data, merged))


def _one_file(
    data: ProjectData, before: Pointer | None, here: Pointer, there: Pointer, choice: Choice | None
) -> Union:
    """Returns which of two files counts: what is no directory cannot hold both."""
    if choice is not None:
        return Union(there if choice is Choice.THEIRS else here)
    was = None if before is None or before.is_directory else before.md5
    return Union(None, _described(data, {here.path: (was, here.md5, there.md5)}))


def _total(data: ProjectData, files: Mapping[str, str]) -> int | None:
    """Returns the bytes of files; None if they cannot be known here."""
    sizes = [data.size(md5) for md5 in files.values()]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _described(
    data: ProjectData, disputed: Mapping[str, _Versions]
) -> dict[str, tuple[object, object, object]]:
    sizes = data.sizes({md5 for versions in disputed.values() for md5 in versions if md5})

    def told(versions: Iterable[str | None]) -> list[object]:
        return [None if md5 is None else {"md5": md5, "size": sizes[md5]} for md5 in versions]

    found = {name: told(versions) for name, versions in disputed.items()}
    return {name: (was, here, there) for name, (was, here, there) in found.items()}

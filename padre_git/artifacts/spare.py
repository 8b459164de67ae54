"""Spare data: what a clone can do without, because nothing means it or other places have it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from padre_git.artifacts.data import ProjectData
from padre_git.artifacts.hashes import DIRECTORY, is_hash
from padre_git.artifacts.holding import held
from padre_git.artifacts.references import References, published, references
from padre_git.errors import ArtifactMissingError, PadreGitError

__all__ = ["Unneeded", "clear", "unneeded"]

#: What is younger may belong to a commit that somebody is making.
_YOUNG = 24 * 3600.0
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Unneeded:
    """Is one object that a clone can do without.

    Attributes:
        md5: its name.
        size: its bytes.
        file: where it is.
        path: what it belongs to; empty for what nothing means.
    """

    md5: str
    size: int
    file: Path
    path: str = ""


def unneeded(data: ProjectData, *, copies: int | None = None) -> tuple[Unneeded, ...]:
    """Returns the objects of this clone that nothing means; see :mod:`.references`.

    What is younger than a day is left alone: its commit may be on its way.

    Args:
        data: of the clone.
        copies: adds the published files that so many data remotes have; listings stay.

    Raises:
        ArtifactMissingError: if the listing of a directory is nowhere, so that nobody can say what
            it means; nothing can be removed then.
        InvalidInputError: if the clone has fewer data remotes.
        RemoteError: if too few of them answer.
        RepositoryError: if git cannot read the history.
    """
    return _spare(data, _known(data), copies, time.time() - _YOUNG)


def clear(data: ProjectData, *, copies: int | None = None) -> tuple[Unneeded, ...]:
    """Removes what :func:`unneeded` returns, and returns what was removed.

    What has come to be meant, or was added again, since it was found stays.

    Raises:
        ArtifactMissingError, InvalidInputError, RemoteError, RepositoryError: as
            :func:`unneeded`; nothing was removed.
        PadreGitError: if the cache cannot be written.
    """
    oldest = time.time() - _YOUNG
    known = _known(data)
    found = _spare(data, known, copies, oldest)
    new = references(data, seen=known)
    still = [one for one in found if one.md5 not in (new.mentioned if one.path else new)]
    try:
        gone = tuple(one for one in still if data.cache.discard_older(one.md5, oldest))
        data.drop_copies_of({one.md5: one.size for one in gone})
    except OSError as error:
        raise PadreGitError(f"cannot remove '{error.filename}': {error.strerror}") from error
    return gone


def _known(data: ProjectData) -> References:
    known = references(data)
    if known.unknown:
        more = len(known.unknown) - _SHOWN
        named = ", ".join(f"'{path}'" for path in known.unknown[:_SHOWN])
        raise ArtifactMissingError(
            f"nothing can be removed: the listing of {named} is nowhere"
            + (f", and {more} more" if more > 0 else ""),
            hint="it may be in another clone: publish it from there",
        )
    return known


def _spare(
    data: ProjectData, known: References, copies: int | None, oldest: float
) -> tuple[Unneeded, ...]:
    old = list(_objects(data, oldest))
    found = [one for one in old if one.md5 not in known]
    if copies is not None:
        found += _elsewhere(data, old, known, copies)
    return tuple(found)


def _elsewhere(
    data: ProjectData, old: list[Unneeded], known: References, copies: int
) -> Iterator[Unneeded]:
    """Yields the published files that enough data remotes have."""
    promised = published(data).objects
    files = [
        one
        for one in old
        if one.md5 in promised
        and one.md5 not in known.mentioned
        and not one.md5.endswith(DIRECTORY)  # small, and it says what there is
    ]
    safe = held(data, [one.md5 for one in files], copies)
    for one in files:
        if one.md5 in safe:
            yield Unneeded(md5=one.md5, size=one.size, file=one.file, path=promised[one.md5])


def _objects(data: ProjectData, oldest: float) -> Iterator[Unneeded]:
    """Yields the objects of a cache that were last written before a time, in order."""
    for directory in sorted((data.cache.root / "files" / "md5").glob("[0-9a-f][0-9a-f]")):
        for file in sorted(directory.iterdir()):
            md5 = directory.name + file.name
            state = file.lstat()
            if is_hash(md5) and file.is_file() and state.st_mtime < oldest:
                yield Unneeded(md5=md5, size=state.st_size, file=file)

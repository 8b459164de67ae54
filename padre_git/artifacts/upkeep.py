"""Upkeep: finding and mending damaged or missing data, and removing what nothing means any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from padre_git.artifacts.data import ProjectData
from padre_git.artifacts.hashes import is_hash
from padre_git.artifacts.references import published, references
from padre_git.artifacts.remote import DataRemote
from padre_git.artifacts.staging import in_threads
from padre_git.errors import ArtifactCorruptError, ArtifactMissingError, PadreGitError

__all__ = ["Damage", "Problem", "Unneeded", "mend", "remove", "survey", "unneeded"]

#: What is younger may belong to a commit that somebody is making.
_YOUNG = 24 * 3600.0
_SHOWN = 3


class Problem(StrEnum):
    """Is what can be wrong with an object."""

    #: Its bytes in this clone are not those that its name says.
    DAMAGED = "damaged"
    #: The data remote has it not, though published commits mean it.
    NOT_PUBLISHED = "not on the remote"
    #: It is neither in this clone nor on the data remote.
    MISSING = "missing"
    #: What is in a directory cannot be said: its listing is nowhere.
    UNKNOWN = "listing missing"


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Is one thing that is wrong with a project's data.

    Attributes:
        path: what it belongs to: a pointer, and the file in it.
        md5: the object; empty for an unknown one.
        problem: what is wrong.
    """

    path: str
    md5: str
    problem: Problem


@dataclass(frozen=True, kw_only=True)
class Unneeded:
    """Is one object in this clone that nothing means.

    Attributes:
        md5: its name.
        size: its bytes.
        file: where it is.
    """

    md5: str
    size: int
    file: Path


def survey(data: ProjectData) -> tuple[Damage, ...]:
    """Looks at everything that a project means: every byte here, existence and size there.

    Args:
        data: of the clone.

    Returns:
        What is wrong, in order of paths. Data that is only on the remote is not wrong, and without
        a data remote only this clone is looked at.

    Raises:
        RemoteError: if the data remote cannot be asked.
        RepositoryError: if git cannot read the history.
    """
    known = references(data)
    unknown = dict.fromkeys(known.unknown)  # each once, however many commits have it
    found = [Damage(path=path, md5="", problem=Problem.UNKNOWN) for path in unknown]
    here = [md5 for md5 in known.objects if data.cache.has(md5)]
    sound = in_threads(lambda md5: _is_sound(data, md5), here)
    damaged = {md5 for md5, is_sound in zip(here, sound, strict=True) if not is_sound}
    remote = data.remote
    away = known.objects.keys() if remote is None else remote.missing(known.objects)
    promised = frozenset() if remote is None else published(data).objects.keys()
    for md5, path in known.objects.items():
        if md5 in damaged:
            problem = Problem.DAMAGED
        elif md5 in away and not data.cache.has(md5):
            problem = Problem.MISSING
        elif md5 in away and md5 in promised:
            problem = Problem.NOT_PUBLISHED
        else:
            continue
        found.append(Damage(path=path, md5=md5, problem=problem))
    return tuple(sorted(found, key=lambda damage: (damage.path, damage.problem)))


def _is_sound(data: ProjectData, md5: str) -> bool:
    try:
        data.cache.open(md5).close()
    except (ArtifactCorruptError, ArtifactMissingError):
        return False
    return True


def mend(data: ProjectData, damages: Sequence[Damage]) -> tuple[Damage, ...]:
    """Mends what can be mended, and returns what is left.

    What is damaged here is fetched again; what the remote lacks is sent again.

    Args:
        data: of the clone.
        damages: what :func:`survey` has found.

    Raises:
        RemoteError: if the data remote cannot be reached.
    """
    remote = data.remote
    if remote is None:
        return tuple(damages)
    left = []
    for damage in damages:
        work = _WORK.get(damage.problem)
        if work is None or not _succeeds(work, remote, damage.md5):
            left.append(damage)
    return tuple(left)


def _succeeds(work: Callable[[DataRemote, str], None], remote: DataRemote, md5: str) -> bool:
    try:
        work(remote, md5)
    except (ArtifactMissingError, ArtifactCorruptError):
        return False
    return True


_WORK: dict[Problem, Callable[[DataRemote, str], None]] = {
    Problem.DAMAGED: lambda remote, md5: remote.fetch_again([md5]),
    Problem.NOT_PUBLISHED: lambda remote, md5: remote.send_again([md5]),
}


def unneeded(data: ProjectData) -> tuple[Unneeded, ...]:
    """Returns the objects of this clone that nothing means; see :mod:`.references`.

    What is younger than a day is left alone: its commit may be on its way.

    Raises:
        ArtifactMissingError: if the listing of a directory is nowhere, so that nobody can say what
            it means; nothing can be removed then.
        RepositoryError: if git cannot read the history.
    """
    known = references(data)
    if known.unknown:
        more = len(known.unknown) - _SHOWN
        named = ", ".join(f"'{path}'" for path in known.unknown[:_SHOWN])
        raise ArtifactMissingError(
            f"nothing can be removed: the listing of {named} is nowhere"
            + (f", and {more} more" if more > 0 else ""),
            hint="it may be in another clone: publish it from there",
        )
    oldest = time.time() - _YOUNG
    return tuple(one for one in _objects(data, oldest) if one.md5 not in known)


def _objects(data: ProjectData, oldest: float) -> Iterator[Unneeded]:
    """Yields the objects of a cache that were last written before a time, in order."""
    for directory in sorted((data.cache.root / "files" / "md5").glob("[0-9a-f][0-9a-f]")):
        for file in sorted(directory.iterdir()):
            md5 = directory.name + file.name
            state = file.lstat()
            if is_hash(md5) and file.is_file() and state.st_mtime < oldest:
                yield Unneeded(md5=md5, size=state.st_size, file=file)


def remove(data: ProjectData, objects: Sequence[Unneeded]) -> int:
    """Removes objects from this clone and returns the bytes that were freed.

    What has come to be meant, or was added again, since they were found stays.

    Raises:
        ArtifactMissingError, RepositoryError: as :func:`unneeded`.
        PadreGitError: if the cache cannot be written.
    """
    oldest = time.time() - _YOUNG
    still = {one.md5 for one in unneeded(data)}
    freed = 0
    for one in objects:
        if one.md5 in still:
            try:
                if data.cache.discard_older(one.md5, oldest):
                    freed += one.size
            except OSError as error:
                raise PadreGitError(f"cannot remove '{one.file}': {error.strerror}") from error
    return freed

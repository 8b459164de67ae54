"""Upkeep: finding and mending data that is damaged, missing, or in too few places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from padre_git.artifacts.data import ProjectData
from padre_git.artifacts.holding import held, spread
from padre_git.artifacts.references import published, references
from padre_git.artifacts.staging import in_threads
from padre_git.errors import ArtifactCorruptError, ArtifactMissingError

__all__ = ["Damage", "Problem", "mend", "survey"]


class Problem(StrEnum):
    """Is what can be wrong with an object."""

    #: Its bytes in this clone are not those that its name says.
    DAMAGED = "damaged"
    #: The data remote has it not, though published commits mean it.
    NOT_PUBLISHED = "not on the remote"
    #: It is neither in this clone nor on the data remote.
    MISSING = "missing"
    #: Fewer data remotes than wanted have it.
    TOO_FEW = "too few copies"
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


def survey(data: ProjectData, *, copies: int = 1) -> tuple[Damage, ...]:
    """Looks at everything that a project means: every byte here, existence and size there.

    Args:
        data: of the clone.
        copies: how many data remotes shall have what is published.

    Returns:
        What is wrong, in order of paths. Data that is only on the remote is not wrong, and without
        a data remote only this clone is looked at.

    Raises:
        InvalidInputError: if the clone has fewer data remotes than that.
        RemoteError: if the data remote, or too many of them, cannot be asked.
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
    safe = held(data, promised, copies) if copies != 1 else promised
    for md5, path in known.objects.items():
        if md5 in damaged:
            problem = Problem.DAMAGED
        elif md5 in away and not data.cache.has(md5):
            problem = Problem.MISSING
        elif md5 in away and md5 in promised:
            problem = Problem.NOT_PUBLISHED
        elif md5 in promised and md5 not in safe:
            problem = Problem.TOO_FEW
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


#: What sending it from here, or from another data remote, cures.
_ELSEWHERE = (Problem.NOT_PUBLISHED, Problem.TOO_FEW, Problem.MISSING)


def mend(data: ProjectData, damages: Sequence[Damage], *, copies: int = 1) -> tuple[Damage, ...]:
    """Mends what can be mended, and returns what is left.

    What is damaged here is fetched again; what remotes lack is sent again.

    Args:
        data: of the clone.
        damages: what :func:`survey` has found.
        copies: as many as it was asked for.

    Raises:
        RemoteError: if a data remote cannot be reached.
    """
    if not data.remotes:
        return tuple(damages)
    damaged = [d.md5 for d in damages if d.problem is Problem.DAMAGED]
    left = {md5 for md5 in damaged if not _succeeds(partial(data.fetch_again, md5))}
    lacking = [d.md5 for d in damages if d.problem in _ELSEWHERE]
    if lacking and not _succeeds(partial(spread, data, lacking, copies)):
        # one that is nowhere stops none of the others
        left |= {m for m in lacking if not _succeeds(partial(spread, data, [m], copies))}
    return tuple(d for d in damages if d.md5 in left or d.problem is Problem.UNKNOWN)


def _succeeds(work: Callable[[], object]) -> bool:
    try:
        work()
    except (ArtifactMissingError, ArtifactCorruptError):
        return False
    return True

"""Holding: how many data remotes have an object, looked up one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from padre_git.artifacts.data import ProjectData
from padre_git.artifacts.remote import DataRemote
from padre_git.errors import InvalidInputError, RemoteError

__all__ = ["held", "spread"]


def held(data: ProjectData, md5s: Collection[str], copies: int) -> frozenset[str]:
    """Returns which objects that many data remotes have, each with the right size.

    What a remote does not measure it has not shown to have. A remote that is silent counts for
    nothing.

    Args:
        data: of the clone.
        md5s: the objects.
        copies: how many remotes must have one.

    Raises:
        InvalidInputError: if this clone has fewer data remotes.
        RemoteError: if too few of them answer.
    """
    remotes = _enough(data, copies)
    found: Counter[str] = Counter()
    silent: list[RemoteError] = []
    for remote in remotes:
        try:
            sizes = remote.sizes(md5s)
        except RemoteError as error:
            silent.append(error)
            continue
        found.update(md5 for md5, size in sizes.items() if _fits(size, data.size(md5)))
    if len(remotes) - len(silent) < copies:
        raise silent[0]
    return frozenset(md5 for md5 in md5s if found[md5] >= copies)


def spread(data: ProjectData, md5s: Collection[str], copies: int) -> None:
    """Sends objects to as many data remotes, in their order, as shall have them.

    Args:
        data: of the clone.
        md5s: the objects; what is not here is fetched first.
        copies: how many remotes shall have each.

    Raises:
        ArtifactMissingError, ArtifactCorruptError: if an object is nowhere whole.
        InvalidInputError, RemoteError: as :func:`held`, or if a remote does not take them.
    """
    counts = Counter(dict.fromkeys(md5s, 0))
    lacking: list[tuple[DataRemote, frozenset[str]]] = []
    for remote in _enough(data, copies):
        absent = remote.missing(md5s)
        counts.update(set(md5s) - absent)
        lacking.append((remote, absent))
    for remote, absent in lacking:
        wanted = [md5 for md5 in absent if counts[md5] < copies]
        data.ensure(wanted)
        remote.send_again(wanted)
        counts.update(wanted)


def _enough(data: ProjectData, copies: int) -> list[DataRemote]:
    remotes = data.remotes
    if copies < 1:
        raise InvalidInputError(f"no number of copies: {copies}", hint="one is the least")
    if len(remotes) < copies:
        raise InvalidInputError(
            f"{copies} copies are wanted, and this clone has {len(remotes)} data"
            f" {'remote' if len(remotes) == 1 else 'remotes'}",
            hint="name another place: dvc remote add --local NAME URL",
        )
    return remotes


def _fits(there: int | None, here: int | None) -> bool:
    return there is not None and here in (None, there)

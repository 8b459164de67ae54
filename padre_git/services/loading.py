"""Loading: entities in batches, past whatever cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from padre_git.backends.base import Backend
from padre_git.errors import FormatError, NotFoundError, RepositoryError
from padre_git.messages import Skipped
from padre_git.model import Found, Key, Kind, Record

__all__ = ["living_keys", "living_records"]

_BATCH = 500
#: What one bad record or project can raise without hiding the others.
_UNREADABLE = (FormatError, RepositoryError)
_Skip = Callable[[Skipped], None]


def living_keys(
    backend: Backend, kind: Kind, *, below: Key | None, at: str | None, skip: _Skip
) -> Iterator[Key]:
    """Yields the keys of a kind in order, project by project.

    Args:
        backend: where to look.
        kind: which.
        below: a record above them; None for all projects.
        at: a state; without ``below``, projects that do not know it are left out.
        skip: is told of projects that cannot be read.

    Raises:
        NotFoundError: if no project knows the state.
    """
    if below is not None or kind is Kind.PROJECT:
        yield from backend.scan(below, kind=kind, at=at)
        return
    unknown: NotFoundError | None = None
    known = False
    for project in list(backend.scan(None, kind=Kind.PROJECT)):
        try:
            yield from backend.scan(project, kind=kind, at=at)
            known = True
        except NotFoundError as error:
            unknown = error
        except _UNREADABLE as error:
            known = True
            skip(Skipped(key=project, error=error))
    if unknown is not None and not known:
        raise unknown


def living_records(
    backend: Backend, keys: Iterator[Key], *, at: str | None, skip: _Skip, most: int | None = None
) -> Iterator[list[Record]]:
    """Yields the records of these keys in order, in batches; what went meanwhile is left out.

    Args:
        backend: where they are.
        keys: which.
        at: a state.
        skip: is told of records that cannot be read.
        most: how many will be wanted, so that no more than these are read.
    """
    size = _BATCH if most is None else max(1, min(most, _BATCH))
    while batch := list(islice(keys, size)):
        found = _read(backend, batch, at, skip)
        there = (found.get(key) for key in batch)
        yield [record for record in there if isinstance(record, Record)]


def _read(backend: Backend, keys: list[Key], at: str | None, skip: _Skip) -> dict[Key, Found]:
    try:
        return backend.read(keys, at=at)
    except _UNREADABLE as error:
        if len(keys) == 1:
            skip(Skipped(key=keys[0], error=error))
            return {}
    found: dict[Key, Found] = {}
    for key in keys:
        found |= _read(backend, [key], at, skip)
    return found

"""What the dual layer answers: the clone's records, after asking the remote if that is due.

Besides the branch, two things answer: records that the remote has and that could not be merged,
and the kept copies of records that were withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from padre_git.backends.deleting import restore_files
from padre_git.backends.exchange import Exchange, Side
from padre_git.backends.meeting import Meeting
from padre_git.errors import NotFoundError, RepositoryError
from padre_git.format import encode
from padre_git.model import DOCUMENTS, Found, Key, Kind, Project, Record

__all__ = ["Answers"]

_FILE = DOCUMENTS[Kind.PROJECT]


class Answers:
    """Reads a store that is here and elsewhere.

    Args:
        exchange: the clones and their remotes.
        meeting: asks the remotes when that is due.
    """

    def __init__(self, exchange: Exchange, meeting: Meeting) -> None:
        self._exchange = exchange
        self._meeting = meeting
        self._local = exchange.local

    def refresh(self, project: str) -> bool:
        """Asks the remote of a project if that is due; returns whether it was asked."""
        is_missing = self._local.repository(project) is None
        return self._meeting.refresh(project, missing=is_missing)

    def read(self, keys: Iterable[Key], *, at: str | None = None) -> dict[Key, Found]:
        """See :meth:`padre_git.backends.dual.DualLayer.read`."""
        wanted = list(dict.fromkeys(keys))
        by_project = _by_project(wanted)
        asked = {project for project in by_project if self.refresh(project)}
        if at is not None:
            return self._read_at(wanted, at)
        found = self._local.read(wanted)
        for project, of_project in by_project.items():
            is_missing = project not in asked and any(key not in found for key in of_project)
            if is_missing and self._meeting.refresh(project, missing=True):
                found |= self._local.read(of_project)
            found |= self._aside(project, of_project, found)
        if len(wanted) == 1 and not self._meeting.is_local:
            self._bring_back(wanted[0], found.get(wanted[0]))
        return found

    def scan(
        self,
        prefix: Key | None = None,
        *,
        kind: Kind | None = None,
        at: str | None = None,
        after: Key | None = None,
        limit: int | None = None,
    ) -> Iterator[Key]:
        """See :meth:`padre_git.backends.dual.DualLayer.scan`."""
        if prefix is None:
            self._meeting.refresh_all(self._exchange.here())
        else:
            self.refresh(prefix.project)
        if at is not None:
            return self._local.scan(prefix, kind=kind, at=at, after=after, limit=limit)
        more = set(self._elsewhere(prefix, kind))
        if not more:
            return self._local.scan(prefix, kind=kind, after=after, limit=limit)
        keys = more | set(self._local.scan(prefix, kind=kind))
        return iter(sorted(key for key in keys if after is None or key > after)[:limit])

    def elsewhere(self) -> dict[Key, Record]:
        """See :meth:`padre_git.backends.base.Backend.elsewhere`."""
        found: dict[Key, Record] = {}
        for name, document in self._meeting.projects().items():
            key, url = Key.project_named(name), self._exchange.location.public_url(name)
            files = encode(Project(name=name, url=url)) if document is None else {_FILE: document}
            found[key] = Record(key=key, files=files)
        return found

    def urls(self, keys: Iterable[Key]) -> dict[Key, str]:
        """See :meth:`padre_git.backends.base.Backend.urls`."""
        found: dict[Key, str] = {}
        for project, of_project in _by_project(keys).items():
            side = self._exchange.side(project)
            for key in side.published(of_project) if side is not None else ():
                url = self._exchange.location.record_url(key)
                if url is not None:
                    found[key] = url
        return found

    def _aside(
        self, project: str, keys: Sequence[Key], found: Mapping[Key, Found]
    ) -> dict[Key, Found]:
        """Returns what is not on the clone's branch: unmerged records and kept copies."""
        side = self._exchange.side(project)
        absent = [key for key in keys if not isinstance(found.get(key), Record)]
        if side is None or not absent:
            return {}
        missing = [key for key in absent if key not in found]
        return self._meeting.unmerged(side).find(missing) | side.kept.read(absent)

    def _read_at(self, keys: list[Key], at: str) -> dict[Key, Found]:
        try:
            return self._local.read(keys, at=at)
        except NotFoundError:
            asked = [self._meeting.refresh(p, missing=True) for p in {k.project for k in keys}]
            if not any(asked):
                raise
            return self._local.read(keys, at=at)

    def _elsewhere(self, prefix: Key | None, kind: Kind | None) -> Iterator[Key]:
        """Yields the keys that are not on the clone's branch: unmerged ones and kept copies."""
        for side in self._sides(prefix):
            if side is not None:
                yield from self._meeting.unmerged(side).scan(prefix, kind)
                yield from side.kept.scan(prefix, kind)

    def _sides(self, prefix: Key | None) -> Iterator[Side | None]:
        if prefix is not None:
            yield self._exchange.side(prefix.project)
            return
        for project in self._exchange.here():
            with suppress(RepositoryError):  # told when it is read
                yield self._exchange.side(project)

    def _bring_back(self, key: Key, found: Found | None) -> None:
        repository = self._local.repository(key.project)
        if repository is not None and isinstance(found, Record):
            restore_files(repository, key)


def _by_project(keys: Iterable[Key]) -> dict[str, list[Key]]:
    found: dict[str, list[Key]] = {}
    for key in keys:
        found.setdefault(key.project, []).append(key)
    return found

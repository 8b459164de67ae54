"""The memory backend: every state of every project as one immutable mapping.

It is the model of the others: what a backend promises can be read here in the fewest words. Two
backends over one :class:`Memory` are two clients of one store.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from padre_git.backends.base import Backend, Changes
from padre_git.backends.checks import check_expected, check_files, check_parents
from padre_git.errors import AlreadyExistsError, NotFoundError
from padre_git.format import same
from padre_git.messages import Author, Message, Version
from padre_git.model import Change, ChangeSet, Found, Key, Kind, Record, Tombstone

__all__ = ["Memory", "MemoryBackend"]

_Records = Mapping[Key, Found]
_EMPTY: _Records = MappingProxyType({})
_NOBODY = Author(name="somebody", email="somebody@localhost")


@dataclass(frozen=True, kw_only=True)
class _State:
    """Is everything one project holds at one time."""

    version: Version
    records: _Records

    @property
    def name(self) -> str:
        return self.version.state


@dataclass(frozen=True)
class Memory:
    """Is what a memory backend stores: the states of each project, the latest last."""

    projects: dict[str, list[_State]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class MemoryBackend(Backend):
    """Stores records in this process.

    Args:
        memory: what other backends store into; a fresh one if it is not given.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()

    def read(self, keys: Iterable[Key], *, at: str | None = None) -> dict[Key, Found]:
        """See :meth:`Backend.read`."""
        found: dict[Key, Found] = {}
        for key in keys:
            record = self._records(key.project, at).get(key)
            if record is not None:
                found[key] = record
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
        """See :meth:`Backend.scan`."""
        records = self._records(prefix.project, at) if prefix else self._all_records(at)
        keys = sorted(
            key
            for key, found in records.items()
            if isinstance(found, Record)
            and (prefix is None or (prefix.contains(key) and key != prefix))
            and (kind is None or key.kind is kind)
            and (after is None or key > after)
        )
        return iter(keys[:limit])

    def apply(self, changes: ChangeSet, message: Message) -> dict[Key, str | None]:
        """See :meth:`Backend.apply`."""
        check_files(changes)
        with self.memory.lock:
            records = self._records(changes.project, None)
            after = _applied(changes, records)
            if after != records:
                states = self.memory.projects.setdefault(changes.project, [])
                states.append(
                    _State(
                        version=_version(f"{changes.project}@{len(states) + 1}", message),
                        records=MappingProxyType(after),
                    )
                )
        stored = {change.key: after[change.key] for change in changes if change.key in after}
        return {change.key: getattr(stored.get(change.key), "revision", None) for change in changes}

    def changes(self, project: str, start: str | None = None, end: str | None = None) -> Changes:
        """See :meth:`Backend.changes`."""
        if project not in self.memory.projects:
            raise NotFoundError(f"no project '{project}'", key=project)
        first = self._state(project, start) if start else None
        last = self._state(project, end)
        old = _living(first.records if first else _EMPTY)
        new = _living(last.records)
        return Changes(
            start=first.name if first else None,
            end=last.name,
            stored=tuple(sorted(key for key in new if old.get(key) != new[key])),
            deleted=tuple(sorted(old.keys() - new.keys())),
        )

    def history(self, key: Key, *, limit: int | None = None) -> Iterator[Version]:
        """See :meth:`Backend.history`."""
        versions: list[Version] = []
        before: Found | None = None
        for state in self.memory.projects.get(key.project, []):
            now = state.records.get(key)
            if now != before:
                versions.append(state.version)
            before = now
        if not versions:
            raise NotFoundError(f"no {key.kind} '{key}'", key=key)
        return iter(versions[::-1][:limit])

    def _all_records(self, at: str | None) -> _Records:
        """Returns the records of all projects that have a state; of a date or a name, some."""
        found: dict[Key, Found] = {}
        missing: list[NotFoundError] = []
        for project in self.memory.projects:
            try:
                found |= self._records(project, at)
            except NotFoundError as error:
                missing.append(error)
        if missing and len(missing) == len(self.memory.projects):
            raise missing[0]
        return found

    def _records(self, project: str, at: str | None) -> _Records:
        if project not in self.memory.projects:
            return _EMPTY
        return self._state(project, at).records

    def _state(self, project: str, at: str | None) -> _State:
        states = self.memory.projects[project]
        if at is None:
            return states[-1]
        for state in reversed(states):
            if state.name == at or _is_reached(at, state.version.time):
                return state
        raise NotFoundError(f"no state '{at}' of project '{project}'", key=project)


def _is_reached(at: str, time: datetime) -> bool:
    try:
        return time <= datetime.fromisoformat(at)
    except (TypeError, ValueError):
        return False


def _version(state: str, message: Message) -> Version:
    return Version(
        state=state,
        time=message.time or datetime.now(UTC),
        author=message.author or _NOBODY,
        subject=message.subject,
        op=message.op,
    )


def _living(records: _Records) -> dict[Key, Record]:
    return {key: found for key, found in records.items() if isinstance(found, Record)}


def _applied(changes: ChangeSet, records: _Records) -> dict[Key, Found]:
    """Returns what a project holds after these changes.

    Raises:
        AlreadyExistsError, ConflictError, NotFoundError: see :meth:`Backend.apply`.
    """
    living = _living(records)
    for change in changes:
        check_expected(change, living.get(change.key))
    check_parents(changes, living)
    after = dict(records)
    for change in changes:
        if change.moved_from is not None:
            if change.key in living:
                raise AlreadyExistsError(f"'{change.key}' exists already", key=change.key)
            after |= _moved(records, change.moved_from, change.key)
    for change in changes:
        if change.files is None:
            after[change.key] = Tombstone(key=change.key, moved_to=change.moved_to)
        elif not _unchanged(change, living.get(change.key)):
            after[change.key] = Record(key=change.key, files=dict(change.files))
    return {key: found for key, found in after.items() if _is_visible(key, after)}


def _unchanged(change: Change, current: Record | None) -> bool:
    if current is None or change.files is None:
        return False
    return current.files == change.files or same(change.key.kind, current.files, change.files)


def _is_visible(key: Key, records: _Records) -> bool:
    return all(isinstance(records.get(above), Record) for above in key.ancestors())


def _moved(records: _Records, source: Key, target: Key) -> dict[Key, Found]:
    moved: dict[Key, Found] = {}
    for key, found in records.items():
        if source.contains(key) and key != source:
            to = Key.parse(target.text + key.text.removeprefix(source.text))
            moved[to] = (
                Record(key=to, files=found.files)
                if isinstance(found, Record)
                else Tombstone(key=to, moved_to=found.moved_to)
            )
    return moved

"""Exchange: the project service's answers about remotes and states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from padre_git.backends.base import Backend, Changes
from padre_git.backends.states import ProjectStatus, State
from padre_git.bus import Bus
from padre_git.errors import Conflict, UnsupportedError
from padre_git.messages import (
    Choice,
    Compare,
    Conflicts,
    Decided,
    Decision,
    Deletion,
    Deletions,
    Flush,
    Pull,
    Push,
    Seek,
    Settle,
    Status,
    Sync,
)
from padre_git.model import Kind

__all__ = ["ExchangeService", "Settled", "Shared"]


@runtime_checkable
class Shared(Protocol):
    """Is a backend with another side."""

    def push(self, project: str) -> None:
        """Publishes what the clone has."""

    def pull(self, project: str) -> None:
        """Brings in what the remote has."""

    def sync(self, project: str) -> None:
        """Does both."""

    def status(self, project: str) -> Any:
        """Returns how the two stand."""

    def flush(self) -> None:
        """Publishes what waits."""


@runtime_checkable
class Settled(Protocol):
    """Is a backend whose histories can contradict each other."""

    def conflicts(self, project: str) -> tuple[Conflict, ...]:
        """Returns where they do."""

    def decisions(self, project: str) -> tuple[Decision, ...]:
        """Returns what was decided about it so far."""

    def settle(
        self, project: str, decisions: Sequence[Decision], rest: Choice | None = None
    ) -> tuple[Conflict, ...]:
        """Takes decisions and returns what is still open."""


class ExchangeService:
    """Answers the commands about whole projects.

    Args:
        backend: where records are; one without another side has nothing to exchange.
        bus: what it listens to.
    """

    def __init__(self, backend: Backend, bus: Bus) -> None:
        self._backend = backend
        bus.handle(Push, Kind.PROJECT, lambda command: self._shared().push(command.project))
        bus.handle(Pull, Kind.PROJECT, lambda command: self._shared().pull(command.project))
        bus.handle(Sync, Kind.PROJECT, lambda command: self._shared().sync(command.project))
        bus.handle(Seek, Kind.PROJECT, lambda c: backend.seek(c.project, c.since))
        bus.handle(Status, Kind.PROJECT, self._status)
        bus.handle(Conflicts, Kind.PROJECT, self._conflicts)
        bus.handle(Decided, Kind.PROJECT, self._decided)
        bus.handle(Settle, Kind.PROJECT, self._settle)
        bus.handle(Flush, Kind.PROJECT, self._flush)
        bus.handle(Compare, Kind.PROJECT, self._compare)
        bus.handle(Deletions, Kind.PROJECT, self._deletions)

    def _shared(self) -> Shared:
        if isinstance(self._backend, Shared):
            return self._backend
        raise UnsupportedError(
            "this store has no remote",
            hint="name one once: padre-git --remote REMOTE sync, or padre_git.open(root, remote=…)",
        )

    def _status(self, command: Status) -> Any:
        if isinstance(self._backend, Shared):
            return self._backend.status(command.project)
        self._backend.changes(command.project)  # says so if there is no such project
        return ProjectStatus(project=command.project, state=State.LOCAL_ONLY, url=None)

    def _conflicts(self, command: Conflicts) -> tuple[Conflict, ...]:
        if isinstance(self._backend, Settled):
            return self._backend.conflicts(command.project)
        self._backend.changes(command.project)  # says so if there is no such project
        return ()

    def _decided(self, command: Decided) -> tuple[Decision, ...]:
        return (
            self._backend.decisions(command.project) if isinstance(self._backend, Settled) else ()
        )

    def _settle(self, command: Settle) -> tuple[Conflict, ...]:
        if isinstance(self._backend, Settled):
            return self._backend.settle(command.project, command.decisions, command.rest)
        raise UnsupportedError("this store has one history only", key=command.project)

    def _flush(self, command: Flush) -> None:
        if isinstance(self._backend, Shared):
            self._backend.flush()

    def _compare(self, command: Compare) -> Changes:
        return self._backend.changes(command.project, command.start, command.end)

    def _deletions(self, command: Deletions) -> list[Deletion]:
        return self._backend.deletions(command.parent)

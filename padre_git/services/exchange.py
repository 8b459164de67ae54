"""Exchange: the project service's answers about remotes and states."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from padre_git.backends.base import Backend, Changes
from padre_git.backends.status import ProjectStatus, State
from padre_git.bus import Bus
from padre_git.errors import UnsupportedError
from padre_git.messages import Compare, Deletion, Deletions, Flush, Pull, Push, Status, Sync
from padre_git.model import Kind

__all__ = ["ExchangeService", "Shared"]


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
        bus.handle(Status, Kind.PROJECT, self._status)
        bus.handle(Flush, Kind.PROJECT, self._flush)
        bus.handle(Compare, Kind.PROJECT, self._compare)
        bus.handle(Deletions, Kind.PROJECT, self._deletions)

    def _shared(self) -> Shared:
        if isinstance(self._backend, Shared):
            return self._backend
        raise UnsupportedError(
            "this store has no remote",
            hint="name one once: padre_git.open(root, remote=…) or padre-git clone REMOTE",
        )

    def _status(self, command: Status) -> Any:
        if isinstance(self._backend, Shared):
            return self._backend.status(command.project)
        self._backend.changes(command.project)  # says so if there is no such project
        return ProjectStatus(project=command.project, state=State.LOCAL_ONLY, url=None)

    def _flush(self, command: Flush) -> None:
        if isinstance(self._backend, Shared):
            self._backend.flush()

    def _compare(self, command: Compare) -> Changes:
        return self._backend.changes(command.project, command.start, command.end)

    def _deletions(self, command: Deletions) -> list[Deletion]:
        return self._backend.deletions(command.parent)

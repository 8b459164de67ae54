"""Recovery: the project service's answers about damage and upkeep."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from padre_git.backends.base import Backend
from padre_git.bus import Bus
from padre_git.errors import UnsupportedError
from padre_git.messages import Damage, Maintain, Maintained, Repair, Verify
from padre_git.model import Kind

__all__ = ["RecoveryService", "Repairable"]


@runtime_checkable
class Repairable(Protocol):
    """Is a backend whose files can be damaged."""

    def verify(self, project: str) -> tuple[Damage, ...]:
        """Returns what is wrong."""

    def repair(self, project: str) -> tuple[Damage, ...]:
        """Mends what can be mended, and returns what cannot."""

    def maintain(self, project: str) -> Maintained:
        """Tidies up."""


class RecoveryService:
    """Answers the commands about what is wrong with a project's clone.

    Args:
        backend: where records are.
        bus: what it listens to.
    """

    def __init__(self, backend: Backend, bus: Bus) -> None:
        self._backend = backend
        bus.handle(Verify, Kind.PROJECT, lambda command: self._clones().verify(command.project))
        bus.handle(Repair, Kind.PROJECT, lambda command: self._clones().repair(command.project))
        bus.handle(Maintain, Kind.PROJECT, lambda command: self._clones().maintain(command.project))

    def _clones(self) -> Repairable:
        if isinstance(self._backend, Repairable):
            return self._backend
        raise UnsupportedError("this store has no clones that could be damaged")

"""The services: one for each kind, reached by commands, and nobody else holds a backend.

:func:`connect` puts them on a bus. Records have one generic service
(:mod:`~padre_git.services.record`) that a row of :mod:`~padre_git.services.kinds` makes specific;
computations and splits, which are parts of runs, have their own (:mod:`~padre_git.services.parts`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from padre_git.backends.base import Backend
from padre_git.bus import Bus
from padre_git.model import Kind, Record
from padre_git.services.annotating import Annotating
from padre_git.services.exchange import ExchangeService
from padre_git.services.kinds import KINDS
from padre_git.services.parts import ComputationService, Large, SplitService
from padre_git.services.record import RecordService
from padre_git.services.recovery import RecoveryService
from padre_git.services.worktrees import WorkTreeService

__all__ = ["Large", "connect"]


def _now() -> datetime:
    return datetime.now(UTC)


class _InGit:
    """Keeps parts of any size in git."""

    def read(self, record: Record, name: str) -> bytes | None:
        """See :class:`Large`."""
        return None

    def settled(
        self, record: Record, files: Mapping[str, bytes], names: Sequence[str]
    ) -> Mapping[str, bytes]:
        """See :class:`Large`."""
        return files


_IN_GIT = _InGit()


def connect(
    backend: Backend,
    bus: Bus,
    *,
    clock: Callable[[], datetime] = _now,
    large: Large = _IN_GIT,
    runs: Backend | None = None,
) -> None:
    """Puts a service for every kind on the bus.

    Args:
        backend: where records are; whoever made it closes it.
        bus: where commands come from and events go.
        clock: returns the time, with zone.
        large: keeps the parts of runs that are too large for git.
        runs: what runs are read from, and which experiments have some, if that knows of more than
            the backend.
    """
    for kind in KINDS:
        reads = runs if kind in (Kind.EXPERIMENT, Kind.RUN) else None
        RecordService(kind, backend, bus, clock, reads=reads or backend)
    ExchangeService(backend, bus)
    RecoveryService(backend, bus)
    WorkTreeService(backend, bus)
    Annotating(backend, bus, clock)
    ComputationService(backend, bus, reads=runs or backend)
    SplitService(backend, bus, large, reads=runs or backend)

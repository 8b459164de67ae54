"""The services: one for each kind, reached by commands, and nobody else holds a backend.

:func:`connect` puts them on a bus. Records have one generic service
(:mod:`~padre_git.services.record`) that a row of :mod:`~padre_git.services.kinds` makes specific;
computations and splits, which are parts of runs, have their own (:mod:`~padre_git.services.parts`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from padre_git.backends.base import Backend
from padre_git.bus import Bus
from padre_git.model import Record
from padre_git.services.annotating import Annotating
from padre_git.services.exchange import ExchangeService
from padre_git.services.kinds import KINDS
from padre_git.services.parts import ComputationService, Large, SplitService
from padre_git.services.record import RecordService

__all__ = ["Large", "connect"]


def _now() -> datetime:
    return datetime.now(UTC)


def _nothing_large(record: Record, name: str) -> bytes | None:
    return None


def connect(
    backend: Backend,
    bus: Bus,
    *,
    clock: Callable[[], datetime] = _now,
    large: Large = _nothing_large,
) -> None:
    """Puts a service for every kind on the bus.

    Args:
        backend: where records are; whoever made it closes it.
        bus: where commands come from and events go.
        clock: returns the time, with zone.
        large: reads the parts of runs that are kept as artifacts.
    """
    for kind in KINDS:
        RecordService(kind, backend, bus, clock)
    ExchangeService(backend, bus)
    Annotating(backend, bus, clock)
    ComputationService(backend, bus)
    SplitService(backend, bus, large)

"""Runs of a store with clones: those that are running or lost are among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from padre_git.api.points import Points
from padre_git.api.watching import Watched
from padre_git.collections import Ref, Runs, Session
from padre_git.messages import Exists
from padre_git.model import Key, Kind, Record, Run

__all__ = ["WatchedRuns"]


class WatchedRuns(Runs):
    """Is all runs, stored or not.

    Args:
        session: of the store.
        large: reads parts that were too large for the run's directory.
        points: finds stored runs by what they tried.
        watched: knows the runs that are running, or lost.
    """

    def __init__(
        self,
        session: Session,
        large: Callable[[Record, str], bytes | None],
        points: Points,
        watched: Watched,
    ) -> None:
        super().__init__(session, large, points, watched.going)
        self._watched = watched

    def delete(self, ref: Ref, *, mode: str = "all", force: bool = False) -> None:
        """Deletes a run; of one that is lost, what it logged. See :meth:`Collection.delete`.

        Raises:
            LockedError: if it is running.
        """
        key = self.key(ref)
        was_lost = self._watched.discard(key)
        if not was_lost or self._is_stored(key):
            super().delete(key, mode=mode, force=force)

    def _annotate(self, ref: Ref, **what: Any) -> Run:
        key = self.key(ref)
        self._watched.check_recorded(key)
        return super()._annotate(key, **what)

    def _is_stored(self, key: Key) -> bool:
        return self._bus.send(Exists(subject=Kind.RUN, key=key))

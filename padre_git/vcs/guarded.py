"""A clone as it keeps its writers apart: its lock, its queue, and refs that move under the lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from padre_git.vcs.clonelock import CloneLock
from padre_git.vcs.deadlocks import clear_left
from padre_git.vcs.queue import Queue
from padre_git.vcs.restarts import Restarts
from padre_git.vcs.thinning import Thinning

__all__ = ["Guarded"]


class Guarded(Thinning):
    """Is the part of a clone that keeps other writers of ours away.

    Attributes:
        guard: keeps other writers of ours from this clone, see :meth:`lock`.
        queue: what other writers of ours have handed over, see :mod:`padre_git.vcs.queue`.
    """

    def __init__(self, path: str | Path, *, branch: str) -> None:
        super().__init__(path, branch=branch)
        self.guard = CloneLock(
            self._own / "lock", of=self.path, mark=self._mark, setting=self._config.get
        )
        self.queue = Queue(self._own / "queue")
        self._restarts = Restarts(self._own)

    def write_ref(self, name: str, new: str, old: str | None) -> None:
        """Moves a ref durably if it is at ``old`` (None: does not exist).

        Raises:
            StaleRefError: if it is somewhere else.
        """
        with self.lock():
            self._refs.write(name, new, old)

    def delete_ref(self, name: str, old: str | None = None) -> None:
        """Deletes a ref durably if it is at ``old`` (None: wherever it is).

        Raises:
            StaleRefError: if it is somewhere else.
        """
        with self.lock():
            self._refs.delete(name, old)

    @contextmanager
    def lock(self, *, timeout: float = 60.0) -> Iterator[None]:
        """Holds this clone against other writers of ours; a thread can take it again.

        Args:
            timeout: seconds to wait for another process.

        Raises:
            LockedError: if it was held for all that time.
        """
        with self.guard.hold(timeout):
            clear_left(self.common_dir, self.guard.tell, is_first=self._restarts.is_first())
            yield

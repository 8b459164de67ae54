"""Publishing in the background: ended runs go out together, soon, and nobody waits for them."""

from __future__ import annotations

import atexit
import logging
import math
import os
import threading
import time
from collections.abc import Callable

from padre_git.errors import PadreGitError

__all__ = ["Batch"]

_log = logging.getLogger(__name__)


class Batch:
    """Publishes projects some seconds after they were named, each once for many names.

    The thread is started with the first name and ends with the process. What is still waiting when
    the interpreter ends is published then.
    """

    def __init__(
        self,
        publish: Callable[[str], None],
        *,
        delay: float,
        tell: Callable[[str, PadreGitError], None],
    ) -> None:
        """Makes an empty batch.

        Args:
            publish: publishes one project.
            delay: seconds a project waits at most.
            tell: hears what could not be published, and why.
        """
        self._publish = publish
        self._delay = delay
        self._tell = tell
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._busy = threading.RLock()
        self._waiting: dict[str, float] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def add(self, project: str) -> None:
        """Lets a project be published soon."""
        if self._pid != os.getpid():  # a fork has neither the thread nor what it was to publish
            self._reset()
        with self._changed:
            self._waiting.setdefault(project, time.monotonic() + self._delay)
            self._closed = False
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="padre-push", daemon=True)
                self._thread.start()
                atexit.register(self.close)
            self._changed.notify()

    def flush(self) -> None:
        """Publishes what is waiting, now, and waits for what is being published.

        Raises:
            PadreGitError: the first failure, after everything was tried.
        """
        with self._busy:
            tried = [self._try(project) for project in self._take(math.inf)]
        failures = [error for error in tried if error is not None]
        if failures:
            raise failures[0]

    def close(self) -> None:
        """Publishes what is waiting and ends the thread; failures are told, not raised."""
        if self._pid != os.getpid():
            return
        with self._busy:
            for project in self._take(math.inf):
                self._try_and_tell(project)
        with self._changed:
            self._closed = True
            thread, self._thread = self._thread, None
            self._changed.notify()
        if thread is not None:
            atexit.unregister(self.close)
            if thread is not threading.current_thread():
                thread.join()

    def _take(self, until: float) -> list[str]:
        """Takes the projects that are due at a time away from those that wait."""
        with self._changed:
            due = [name for name, when in self._waiting.items() if when <= until]
            for name in due:
                del self._waiting[name]
            return due

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                first = min(self._waiting.values(), default=None)
                rest = None if first is None else first - time.monotonic()
                if rest is None or rest > 0:
                    self._changed.wait(rest)
                    continue
            with self._busy:
                for project in self._take(time.monotonic()):
                    self._try_and_tell(project)

    def _try(self, project: str) -> PadreGitError | None:
        try:
            self._publish(project)
        except PadreGitError as error:
            return error
        return None

    def _try_and_tell(self, project: str) -> None:
        try:
            self._publish(project)
        except PadreGitError as error:
            self._tell(project, error)
        except Exception:  # noqa: BLE001 - the thread must live on for the other projects
            _log.exception("publishing '%s' in the background failed", project)

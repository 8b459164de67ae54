"""Publishing in the background: ended runs go out together, soon, and nobody waits for them."""

from __future__ import annotations

import atexit
import logging
import math
import os
import threading
import time
import weakref
from collections.abc import Callable

from padre_git.errors import PadreGitError, RemoteError, RemoteUnavailableError

__all__ = ["Batch", "UnfinishedError"]

_log = logging.getLogger(__name__)
#: Seconds that the end of a program may wait for what is still to be published.
_CLOSING = 30.0
#: Seconds that git is given to go when it is told to.
_GOING = 12.0
#: Seconds after which a remote that did not answer is tried again, at the earliest.
_AGAIN = 5.0


class UnfinishedError(RemoteError):
    """Says that something was not published because the program, or the store, ended."""


class Batch:
    """Publishes projects some seconds after they were named, each once for many names.

    The thread is started with the first name and ends with :meth:`close` or the process. What is
    still waiting when the interpreter ends is published then, within a limit.
    """

    def __init__(
        self,
        publish: Callable[[str], None],
        *,
        delay: float,
        tell: Callable[[str, PadreGitError], None],
        ready: Callable[[], bool] = lambda: True,
        stop: Callable[[], object] = lambda: None,
        closing: float = _CLOSING,
    ) -> None:
        """Makes an empty batch.

        Args:
            publish: publishes one project.
            delay: seconds a project waits at most.
            tell: hears what could not be published, and why.
            ready: returns whether the remote is worth trying without being asked to.
            stop: ends what is being published.
            closing: seconds that closing may wait.
        """
        self._publish = publish
        self._delay = delay
        self._tell = tell
        self._ready = ready
        self._stop = stop
        self._closing = closing
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._busy = threading.RLock()
        self._waiting: dict[str, float] = {}
        self._now: str | None = None
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
                _open.add(self)
            self._changed.notify()

    def flush(self) -> None:
        """Publishes what is waiting, now, and waits for what is being published.

        Raises:
            PadreGitError: the first failure, after everything was tried.
        """
        if self._pid != os.getpid():
            return
        with self._busy:
            tried = [self._try(project) for project in self._take(math.inf)]
        failures = [error for error in tried if error is not None]
        if failures:
            raise failures[0]

    def close(self) -> None:
        """Publishes what is waiting and ends the thread; failures are told, not raised.

        It returns within a limit: what was not published by then stands here, and that is told.
        """
        if self._pid != os.getpid():
            return
        with self._changed:
            self._closed = True
            thread, self._thread = self._thread, None
            self._changed.notify()
        _open.discard(self)
        if thread is None or thread is threading.current_thread():
            return
        thread.join(self._closing)
        if thread.is_alive():
            late = [name for name in (self._now, *self._take(math.inf)) if name is not None]
            self._stop()
            thread.join(_GOING)
            for project in late:
                text = f"'{project}' was not published within {self._closing:g} seconds"
                hint = "the commits stand here; the next push or sync offers them again"
                self._tell(project, UnfinishedError(text, key=project, hint=hint))

    def _take(self, until: float) -> list[str]:
        """Takes the projects that are due at a time away from those that wait."""
        with self._changed:
            due = [name for name, when in self._waiting.items() if when <= until]
            for name in due:
                del self._waiting[name]
            return due

    def _run(self) -> None:
        while (due := self._next_due()) is not None:
            with self._busy:
                for project in self._take(due):
                    self._now = project
                    self._try_soon(project)
                    self._now = None

    def _next_due(self) -> float | None:
        """Waits for something to be due and returns until when; None if nothing will be."""
        with self._changed:
            while True:
                if self._closed:
                    return math.inf if self._waiting else None
                first = min(self._waiting.values(), default=None)
                rest = None if first is None else first - time.monotonic()
                if rest is not None and rest <= 0:
                    return time.monotonic()
                self._changed.wait(rest)

    def _try(self, project: str) -> PadreGitError | None:
        try:
            self._publish(project)
        except PadreGitError as error:
            return error
        return None

    def _try_soon(self, project: str) -> None:
        """Publishes without being asked to; a remote that does not answer is tried again later."""
        try:
            if self._ready():
                self._publish(project)
            else:
                self._again(project)
        except RemoteUnavailableError as error:
            self._again(project)
            self._tell(project, error)
        except PadreGitError as error:
            self._tell(project, error)
        except Exception:  # noqa: BLE001 - the thread must live on for the other projects
            _log.exception("publishing '%s' in the background failed", project)

    def _again(self, project: str) -> None:
        with self._changed:
            if not self._closed:
                when = time.monotonic() + max(self._delay, _AGAIN)
                self._waiting.setdefault(project, when)


_open: weakref.WeakSet[Batch] = weakref.WeakSet()


# Registered when this module is imported, and so run after everything that was registered later:
# what ends the runs that are still open adds to these batches.
@atexit.register
def _at_exit() -> None:
    for batch in list(_open):
        batch.close()

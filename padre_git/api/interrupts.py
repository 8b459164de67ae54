"""Interrupts: how a process's end reaches the runs that are still open in it.

SIGTERM, where it would kill the process, becomes :class:`Interrupted`, raised in the main thread:
blocks are left in order, each run is recorded as aborted, the handlers are put back and the signal
is delivered again, so that whoever sent it sees the process die of it. Where the program has a
handler of its own, this is called instead and the runs it interrupted end as aborted when their
blocks end. The same holds for other signals that kill a process which does not expect them, as
when a terminal closes or a scheduler gives notice; a handler for one of these is the program's own
affair, since it may mean anything. SIGINT is Python's KeyboardInterrupt and needs none of this,
unless something replaced its handler. At interpreter exit, runs that nobody ended are ended
(docs/recording).
"""

from __future__ import annotations

import atexit
import builtins
import os
import signal
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Protocol

# imported before this module's own end is registered, and so ended after it
import padre_git.backends.batching  # noqa: F401
from padre_git.model import Status

__all__ = ["Interrupted", "Interruptible", "enter", "forget", "leave", "watch"]


class Interrupted(SystemExit):
    """Says that a signal asks this process to end; not an error, so that few catch it."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


class Interruptible(Protocol):
    """Is a run that is open in this process."""

    interrupted: bool

    def end_at_exit(self, status: Status, error: BaseException | None) -> None:
        """Ends the run because the process does; never raises."""

    def disown(self) -> None:
        """Gives the run up: this is a forked child, the parent keeps it."""


_open: list[Interruptible] = []
_previous: dict[int, Any] = {}
_pending: list[int] = []
_waiting: list[list[int]] = []
_process = [os.getpid()]
_blocks = threading.local()
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_NOTICES = [
    getattr(signal, name)
    for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
    if hasattr(signal, name)
]


def watch(run: Interruptible) -> None:
    """Keeps an eye on the process for a run that begins."""
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            _install(number)
        unexpected = [n for n in _NOTICES if signal.getsignal(n) is signal.SIG_DFL]
        caught = _caught() if unexpected else 0
        for number in unexpected:
            if not caught >> (number - 1) & 1:
                _install(number)
    _open.append(run)


def forget(run: Interruptible) -> None:
    """Takes a run off that has ended; with the last one, the signals' handlers are put back."""
    with suppress(ValueError):
        _open.remove(run)
    if not _open and threading.current_thread() is threading.main_thread():
        _restore()


def enter() -> None:
    """Notes that a run's block begins in this thread."""
    _blocks.depth = getattr(_blocks, "depth", 0) + 1


def leave(error: BaseException | None) -> None:
    """Notes that a block ends; after the last one, the process dies of the signal that ended it."""
    _blocks.depth -= 1
    if not _blocks.depth and isinstance(error, Interrupted) and error.number in _pending:
        _end_all(Status.ABORTED, None)
        _die(error.number)


@contextmanager
def postponed() -> Iterator[None]:
    """Lets signals wait while something is done that takes a moment and must not be torn."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _waiting.append([])
    try:
        yield
    finally:
        late = _waiting.pop()
        if _waiting:
            _waiting[-1].extend(late)
    if late and not _waiting:
        _on_signal(late[0], None)


def is_interactive() -> bool:
    """Returns whether a person types into this process: a prompt or a notebook."""
    return hasattr(sys, "ps1") or hasattr(builtins, "get_ipython")


def _install(number: signal.Signals) -> None:
    previous = signal.getsignal(number)
    if previous in (None, signal.SIG_IGN, signal.default_int_handler, _on_signal):
        return
    _previous[number] = previous
    signal.signal(number, _on_signal)


def _caught() -> int:
    """Returns the signals for which somebody has a handler that Python does not know of.

    Such as ``faulthandler.register(SIGUSR1)``. One bit each; nothing where nobody says.
    """
    with suppress(OSError, ValueError, IndexError):
        descriptor = os.open("/proc/self/status", os.O_RDONLY)  # at the start of every run
        try:
            text = os.read(descriptor, 8192)
        finally:
            os.close(descriptor)
        return int(text.partition(b"SigCgt:")[2].split(maxsplit=1)[0], 16)
    return 0


def _restore() -> None:
    for number, handler in list(_previous.items()):
        if signal.getsignal(number) is _on_signal:
            signal.signal(number, handler)
        del _previous[number]


def _on_signal(number: int, frame: FrameType | None) -> None:
    if os.getpid() != _process[0]:  # a child, before it could be told that it is one
        _after_fork()
    if _waiting:
        _waiting[-1].append(number)
        return
    previous = _previous.get(number, signal.SIG_DFL)
    for run in _open:
        run.interrupted = True
    if callable(previous):
        previous(number, frame)
        return
    if not _open or number in _pending:  # a child, or somebody insists
        _die(number)
    _pending.append(number)
    raise Interrupted(number)


def _die(number: int) -> None:
    _restore()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _end_all(status: Status, error: BaseException | None) -> None:
    for run in reversed(_open[:]):
        run.end_at_exit(status, error)


# What is registered last runs first: the first finalizer of a process registers all of them, and
# those that end git's processes must find the last run committed.
weakref.finalize(_end_all, int)


@atexit.register
def _at_exit() -> None:
    error = getattr(sys, "last_value", None)
    if _pending or is_interactive() or isinstance(error, KeyboardInterrupt):
        _end_all(Status.ABORTED, None)
    elif error is not None:
        _end_all(Status.FAILED, error)
    else:
        _end_all(Status.FINISHED, None)
    if _pending:
        _die(_pending[0])


def _after_fork() -> None:
    for run in _open:
        run.disown()
    _open.clear()
    _pending.clear()
    _waiting.clear()
    _process[:] = [os.getpid()]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

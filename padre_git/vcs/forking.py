"""Processes that we start, kept apart from forks of this one.

A fork is a copy of everything at a moment that it does not choose: it holds the ends of pipes that
some other thread is just using. While it holds the writing end, whoever reads never sees the end:
neither a git command that is given its input nor Python, which waits so for a command to start.
"""

from __future__ import annotations

import io
import os
import subprocess
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

__all__ = ["ProcessLock", "drop_pipes", "no_fork", "start"]

#: Whoever holds it is never in the middle of something when another thread forks.
no_fork = threading.RLock()
_started: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()
_locks: weakref.WeakSet[ProcessLock] = weakref.WeakSet()


class ProcessLock:
    """Is a lock between threads of one process, to be taken with ``with``, also again.

    A fork finds it free: there is no thread of the parent's in it that could give it back.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        with no_fork:
            _locks.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        with suppress(RuntimeError):  # a fork in the middle of it has a new one, and not taken it
            self._lock.release()

    def renew(self) -> None:
        """Makes it free, in a fork."""
        self._lock = threading.RLock()


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Starts a process as ``subprocess.Popen`` does; a fork has no part in its pipes.

    Args:
        command: the program and its arguments.
        options: of ``subprocess.Popen``.

    Raises:
        OSError: if it cannot be started.
    """
    with no_fork:  # no fork meanwhile: it would keep us from hearing that the process runs
        process = subprocess.Popen(command, **options)
        _started.add(process)
    return process


def drop_pipes(process: subprocess.Popen[bytes]) -> None:
    """Closes a fork's ends of the pipes below their buffers.

    A thread of the parent may have been reading, whose hold on a buffer nobody gives back here,
    and what a buffer has is the parent's to write.
    """
    for pipe in (process.stdin, process.stdout, process.stderr):
        if isinstance(pipe, io.BufferedReader | io.BufferedWriter):
            with suppress(OSError):
                pipe.raw.close()


def _after_fork() -> None:
    no_fork.release()
    for process in list(_started):
        drop_pipes(process)
    _started.clear()
    for lock in list(_locks):
        lock.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=no_fork.acquire,
        after_in_parent=no_fork.release,
        after_in_child=_after_fork,
    )

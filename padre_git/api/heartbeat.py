"""The heartbeat: a file is touched once a minute while a run is open in this process.

A run may compute for hours without logging anything. One thread does it for all runs; it ends when
it finds none, so that short runs do not start one each, and does not come along when the process
forks.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["PERIOD", "begin", "end"]

#: Seconds between two beats.
PERIOD = 60.0
_beating: set[Path] = set()
_lock = threading.Lock()
_thread: threading.Thread | None = None


def begin(file: Path) -> None:
    """Touches a file once a minute from now on."""
    global _thread
    with _lock:
        _beating.add(file)
        if _thread is None:
            thread = threading.Thread(target=_beat, name="padre-heartbeat", daemon=True)
            thread.start()
            _thread = thread


def end(file: Path) -> None:
    """Lets a file be."""
    with _lock:
        _beating.discard(file)


def _beat() -> None:
    global _thread
    while True:
        time.sleep(PERIOD)
        with _lock:
            files = list(_beating)
            if not files:
                _thread = None
                return
        for file in files:
            with suppress(OSError):  # somebody has cleaned up; what it logs is another matter
                os.utime(file)


def _after_fork() -> None:
    global _lock, _thread
    _lock, _thread = threading.Lock(), None  # another thread may have held it
    _beating.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

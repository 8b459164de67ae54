"""The heartbeat: a file is touched once a minute while a run is open in this process.

A run may compute for hours without logging anything. One thread does it for all runs; it ends with
the last of them, and does not come along when the process forks.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

__all__ = ["PERIOD", "begin", "end"]

#: Seconds between two beats.
PERIOD = 60.0
_beating: set[Path] = set()
_lock = threading.Lock()
_stop = threading.Event()


def begin(file: Path) -> None:
    """Touches a file once a minute from now on."""
    with _lock:
        is_first = not _beating
        _beating.add(file)
        if is_first:
            _stop.clear()
            threading.Thread(
                target=_beat, name="padre-heartbeat", args=(_stop,), daemon=True
            ).start()


def end(file: Path) -> None:
    """Lets a file be."""
    global _stop
    with _lock:
        _beating.discard(file)
        if not _beating:
            _stop.set()
            _stop = threading.Event()


def _beat(stop: threading.Event) -> None:
    while not stop.wait(PERIOD):
        with _lock:
            files = list(_beating)
        for file in files:
            with suppress(OSError):  # somebody has cleaned up; what it logs is another matter
                os.utime(file)


def _after_fork() -> None:
    global _lock, _stop
    _lock, _stop = threading.Lock(), threading.Event()  # another thread may have held them
    _beating.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

"""Killing: a piece of work in a process that dies at a chosen change of the file system."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["killed"]

_CHANGES = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "open", "os.truncate"}


def _die_at(number: int, root: Path) -> None:
    """Kills this process at the n-th change that it is about to make below a directory."""
    count = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event not in _CHANGES or str(root) not in str(arguments[0]):
            return
        if event == "open" and not int(arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
            return
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def killed(number: int, root: Path, work: Callable[[], object]) -> bool:
    """Does a piece of work in a fork that is killed at its n-th change; tells whether it was."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _die_at(number, root)
            work()
            code = 0
        finally:
            os._exit(code)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in {0, -signal.SIGKILL}
    return ended != 0

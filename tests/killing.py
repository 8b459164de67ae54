"""Killing: a piece of work in a process that dies at a chosen change of the file system."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

__all__ = ["at_change", "killed"]

_CHANGES = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "open", "os.truncate"}


def _do_at(number: int, root: Path, deed: Callable[[], object]) -> Callable[[], bool]:
    """Does something at the n-th change that this process is about to make below a directory.

    Returns:
        What tells whether it was done.
    """
    count = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event not in _CHANGES or str(root) not in str(arguments[0]):
            return
        if event == "open" and not int(str(arguments[2] or 0)) & (os.O_WRONLY | os.O_RDWR):
            return
        count += 1
        if count == number:
            deed()

    sys.addaudithook(hook)
    return lambda: count >= number


def _die_at(number: int, root: Path) -> None:
    """Kills this process at the n-th change that it is about to make below a directory."""
    _do_at(number, root, partial(os.kill, os.getpid(), signal.SIGKILL))


def _fork(work: Callable[[], int]) -> int:
    """Does a piece of work in a fork, and returns how that has ended."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = work()
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed(number: int, root: Path, work: Callable[[], object]) -> bool:
    """Does a piece of work in a fork that is killed at its n-th change; tells whether it was."""

    def dying() -> int:
        _die_at(number, root)
        work()
        return 0

    ended = _fork(dying)
    assert ended in {0, -signal.SIGKILL}
    return ended != 0


def at_change(
    number: int, root: Path, work: Callable[[], object], deed: Callable[[], object]
) -> bool:
    """Does a piece of work in a fork, and something else at its n-th change.

    Returns:
        Whether there was such a change.
    """

    def disturbed() -> int:
        is_done = _do_at(number, root, deed)
        work()
        return 3 if is_done() else 0

    ended = _fork(disturbed)
    assert ended in {0, 3}
    return ended == 3

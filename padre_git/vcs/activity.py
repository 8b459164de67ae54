"""Signs of life of a git command and of everything that it started, besides what it says."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["is_at_work", "work_of"]

_PROC = Path("/proc")
#: Less than this is said by connections that only keep each other alive.
_WORTH = 16_384
#: A second of computing is a hundred ticks; a few of them are worth as much as some bytes.
_TICK = 4_000


def work_of(session: int) -> int | None:
    """Returns a number that grows while the processes of a session read, write or compute.

    Args:
        session: the process id of the session's first process.

    Returns:
        The number; None where the system does not tell.
    """
    total, found = 0, False
    for entry in os.scandir(_PROC) if _PROC.is_dir() else ():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):  # it may end meanwhile
                total += _work(Path(entry.path), session)
                found = True
    return total if found else None


def is_at_work(before: int | None, after: int | None) -> bool:
    """Returns whether a session has done something worth waiting for between two looks."""
    # the part of a process that has ended is missing afterwards: that it ended is a step, too
    return before is not None and after is not None and not 0 <= after - before < _WORTH


def _work(process: Path, session: int) -> int:
    # the name, in parentheses, may hold anything
    fields = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
    if int(fields[3]) != session:
        return 0
    ticks = int(fields[11]) + int(fields[12])
    counts = dict(line.split(": ") for line in (process / "io").read_text().splitlines())
    return ticks * _TICK + int(counts["rchar"]) + int(counts["wchar"])

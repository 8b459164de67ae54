"""Signs of life of a git command and of everything that it started, besides what it says."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Work", "is_at_work", "work_of"]

_PROC = Path("/proc")
#: A second of computing is a hundred ticks. Waiting costs a little, too: curl looks around twenty
#: times a second.
_TICKS_A_SECOND = 2.0
#: Connections that only keep each other alive say less.
_BYTES_A_SECOND = 200.0


@dataclass(frozen=True, kw_only=True)
class Work:
    """Is what the processes of a session have done so far.

    Attributes:
        ticks: of processor time.
        size: bytes read and written.
    """

    ticks: int
    size: int


def work_of(session: int) -> Work | None:
    """Returns what the processes of a session have done; None where the system does not tell.

    Args:
        session: the process id of the session's first process.
    """
    ticks, size, found = 0, 0, False
    for entry in os.scandir(_PROC) if _PROC.is_dir() else ():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):  # it may end meanwhile
                work = _work(Path(entry.path), session)
                ticks, size, found = ticks + work.ticks, size + work.size, True
    return Work(ticks=ticks, size=size) if found else None


def is_at_work(before: Work | None, after: Work | None, seconds: float) -> bool:
    """Returns whether a session has done something worth waiting for between two looks.

    Args:
        before: the first look.
        after: the second one.
        seconds: between the two.
    """
    if before is None or after is None:
        return False
    ticks, size = after.ticks - before.ticks, after.size - before.size
    if ticks < 0 or size < 0:  # a process has ended, and its part is missing: that is a step, too
        return True
    return ticks >= _TICKS_A_SECOND * seconds or size >= _BYTES_A_SECOND * seconds


def _work(process: Path, session: int) -> Work:
    # the name, in parentheses, may hold anything
    fields = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
    if int(fields[3]) != session:
        return Work(ticks=0, size=0)
    counts = dict(line.split(": ") for line in (process / "io").read_text().splitlines())
    return Work(
        ticks=int(fields[11]) + int(fields[12]), size=int(counts["rchar"]) + int(counts["wchar"])
    )

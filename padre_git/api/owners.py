"""Owners: which process writes a spool, and whether it is still alive.

Whoever begins or continues a run makes the next of ``owner.1``, ``owner.2`` … in its spool; making
a file that must not exist decides between two that want the same, on any file system. The last one
tells process and batch job; its time is the heartbeat. Of a process of this machine it is known
whether it is dead (:mod:`padre_git.processes`); one of elsewhere is taken for lost after ten
minutes of silence, or when the scheduler has started its task again.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padre_git import processes
from padre_git.api.spool import EVENTS, read_file

__all__ = ["SILENCE", "Job", "Owner", "claim", "owner_of"]

#: Seconds without a sign of life after which a process of elsewhere is taken for lost.
SILENCE = 600.0
_NAME = re.compile(r"owner\.([1-9][0-9]{0,8})")
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL


@dataclass(frozen=True, kw_only=True)
class Job:
    """Is the batch job that a process belongs to.

    Attributes:
        name: scheduler, job, task and process in it, such as ``slurm 4711_3 0``.
        attempt: how often the scheduler has started it again; None where it does not say.
    """

    name: str
    attempt: int | None = None


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Is who writes a spool.

    Attributes:
        number: of owners that the spool has had, this one among them.
        process: the process; None if nothing says which.
        job: its batch job; None for none.
        records: whether it does not run the run, but commits what a dead process has left.
        left: whether it has ended the run, and leaves the commit to somebody who can make it.
        seen: its last sign of life, in seconds since 1970.
        spool: the directory that it writes.
    """

    number: int
    process: processes.Owner | None
    job: Job | None
    records: bool
    left: bool
    seen: float
    spool: Path

    def __str__(self) -> str:
        return str(self.process or "an unknown process")

    def is_dead(self, job: Job | None = None) -> bool:
        """Returns whether it is known that this process has ended.

        Args:
            job: of the process that asks: a task that was started again is the end of the one
                before.
        """
        if self.left or self._was_requeued(job):
            return True
        return self.process is not None and self.process.is_gone()

    def _was_requeued(self, job: Job | None) -> bool:
        if job is None or self.job is None or job.name != self.job.name:
            return False
        return None not in (job.attempt, self.job.attempt) and job != self.job

    def is_lost(self, job: Job | None = None) -> bool:
        """Returns whether its runs are lost: it is dead, or has been silent for long."""
        if self.is_dead(job):
            return True
        if self.process is not None and self.process.is_near():
            return False  # stopped or busy, but there
        if time.time() - self.seen <= SILENCE:
            return False
        from padre_git.vcs.leftovers import time_there

        # the clock of this machine may be ahead; the signs have their times from the file system
        return (time_there(self.spool) or time.time()) - self.seen > SILENCE

    def is_me(self) -> bool:
        """Returns whether it is this process."""
        return self.process is not None and self.process.is_here() and not self.left


def owner_of(directory: Path) -> Owner:
    """Returns the last owner of a spool; an unknown one if nothing says who.

    Raises:
        OSError: if the spool cannot be read.
    """
    number = _last(directory)
    seen = max(_changed(directory / EVENTS), _changed(directory / f"owner.{number}"))
    content, said = b"", None
    with suppress(OSError, ValueError):
        content = read_file(directory / f"owner.{number}")
        said = json.loads(content)
    about: dict[str, Any] = said if isinstance(said, dict) else {}
    return Owner(
        number=number,
        process=processes.parse_owner(content),
        job=_job(about.get("job"), about.get("attempt")),
        records=about.get("records") is True,
        left=about.get("left") is True,
        seen=seen or _changed(directory),
        spool=directory,
    )


def _job(name: object, attempt: object) -> Job | None:
    if not isinstance(name, str) or not name:
        return None
    return Job(name=name, attempt=attempt if type(attempt) is int else None)


def claim(
    directory: Path,
    after: int,
    *,
    job: Job | None = None,
    records: bool = False,
    left: bool = False,
) -> Path:
    """Makes this process the next owner of a spool; returns the file whose time is its heartbeat.

    Args:
        directory: of the spool.
        after: the number of the owner before, 0 for none.
        job: of this process.
        records: see :class:`Owner`.
        left: see :class:`Owner`.

    Raises:
        FileExistsError: if another process was faster.
        OSError: if it cannot be written.
    """
    about = vars(processes.this_process()) | {"records": records, "left": left}
    if job is not None:
        about |= {"job": job.name, "attempt": job.attempt}
    path = directory / f"owner.{after + 1}"
    descriptor = os.open(path, _CREATE, 0o600)
    try:
        os.write(descriptor, json.dumps(about).encode())
    finally:
        os.close(descriptor)
    return path


def _last(directory: Path) -> int:
    found = (_NAME.fullmatch(name) for name in os.listdir(directory))  # noqa: PTH208
    return max((int(match[1]) for match in found if match), default=0)


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0

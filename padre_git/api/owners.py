"""Owners: which process writes a spool, and whether it is still alive.

Whoever begins or continues a run makes the next of ``owner.1``, ``owner.2`` … in its spool; making
a file that must not exist decides between two that want the same, on any file system. The last one
tells host, process and batch job; its time is the heartbeat. A process of this machine is known
to be dead when its id is gone, or belongs to another process since; one of elsewhere is taken for
lost after ten minutes of silence, or when the scheduler has started its task again.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

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
    """Is the process that writes a spool.

    Attributes:
        number: of owners that the spool has had, this one among them.
        host: name of its machine.
        machine: id of its machine; empty if it has none.
        boot: of the machine, since it was started; empty if it does not say.
        space: in which process ids are counted, as in a container; empty if there is one only.
        pid: its id.
        began: when it began, as the system counts; empty if it does not say.
        job: its batch job's name; empty for none.
        attempt: see :class:`Job`.
        records: whether it does not run the run, but commits what a dead process has left.
        left: whether it has ended the run, and leaves the commit to somebody who can make it.
        seen: its last sign of life, in seconds since 1970.
    """

    number: int = 0
    host: str = ""
    machine: str = ""
    boot: str = ""
    space: str = ""
    pid: int = 0
    began: str = ""
    job: str = ""
    attempt: int | None = None
    records: bool = False
    left: bool = False
    seen: float = 0.0

    def __str__(self) -> str:
        return f"process {self.pid} on '{self.host}'" if self.pid else "an unknown process"

    def is_dead(self, job: Job | None = None) -> bool:
        """Returns whether it is known that this process has ended.

        Args:
            job: of the process that asks: a task that was started again is the end of the one
                before.
        """
        if self.left or self._was_requeued(job):
            return True
        here = _here()
        if (self.host, self.machine) != (here.host, here.machine):
            return False
        if self.boot != here.boot:
            return True
        if self.space != here.space:
            return False
        began = _beginning(self.pid)
        return began is None or bool(began and self.began and began != self.began)

    def _was_requeued(self, job: Job | None) -> bool:
        if job is None or job.name != self.job or None in (job.attempt, self.attempt):
            return False
        return job.attempt != self.attempt

    def is_lost(self, job: Job | None = None) -> bool:
        """Returns whether its runs are lost: it is dead, or has been silent for long."""
        if self.is_dead(job):
            return True
        here = _here()
        if (self.host, self.machine, self.boot, self.space) == (
            here.host, here.machine, here.boot, here.space,
        ):  # fmt: skip
            return False  # stopped or busy, but there
        return time.time() - self.seen > SILENCE

    def is_me(self) -> bool:
        """Returns whether it is this process."""
        return (self.pid, self.began) == (os.getpid(), _here_now().began) and not self.is_dead()


def owner_of(directory: Path) -> Owner:
    """Returns the last owner of a spool; an unknown one if nothing says who.

    Raises:
        OSError: if the spool cannot be read.
    """
    number = _last(directory)
    seen = max(_changed(directory / EVENTS), _changed(directory / f"owner.{number}"))
    found: Any = None
    with suppress(OSError, ValueError):
        found = json.loads(read_file(directory / f"owner.{number}"))
    known = found if isinstance(found, dict) else {}
    wanted = {field.name: field.type for field in fields(Owner)}
    fitting = {n: v for n, v in known.items() if n in wanted and _fits(v, str(wanted[n]))}
    return Owner(**{**fitting, "number": number, "seen": seen or _changed(directory)})


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
    about = asdict(_here_now()) | {"records": records, "left": left}
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


def _fits(value: object, wanted: str) -> bool:
    kinds = {"int": int, "str": str, "bool": bool, "float": float, "int | None": int | None}
    return isinstance(value, kinds[wanted]) and (wanted == "bool" or not isinstance(value, bool))


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


@cache
def _here() -> Owner:
    """Returns this machine as an owner without a process."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return Owner(
        host=socket.gethostname(),
        machine=_text("/etc/machine-id"),
        boot=_text("/proc/sys/kernel/random/boot_id"),
        space=space,
    )


def _here_now() -> Owner:
    here, pid = _here(), os.getpid()
    return Owner(**asdict(here) | {"pid": pid, "began": _beginning(pid) or ""})


def _beginning(pid: int) -> str | None:
    """Returns when a process of this machine began; None if there is none, "" if nobody says."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None if _is_gone(pid) else ""
    after_name = stat.rpartition(b")")[2].split()
    is_zombie = after_name[0] in (b"Z", b"X")
    return None if is_zombie else after_name[19].decode()


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""

"""Processes: who holds a lock or writes a run, on which machine, and whether it can be alive."""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path

__all__ = ["Owner", "has_ended", "parse_owner", "this_process"]

_GONE = "gone"


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Is a process.

    Attributes:
        host: the name of its machine.
        machine: tells machines of the same name apart; empty if it does not say.
        boot: tells the times apart that the machine was started; empty if it does not say.
        space: in which process ids are counted, such as a container's; empty if there is one.
        pid: its id there.
        began: when it began, as the system counts; empty if it does not say.
        seen: when it said so, in seconds since 1970; 0 if it does not say.
    """

    host: str
    machine: str
    boot: str
    space: str
    pid: int
    began: str
    seen: float = field(default=0.0, compare=False)

    def __str__(self) -> str:
        return f"process {self.pid} on '{self.host}'"

    def is_gone(self) -> bool:
        """Returns whether it has surely ended; of another machine's nobody here can tell."""
        here = this_process()
        if self.is_from_before():
            return True
        if (self.host, self.machine, self.boot) != (here.host, here.machine, here.boot):
            return False
        now = _began(self.pid) if self.space == here.space else None
        return now == _GONE or bool(now and self.began and now != self.began)

    def is_from_before(self) -> bool:
        """Returns whether this machine was started again since.

        Containers and copied machines may have one name between them: who was seen when this one
        ran already is of another.
        """
        here = this_process()
        is_other = (self.host, self.machine) != (here.host, here.machine)
        if is_other or self.boot == here.boot or not (self.boot and here.boot):
            return False
        started = _started()
        return started is None or self.seen < started

    def is_near(self) -> bool:
        """Returns whether its end would be seen from here: if it is not gone, it is there."""
        here = this_process()
        return self == replace(here, pid=self.pid, began=self.began)

    def is_here(self) -> bool:
        """Returns whether it is this process."""
        return self == this_process()

    def line(self) -> bytes:
        """Returns it as one line, for :func:`parse_owner`."""
        return json.dumps(vars(self)).encode() + b"\n"


def parse_owner(content: bytes | None) -> Owner | None:
    """Returns the process that the first line of a file names; None if it names none."""
    try:
        said = json.loads((content or b"").partition(b"\n")[0])
        known = {one.name: said[one.name] for one in fields(Owner) if one.name != "seen"}
        seen = said.get("seen", 0.0)
        words = [known[name] for name in known if name != "pid"]
        if type(known["pid"]) is int and {str} == set(map(type, words)) and type(seen) is float:
            return Owner(**known, seen=seen)
    except (ValueError, KeyError, TypeError):
        pass
    return None


def has_ended(pid: int) -> bool:
    """Returns whether there surely is no process of an id, as ids are counted here."""
    return _began(pid) == _GONE


def this_process() -> Owner:
    """Returns this process."""
    return _process(os.getpid())


@cache
def _process(pid: int) -> Owner:
    return Owner(
        host=socket.gethostname(),
        machine=_text("/etc/machine-id"),
        boot=_text("/proc/sys/kernel/random/boot_id"),
        space=_space(),
        pid=pid,
        began=_began(pid) or "",
        seen=time.time(),
    )


def _started() -> float | None:
    """Returns when this machine was started, in seconds since 1970; None if nobody says."""
    with suppress(OSError, ValueError, IndexError, StopIteration):
        lines = Path("/proc/stat").read_text().splitlines()
        return float(next(line for line in lines if line.startswith("btime ")).split()[1])
    return None


def _began(pid: int) -> str | None:
    """Returns when a process began, or that it is gone; None if nobody can say."""
    try:
        # the name, in parentheses, may hold anything
        words = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return _GONE if _is_unknown(pid) else None
    if words[:1] in ([b"Z"], [b"X"]):
        return _GONE
    return words[19].decode() if len(words) > 19 else None


def _is_unknown(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _space() -> str:
    with suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return ""


def _text(path: str) -> str:
    with suppress(OSError, ValueError):
        return Path(path).read_text(encoding="ascii").strip()
    return ""

"""The shim: which change of the file system is to fail, and how; see ``shim.c``."""

from __future__ import annotations

import enum
import errno
import mmap
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Calls", "Control", "Fault", "built"]

_SOURCE = Path(__file__).with_name("shim.c")
_HEAD = struct.Struct("=QQiiiI64s512s512s")


class Calls(enum.IntFlag):
    """Is which calls count."""

    OPEN = 1
    WRITE = 2
    NAME = 4
    REMOVE = 8
    MODE = 16
    SYNC = 32
    READ = 64
    CHANGES = OPEN | WRITE | NAME | REMOVE | MODE | SYNC


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Is what happens at the n-th call.

    Attributes:
        error: the call's errno; 0 kills every process that takes part.
        onward: whether all later calls fail as well.
        calls: which ones count.
    """

    error: int
    onward: bool = False
    calls: Calls = Calls.CHANGES

    def __str__(self) -> str:
        name = errno.errorcode[self.error] if self.error else "kill"
        return f"{name}-onward" if self.onward else name


class Control:
    """Is the page that all processes under the shim share.

    Args:
        page: a file; made if it is not there.
        root: only what is below it counts.
    """

    def __init__(self, page: Path, root: Path) -> None:
        page.touch()
        self.path = page
        self._root = str(root).encode()
        with page.open("r+b") as file:
            file.truncate(mmap.PAGESIZE)
            self._page = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    def arm(self, fault: Fault, target: int) -> None:
        """Lets the call with this number fail, counted from now on."""
        fields = (0, target, fault.error, fault.onward, 0, fault.calls, b"", b"", self._root)
        self._page[: _HEAD.size] = _HEAD.pack(*fields)

    def disarm(self) -> tuple[int, str]:
        """Ends it; returns how many calls there were, and which one failed (empty for none)."""
        fields = _HEAD.unpack(self._page[: _HEAD.size])
        self._page[8:16] = bytes(8)
        call, path = (field.split(b"\0")[0].decode(errors="replace") for field in fields[6:8])
        return fields[0], f"{call} {path.removeprefix(self._root.decode())}".strip()


def built(directory: Path) -> Path:
    """Compiles the shim into a directory."""
    library = directory / "shim.so"
    if not library.exists():
        command = ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wno-deprecated-declarations"]
        command += ["-fPIC", "-shared", "-o", str(library), str(_SOURCE), "-ldl"]
        subprocess.run(command, check=True)
    return library

"""A canary: tells whether something ran, was written to or was connected to that must not be."""

from __future__ import annotations

import os
import select
import socket
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Canary"]


class Canary:
    """Is a program that must not run, files that must not change and a port nobody may call.

    Args:
        place: a directory for all of it.

    Attributes:
        program: leaves a mark if it runs.
        outside: a directory with files in it that must stay as they are.
        port: on this machine; whoever connects to it is seen.
    """

    def __init__(self, place: Path) -> None:
        self.mark = place / "ran"
        self.program = place / "canary"
        place.mkdir(parents=True, exist_ok=True)
        self.program.write_text(f'#!/bin/sh\necho "$0 $*" >> {self.mark}\nexit 1\n')
        self.program.chmod(0o755)
        self.outside = place / "outside"
        (self.outside / "deep").mkdir(parents=True)
        (self.outside / "precious").write_text("precious\n")
        (self.outside / "deep" / "main").write_text("0" * 40 + "\n")
        self._before = self._state()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._listening.close()

    def _state(self) -> dict[str, tuple[int, bytes]]:
        found = {}
        for path in sorted(self.outside.rglob("*")):
            seen = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(seen.st_mode) else b""
            found[os.fspath(path)] = seen.st_mode, content
        return found

    def expect_this(self) -> None:
        """Takes the files outside as they are now for the way they must stay."""
        self._before = self._state()

    @property
    def is_dead(self) -> bool:
        """Whether the program has run; for making sure that a trap springs."""
        return self.mark.exists()

    def check(self) -> None:
        """Fails if anything ran, was written to or was connected to."""
        assert not self.mark.exists(), self.mark.read_text()
        assert self._state() == self._before
        called, _, _ = select.select([self._listening], [], [], 0)
        assert not called, "somebody connected"

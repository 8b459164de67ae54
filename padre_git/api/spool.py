"""The spool: where a running run logs until it is committed.

A spool is a directory with ``events.jsonl``: one JSON list per line, the event's name first, in the
order in which things happened; and files that are too unwieldy for a line. Every event is handed
to the operating system at once (1 µs), so that killing the process loses nothing. Only the standard
library is needed to write or to read one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["EVENTS", "Spool", "read_events"]

EVENTS = "events.jsonl"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"no JSON value: {type(value).__name__}")


_encode = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


class Spool:
    """Writes the events of one run.

    Args:
        directory: of this run alone; made, readable by its owner only.

    Raises:
        OSError: if it cannot be made; nothing is left of it.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.directory = directory
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            self._file = os.open(directory / EVENTS, flags, 0o600)
        except OSError:
            shutil.rmtree(directory, ignore_errors=True)
            raise

    def write(self, *event: Any) -> None:
        """Appends one event: its name and JSON values (NaN and infinities allowed).

        Raises:
            OSError: if it cannot be written, as on a full disk; no part of it is left.
        """
        data = memoryview(_encode(event).encode() + b"\n")
        left = data
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            written = len(data) - len(left)
            if written:  # half a line would make the next event unreadable, too
                os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            raise

    def attach(self, name: str, data: bytes) -> None:
        """Keeps bytes beside the events, complete or not at all."""
        fresh = self.directory / f".{name}"
        fresh.write_bytes(data)
        fresh.replace(self.directory / name)

    def flush(self) -> None:
        """Waits until everything written has reached the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Ends writing; what is written stays. It can be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def remove(self) -> None:
        """Ends writing and removes everything: the run is committed."""
        self.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def read_events(directory: Path) -> Iterator[list[Any]]:
    """Yields the events of a spool; a line that was cut off by a crash ends it."""
    with (directory / EVENTS).open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                return
            yield json.loads(line)

"""The spool: where a running run logs until it is committed.

A spool is a directory: ``events.jsonl`` with one line for each thing that happened
(:mod:`padre_git.format.spools`), ``start.jsonl`` with the first of them once more, ``owner.1``,
``owner.2`` … that say which process wrote it (:mod:`padre_git.api.owners`), and files that are too
unwieldy for a line. Every event is handed to the operating system at once (1 µs), so that killing
the process loses nothing. Only the standard library is needed to write or to read one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import Any

from padre_git.api.spares import put_aside, take_spare
from padre_git.format import spools
from padre_git.format.spools import (
    EVENTS,
    SETTLED,
    START,
    Logged,
    line_of,
    line_of_metrics,
    read_lines,
)

__all__ = ["EVENTS", "Spool", "is_blank", "is_settled", "read_events", "read_file"]

_APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Spool:
    """Writes the events of one run, after those that are there already.

    Args:
        directory: of this run alone; made, readable by its owner only.

    Raises:
        OSError: if it cannot be made; nothing of it is left then.
    """

    def __init__(self, directory: Path) -> None:
        self._directories = _made(directory)
        self._attached: list[Path] = []
        self.directory = directory
        try:
            self._file = os.open(directory / EVENTS, _APPEND, 0o600)
        except OSError:
            if self._directories:
                shutil.rmtree(directory, ignore_errors=True)
            raise
        self._directories.append(directory)
        self._end_line()

    def write(self, *event: Any) -> None:
        """Appends one event: its name and JSON values (NaN and infinities allowed).

        Raises:
            OSError: if it cannot be written, as on a full disk; no part of it is left.
        """
        self._append(line_of(*event))

    def measure(self, step: int, time: int, cells: Mapping[str, str], is_series: bool) -> None:
        """Appends one row of measurements, see :func:`padre_git.format.spools.line_of_metrics`.

        Raises:
            OSError: as :meth:`write`.
        """
        self._append(line_of_metrics(step, time, cells, is_series))

    def start(self, *event: Any) -> None:
        """Writes the first event, twice: without it, all others are worth little.

        Raises:
            OSError: as :meth:`write`.
        """
        line = line_of(*event)
        self._append(line)
        self.attach(START, line)

    def attach(self, name: str, data: bytes) -> None:
        """Keeps bytes beside the events, complete or not at all."""
        fresh = self.directory / f".{name}"
        fresh.write_bytes(data)
        fresh.replace(self.directory / name)
        self._attached.append(self.directory / name)

    def flush(self) -> None:
        """Waits until everything written has reached the disk, and can be found there."""
        os.fsync(self._file)
        for path in [*self._attached, *self._directories]:
            _sync(path)
        self._attached, self._directories = [], []

    def settle(self) -> None:
        """Notes that everything written so far is committed."""
        self.attach(SETTLED, b"%d\n" % os.fstat(self._file).st_size)

    def close(self) -> None:
        """Ends writing; what is written stays. It can be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def remove(self) -> None:
        """Ends writing and removes everything: the run is committed."""
        self.close()
        put_aside(self.directory)

    def _append(self, line: bytes) -> None:
        written = 0
        try:
            while written < len(line):
                written += os.write(self._file, line[written:] if written else line)
        except OSError:
            if written:  # half a line would be damage
                os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            raise

    def _end_line(self) -> None:
        """Ends a line that a crash has left half written, so that the next one can be read."""
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            self._append(b"\n")


def read_events(directory: Path) -> Logged:
    """Returns what a spool says: every event that can be read, and what cannot.

    Raises:
        OSError: if it cannot be read, or its events are no file of its own.
    """
    logged = read_lines(read_file(directory / EVENTS))
    if logged.events and logged.events[0][0] == "start":
        return logged
    with suppress(OSError):
        first = read_lines(read_file(directory / START)).events
        return Logged(events=first + logged.events, damage=logged.damage)
    return logged


def read_file(path: Path, start: int = 0) -> bytes:
    """Returns the content of a file of a spool; links are not followed, pipes not waited for.

    Args:
        path: the file.
        start: where to begin, in bytes.

    Raises:
        OSError: if it is no regular file, or cannot be read.
    """
    descriptor = os.open(path, _READ)
    with os.fdopen(descriptor, "rb") as file:
        if not S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"no regular file: '{path}'")
        file.seek(start)
        return file.read()


def is_blank(directory: Path) -> bool:
    """Returns whether a process died before it could say what it begins."""
    try:
        return not (directory / START).exists() and b"\n" not in read_file(directory / EVENTS)
    except FileNotFoundError:
        return True


def is_settled(directory: Path) -> bool:
    """Returns whether everything that a spool has is committed."""
    try:
        told = read_file(directory / SETTLED)
        return spools.is_settled(told, (directory / EVENTS).lstat().st_size)
    except OSError:
        return False


def _made(directory: Path) -> list[Path]:
    """Makes a directory and returns those above it that are not safe on the disk yet."""
    if take_spare(directory):
        return [directory.parent]
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        if not directory.is_dir():
            raise
        return []
    except FileNotFoundError:
        above = [place for place in directory.parents if not place.exists()]
        directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        return [place.parent for place in (directory, *above)]
    return [directory.parent]


def _sync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # where directories cannot be opened, they need not be synced
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

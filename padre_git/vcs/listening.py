"""Listening to a git command: what it says is kept within bounds, and silence has an end."""

from __future__ import annotations

import codecs
import os
import re
import selectors
import subprocess
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from padre_git.vcs.activity import Work, is_at_work, work_of
from padre_git.vcs.progress import Watch, step_of

__all__ = ["Listener", "TooQuietError"]

_CHUNK = 1 << 16
_MOST_OUT = 1 << 26
_LINES = 300
_LINE = 4_000
_LOOK = 0.5
#: What git's own children still have to say when git has ended; others may hold a pipe for ever.
_GRACE = 1.0
_END = re.compile(rb"[\r\n]")


class TooQuietError(Exception):
    """Says that a command took too long, or was silent for too long."""


class Listener:
    """Reads what a command writes until it ends or a limit is over.

    Args:
        process: started with pipes.
        watch: is told how far a transfer is.
    """

    def __init__(self, process: subprocess.Popen[bytes], watch: Watch | None) -> None:
        assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018
        self._process = process
        self._watch = watch
        self._pipes = (process.stdout, process.stderr)
        self._out = bytearray()
        self._rest = b""
        self._lines: deque[bytes] = deque(maxlen=_LINES)
        self._selector = selectors.DefaultSelector()
        for pipe in self._pipes:
            self._selector.register(pipe, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._selector.close()
        for pipe in self._pipes:
            pipe.close()

    def listen(
        self,
        limit: float,
        silence: float | None,
        given_up: Callable[[], bool] = lambda: False,
    ) -> None:
        """Reads until the command has ended.

        Args:
            limit: seconds for all of it; with ``silence``, to its first sign of life.
            silence: seconds without a sign of life that are too many; None for no such limit.
            given_up: returns whether to end it, because nobody waits for it any more.

        Raises:
            TooQuietError: if a limit was over, with a line that says which.
        """
        quiet = _Quiet(self._process.pid, limit, silence, given_up)
        ended: float | None = None
        while self._selector.get_map():
            heard = self._read(_LOOK)
            if heard:
                quiet.heard()
            elif self._process.poll() is not None:
                # a program that it left behind may hold its pipes
                ended = ended or time.monotonic()
                if time.monotonic() - ended > _GRACE:
                    return
            quiet.check()
            if len(self._out) > _MOST_OUT:
                raise TooQuietError("more was said than anybody could read")
        while self._process.poll() is None:  # it has closed its pipes and goes on
            quiet.check()
            _wait_a_little(self._process)

    def out(self) -> str:
        """Returns its standard output."""
        return _text(bytes(self._out))

    def error(self) -> str:
        """Returns its standard error without what is progress; the last of it if it is long."""
        return "\n".join(_text(line) for line in [*self._lines, self._rest] if line)

    def _read(self, wait: float) -> bool:
        heard = False
        for key, _ in self._selector.select(wait):
            data = os.read(key.fd, _CHUNK)
            heard = heard or bool(data)
            if not data:
                self._selector.unregister(key.fileobj)
            elif key.fileobj is self._pipes[0]:
                self._out += data
            else:
                self._take(data)
        return heard

    def _take(self, data: bytes) -> None:
        *lines, rest = _END.split(self._rest + data)
        self._rest = rest[-_LINE:]
        for line in lines:
            if not self._is_progress(line) and line:
                self._lines.append(line[:_LINE])

    def _is_progress(self, line: bytes) -> bool:
        step = step_of(_text(line)) if len(line) < _LINE else None
        if step is not None and self._watch is not None:
            self._watch(step)
        return step is not None


class _Quiet:
    """Knows how long a command has given no sign of life.

    Words are one; where there are none, the work that its processes have done in the second half
    of the time is looked at.
    """

    def __init__(
        self, session: int, limit: float, silence: float | None, given_up: Callable[[], bool]
    ) -> None:
        self._session = session
        self._given_up = given_up
        self._silence = silence
        self._limit = limit
        self._since = time.monotonic()
        self._work: Work | None = None
        self._looked = self._since

    def heard(self) -> None:
        """Begins to count anew, if silence is what is limited."""
        if self._silence is not None:
            self._limit, self._since, self._work = self._silence, time.monotonic(), None

    def check(self) -> None:
        """Raises TooQuietError if it was too long."""
        if self._given_up():
            raise TooQuietError("nobody waits for it any more")
        passed = time.monotonic() - self._since
        if self._silence is not None and self._work is None and passed > self._limit / 2:
            self._work, self._looked = work_of(self._session), time.monotonic()
        if passed < self._limit:
            return
        if self._silence is None:
            raise TooQuietError(f"no answer within {self._limit:g} seconds")
        elapsed = time.monotonic() - self._looked
        if not is_at_work(self._work, work_of(self._session), elapsed):
            raise TooQuietError(f"no sign of life for {self._limit:g} seconds")
        self.heard()


def _wait_a_little(process: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(_LOOK)


def _text(data: bytes) -> str:
    return codecs.decode(data, errors="backslashreplace")

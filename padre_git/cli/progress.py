"""How far a transfer is: one line on a terminal, and nothing where nobody looks."""

from __future__ import annotations

import shutil
import sys
import threading
import time

from padre_git.messages import Progress

__all__ = ["METER", "Meter"]

_PATIENCE = 1.0
_PAUSE = 0.1
#: After so long without a word it is another transfer.
_GAP = 5.0
_CLEAR = "\r\x1b[K"


class Meter:
    """Shows the progress of what takes longer than a moment, and takes it away again."""

    def __init__(self) -> None:
        self._began = 0.0
        self._heard = 0.0
        self._drawn = 0.0
        self._shows = False

    def show(self, event: Progress) -> None:
        """Draws how far a transfer is, if somebody can see it and it takes its time."""
        if threading.current_thread() is not threading.main_thread() or not sys.stderr.isatty():
            return
        now = time.monotonic()
        if now - self._heard > _GAP:
            self._began = now
        self._heard = now
        if event.done == event.total:
            self.clear()
        elif now - self._began > _PATIENCE and now - self._drawn > _PAUSE:
            self._drawn, self._shows = now, True
            sys.stderr.write(_CLEAR + _fitting(_line(event)))
            sys.stderr.flush()

    def clear(self) -> None:
        """Takes the line away, before anything else is printed."""
        if self._shows:
            self._shows = False
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()


def _line(event: Progress) -> str:
    text = f"{event.project}: {event.step.lower()} {event.done}"
    if event.total:
        text += f" of {event.total}, {100 * event.done // event.total} %"
    return f"{text}, {event.detail}" if event.detail else text


def _fitting(text: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain[: max(shutil.get_terminal_size().columns - 1, 1)]


#: The one line of this process.
METER = Meter()

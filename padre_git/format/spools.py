"""Spools: the lines in which a running run logs, and what can be read of them after any damage.

A line is a JSON list: the event's name first, a checksum last, over every byte before it. What is
half written, flipped, or zeros after a power cut is left out and told; every other line counts.
Only the standard library is needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any
from zlib import crc32

__all__ = [
    "CODE",
    "EVENTS",
    "SETTLED",
    "START",
    "Damage",
    "Logged",
    "is_settled",
    "line_of",
    "line_of_metrics",
    "read_lines",
]

#: The file of events in the directory of a spool.
EVENTS = "events.jsonl"
#: The first event once more, so that one damaged line does not cost a run.
START = "start.jsonl"
#: What is kept of the code, if something is.
CODE = "code.patch"
#: Says how many bytes of the events are committed: a spool of that size waits for nothing.
SETTLED = "settled"

_SEAL = len(b',"00000000"]\n')
_SHOWN = 80
#: Numbers for which JSON has other words.
_ODD = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"no JSON value: {type(value).__name__}")


_encode = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Is one line that cannot be read.

    Attributes:
        line: its number, from 1.
        reason: what is wrong with it.
        start: how it begins, for people.
    """

    line: int
    reason: str
    start: str


@dataclass(frozen=True, kw_only=True)
class Logged:
    """Is what a spool says.

    Attributes:
        events: every event that can be read, in order, without its checksum.
        damage: the lines that cannot; a run that is running may be writing its last one.
    """

    events: tuple[list[Any], ...]
    damage: tuple[Damage, ...] = ()


def line_of(*event: Any) -> bytes:
    """Returns an event as a line: a name and JSON values (NaN and infinities allowed).

    Raises:
        TypeError: for what is no JSON value.
    """
    body = _encode(event)[:-1].encode()
    return b'%b,"%08x"]\n' % (body, crc32(body))


def line_of_metrics(step: int, time: int, cells: Mapping[str, str], is_series: bool) -> bytes:
    """Returns one row of measurements as an event: step, seconds since 1970, values, and a flag.

    It says what :func:`line_of` would, in a third of its time: nothing else is logged as often.

    Args:
        step: at which.
        time: in microseconds since 1970.
        cells: numbers as ``repr`` writes them, by name.
        is_series: whether they were logged with a step or a time.
    """
    values = ",".join([f"{_quoted(n)}:{_ODD.get(cell, cell)}" for n, cell in cells.items()])
    seconds = f"{time // 1_000_000}.{time % 1_000_000:06d}" if time >= 0 else repr(time / 1e6)
    flag = "true" if is_series else "false"
    body = f'["metrics",{step},{seconds},{{{values}}},{flag}'.encode()
    return b'%b,"%08x"]\n' % (body, crc32(body))


@lru_cache(maxsize=1000)
def _quoted(name: str) -> str:
    return json.dumps(name)


def read_lines(content: bytes) -> Logged:
    """Returns what the lines of a spool say, whatever happened to some of them."""
    events: list[list[Any]] = []
    damage: list[Damage] = []
    for number, line in enumerate(BytesIO(content), 1):
        if line[:1] == b"\0":  # what a file grew by before a power cut, and was not written
            damage.append(Damage(line=number, reason="it begins with zeros", start=""))
        event = _event(line.lstrip(b"\0"))
        if isinstance(event, str):
            start = line[:_SHOWN].decode(errors="backslashreplace")
            damage.append(Damage(line=number, reason=event, start=start))
        elif event is not None:
            events.append(event)
    return Logged(events=tuple(events), damage=tuple(damage))


def is_settled(told: bytes, size: int) -> bool:
    """Returns whether all that a spool has is committed.

    Args:
        told: content of its file :data:`SETTLED`.
        size: of its events, in bytes.
    """
    return told.strip() == b"%d" % size


def _event(line: bytes) -> list[Any] | str | None:
    """Returns the event of a line, None for an empty line, or what is wrong with it."""
    if line in (b"\n", b""):
        return None
    if not line.endswith(b"\n"):
        return "it was cut off"
    body = line[:-_SEAL]
    if line[-_SEAL:] != b',"%08x"]\n' % crc32(body):
        return "its checksum is wrong"
    try:
        event = json.loads(body + b"]")
    except (ValueError, RecursionError):
        return "it is no list of JSON"
    if not isinstance(event, list) or not event or not isinstance(event[0], str):
        return "it is no event"
    return event

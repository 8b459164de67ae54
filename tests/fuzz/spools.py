"""Spools: whatever happened to some lines, every other event is kept, and none is made up."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from padre_git.format.spools import line_of, read_lines
from tests.fuzz.draw import Draw

__all__ = ["check_spool", "spool_seeds"]

_EVENTS: tuple[tuple[Any, ...], ...] = (
    ("start", {"experiment": "iris/svm", "seed": 7}),
    ("metric", "loss", 0.5, 1, 1795000000.25),
    ("metric", "loss", float("nan"), 2, 1795000001),
    ("metric", "acc", float("-inf"), -1, 1795000002.5),
    ("param", "model.lr", 1e-3),
    ("text", "note \x1b[31m\n\u2028\U0001f642\ud800", ""),
    ("end", "finished", None),
)
_LINES = [line_of(*event) for event in _EVENTS]
_SHOWN = [repr(read_lines(line).events[0]) for line in _LINES]


def spool_seeds() -> Iterator[bytes]:
    """Yields luck, and whole lines for what is put between others."""
    yield from (random.Random(seed).randbytes(30) for seed in range(20))
    yield from (bytes(12) + line for line in _LINES)


def check_spool(data: bytes) -> None:
    """Events are written, then something happens in some places.

    What stands in lines that nothing happened to is read, in its order. What is read beside it was
    written so: it has its checksum.
    """
    draw = Draw(data)
    numbers = [draw.number(len(_LINES)) for _ in range(draw.number(12))]
    places = {draw.number(12): draw.number(5) for _ in range(draw.number(4))}
    foreign = draw.rest()
    content, kept = b"", []
    for place, number in enumerate(numbers):
        line = _LINES[number]
        happened = places.get(place, 0)
        if not happened:
            kept.append(_SHOWN[number])
        content += _after(happened, line, foreign)
    logged = read_lines(content)
    assert all(isinstance(event[0], str) for event in logged.events)
    shown = [repr(event) for event in logged.events]
    assert _is_within(kept, shown), (kept, shown)
    if places.keys().isdisjoint(range(len(numbers))):
        assert shown == kept
        assert not logged.damage
    # whatever else is read can be written again as it is
    for event in logged.events:
        assert repr(read_lines(line_of(*event)).events[0]) == repr(event)


def _after(happened: int, line: bytes, foreign: bytes) -> bytes:
    """Returns what is left of a line after something has happened to it."""
    if happened == 1:
        return foreign + b"\n"
    if happened == 2:  # cut off by a crash, and ended by whoever wrote next
        return line[: len(foreign) % len(line)] + b"\n"
    if happened == 3:  # zeros after a power cut
        return bytes(len(foreign) % 64) + line
    if happened == 4 and foreign:
        at = foreign[0] % (len(line) - 1)
        return line[:at] + foreign[:1] + line[at + 1 :].replace(b"\n", b"") + b"\n"
    return line


def _is_within(kept: list[str], shown: list[str]) -> bool:
    waiting = iter(shown)
    return all(event in waiting for event in kept)

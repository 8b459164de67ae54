"""Waiting for a condition, and how long work takes on a machine that does other things as well."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["quickest", "until"]


def until(condition: Callable[[], object], what: str = "it is not so", limit: float = 60) -> None:
    """Waits until something is so; fails if that takes unreasonably long.

    Args:
        condition: what becomes true.
        what: what to say if it does not.
        limit: seconds.
    """
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def quickest(work: Callable[[], object], enough: float, attempts: int = 5) -> float:
    """Returns the seconds of the quickest of some attempts; the first that is quick is the last.

    What is slow by itself is slow each time, what others have slowed down is not.
    """
    best = float("inf")
    for _ in range(attempts):
        begun = time.monotonic()
        work()
        best = min(best, time.monotonic() - begun)
        if best < enough:
            break
    return best

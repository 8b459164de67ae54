"""Waiting for several remotes at the same time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable

__all__ = ["in_parallel"]

_THREADS = 4


def in_parallel(work: Callable[[str], object], items: Iterable[str]) -> None:
    """Does something for each of several items, at most four at a time.

    The threads end with the process: Ctrl-C need not wait for a remote that does not answer.

    Args:
        work: what to do.
        items: for which; in this order, but several at a time.

    Raises:
        Exception: the first that ``work`` has raised, after the others were done.
    """
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    failures: list[Exception] = []
    threads = [
        threading.Thread(
            target=_work_off, args=(work, waiting, failures), name="padre-ask", daemon=True
        )
        for _ in range(min(_THREADS, waiting.qsize()) - 1)
    ]
    for thread in threads:
        thread.start()
    _work_off(work, waiting, failures)
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _work_off(
    work: Callable[[str], object], waiting: queue.SimpleQueue[str], failures: list[Exception]
) -> None:
    while True:
        try:
            item = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            work(item)
        except Exception as error:  # noqa: BLE001 - raised in the caller's thread
            failures.append(error)

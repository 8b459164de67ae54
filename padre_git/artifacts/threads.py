"""Threads for work on files, also when the interpreter is about to end.

A run may end with the process, and its data is published then; Python starts no pool of threads
any more at that time, and the work is done one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

__all__ = ["threads"]

P = ParamSpec("P")
T = TypeVar("T")


class _OneByOne(Executor):
    def submit(self, work: Callable[P, T], /, *args: P.args, **options: P.kwargs) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(work(*args, **options))
        except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
            done.set_exception(error)
        return done


def threads(count: int) -> Executor:
    """Returns what does work in this many threads, or without any if there can be none."""
    try:
        from concurrent.futures.thread import ThreadPoolExecutor

        pool = ThreadPoolExecutor(count)
        pool.submit(int)
    except RuntimeError:
        return _OneByOne()
    return pool

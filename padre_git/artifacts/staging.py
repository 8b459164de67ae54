"""Staging: objects of one batch, made durable together before any of them gets its name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from padre_git.artifacts import durable
from padre_git.artifacts.threads import threads

__all__ = ["Stage", "as_done", "in_threads"]

T = TypeVar("T")
R = TypeVar("R")
#: A disk confirms several flushes in the time that one takes.
_WORKERS = 8
#: How many pieces of work wait in memory at a time.
_AT_A_TIME = 1000


def in_threads(work: Callable[[T], R], items: Iterable[T]) -> Sequence[R]:
    """Returns what ``work`` returns for each item, several at a time; raises the first error."""
    return list(as_done(work, items))


def as_done(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yields what ``work`` returns for each item, in their order, as soon as it is there."""
    rest = iter(items)
    with threads(_WORKERS) as pool:
        while some := list(islice(rest, _AT_A_TIME)):
            yield from pool.map(work, some)


class Stage:
    """Holds finished files that are not objects yet.

    Until :meth:`publish`, a power cut or a killed process leaves nothing but temporary files.
    """

    def __init__(self) -> None:
        # texts, because paths as objects take ten times the memory, and there may be very many
        self._files: dict[str, tuple[str, str]] = {}

    def find(self, md5: str) -> Path | None:
        """Returns where the bytes of an object of this batch are; None if it has none such."""
        found = self._files.get(md5)
        return None if found is None else Path(found[0])

    def add(self, md5: str, temporary: str, final: str) -> None:
        """Takes over a finished file, which becomes the object at ``final``."""
        staged = f"{temporary}.staged"
        Path(temporary).replace(staged)
        # two threads may bring the same bytes
        if self._files.setdefault(md5, (staged, final))[0] != staged:
            Path(staged).unlink()

    def publish(self, *, mode: int) -> None:
        """Flushes all files, then names them, then flushes the names.

        Args:
            mode: of directories that are made.
        """
        files = list(self._files.values())
        in_threads(_flush, [staged for staged, _ in files])
        directories = {Path(final).parent for _, final in files}
        for directory in directories:
            durable.make_directories(directory, mode=mode)
        for staged, final in files:
            Path(staged).replace(final)
        in_threads(durable.sync_directory, directories)
        self._files.clear()


def _flush(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

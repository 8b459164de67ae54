"""Stores: the places where clones share the bytes of their artifacts."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from padre_git.artifacts.cache import Cache
from padre_git.artifacts.objects import Objects
from padre_git.artifacts.settings import create_store
from padre_git.artifacts.staging import as_done
from padre_git.errors import PadreGitError, RemoteUnavailableError

__all__ = ["UNKNOWN", "DirectoryStore", "Store", "Tell", "attempt_all", "nobody"]

#: The size of an object that a server has but does not measure.
UNKNOWN = -1
#: As much is done again after a transfer that was killed.
_AT_A_TIME = 100
#: What may keep one object from being copied.
Failure = PadreGitError | OSError
#: Hears of each object that was copied, in the thread that asked for it.
Tell = Callable[[str], None]


def nobody(md5: str) -> None:
    """Hears of an object that was copied, and does nothing."""


class Store(Protocol):
    """Is one remote in DVC's layout; what is not there is not an error of its own."""

    def sizes(self, md5s: Sequence[str]) -> dict[str, int | None]:
        """Returns the size of each object there; None if absent, UNKNOWN if not measured."""

    def send(self, cache: Cache, md5s: Sequence[str], tell: Tell = nobody) -> None:
        """Copies objects from the cache, each whole and checked, replacing what is there."""

    def fetch(self, cache: Cache, md5s: Sequence[str], tell: Tell = nobody) -> None:
        """Copies objects into the cache, each whole and checked, replacing what is there."""


class DirectoryStore:
    """Is a store in a directory of this machine (a shared or mounted disk).

    What is sent is flushed to disk. Objects are read only, like DVC's own; directories have the
    mode of the store, so that a group can share it.

    Args:
        directory: made on the first write, if the directory above it exists.
    """

    def __init__(self, directory: Path) -> None:
        self._root = directory

    def sizes(self, md5s: Sequence[str]) -> dict[str, int | None]:
        """Returns the size of each object there; None if absent.

        Raises:
            RemoteUnavailableError: if neither the directory nor the one above it exists.
        """
        self._reach()
        objects = Objects(self._root)
        return {md5: objects.size(md5) for md5 in md5s}

    def send(self, cache: Cache, md5s: Sequence[str], tell: Tell = nobody) -> None:
        """Copies objects from the cache, checked and flushed.

        Raises:
            ArtifactMissingError, ArtifactCorruptError: if the cache has not the bytes.
            RemoteUnavailableError: as :meth:`sizes`, or if the store cannot be written.
        """
        self._reach()
        try:
            create_store(self._root)
            mode = stat.S_IMODE(self._root.stat().st_mode)
            _transfer(cache, Objects(self._root, mode=mode), md5s, tell)
        except OSError as error:
            raise RemoteUnavailableError(
                f"cannot write to '{self._root}': {os.strerror(error.errno or 0)}"
            ) from error

    def fetch(self, cache: Cache, md5s: Sequence[str], tell: Tell = nobody) -> None:
        """Copies objects into the cache, checked and flushed.

        Raises:
            ArtifactMissingError, ArtifactCorruptError: if the store has not the bytes.
            RemoteUnavailableError: as :meth:`sizes`.
        """
        self._reach()
        _transfer(Objects(self._root), cache, md5s, tell)

    def _reach(self) -> None:
        # an unmounted disk must not be taken for an empty store, nor be filled below its mount
        try:
            is_there = self._root.is_dir() or self._root.parent.is_dir()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise RemoteUnavailableError(f"the artifact remote '{self._root}': {reason}") from error
        if not is_there:
            raise RemoteUnavailableError(f"the artifact remote '{self._root}' is not there")


def _transfer(source: Objects, target: Objects, md5s: Sequence[str], tell: Tell) -> None:
    """Copies objects, some at a time, so that an interrupted transfer goes on where it was."""
    failed: list[Failure] = []
    target.sweep()
    for start in range(0, len(md5s), _AT_A_TIME):
        with target.batch() as batch:
            copy = partial(_copy, source, batch)
            failed += attempt_all(copy, md5s[start : start + _AT_A_TIME], tell)
    if failed:
        raise failed[0]


def _copy(source: Objects, target: Objects, md5: str) -> None:
    with source.open_unchecked(md5) as stream:
        target.receive(stream.fileno(), md5)


def attempt_all(
    work: Callable[[str], None], md5s: Sequence[str], tell: Tell = nobody
) -> list[Failure]:
    """Does ``work`` for every object, several at a time, and returns what failed.

    One failure does not keep the others from being done; what was done need not be done again.
    """
    failed: list[Failure] = []

    def attempt(md5: str) -> None:
        try:
            work(md5)
        except (PadreGitError, OSError) as error:
            failed.append(error)

    for md5, _ in zip(md5s, as_done(attempt, md5s), strict=True):
        tell(md5)
    return failed

"""Leftovers: what a git that was killed has left in a clone, and when it may be taken away.

A git that is only ended or interrupted cleans up after itself. One that was killed, or whose
machine lost its power, leaves half a pack, which costs room, or the lock of a ref, which keeps
every later fetch out. Neither says whose it is, so only what nobody has touched for a long time
goes; the file system's own clock tells.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from padre_git.vcs.refs import check_ref

__all__ = ["aside", "clear_abandoned", "held", "receiving", "sweep_directories", "sweep_halves"]

#: A ref's lock is held for milliseconds.
_LOCK_AGE = 60.0
#: A transfer that goes on writes all the time, and one that does not is ended much earlier.
_PACK_AGE = 6 * 3600.0
#: What is complete is closed, and has its name this many seconds later.
_RENAMED = 0.2
_TEMPORARY = re.compile(r"(tmp|padre)_(pack|idx|rev|mtimes|obj)_\w+")
_OURS = ".padre-git"
_PLACE = re.compile(r"\..+\.[0-9a-f]{12}" + re.escape(_OURS))
_PLACE_AGE = 60.0


def clear_abandoned(common: Path, ref: str) -> bool:
    """Takes away the lock of a ref that nobody can be holding any more; returns whether it did.

    Args:
        common: the clone's common git directory.
        ref: the full name.
    """
    lock = common / f"{check_ref(ref)}.lock"
    return _remove_older(lock, time_there(lock.parent) - _LOCK_AGE)


@contextlib.contextmanager
def receiving(common: Path) -> Iterator[None]:
    """Takes away the half of a pack that a transfer in this block leaves, and old ones before.

    Args:
        common: the clone's common git directory.
    """
    packs = common / "objects" / "pack"
    before = _halves(packs)
    for path in before:
        _remove_older(path, time_there(packs) - _PACK_AGE)
    try:
        yield
    finally:
        left = _abandoned(_halves(packs) - before)
        if left:
            time.sleep(_RENAMED)
        for path in _abandoned(left):
            path.unlink(missing_ok=True)


def sweep_halves(common: Path, age: float) -> int:
    """Removes what processes were writing below ``objects`` when they were killed; counts it.

    Args:
        common: the clone's common git directory.
        age: seconds for which nobody has touched it, and it is open nowhere.
    """
    objects = common / "objects"
    names = ("*/tmp_*", "pack/padre_*")
    found = [path for name in names for path in objects.glob(name) if path.is_file()]
    before = time_there(objects) - age if found else 0.0
    return sum(_remove_older(path, before) for path in found if not _is_open(path))


def _halves(packs: Path) -> frozenset[Path]:
    try:
        names = os.listdir(packs)  # noqa: PTH208 - twice as fast, and this is in every fetch
    except FileNotFoundError:
        return frozenset()
    return frozenset(packs / name for name in names if _TEMPORARY.fullmatch(name))


def _abandoned(halves: frozenset[Path]) -> frozenset[Path]:
    """Returns those that are there and that no process has open: others' transfers go on."""
    return frozenset(path for path in halves if path.exists() and not _is_open(path))


def _is_open(path: Path) -> bool:
    """Returns whether a process of ours on this machine has a file open; True if nobody can say."""
    if not Path("/proc/self/fd").is_dir():
        return True
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(path.samefile(link) for link in (process / "fd").iterdir() if link.exists()):
                return True
    return False


def aside(path: Path) -> Path:
    """Returns a hidden name beside a path, for a directory that is not complete (any more).

    Nobody else gives such names; what has one and is held by nobody may be swept.
    """
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}{_OURS}")


@contextlib.contextmanager
def held(place: Path) -> Iterator[None]:
    """Marks a directory as being filled or removed, for as long as this process lives and does."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # no locks there: it is only never swept
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def sweep_directories(root: Path) -> None:
    """Removes directories below ``root`` that processes were filling when they were killed."""
    with contextlib.suppress(OSError):
        found = [root / name for name in os.listdir(root) if _PLACE.fullmatch(name)]  # noqa: PTH208
        now = time_there(root) if found else 0.0
        for place in found:
            if place.is_dir() and not place.is_symlink():
                _sweep(place, now - _PLACE_AGE)


def _sweep(place: Path, before: float) -> None:
    """Removes a directory if nobody holds it; a young one may be about to be held."""
    with contextlib.suppress(OSError):
        if place.stat().st_mtime > before:
            return
        descriptor = os.open(place, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(place, ignore_errors=True)
        finally:
            os.close(descriptor)


def time_there(directory: Path) -> float:
    """Returns the time as the file system of a directory has it; 0 if it does not say."""
    probe = directory / f".now-{secrets.token_hex(6)}"
    try:
        probe.touch(exist_ok=False)
        return probe.stat().st_mtime
    except OSError:
        return 0.0  # nothing is older
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def _remove_older(path: Path, before: float) -> bool:
    with contextlib.suppress(OSError):
        if path.stat().st_mtime < before:
            path.unlink()
            return True
    return False

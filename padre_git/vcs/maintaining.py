"""Maintaining a clone: few packs, quick history, packed refs, and nothing left lying about.

Nothing that a commit could still need goes: unreachable objects in packs are kept as they are, so
that no writer who has written objects and not yet a ref can lose them. Dropping those is for the
person's own ``git gc``, with its grace period.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from padre_git.messages.damage import Size
from padre_git.vcs.deadlocks import at_work, forget
from padre_git.vcs.leftovers import sweep_directories, sweep_halves
from padre_git.vcs.process import try_git
from padre_git.vcs.setaside import PLACE
from padre_git.vcs.upkeep import Upkeep

__all__ = ["maintain", "size_of"]

_DAY = 86400.0
#: What was damaged is kept for so long.
_KEPT = 30 * _DAY
_STEPS = (
    (
        "packs consolidated",
        ("repack", "-a", "-d", "--keep-unreachable", "-l", "-n", "-q", "--no-write-bitmap-index"),
    ),
    ("refs packed", ("pack-refs", "--all", "--prune")),
    (
        "commit-graph written, with changed paths",
        ("commit-graph", "write", "--reachable", "--changed-paths", "--split", "--no-progress"),
    ),
)


def size_of(common: Path) -> Size:
    """Returns how much room a git directory takes."""
    sizes = [size for path in _files(common) if (size := _bytes(path)) is not None]
    objects = common / "objects"
    loose = [name for name in _names(objects) if len(name) == 2]
    return Size(
        bytes=sum(sizes),
        files=len(sizes),
        packs=sum(name.endswith(".pack") for name in _names(objects / "pack")),
        loose=sum(len(_names(objects / name)) for name in loose),
    )


def _files(directory: Path) -> Iterator[Path]:
    for above, _, names in os.walk(directory):
        yield from (Path(above) / name for name in names)


def _bytes(path: Path) -> int | None:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return None


def _names(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)  # noqa: PTH208 - names are all that is needed
    except (FileNotFoundError, NotADirectoryError):
        return []


def maintain(common: Path) -> list[str]:
    """Tidies a clone up, and returns what was done; its lock must be held.

    Args:
        common: the common git directory.

    Raises:
        OSError: if it cannot be written.
    """
    Upkeep(common / "objects").run()
    done = []
    with at_work(common) as inherited:
        for what, words in _STEPS:
            ended = try_git([*_QUIET, *words], common, inherited=inherited)
            said = " ".join(ended.err.split())
            done.append(f"not done: {what}: {said}" if ended.code else what)
    if inherited:
        forget(common)
    swept = sum((_sweep_damaged(common), sweep_halves(common, _DAY), _sweep_temporary(common)))
    if swept:
        done.append(f"{swept} leftovers removed")
    sweep_directories(common.parent.parent)
    return done


#: What a person has configured for their own upkeep is not ours to use.
_QUIET = ("-c", "repack.writeBitmaps=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false")


def _sweep_damaged(common: Path) -> int:
    """Removes what repairs have set aside long ago."""
    old = time.time() - _KEPT
    count = 0
    for name in _names(common / PLACE):
        path = common / PLACE / name
        if path.is_dir() and not path.is_symlink() and path.stat().st_mtime < old:
            shutil.rmtree(path, ignore_errors=True)
            count += 1
    return count


def _sweep_temporary(common: Path) -> int:
    """Removes what processes of ours were writing, more than a day ago, when they were killed."""
    old, count = time.time() - _DAY, 0
    for name in _names(common / "padre"):
        path, pid = common / "padre" / name, name.partition(".")[2].partition(".")[0]
        with suppress(FileNotFoundError):
            if pid.isdigit() and path.is_file() and path.lstat().st_mtime < old:
                path.unlink()
                count += 1
    return count

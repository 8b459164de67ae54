"""Spares: empty directories that serve the next run, since removing one waits for the disk.

On ext4 the removal of a spool's directory made its process wait for 3.5 ms, more than all else that
a spool asks of the disk; renaming it costs nothing of the kind (docs/decisions/0020-group-commit).
They lie beside the spools of a clone, where nobody looks for runs.
"""

from __future__ import annotations

import atexit
import os
import shutil
from contextlib import suppress
from pathlib import Path

__all__ = ["clear_spares", "put_aside", "take_spare"]

_SPOOLS, _SPARES = "spool", "spare"
#: How many a process keeps: as many as it ends runs before it begins others.
_MOST = 4
_kept: list[Path] = []


def put_aside(spool: Path) -> None:
    """Takes a spool away with all that is in it; its directory may become the next one's."""
    if spool.parent.name != _SPOOLS:
        shutil.rmtree(spool, ignore_errors=True)
        return
    # by chance: in containers, many processes have the same id
    spare = spool.parent.with_name(_SPARES) / os.urandom(8).hex()
    try:
        try:
            os.rename(spool, spare)  # noqa: PTH104 - this and the next: for every run
        except FileNotFoundError:
            spare.parent.mkdir(mode=0o700, exist_ok=True)
            spool.rename(spare)
        for name in os.listdir(spare):  # noqa: PTH208
            os.unlink(f"{spare}/{name}")  # noqa: PTH108
    except OSError:
        for place in (spare, spool):
            shutil.rmtree(place, ignore_errors=True)
        return
    _kept.append(spare)
    _keep(_MOST)


def take_spare(spool: Path) -> bool:
    """Makes a spool's directory of one that is put aside; returns whether there was one."""
    place = spool.parent.with_name(_SPARES)
    for spare in [kept for kept in _kept if kept.parent == place]:
        with suppress(ValueError, OSError):  # another thread, or somebody who cleans up, was faster
            _kept.remove(spare)
            spare.rename(spool)
            return True
    return False


def clear_spares(spools: Path) -> None:
    """Removes what is put aside beside some spools; a living process makes another."""
    with suppress(OSError):
        for spare in list(spools.with_name(_SPARES).iterdir()):
            # under another name it becomes nobody's spool while it is removed
            gone = spare.with_name(os.urandom(8).hex())
            spare.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)


@atexit.register
def _keep(most: int = 0) -> None:
    """Removes the oldest of our own until so many are left; other threads may do so, too."""
    while len(_kept) > most:
        with suppress(IndexError, OSError):
            _kept.pop(0).rmdir()

"""git's own locks that nobody holds any more.

git does not write down who holds a lock. It is known to be abandoned when it has stood for a
minute, its file system is this machine's alone, no process has it open, and no git at work here is
in this clone. Whoever works in the clone from another machine or container is not seen, so this is
asked for by a repair; only what :mod:`.deadlocks` knows better is done by the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from padre_git.messages.damage import Piece, Source
from padre_git.vcs.damage import age, seconds_old
from padre_git.vcs.deadlocks import has_git, is_own_disk, locks
from padre_git.vcs.soundness import Flaw

__all__ = ["lock_flaws"]

_AGE = 60.0


def lock_flaws(common: Path) -> Iterator[Flaw]:
    """Yields git's locks in a clone that have stood for long, abandoned or not."""
    old = [path for path in locks(common) if seconds_old(path) > _AGE]
    if not old:
        return
    is_alone = is_own_disk(common) and not has_git(common)
    for path in old:
        source = Source.REST if is_alone and not _is_open(path) else None
        whose = "nobody holds it" if source else "somebody may hold it"
        yield Flaw(
            piece=Piece.LOCK,
            name=path.relative_to(common).as_posix(),
            problem=f"{age(path)} old, {whose}",
            source=source,
        )


def _is_open(path: Path) -> bool:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(link.exists() and path.samefile(link) for link in (process / "fd").iterdir()):
                return True
    return False

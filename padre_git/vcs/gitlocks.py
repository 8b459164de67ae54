"""git's own locks that nobody holds any more.

git does not write down who holds a lock. It is known to be abandoned when it has stood for a
minute, its file system is this machine's alone, no process has it open, and no git at work here is
in this clone. Whoever works in the clone from another machine or container is not seen, so this is
asked for by a repair, and never done by the way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from padre_git.messages.damage import Piece, Source
from padre_git.vcs.allrefs import git_dirs
from padre_git.vcs.damage import age, seconds_old
from padre_git.vcs.soundness import Flaw

__all__ = ["lock_flaws"]

_AGE = 60.0
_NAMES = ("HEAD", "config", "packed-refs", "shallow", "objects/info/commit-graph")
_CHAIN = "objects/info/commit-graphs/commit-graph-chain"
#: File systems on which other machines may be at work.
_SHARED = frozenset(
    ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "lustre", "gpfs", "beegfs", "afs", "glusterfs"]
)


def lock_flaws(common: Path) -> Iterator[Flaw]:
    """Yields git's locks in a clone that have stood for long, abandoned or not."""
    old = [path for path in _locks(common) if seconds_old(path) > _AGE]
    if not old:
        return
    is_alone = _is_own_disk(common) and not _has_git(common)
    for path in old:
        source = Source.REST if is_alone and not _is_open(path) else None
        whose = "nobody holds it" if source else "somebody may hold it"
        yield Flaw(
            piece=Piece.LOCK,
            name=path.relative_to(common).as_posix(),
            problem=f"{age(path)} old, {whose}",
            source=source,
        )


def _locks(common: Path) -> Iterator[Path]:
    names = [f"{name}.lock" for name in (*_NAMES, _CHAIN)]
    places = [common / name for name in (*names, "objects/maintenance.lock", "gc.pid.lock")]
    places += [git_dir / "index.lock" for git_dir in git_dirs(common)]
    places += [git_dir / "HEAD.lock" for git_dir in git_dirs(common)[1:]]
    yield from (place for place in places if place.is_symlink() or place.is_file())
    for above, _, names in os.walk(common / "refs"):
        yield from (Path(above) / name for name in sorted(names) if name.endswith(".lock"))


def _is_own_disk(path: Path) -> bool:
    """Tells whether no other machine can be at work on a file system."""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        device = path.stat().st_dev
    except OSError:
        return False
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for words in (line.split(" ") for line in lines):
        if words[2] == wanted:
            kind = words[words.index("-") + 1]
            return kind not in _SHARED and not kind.startswith("fuse")
    return True  # a file system without a mount of its own, such as btrfs's parts


def _has_git(common: Path) -> bool:
    """Tells whether a git process of this machine is, or may be, in a clone."""
    root = common.parent.resolve()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "comm").read_text().startswith("git"):
                try:
                    place = (process / "cwd").readlink()
                except PermissionError:
                    return True
                named = str(root) in (process / "cmdline").read_text(errors="replace")
                if place.is_relative_to(root) or named:
                    return True
    return False


def _is_open(path: Path) -> bool:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(link.exists() and path.samefile(link) for link in (process / "fd").iterdir()):
                return True
    return False

"""git's own locks that were left by the dead, where that can be told without asking anybody.

git does not say who holds a lock. Two things tell that nobody does, if no git is at work in the
clone and no other machine can be: the machine was started since the lock was made; or the lock is
such as our own upkeep takes, and younger than an upkeep of which every process is dead. For that
the upkeep leaves a note while git works for it, and holds ``flock`` on it by an open file that all
of its processes have: as long as one of them lives, nobody else gets it. So does what changes the
cone of a work tree; the locks that it takes are also taken by others and count when they are old.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from padre_git.vcs.allrefs import git_dirs

__all__ = ["at_work", "clear_left", "forget", "has_git", "is_own_disk", "locks"]

_NOTE = "padre/upkeep"
_OPEN = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
_NAMES = ("HEAD", "config", "packed-refs", "shallow", "objects/info/commit-graph")
_CHAIN = "objects/info/commit-graphs/commit-graph-chain"
#: What is below them, or is one of them, is what git's upkeep takes locks on.
_OF_UPKEEP = ("refs/", "packed-refs.lock", "objects/")
_OF_TREES = ("index.lock", "info/sparse-checkout.lock", "config.worktree.lock")
#: Those who are no git take these, too, but not for long.
_BRIEF = (*_OF_TREES, "config.lock")
_LONG = 60.0
#: Commands that take no lock, and wait for work as long as somebody has a store or a clone open.
_HARMLESS = frozenset(["cat-file", "fsmonitor--daemon"])
#: File systems on which other machines may be at work.
_SHARED = frozenset(
    ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "lustre", "gpfs", "beegfs", "afs", "glusterfs"]
)


@contextmanager
def at_work(common: Path) -> Iterator[tuple[int, ...]]:
    """Notes that git works for us in this block; the clone's own lock must be held.

    The note stays after it, for :func:`clear_left` or :func:`forget`.

    Args:
        common: the clone's common git directory.

    Returns:
        What every git in it is to inherit; nothing where the file system has no locks, or while
        what an upkeep that was killed has started is at work.
    """
    note = common / _NOTE
    try:
        descriptor = os.open(note, _OPEN | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:  # of work that was killed, whose locks are not old enough yet
        descriptor = os.open(note, _OPEN)
    try:
        inherited: tuple[int, ...] = (descriptor,)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            inherited = ()
        yield inherited
    finally:
        os.close(descriptor)


def forget(common: Path) -> None:
    """Takes the note away if no lock is there that may be of that work; see :func:`at_work`."""
    if not any(_is_of_upkeep(common, lock) or _is_brief(lock) for lock in locks(common)):
        (common / _NOTE).unlink(missing_ok=True)


def clear_left(common: Path, tell: Callable[[str], None], *, is_first: bool) -> None:
    """Removes locks of git's that were left by the dead; the clone's own lock must be held.

    Args:
        common: the clone's common git directory.
        tell: is told of each.
        is_first: whether nobody of ours has written since the machine was started.
    """
    if is_first and (started := _started()) is not None:
        _clear(common, lambda _, made: made < started, tell)
    try:
        descriptor = os.open(common / _NOTE, _OPEN)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        began = os.fstat(descriptor).st_mtime

        def is_its(lock: Path, made: float) -> bool:
            is_old = _is_brief(lock) and made < time.time() - _LONG
            return made >= began and (is_old or _is_of_upkeep(common, lock))

        if _clear(common, is_its, tell) and not _waits(common, began):
            (common / _NOTE).unlink(missing_ok=True)
    except OSError:  # one of its processes lives
        return
    finally:
        os.close(descriptor)


def _clear(
    common: Path, is_left: Callable[[Path, float], bool], tell: Callable[[str], None]
) -> bool:
    """Removes locks by name and time; returns whether it could be told that nobody holds them."""
    left = []
    for lock in locks(common):
        with suppress(FileNotFoundError):
            if is_left(lock, lock.lstat().st_mtime):
                left.append(lock)
    if left and (not is_own_disk(common) or has_git(common)):
        return False
    for lock in left:
        lock.unlink(missing_ok=True)
        tell(f"removed '{lock}', which a git that has died had left")
    return True


def _waits(common: Path, began: float) -> bool:
    """Tells whether a lock is there that counts as left when it is older."""
    with suppress(FileNotFoundError):
        return any(_is_brief(lock) and lock.lstat().st_mtime >= began for lock in locks(common))
    return True


def _is_brief(lock: Path) -> bool:
    return str(lock).endswith(_BRIEF)


def _is_of_upkeep(common: Path, lock: Path) -> bool:
    return lock.relative_to(common).as_posix().startswith(_OF_UPKEEP)


def _started() -> float | None:
    """Returns when this machine was started, in seconds since 1970; None if nobody says."""
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/stat").read_text().splitlines()
        return float(next(line for line in lines if line.startswith("btime ")).split()[1])
    return None


def locks(common: Path) -> Iterator[Path]:
    """Yields all locks of git's in a clone.

    Args:
        common: its common git directory.
    """
    names = [f"{name}.lock" for name in (*_NAMES, _CHAIN)]
    places = [common / name for name in (*names, "objects/maintenance.lock", "gc.pid.lock")]
    places += [git_dir / name for git_dir in git_dirs(common) for name in _OF_TREES]
    places += [git_dir / "HEAD.lock" for git_dir in git_dirs(common)[1:]]
    yield from (place for place in places if place.is_symlink() or place.is_file())
    for above, _, files in os.walk(common / "refs"):
        yield from (Path(above) / name for name in sorted(files) if name.endswith(".lock"))


def is_own_disk(path: Path) -> bool:
    """Returns whether no other machine can be at work on a file system."""
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


def has_git(common: Path) -> bool:
    """Returns whether a git that may take locks is, or may be, at work in a clone here."""
    root = common.parent.resolve()
    return any(_is_in(process, root) for process in Path("/proc").glob("[0-9]*"))


def _is_in(process: Path, root: Path) -> bool:
    with suppress(OSError):
        if not (process / "comm").read_text().startswith("git"):
            return False
        words = (process / "cmdline").read_text(errors="replace").split("\0")
        if not _HARMLESS.isdisjoint(words):
            return False
        try:
            place = (process / "cwd").readlink()
        except PermissionError:
            return True
        return place.is_relative_to(root) or any(str(root) in word for word in words)
    return False

"""Known repositories: those that this person made, or used, while nothing in them could run.

A mark says so: an empty file in the repository, and beside it what its number is and when the
system put it there. That time cannot be set, so neither an archive nor a copy brings it along,
and what is unpacked in the place of a known repository is not known.

What could run in a known repository is the person's own doing if nobody else can have written it,
and if it was written where it is: whoever unpacks an archive gives files the times in it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path

from padre_git.vcs.ownfiles import read_own, replace_own

__all__ = ["is_known", "is_own_doing", "make_known"]

_MARK = "padre/here"
_NOTE = "padre/known"
#: Nanoseconds that may pass until a file which was just written is made executable.
_MEANWHILE = 300 * 10**9


def make_known(git_dir: Path) -> None:
    """Marks a repository, unless others can write to it.

    Args:
        git_dir: its directory, in which nothing can run.
    """
    if not _is_mine(git_dir, "config"):
        return
    with suppress(OSError):  # it cannot be written, and is looked at as it is every time
        (git_dir / "padre").mkdir(exist_ok=True)
        replace_own(git_dir / _MARK, b"")
        replace_own(git_dir / _NOTE, _note((git_dir / _MARK).lstat()))


def is_known(git_dir: Path) -> bool:
    """Tells whether a repository was marked where it is, and nobody else can have done it."""
    with suppress(OSError):
        is_said = read_own(git_dir / _NOTE, largest=100) == _note((git_dir / _MARK).lstat())
        return is_said and _is_mine(git_dir, _MARK)
    return False


def is_own_doing(git_dir: Path, name: str) -> bool:
    """Tells whether this person must have written a file of a known repository.

    Args:
        git_dir: its directory.
        name: of what names a program, or is one, in there.
    """
    with suppress(OSError):
        state = (git_dir / name).lstat()
        return abs(state.st_ctime_ns - state.st_mtime_ns) < _MEANWHILE and _is_mine(git_dir, name)
    return False


def _note(mark: os.stat_result) -> bytes:
    return b"%d %d\n" % (mark.st_ino, mark.st_ctime_ns)


def _is_mine(git_dir: Path, name: str) -> bool:
    """Tells whether nobody else can write a file, or put another one in its place."""
    real = Path(os.path.realpath(git_dir))
    path, above = real / name, set(real.parents)
    with suppress(OSError):
        state = path.lstat()
        if not stat.S_ISREG(state.st_mode) or state.st_uid != os.geteuid():
            return False
        places = path.parents
        return not _others_write(path, state) and all(
            _is_closed(place) or (place in above and _is_temporary(place)) for place in places
        )
    return False


def _is_closed(directory: Path) -> bool:
    state = directory.lstat()
    is_trusted = stat.S_ISDIR(state.st_mode) and state.st_uid in {os.geteuid(), 0}
    return is_trusted and not _others_write(directory, state)


def _is_temporary(directory: Path) -> bool:
    """Tells whether everybody can add to a directory, and nobody replace what is another's."""
    state = directory.lstat()
    return bool(state.st_mode & stat.S_ISVTX) and not state.st_uid


def _others_write(path: Path, state: os.stat_result) -> bool:
    if not state.st_mode & stat.S_IWGRP:
        return bool(state.st_mode & stat.S_IWOTH)
    if state.st_mode & stat.S_IWOTH or not _is_group_of_one(state.st_gid):
        return True
    lists = os.listxattr(path, follow_symlinks=False) if hasattr(os, "listxattr") else ["acl"]
    return any("acl" in name for name in lists)  # of more users, whose rights look like a group's


@cache
def _is_group_of_one(gid: int) -> bool:
    """Tells whether a group is this person's own, as many systems give everybody one."""
    import grp
    import pwd

    try:
        person, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    is_alone = set(group.gr_mem) <= {person.pw_name}
    return is_alone and (gid, group.gr_name) == (person.pw_gid, person.pw_name)

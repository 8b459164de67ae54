"""Sharing a directory: a base whose repositories belong to the members of a group.

git does nothing in a repository of another user unless the person's own configuration names it,
because hooks and settings in it are run. In a group's base everybody of the group may write
everything, which is its purpose, and a person has named it as the remote: git is told so for the
one command and the one repository. Anywhere else git's own rule stays.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from padre_git.errors import AlreadyExistsError, InvalidInputError, RepositoryError
from padre_git.model.names import quoted
from padre_git.vcs.remotes import path_of
from padre_git.vcs.trust import is_trusted

__all__ = ["Sharing", "consenting", "make_base"]

_GROUPS = stat.S_ISGID | stat.S_IRWXG
#: Which program serves a command, and the option that says how it is started.
_SERVED_BY = {"fetch": "upload-pack", "ls-remote": "upload-pack", "push": "receive-pack"}
#: Whoever of the group plants a program after we have looked does not get it run as us.
_NOTHING_RUN = (
    f"core.hooksPath={os.devnull}",
    "core.alternateRefsCommand=true",
    "receive.denyCurrentBranch=refuse",
)


class Sharing(StrEnum):
    """Whose the repositories in a base are."""

    PRIVATE = "private"
    GROUP = "group"


def make_base(directory: Path, sharing: Sharing, *, group: str | None = None) -> str:
    """Makes the directory in which every project's first push makes a repository.

    Nothing is changed that is as it should be; a directory with something in it stays as it is.

    Args:
        directory: where; the one above it must exist.
        sharing: whose it is.
        group: the name of the group; None for the one that new files get there.

    Returns:
        The name of its group.

    Raises:
        InvalidInputError: if there is no such group, or the person is not in it.
        AlreadyExistsError: if it exists, is shared otherwise and holds something.
        RepositoryError: if it cannot be made.
    """
    gid = None if group is None else _gid(group)
    mode = 0o700 if sharing is Sharing.PRIVATE else 0o700 | _GROUPS
    if directory.exists() and not directory.is_dir():
        raise AlreadyExistsError(f"'{directory}' is a file")
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.stat()
        as_wanted = stat.S_IMODE(found.st_mode) == mode and gid in (None, found.st_gid)
        if not as_wanted and any(directory.iterdir()):
            raise _in_use(directory)
        if not as_wanted:
            if gid is not None:
                os.chown(directory, -1, gid)
            directory.chmod(mode)
        return _name(directory.stat().st_gid)
    except AlreadyExistsError:
        raise
    except OSError as error:
        raise RepositoryError(
            f"cannot make '{directory}': {(error.strerror or '').lower()}",
            hint="the directory above it must exist and be writable",
        ) from error


def _in_use(directory: Path) -> AlreadyExistsError:
    return AlreadyExistsError(
        f"'{directory}' holds something and is shared otherwise",
        hint="nothing was changed. Make another directory and move the remote there"
        " (padre-git remote move), or share this one as 'git help init' says (--shared)",
    )


def consenting(args: Sequence[str], url: str) -> list[str]:
    """Returns a git command that may use a repository of another member of the group.

    Args:
        args: the command, without ``git``.
        url: whom it talks to.
    """
    path = path_of(url)
    place = next((n for n, word in enumerate(args) if word in _SERVED_BY), None)
    if path is None or place is None or not _is_a_members(path):
        return list(args)
    program = _SERVED_BY[args[place]]
    named = dict.fromkeys([str(path), str(path.resolve())])
    settings = [f"safe.directory={name}" for name in named]
    if program == "receive-pack" and not is_trusted(path):
        settings += _NOTHING_RUN
    options = [f"-c {shlex.quote(setting)}" for setting in settings]
    served = f"--{program}=git {' '.join(options)} {program}"
    return [*args[: place + 1], served, *args[place + 1 :]]


def _is_a_members(path: Path) -> bool:
    """Returns whether a repository is another's, in a base of a group that this person is in."""
    try:
        base, found = path.parent.stat(), path.stat()
    except OSError:
        return False
    if found.st_uid == os.geteuid() or base.st_gid not in {os.getegid(), *os.getgroups()}:
        return False
    shared = all(
        s.st_mode & _GROUPS == _GROUPS and not s.st_mode & stat.S_IWOTH for s in (base, found)
    )
    return shared and found.st_gid == base.st_gid


def _gid(group: str) -> int:
    import grp

    try:
        gid = grp.getgrnam(group).gr_gid
    except KeyError:
        raise InvalidInputError(f"no group {quoted(group)} on this machine") from None
    if os.geteuid() != 0 and gid not in {os.getegid(), *os.getgroups()}:
        raise InvalidInputError(f"you are not in the group {quoted(group)}")
    return gid


def _name(gid: int) -> str:
    import grp

    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)

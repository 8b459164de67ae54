"""Copying a repository that somebody else handed over: its objects and its branch, nothing else.

No git works in the directory itself. A repository of ours borrows its objects and names the
branch; the copy is fetched from there and checked object by object. So no configuration, hook,
filter, attribute, path or link of the other side has a say, whatever git would do with it.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from padre_git.errors import NotFoundError, UnsupportedError
from padre_git.vcs.ownfiles import read_own
from padre_git.vcs.process import run_git, try_git
from padre_git.vcs.scratch import lay_out
from padre_git.vcs.setup import check_branch, fsync_new, init, set_unless_set
from padre_git.vcs.transport import DEFAULT_TERMS, fetch
from padre_git.vcs.trust import odd_objects

__all__ = ["copy_repository"]

_PENDING = "refs/padre/pending"
_FETCHED = "refs/padre/copied"
_ID = re.compile(rb"[0-9a-f]{40}\s*")


def copy_repository(source: Path, place: Path, *, branch: str) -> None:
    """Makes a clone out of one that is not to be trusted, with the branch as it has it.

    Commits that wait there for its owner to be free come along. What was not committed does not,
    and neither do other branches. The copy knows of no remote.

    Args:
        source: the directory of the other clone.
        place: an empty directory.
        branch: the branch.

    Raises:
        NotFoundError: if there is no such branch, or no repository.
        UnsupportedError: if parts of it are elsewhere.
        RemoteError, RepositoryError: if something in it is damaged or forged.
    """
    git_dir = source / ".git"
    odd = odd_objects(git_dir)
    if odd is not None:
        raise UnsupportedError(f"'{source}' is not copied: {odd}")
    tips = _tips(git_dir, branch)
    if not tips:
        raise NotFoundError(f"'{source}' has no branch '{branch}'")
    init(place, branch=check_branch(branch))
    set_unless_set(place, "core.symlinks", "false")
    with tempfile.TemporaryDirectory(prefix="padre-") as made:
        between = Path(made)
        lay_out(between, [git_dir / "objects"], "sha1")
        (between / "refs" / "heads").mkdir()
        for number, tip in enumerate(tips):
            (between / "refs" / "heads" / str(number)).write_text(f"{tip}\n")
        chosen = len(tips) - 1 if _builds_on(between, tips) else 0
        fetch(place, between.as_uri(), str(chosen), tracking=_FETCHED, terms=DEFAULT_TERMS)
    run_git(["update-ref", f"refs/heads/{branch}", tips[chosen]], place)
    run_git(["update-ref", "-d", _FETCHED], place)
    run_git(["read-tree", "-m", "-u", "HEAD"], place)
    fsync_new(place / ".git")


def _tips(git_dir: Path, branch: str) -> list[str]:
    """Returns the commit of the branch, and the one that waits to be brought to it."""
    found = (_read(git_dir, name) for name in (f"refs/heads/{branch}", _PENDING))
    return [tip for tip in found if tip is not None]


def _read(git_dir: Path, name: str) -> str | None:
    loose = read_own(git_dir / name)
    if loose is not None and _ID.fullmatch(loose):
        return loose.decode().strip()
    packed = read_own(git_dir / "packed-refs") or b""
    lines = (line.partition(b" ") for line in packed.splitlines())
    end = os.fsencode(name)
    return next((o.decode() for o, _, n in lines if n == end and _ID.fullmatch(o)), None)


def _builds_on(between: Path, tips: list[str]) -> bool:
    return not try_git(["merge-base", "--is-ancestor", tips[0], tips[-1]], between).code

"""Cloning: one branch of a remote with all its history, in a directory of its own.

Only that branch comes: a host may have tens of thousands of others, and of tags, that nobody asked
for. git is told of the remote as ``git clone`` does it, so the person's own fetch brings the rest.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from padre_git.errors import RepositoryError
from padre_git.vcs.lean import Lean, LeanTree
from padre_git.vcs.process import run_git
from padre_git.vcs.progress import Watch
from padre_git.vcs.reader import Reader
from padre_git.vcs.setup import check_branch, fsync_new, init, set_unless_set
from padre_git.vcs.transport import Terms, fetch

__all__ = ["clone"]


def clone(
    url: str,
    place: Path,
    *,
    branch: str,
    terms: Terms,
    watch: Watch | None,
    lean: Lean | None = None,
) -> None:
    """Clones into an empty directory and checks a branch out; see ``Repository.clone``."""
    init(place, branch=check_branch(branch))
    url, full, tracking = _absolute(url), f"refs/heads/{branch}", f"refs/remotes/origin/{branch}"
    for name, value in (
        ("remote.origin.url", url),
        ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
        (f"branch.{branch}.remote", "origin"),
        (f"branch.{branch}.merge", full),
        ("core.symlinks", "false"),
    ):
        set_unless_set(place, name, value)
    tip = fetch(place, url, branch, tracking=tracking, terms=terms, watch=watch)
    if tip is not None:
        run_git(["update-ref", full, tip], place)
        if lean is not None:
            _thin_out(place, tip, lean)
        run_git(["read-tree", "-m", "-u", "HEAD"], place)
    fsync_new(place / ".git")


def _thin_out(place: Path, tip: str, lean: Lean) -> None:
    """Has the work tree of a large project leave most of it out, before it is there."""
    reader = Reader(place / ".git")
    try:
        tree = reader.commit(tip).tree
        if lean.is_large(reader.tree, tree):
            git_dir = place / ".git"
            made = LeanTree(place, git_dir, git_dir / "padre", lean)
            with suppress(RepositoryError):  # a git that knows no sparse index has everything
                made.leave_out(reader.tree, tree)
    finally:
        reader.close()


def _absolute(url: str) -> str:
    """Returns the url; a relative path, which git would take from another place, as absolute."""
    if "://" in url or not Path(url).exists():
        return url
    return os.fspath(Path(url).absolute())

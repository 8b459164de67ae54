"""What the user is doing: where a branch is checked out and whether its work tree is free."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from padre_git.vcs.ownfiles import read_own
from padre_git.vcs.refs import symbolic_target

__all__ = ["Checkout", "UserState", "checkouts", "elsewhere", "state_of"]


class UserState(StrEnum):
    """What a person is in the middle of, in the work tree that has the branch checked out."""

    FREE = "free"
    INDEX_LOCKED = "index locked"
    MERGING = "merging"
    REBASING = "rebasing"
    PICKING = "cherry-picking"
    REVERTING = "reverting"
    BISECTING = "bisecting"


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """Is a work tree that has the branch checked out.

    Attributes:
        root: the work tree's directory.
        git_dir: its own git directory, with HEAD and index.
    """

    root: Path
    git_dir: Path


_LONGEST = 10_000
_IN_PROGRESS = (
    ("rebase-merge", UserState.REBASING),
    ("rebase-apply", UserState.REBASING),
    ("MERGE_HEAD", UserState.MERGING),
    ("CHERRY_PICK_HEAD", UserState.PICKING),
    ("REVERT_HEAD", UserState.REVERTING),
    ("BISECT_START", UserState.BISECTING),
)


def state_of(checkout: Checkout) -> UserState:
    """Returns what the user is in the middle of in one work tree."""
    there = set(os.listdir(checkout.git_dir))  # noqa: PTH208 - measured: asked at every commit
    for name, state in _IN_PROGRESS:
        if name in there:
            return state
    if "sequencer" in there:  # between two picks of several
        first = _first_line(checkout.git_dir / "sequencer" / "todo") or ""
        return UserState.REVERTING if first.startswith("revert") else UserState.PICKING
    return UserState.INDEX_LOCKED if "index.lock" in there else UserState.FREE


def checkouts(common: Path, root: Path | None, branch: str) -> list[Checkout]:
    """Returns the work trees that have a branch checked out, the main one first.

    A work tree whose rebase or bisect will return to the branch has it checked out too, though
    its HEAD is detached for the time being.

    Args:
        common: the common git directory.
        root: the main work tree; None for a bare repository.
        branch: the branch's short name.
    """
    return [found for found in _worktrees(common, root) if _is_on(found.git_dir, branch)]


def elsewhere(common: Path, root: Path | None, branch: str) -> list[Checkout]:
    """Returns the work trees that do not have a branch checked out; see :func:`checkouts`."""
    return [found for found in _worktrees(common, root) if not _is_on(found.git_dir, branch)]


def _worktrees(common: Path, root: Path | None) -> Iterator[Checkout]:
    if root is not None:
        yield Checkout(root=root, git_dir=common)
    linked = common / "worktrees"
    if not linked.is_dir():
        return
    for git_dir in sorted(linked.iterdir()):
        place = _named(git_dir / "gitdir", git_dir)
        # a work tree that does not name us in turn is not ours to write to
        if place is not None and _named(place, place.parent, "gitdir:") == git_dir.resolve():
            yield Checkout(root=place.parent, git_dir=git_dir)


def _named(file: Path, base: Path, before: str = "") -> Path | None:
    """Returns the path that a file of git's names; None if it is being added, pruned or forged."""
    text = os.fsdecode(read_own(file, largest=_LONGEST) or b"").strip()
    name = text.removeprefix(before).strip()
    return (base / name).resolve() if name and text.startswith(before) else None


def _is_on(git_dir: Path, branch: str) -> bool:
    full = f"refs/heads/{branch}"
    if symbolic_target(git_dir / "HEAD") == full:
        return True
    return any(
        _first_line(git_dir / name) in {full, branch}
        for name in ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START")
    )


def _first_line(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").partition("\n")[0].strip()
    except OSError:
        return None

"""Merging pending commits into a branch that has moved: three-way, by path, never by guessing."""

from __future__ import annotations

from padre_git.errors import Conflict, ConflictError
from padre_git.vcs.identity import Identity
from padre_git.vcs.objects import EMPTY_TREE
from padre_git.vcs.packs import PackWriter
from padre_git.vcs.plan import NewCommit, build_plan, differences
from padre_git.vcs.reader import Reader
from padre_git.vcs.snapshot import Snapshot

__all__ = ["merge_pending"]


def merge_pending(
    branch: str,
    pending: str,
    *,
    base: str | None,
    reader: Reader,
    writer: PackWriter,
    who: Identity,
) -> str:
    """Returns a merge commit of pending work into a branch.

    Args:
        branch: the branch's commit, first parent.
        pending: the pending commit, second parent.
        base: their common ancestor.
        reader: gives the objects.
        writer: takes the new ones.
        who: the clone's identity.

    Raises:
        ConflictError: naming the files that both have changed, each in its own way.
    """
    trees = [EMPTY_TREE if c is None else reader.commit(c).tree for c in (base, branch, pending)]
    theirs = {d.path: d for d in differences(reader, trees[0], trees[2])}
    ours = {d.path: d for d in differences(reader, trees[0], trees[1])}
    conflicts = [
        Conflict(key=path, field=None, base=d.old, ours=ours[path].new, theirs=d.new)
        for path, d in theirs.items()
        if path in ours and ours[path].new != d.new
    ]
    if conflicts:
        raise ConflictError(
            f"'{conflicts[0].key}' was changed on the branch and in commits that wait for it",
            conflicts=conflicts,
            hint="both are kept: `git merge refs/padre/pending` lets you choose",
        )
    merge = NewCommit(
        edits={path: d.new for path, d in theirs.items()},
        text="Merge what was recorded while the work tree was busy",
        parents=(pending,),
    )
    snapshot = Snapshot(reader, branch)
    return build_plan(snapshot, [merge], reader=reader, writer=writer, who=who) or branch

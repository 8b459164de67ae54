"""Merging pending commits into a branch that has moved: three-way, never by guessing.

What merging means for documents is not known here: whoever knows plans the merge. Without a plan it
is by path.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from padre_git.errors import Conflict, ConflictError
from padre_git.vcs.identity import Identity
from padre_git.vcs.objects import Entry
from padre_git.vcs.packs import PackWriter
from padre_git.vcs.plan import NewCommit, build_plan
from padre_git.vcs.reader import Reader
from padre_git.vcs.snapshot import Snapshot

if TYPE_CHECKING:
    from padre_git.vcs.history import History

__all__ = ["PlanMerge", "merge_pending", "plan_by_path"]

#: Plans the merge of pending commits: is given the branch's commit, the pending one and what to
#: compare both with (None for what they have in common), and returns what to commit on the branch.
PlanMerge = Callable[[str, str, str | None], NewCommit]


def merge_pending(
    branch: str, merge: NewCommit, *, reader: Reader, writer: PackWriter, who: Identity
) -> str:
    """Returns a merge commit of pending work into a branch.

    Args:
        branch: the branch's commit, first parent.
        merge: as planned.
        reader: gives the objects.
        writer: takes the new ones.
        who: the clone's identity.
    """
    snapshot = Snapshot(reader, branch)
    return build_plan(snapshot, [merge], reader=reader, writer=writer, who=who) or branch


def plan_by_path(history: History, branch: str, pending: str, base: str | None) -> NewCommit:
    """Returns the merge of pending commits by path; see :data:`PlanMerge`.

    Args:
        history: has the commits.
        branch: the branch's commit.
        pending: the pending commit.
        base: the commit to compare both with; None for what they have in common.

    Raises:
        ConflictError: naming the files that both have changed, each in its own way.
    """
    base = base or history.merge_base(branch, pending)
    theirs = {path: _files(history, (base, branch, pending), path)
              for path in history.diff_paths(base, pending)}  # fmt: skip
    conflicts = [
        Conflict(key=path, field=None, base=old, ours=here, theirs=new)
        for path, (old, here, new) in theirs.items()
        if here not in (old, new)
    ]
    if conflicts:
        raise ConflictError(
            f"'{conflicts[0].key}' was changed on the branch and in commits that wait for it",
            conflicts=conflicts,
            hint="both are kept: `git merge refs/padre/pending` lets you choose",
        )
    return NewCommit(
        edits={path: new for path, (_, _, new) in theirs.items()},
        text="Merge what was recorded while the work tree was busy",
        parents=(pending,),
    )


def _files(history: History, commits: tuple[str | None, ...], path: str) -> list[Entry | None]:
    found = [history.snapshot(c).entry(path) if c is not None else None for c in commits]
    return [None if entry is None or entry.is_tree else entry for entry in found]

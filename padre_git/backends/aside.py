"""Writing to what the remote has and what could not be merged yet: it becomes ours first.

While two sides contradict each other somewhere, lists and reads show what either has. Whoever
records below an experiment that only the other side has, or labels a run of theirs, must not have
to wait until somebody has settled the contradiction elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from padre_git.backends.git import GitBackend
from padre_git.backends.records import Records
from padre_git.messages import Message, Op
from padre_git.model import Change, ChangeSet, Record

__all__ = ["take_over"]


def take_over(
    local: GitBackend, unmerged: Records, writes: Sequence[tuple[ChangeSet, Message]]
) -> None:
    """Stores the records that are written to, and those above them, as the remote has them.

    Both sides have the same then, which is no contradiction. What stands here, alive or deleted,
    stays as it is.

    Args:
        local: the clones.
        unmerged: the records of the remote that could not be merged.
        writes: what is going to be applied.
    """
    stored = {c.key for changes, _ in writes for c in changes if c.files is not None}
    above = {key for one in stored for key in one.ancestors()}
    theirs = {
        key: record
        for key, record in unmerged.find(sorted(stored | above)).items()
        if isinstance(record, Record)
    }
    if not theirs:
        return
    here = local.read(theirs)
    changes = tuple(
        Change(key=key, files=record.files)
        for key, record in sorted(theirs.items())
        if key not in here
    )
    if changes:
        text = f"take over {len(changes)} records that are not merged yet"
        local.apply(ChangeSet(changes=changes), Message(op=Op.PUT, subject=text))

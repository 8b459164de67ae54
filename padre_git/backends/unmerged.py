"""Unmerged: writing below what the remote has and what could not be merged yet.

While two sides contradict each other somewhere, lists and reads show what either has. Whoever
records below an experiment that only the other side has must not have to wait until somebody has
settled the contradiction elsewhere. To change a record of theirs they have to: a copy of it would
be ours without a common beginning, and contradict what they do to it next.
"""

from __future__ import annotations

from collections.abc import Sequence

from padre_git.backends.git import GitBackend
from padre_git.backends.records import Records
from padre_git.errors import ConflictError
from padre_git.messages import Message, Op
from padre_git.model import ABSENT, Change, ChangeSet, Record

__all__ = ["bring_above"]


def bring_above(
    local: GitBackend, unmerged: Records, writes: Sequence[tuple[ChangeSet, Message]]
) -> None:
    """Stores what is above the records that are written to as the remote has it, if it is not here.

    Both sides have the same then, which is no contradiction. What stands here, alive or deleted,
    stays as it is.

    Args:
        local: the clones.
        unmerged: the records of the remote that could not be merged.
        writes: what is going to be applied.

    Raises:
        ConflictError: if a record is changed that is only at the remote; nothing was written.
    """
    stored = {c.key: c for changes, _ in writes for c in changes if c.files is not None}
    above = {key for one in stored for key in one.ancestors()}
    theirs = {
        key: record
        for key, record in unmerged.find(sorted(above | stored.keys())).items()
        if isinstance(record, Record)
    }
    here = local.read(theirs) if theirs else {}
    missing = {key: record for key, record in theirs.items() if key not in here}
    for key in missing:
        if key in stored and stored[key].expected not in (None, ABSENT):
            raise ConflictError(
                f"'{key}' is at the remote and not merged yet",
                key=key,
                hint=f"settle what stands between the two first: padre-git resolve {key.project}",
            )
    changes = tuple(
        Change(key=key, files=missing[key].files)
        for key in sorted(missing)
        if key in above and key not in stored
    )
    if changes:
        text = f"take over {', '.join(change.key.name for change in changes)}, not merged yet"
        local.apply(ChangeSet(changes=changes), Message(op=Op.PUT, subject=text))

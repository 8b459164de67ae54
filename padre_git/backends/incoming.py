"""What callers of the dual layer ask for, as the clone is to do it.

Urls are set by publishing and by nobody else, and a kept copy is no record on the branch: changing
it, or storing something below it, makes it one again, and deleting it drops the copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from padre_git.backends.exchange import Side
from padre_git.backends.git import GitBackend
from padre_git.backends.urls import keep_urls
from padre_git.messages import Event, Message, Notice, Op
from padre_git.model import Change, ChangeSet, Key

__all__ = ["apply_to"]

_Write = tuple[ChangeSet, Message]


def apply_to(
    local: GitBackend,
    side: Side | None,
    writes: Sequence[_Write],
    *,
    notify: Callable[[Event], None],
) -> list[dict[Key, str | None]]:
    """Applies change sets of one project to its clone; see ``Backend.apply_each``.

    Args:
        local: the clones.
        side: the clone, if there is one already.
        writes: the change sets.
        notify: is told what is published again.
    """
    if side is not None and side.kept.tops():
        _bring_back(local, side, writes, notify)
    copies = side.kept.read(_keys(writes)) if side is not None else {}
    left: list[_Write] = []
    dropped: list[dict[Key, str | None]] = []
    for changes, message in writes:
        gone = [change.key for change in changes if _deletes(change) and change.key in copies]
        rest = tuple(change for change in changes if change.key not in gone)
        dropped.append(dict.fromkeys(gone))
        if rest:
            left.append((ChangeSet(changes=rest), message))
    done = iter(local.apply_each(left, amend=keep_urls) if left else ())
    revisions = [
        gone if len(gone) == len(changes.changes) else gone | next(done)
        for gone, (changes, _) in zip(dropped, writes, strict=True)
    ]
    if side is not None:
        for key in (c.key for changes, _ in writes for c in changes if _deletes(c)):
            side.kept.cut(key)
            side.kept.drop_below(key)
    return revisions


def _bring_back(
    local: GitBackend, side: Side, writes: Sequence[_Write], notify: Callable[[Event], None]
) -> None:
    """Makes records of the kept copies that are written to, with what lies below them."""
    stored = [c.key for changes, _ in writes for c in changes if not _deletes(c)]
    for top in sorted({top for key in stored if (top := side.kept.above(key)) is not None}):
        message = Message(op=Op.RESTORE, subject=f"restore {top.kind} {top.name}")
        local.restore([top], message, at=side.kept.commit(top))
        side.kept.drop(top)
        notify(
            Notice(text=f"'{top}' was written to, so it is published again", project=top.project)
        )


def _deletes(change: Change) -> bool:
    return change.files is None and change.moved_to is None


def _keys(writes: Sequence[_Write]) -> list[Key]:
    return [change.key for changes, _ in writes for change in changes]

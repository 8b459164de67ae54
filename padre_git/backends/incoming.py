"""What callers of the dual layer ask for, as the clone is to do it.

Urls are set by publishing and by nobody else, and a kept copy is no record on the branch: changing
it stores the record anew, and deleting it drops the copy.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from padre_git.backends.exchange import Side
from padre_git.backends.git import GitBackend
from padre_git.backends.urls import HAVE_URL, stored_url, with_url
from padre_git.messages import Message
from padre_git.model import ABSENT, Change, ChangeSet, Found, Key, Record

__all__ = ["apply_to"]

_Write = tuple[ChangeSet, Message]


def apply_to(
    local: GitBackend, side: Side | None, writes: Sequence[_Write]
) -> list[dict[Key, str | None]]:
    """Applies change sets of one project to its clone; see ``Backend.apply_each``.

    Args:
        local: the clones.
        side: the clone, if there is one already.
        writes: the change sets.
    """
    copies = side.kept.read(_keys(writes)) if side is not None and side.kept.tops() else {}
    current = local.read(key for key in _keys(writes) if key.kind in HAVE_URL)
    left: list[_Write] = []
    dropped: list[dict[Key, str | None]] = []
    for changes, message in writes:
        gone = [c.key for c in changes if c.files is None and not c.moved_to and c.key in copies]
        rest = tuple(
            _own(change, current.get(change.key), copies.get(change.key))
            for change in changes
            if change.key not in gone
        )
        dropped.append(dict.fromkeys(gone))
        if rest:
            left.append((ChangeSet(changes=rest), message))
    done = iter(local.apply_each(left) if left else ())
    revisions = [
        gone if len(gone) == len(changes.changes) else gone | next(done)
        for gone, (changes, _) in zip(dropped, writes, strict=True)
    ]
    if side is not None:
        side.kept.drop(_keys(writes))
    return revisions


def _keys(writes: Sequence[_Write]) -> list[Key]:
    return [change.key for changes, _ in writes for change in changes]


def _own(change: Change, current: Found | None, copy: Record | None) -> Change:
    """Returns a change with the url as it is stored, and a kept copy taken for no record."""
    if copy is not None and change.expected == copy.revision:
        change = dataclasses.replace(change, expected=ABSENT)
    if change.files is None or change.key.kind not in HAVE_URL:
        return change
    url = stored_url(current) if isinstance(current, Record) else None
    files = with_url(Record(key=change.key, files=change.files), url)
    return change if files is change.files else dataclasses.replace(change, files=files)

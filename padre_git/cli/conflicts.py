"""Conflicts as people read them: a value as it is, a record by what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from padre_git.errors import Conflict

__all__ = ["cells", "place"]

_NOTHING = "-"
_MOST = 3
#: What conflicts say of a file behind a pointer.
_FILE = frozenset(["md5", "size"])


def place(conflict: Conflict) -> str:
    """Returns the place of a conflict in one line."""
    return conflict.key if conflict.field is None else f"{conflict.key} {conflict.field}"


def cells(conflict: Conflict) -> tuple[Any, Any, Any]:
    """Returns what was before, what is here and what is there."""
    values = (conflict.base, conflict.ours, conflict.theirs)
    if conflict.field is not None and all(_is_plain(value) for value in values):
        before, ours, theirs = map(_plain, values)
        return before, ours, theirs
    base = _NOTHING if conflict.base is None else "there"
    return base, _told(conflict.ours, conflict.base), _told(conflict.theirs, conflict.base)


def _is_plain(value: object) -> bool:
    return not isinstance(value, Mapping) or value.keys() == _FILE


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return f"{value['md5'][:8]}, {value['size']} bytes"
    return _NOTHING if value is None else value


def _told(value: object, base: object) -> object:
    if value is None:
        return "deleted"
    if not isinstance(value, Mapping):
        return value
    if not isinstance(base, Mapping):
        return "new"
    changed = [name for name in (*value, *base) if value.get(name) != base.get(name)]
    if not changed:
        return "changed"  # not in its document: in tags, notes, artifacts or below it
    names = list(dict.fromkeys(changed))
    return f"changed: {', '.join(names[:_MOST])}" + (", …" if len(names) > _MOST else "")

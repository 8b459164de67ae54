"""Where a ref was before: what logs and our own notes say of it."""

from __future__ import annotations

from pathlib import Path

from padre_git.vcs.allrefs import logged
from padre_git.vcs.healing import Recent
from padre_git.vcs.moving import read_intents

__all__ = ["past_of"]


def past_of(common: Path, name: str, *, ours: bool = False) -> list[str]:
    """Returns the commits that a ref has named, the last first.

    Args:
        common: the common git directory.
        name: the ref.
        ours: whether it is the branch that our notes are about.
    """
    found = logged(common, name)
    if ours:
        since = found[0][1] if found else 0
        own = common / "padre"
        last = Recent(own / "recent").last()
        if last is not None and last.time >= since:
            found.insert(0, (last.new, last.time))
        begun = read_intents(own / "intent")
        found += [(oid, 0) for move in begun for oid in move if oid]
    return [oid for oid, _ in found if set(oid) != {"0"}]

"""Rewriting: when the remote no longer has what it had, and what is done about it.

A remote only ever grows, unless somebody forces it. Put back to an older state, a backup mostly,
it is given again what it has lost, and a person is told. Anything else, such as a history that was
filtered to erase something or another project in the old one's place, is for a person to judge:
merging would bring back what was erased, and following would take away what is here.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable

from padre_git.backends.exchange import Side
from padre_git.errors import RemoteRewrittenError
from padre_git.messages import Event, Notice

__all__ = ["check_growth", "loss"]

_SHORT = 10


def check_growth(side: Side, notify: Callable[[Event], None]) -> None:
    """Makes sure that the remote, as seen last, still has all that it was known to have.

    It also is in order if the person has settled it: the branch has both histories, or has left
    the old one.

    Args:
        side: the clone.
        notify: is told if the remote was put back to an older state.

    Raises:
        RemoteRewrittenError: if its history was replaced; the clone's is kept on a branch.
        RemoteError: if something is missing and the remote cannot be asked again.
    """
    if _lost(side) is None:
        return
    side.fetch()  # a fetch that began before a push of ours may have ended after it
    lost = _lost(side)
    if lost is None:
        return
    tip, met, seen = lost
    if not side.is_ancestor(seen, met):
        raise _rewritten(side, tip, met, seen)
    notify(_set_back(side, len(side.between(seen, met))))
    side.meet(seen)


def loss(side: Side) -> str | None:
    """Returns in a line what the remote's history lost; None if it has all that it had."""
    lost = _lost(side)
    if lost is None:
        return None
    _, met, seen = lost
    if side.is_ancestor(seen, met):
        return "the remote was put back to an older state; the next sync publishes what it lacks"
    return "the remote's history was replaced; sync says what can be done"


def _lost(side: Side) -> tuple[str, str, str] | None:
    """Returns our tip, what the remote had and what it has, if it lost something that we have."""
    tip, met, seen = side.repository.tip(), side.met, side.seen
    if tip is None or met is None or seen is None or side.is_ancestor(met, seen):
        return None
    if not side.is_ancestor(met, tip):  # the person has left what the remote no longer has
        return None
    merged = side.is_ancestor(seen, tip) and not side.is_ancestor(seen, met)
    return None if merged else (tip, met, seen)


def _set_back(side: Side, count: int) -> Notice:
    those = "the last commit" if count == 1 else f"the last {count} commits"
    return Notice(
        text=f"the remote of '{side.project}' was put back to an older state: it lacks {those}"
        " that it had; what is here is published again with the next push or sync",
        project=side.project,
    )


def _rewritten(side: Side, tip: str, met: str, seen: str) -> RemoteRewrittenError:
    branch, path = side.repository.branch, shlex.quote(str(side.repository.path))
    kept = _keep(side, tip, f"kept-before-{seen[:_SHORT]}")
    is_other = side.repository.merge_base(met, seen) is None
    what = "replaced by another one" if is_other else "rewritten"
    count = len(side.between(seen, met))
    those = "a commit" if count == 1 else f"{count} commits"
    merge = "merge --allow-unrelated-histories" if is_other else "merge"
    return RemoteRewrittenError(
        f"the remote's history of '{side.project}' was {what}: it no longer has {those} that it"
        f" had; nothing was changed here, and all that is here is kept on branch '{kept}'",
        key=side.project,
        hint="ask whoever did it; then run one of these, and sync:\n"
        f"  git -C {path} rebase --onto origin/{branch} {met[:_SHORT]} {branch}"
        "   (follow the remote, with only what you have not published on top)\n"
        f"  git -C {path} {merge} origin/{branch}"
        "   (bring the old history back, for everybody)",
    )


def _keep(side: Side, tip: str, name: str) -> str:
    """Keeps a commit on a branch of its own; returns the branch's name."""
    ref = f"refs/heads/{name}"
    known = side.repository.read_ref(ref)
    if known != tip:
        side.repository.write_ref(ref, tip, known)
    return name

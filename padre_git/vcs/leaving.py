"""Leaving: what a move has put into a work tree that has gone to another branch meanwhile.

``git checkout`` reads HEAD, locks and writes the index, and moves HEAD last. A move of the branch
in between finds the work tree on the branch and writes files and entries that nobody there wants:
the next checkout refuses to overwrite them, or takes them along. They are taken back as soon as
HEAD names something else: what is as the move made it, and no longer what is checked out, becomes
that. Where HEAD moves after all this, the next call does it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from padre_git.errors import ConflictError, LockedError, PadreGitError
from padre_git.vcs.durable import Durable
from padre_git.vcs.healing import NOWHERE, Move, followed, moved
from padre_git.vcs.objects import MODULE, Entry
from padre_git.vcs.ownfiles import read_own
from padre_git.vcs.plan import Difference
from padre_git.vcs.reader import Reader
from padre_git.vcs.reflog import last_action, last_checkout
from padre_git.vcs.refs import symbolic_target
from padre_git.vcs.site import Site
from padre_git.vcs.snapshot import file_at
from padre_git.vcs.userstate import Checkout, UserState, state_of
from padre_git.vcs.worktree import Change

if TYPE_CHECKING:
    from padre_git.vcs.moving import Clone

__all__ = ["bring_missed", "have_left", "take_back", "take_back_last"]

#: How long git may take from writing the index to moving HEAD, for all but the largest.
_GRACE = 0.05
_LEFT = "checkout: moving from "


def have_left(clone: Clone, sites: Sequence[Site]) -> bool:
    """Tells whether a work tree has gone to another branch, so that what it has is no conflict."""
    if any(site.is_in_use() for site in sites):
        time.sleep(_GRACE)
    return len(clone.checkouts()) < len(sites)


def bring_missed(clone: Clone, site: Site, missed: Sequence[Change], moves: Sequence[Move]) -> None:
    """Brings what a checkout has missed to the work tree, unless the user is leaving it just now.

    Args:
        clone: where.
        site: the work tree, which has the branch checked out.
        missed: what is to be brought there.
        moves: those that it was missed of.

    Raises:
        ConflictError: if a file holds uncommitted work; nothing was written.
        LockedError: if a process holds the index for too long.
    """
    before = clone.checkouts()
    if have_left(clone, [site]):
        return
    _bring(clone.reader, site, _tree(clone), missed)
    for move in moves:  # now it has followed them, for whoever looks after it has left
        clone.recent.add(move.base, move.new, site.version())
    if have_left(clone, [site]):
        there = clone.checkouts()
        made = [Difference(c.path, None, c.new) for c in missed]
        take_back(clone, made, gone=[checkout for checkout in before if checkout not in there])


def take_back(
    clone: Clone,
    made: Iterable[Difference],
    *,
    log: Path | None = None,
    gone: Sequence[Checkout] | None = None,
) -> bool:
    """Takes back what a move has left in work trees that have gone elsewhere.

    Args:
        clone: where.
        made: what the move has changed, or would have.
        log: a log that was written to after the files were, and before anybody else can have made
            the same ones; None if nobody can have.
        gone: the work trees; None for all that do not have the branch checked out.

    Returns:
        Whether that is done; if not, somebody has held an index for too long.
    """
    wanted = list(made)
    done = True
    if gone is None:
        gone = clone.elsewhere() if wanted else ()
    for checkout in gone:
        try:
            _leave(clone, checkout, wanted, _changed(log) if log is not None else None)
        except LockedError:
            done = False
        except (PadreGitError, OSError):  # it is the user's by now, or not for us to change
            pass
    return done


def take_back_last(clone: Clone) -> None:
    """Takes back the last moves where a checkout has read HEAD before them, and moved it after.

    It is certain to be that only while the checkout is the last thing that was done there.
    """
    for checkout in clone.elsewhere():
        log = checkout.git_dir / "logs" / "HEAD"
        if last_action(log).startswith(f"{_LEFT}{clone.branch} to "):
            late = followed(clone.recent.moves(), last_checkout(log))
            made = [d for move in late for d in moved(clone.reader, move)]
            with suppress(PadreGitError, OSError):  # somebody is at work there, or it is not ours
                if _leave(clone, checkout, made, _changed(log)):
                    for move in late:  # if it was on its way back, it has missed them
                        clone.recent.add(move.base, move.new, NOWHERE)


def _changed(log: Path) -> int:
    try:
        return log.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _leave(clone: Clone, checkout: Checkout, made: Sequence[Difference], until: int | None) -> bool:
    """Takes back what is left in one work tree; returns whether there was anything."""
    site = clone.open_site(checkout)
    with site.hold():
        if site.is_in_use():
            time.sleep(_GRACE)
        tree = _tree_at(clone, checkout)
        if tree is None or state_of(checkout) not in {UserState.FREE, UserState.INDEX_LOCKED}:
            return False
        changes = _left(clone.reader, site, tree, made)
        if until is not None:
            changes = _written_before(checkout.root, site, changes, until)
        _bring(clone.reader, site, tree, changes)
        if changes and not _is_elsewhere(clone, checkout):
            _return(clone, site, changes)
        return bool(changes)


def _return(clone: Clone, site: Site, changes: Sequence[Change]) -> None:
    """Brings back what was taken from a work tree that was on its way back."""
    tree = _tree(clone)
    back = [
        Change(path=c.path, known=frozenset([c.new]), new=file_at(clone.reader.tree, tree, c.path))
        for c in changes
    ]
    _bring(clone.reader, site, tree, back)


def _tree(clone: Clone) -> str:
    return clone.reader.commit(str(clone.refs.read(clone.ref))).tree


def _is_elsewhere(clone: Clone, checkout: Checkout) -> bool:
    return any(found == checkout for found in clone.elsewhere())


def _tree_at(clone: Clone, checkout: Checkout) -> str | None:
    """Returns the tree that HEAD names, elsewhere; None for a branch without commits, or ours."""
    if not _is_elsewhere(clone, checkout):
        return None
    head = checkout.git_dir / "HEAD"
    target = symbolic_target(head)
    named = (read_own(head) or b"").decode(errors="replace").strip()
    commit = clone.refs.read(target) if target is not None else named
    return clone.reader.commit(commit).tree if commit else None


def _left(reader: Reader, site: Site, tree: str, made: Sequence[Difference]) -> list[Change]:
    """Returns what is not as in a tree, and nobody's but ours."""
    known: dict[str, set[Entry | None]] = {}
    for d in made:
        known.setdefault(d.path, {file_at(reader.tree, tree, d.path)}).add(d.new)
    changes = [
        Change(path=path, known=frozenset(there), new=file_at(reader.tree, tree, path))
        for path, there in known.items()
    ]
    while changes:
        try:
            site.check(tree, tree, changes)
        except ConflictError as error:
            of_others = {conflict.key for conflict in error.conflicts}
            kept = [change for change in changes if change.path not in of_others]
            changes = kept if len(kept) < len(changes) else []
        else:
            break
    return [change for change in changes if _is_other(site, change)]


def _is_other(site: Site, change: Change) -> bool:
    if site.staged(change.path) != change.new:
        return True
    return bool(site.written([change])) and not site.holds(change)


def _written_before(root: Path, site: Site, changes: Sequence[Change], until: int) -> list[Change]:
    """Returns the changes to take back, if files tell that they were made before that time."""
    gone: list[Change] = []
    early: list[Change] = []
    for change in site.written(changes):
        try:
            seen = (root / change.path).lstat()
        except (FileNotFoundError, NotADirectoryError):
            gone.append(change)
        else:
            early += [change] if seen.st_mtime_ns < until else []
    return early + gone if early else []


def _bring(reader: Reader, site: Site, tree: str, changes: Sequence[Change]) -> None:
    if not changes:
        return
    durable = Durable()
    try:
        site.check(tree, tree, changes)
        site.follow(tree, tree, changes, _contents(reader, site.written(changes)), durable)
        durable.sync()
    finally:
        durable.close()


def _contents(reader: Reader, changes: Sequence[Change]) -> Mapping[str, bytes]:
    wanted = {c.new.id for c in changes if c.new is not None and c.new.mode != MODULE}
    return reader.objects(sorted(wanted), "blob")

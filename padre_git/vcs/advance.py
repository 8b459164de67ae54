"""Commits from a plan to the branch, or to where they wait while the user is busy.

Work that cannot reach the branch now stands on ``refs/padre/pending``, durable and seen by all our
reads; the next call brings the branch up to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from padre_git.errors import ConflictError, DamagedError, LockedError
from padre_git.vcs.durable import Durable
from padre_git.vcs.leaving import have_left
from padre_git.vcs.merging import merge_pending
from padre_git.vcs.moving import Intent, Mover, read_intents
from padre_git.vcs.objects import EMPTY_TREE
from padre_git.vcs.plan import NewCommit, build_plan, differences
from padre_git.vcs.reflog import thrown_off
from padre_git.vcs.refs import StaleRefError
from padre_git.vcs.restarts import unfinished
from padre_git.vcs.site import Site
from padre_git.vcs.snapshot import Snapshot, file_at
from padre_git.vcs.worktree import Change

__all__ = ["PENDING", "PENDING_BASE", "Advance", "Plan"]

PENDING = "refs/padre/pending"
#: Where the branch was when commits began to wait, for when its history is rewritten meanwhile.
PENDING_BASE = "refs/padre/pending-base"
_TRIES = 10
#: Seconds for which a race with the user is tried again.
_TIMEOUT = 60.0
Plan = Callable[[Snapshot], Sequence[NewCommit] | str]


class Advance:
    """Does one call of ``Repository.advance`` or ``Repository.bring_up``.

    Args:
        mover: moves the branch.
    """

    def __init__(self, mover: Mover) -> None:
        self._mover = mover
        self._clone = mover.clone

    def run(
        self, plan: Plan, *, timeout: float, announce: Callable[[str], None] | None = None
    ) -> str | None:
        """Makes the planned commits and returns the new tip; see ``Repository.advance``."""
        try:
            return self._run(plan, timeout, announce)
        finally:
            self._mover.writer.release()

    def put_off(self, plan: Plan, announce: Callable[[str], None]) -> str | None:
        """Makes the planned commits wait and returns the tip; see ``Repository.put_off``."""
        try:
            sites = self._idle_sites()
            if sites is None:
                return self._run(plan, _TIMEOUT, announce)
            base = self._tip()
            new = self._build(base, plan)
            if new is not None and new != base:
                announce(new)
                try:
                    self._check(sites, base, new)
                except ConflictError:
                    if have_left(self._clone, sites):
                        return self._run(plan, _TIMEOUT, announce)
                    raise
                self._hold(base, new)
            return new
        finally:
            self._mover.writer.release()

    def _check(self, sites: Sequence[Site], base: str | None, new: str) -> None:
        """Makes sure that work trees, which are where the branch is, can follow later.

        Raises:
            ConflictError: if a file holds uncommitted work.
        """
        clone, reader = self._clone, self._clone.reader
        before, here, after = map(self._tree, (base, clone.refs.read(clone.ref), new))
        changes = [
            Change(path=d.path, known=frozenset([file_at(reader.tree, here, d.path)]), new=d.new)
            for d in differences(reader, before, after)
        ]
        for site in sites:
            site.check(here, after, changes)

    def _tree(self, commit: str | None) -> str:
        return EMPTY_TREE if commit is None else self._clone.reader.commit(commit).tree

    def _idle_sites(self) -> list[Site] | None:
        """Returns the work trees, if commits may be put off: the user's git is not at work."""
        if self._clone.refs.read(self._clone.ref) is None:
            return None
        with suppress(LockedError):
            sites = self._mover.sites()
            if not any(site.is_in_use() for site in sites):
                return sites
        return None

    def _run(
        self, plan: Plan, timeout: float, announce: Callable[[str], None] | None
    ) -> str | None:
        deadline = time.monotonic() + timeout
        waiting = not self._settle()
        lost = 0
        while True:
            try:
                return self._attempt(plan, announce, waiting=waiting, lost=lost)
            except StaleRefError:
                lost += 1
                if time.monotonic() > deadline:
                    self._mover.undo()
                    raise
            except LockedError:
                if waiting:
                    raise
                self._mover.forgo()
                waiting = True
            except Exception:
                self._mover.undo()
                raise

    def _attempt(
        self,
        plan: Plan,
        announce: Callable[[str], None] | None,
        *,
        waiting: bool,
        lost: int,
    ) -> str | None:
        with self._mover.turn([] if waiting else self._mover.sites(), lost) as sites:
            base = self._tip()
            new = self._build(base, plan)
            if announce is not None and new is not None:
                announce(new)
            if waiting:
                return self._hold(base, new)
            self._mover.place(sites, base, new)
            return new

    def _tip(self) -> str | None:
        refs = self._clone.refs
        return refs.read(PENDING) or refs.read(self._clone.ref)

    def _build(self, base: str | None, plan: Plan) -> str | None:
        snapshot = Snapshot(self._clone.reader, base)
        planned = plan(snapshot)
        if isinstance(planned, str):
            return planned
        return build_plan(
            snapshot,
            planned,
            reader=self._clone.reader,
            writer=self._mover.writer,
            who=self._clone.identity(),
        )

    def _hold(self, base: str | None, new: str | None) -> str | None:
        """Puts commits where they wait for the user to be free."""
        if new is not None and new != base:
            durable = Durable()
            try:
                self._mover.writer.flush(durable)
                self._wait_at(base, new, durable)
            finally:
                durable.close()
        return new

    def _wait_at(self, base: str | None, new: str, durable: Durable) -> None:
        """Lets a commit wait that was made for a branch at ``base``, wherever it is by now."""
        refs = self._clone.refs
        old = refs.read(PENDING)
        if old is None and base is not None:
            refs.write(PENDING_BASE, base, refs.read(PENDING_BASE))
        fresh = refs.prepare(new, durable)
        durable.sync()
        self._clone.move_ref(PENDING, new, old, "padre_git: waiting", fresh)

    def bring_up(self) -> bool:
        """Brings the branch up to what is pending; tells whether nothing is pending any more.

        Raises:
            ConflictError: if branch and pending changed the same file, or a file of the user's
                would be overwritten; both stay as they are.
        """
        try:
            return self._bring_all_up()
        finally:
            self._mover.writer.release()

    def _bring_all_up(self) -> bool:
        try:
            self._restart()
            self._recover()
            self._regain()
            self._heal()
            lost = 0
            while (pending := self._clone.refs.read(PENDING)) is not None:
                try:
                    with self._mover.turn(self._mover.sites(), lost) as sites:
                        self._bring_up(pending, sites)
                    self._regain()
                except StaleRefError:
                    lost += 1
        except LockedError:
            return False
        return True

    def _regain(self) -> None:
        """Lets commits wait that a reset has thrown off the branch, unless others wait already."""
        clone = self._clone
        branch = clone.refs.read(clone.ref)
        if branch is None or clone.refs.read(PENDING) is not None:
            return
        for old, new in thrown_off(clone.common / "logs" / clone.ref):
            if self._mover.exists(old) and not clone.is_ancestor(old, branch):
                self._wait_at(new, old, Durable())
                return

    def _heal(self) -> None:
        """Puts right what a git command has taken back since the last call."""
        lost = 0
        while lost < _TRIES and self._clone.recent.last() is not None:
            try:
                with self._mover.turn(self._mover.sites(), lost) as sites:
                    self._mover.heal(sites)
                    return
            except StaleRefError:
                lost += 1
            except ConflictError:  # the user has done something else with it by now
                return

    def _settle(self) -> bool:
        """Brings up what is pending if that can be done now."""
        try:
            return self.bring_up()
        except ConflictError:  # it stays pending, and what comes now with it
            return False

    def _bring_up(self, pending: str, sites: Sequence[Site]) -> None:
        clone = self._clone
        branch = clone.refs.read(clone.ref)
        if branch is None or self._replaces(pending, branch):
            self._mover.place(sites, branch, pending)
        elif not clone.is_ancestor(pending, branch):
            merged = merge_pending(
                branch,
                clone.plan_merge(branch, pending, self._base(branch)),
                reader=clone.reader,
                writer=self._mover.writer,
                who=clone.identity(),
            )
            self._mover.place(sites, branch, merged)
        else:
            self._mover.place(sites, branch, branch)
        clone.refs.delete(PENDING, pending)
        clone.refs.delete(PENDING_BASE)

    def _replaces(self, pending: str, branch: str) -> bool:
        """Tells whether pending was made for the branch as it is, on top of it or in its place."""
        clone = self._clone
        return clone.refs.read(PENDING_BASE) == branch or clone.is_ancestor(branch, pending)

    def _base(self, branch: str) -> str | None:
        """Returns what to compare both sides with; None for what they have in common.

        After a rebase the branch no longer holds the commits that pending stands on. They are not
        ours, so what they changed must not count as changed by us.
        """
        since = self._clone.refs.read(PENDING_BASE)
        if since is not None and not self._clone.is_ancestor(since, branch):
            return since
        return None

    def _restart(self) -> None:
        """Puts right what a power cut has left, once after every start, or what a kill has."""
        clone = self._clone
        if not clone.restarts.is_first():
            clone.restarts.clear()
            return
        for site in self._mover.sites():
            with suppress(DamagedError):  # verify says what is damaged; this is no time to
                site.mend(lambda ids: clone.reader.objects(ids, "blob"))
        branch = clone.refs.read(clone.ref)
        for new in unfinished(clone.intent.parent):
            follows = branch is not None and new != branch and self._mover.exists(new)
            if follows and clone.is_ancestor(str(branch), new):
                clone.note(Intent(branch, new), *read_intents(clone.intent))
        clone.restarts.note()

    def _recover(self) -> None:
        """Finishes what a killed process began: its objects are durable, so its commit stands.

        What it has left in work trees and indexes is put right by the move that comes next.
        """
        clone = self._clone
        moves = read_intents(clone.intent)
        if not moves:
            return
        begun, branch = moves[0], clone.refs.read(clone.ref)
        is_there = begun.new is None or self._has(branch, begun.new)
        self._mover.begun = moves
        if is_there and begun.base != begun.new:
            self._mover.end(log=clone.common / "logs" / clone.ref)
            return
        if clone.refs.read(PENDING) is None:
            if is_there:
                self._mover.undo()
            else:
                self._wait_at(begun.base, str(begun.new), Durable())

    def _has(self, branch: str | None, new: str) -> bool:
        """Tells whether there is nothing to recover: the commit is there, or was never durable."""
        if not self._mover.exists(new):
            return True
        return branch is not None and self._clone.is_ancestor(new, branch)

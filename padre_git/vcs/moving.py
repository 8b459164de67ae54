"""Moving a branch under its user: objects, then files, then the index, then the ref.

The order is what keeps commits: a crash between two steps leaves the old state or the new one, and
a user who commits at the same moment commits our files with theirs instead of deleting them
(docs/decisions/0005-git-engine).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from padre_git.errors import ConflictError, DamagedError, LockedError, RepositoryError
from padre_git.vcs.checkout import wait_for_index
from padre_git.vcs.durable import Durable
from padre_git.vcs.healing import NOWHERE, Move, Recent, lost, missed_by_checkout, taken_back
from padre_git.vcs.identity import Identity
from padre_git.vcs.leaving import bring_missed, have_left, take_back, take_back_last
from padre_git.vcs.merging import PlanMerge
from padre_git.vcs.objects import EMPTY_TREE, MODULE, Entry
from padre_git.vcs.ownfiles import overwritten, replace_own
from padre_git.vcs.packs import PackWriter
from padre_git.vcs.plan import Difference, NewCommit, build_plan, differences
from padre_git.vcs.reader import Reader
from padre_git.vcs.reflog import last_action, last_checkout
from padre_git.vcs.refs import RefStore, StaleRefError
from padre_git.vcs.restarts import Restarts
from padre_git.vcs.site import Site
from padre_git.vcs.snapshot import Snapshot, file_at
from padre_git.vcs.userstate import Checkout, UserState, state_of
from padre_git.vcs.worktree import Change

__all__ = ["Clone", "Intent", "Mover", "read_intents"]

#: How long git may take from reading the index to locking it, for all but the largest.
_GRACE = 0.05
_SHORT_WAIT = 0.25
_NOTE = 90
_COMMIT = re.compile(r"[0-9a-f]{40}|-")
_RESTORED = "Restore what a commit made at the same moment has taken back"
#: Races lost before the user's git is kept from committing for one attempt.
_PATIENCE = 1


@dataclass(frozen=True, kw_only=True)
class Clone:
    """Is what moving a branch needs to know of a clone.

    Attributes:
        common: the common git directory.
        branch: short name of the branch.
        reader, refs: the clone's objects and refs.
        checkouts: finds the work trees that have the branch checked out.
        elsewhere: finds all others.
        open_site: gives the way to change one of them.
        identity: who commits.
        move_ref: moves a ref by compare-and-swap and logs it.
        is_ancestor: tells whether one commit is reachable from another.
        plan_merge: plans the merge of what is pending.
        recent: remembers the last moves.
        restarts: tells who is the first to write since the machine was started.
    """

    common: Path
    branch: str
    reader: Reader
    refs: RefStore
    checkouts: Callable[[], list[Checkout]]
    elsewhere: Callable[[], list[Checkout]]
    open_site: Callable[[Checkout], Site]
    identity: Callable[[], Identity]
    move_ref: Callable[[str, str, str | None, str, Path | None], None]
    is_ancestor: Callable[[str, str], bool]
    plan_merge: PlanMerge
    recent: Recent
    restarts: Restarts

    @property
    def ref(self) -> str:
        """The branch's full name."""
        return f"refs/heads/{self.branch}"

    @property
    def intent(self) -> Path:
        """The file that says which move was begun, for whoever comes after a crash."""
        return self.common / "padre" / "intent"

    def note(self, *moves: Intent) -> None:
        """Says which move is begun, and which others may have left something; or that none has.

        It is written in place: at every commit, creating and removing a file costs more than
        what it protects against, which is a killed process and not a power cut.
        """
        lines = [f"{move.base or '-'} {move.new or '-'}" for move in moves] or [""]
        text = "".join(f"{line:{_NOTE}}\n" for line in lines).encode()
        if len(moves) > 1:  # what stands there must not be lost if this cannot be written
            replace_own(self.intent, text)
            return
        with overwritten(self.intent, text) as descriptor:
            if os.fstat(descriptor).st_size > len(text):
                os.ftruncate(descriptor, len(text))


@dataclass(kw_only=True)
class Mover:
    """Moves one branch; it knows what its own earlier attempts have put into the work trees.

    Attributes:
        clone: where.
        writer: takes the objects of all attempts.
        begun: moves that may have left something in work trees and indexes, the last one first:
            those of lost races, and of killed processes.
        at: the tree that a lost race has left all of them at; None for one that is not known.
    """

    clone: Clone
    writer: PackWriter
    begun: tuple[Intent, ...] = ()
    at: str | None = None

    @contextmanager
    def turn(self, sites: list[Site], lost: int) -> Iterator[list[Site]]:
        """Gives the work trees, and our turn if somebody commits without a pause."""
        with ExitStack() as held:
            if lost >= _PATIENCE:
                for site in sites:
                    held.enter_context(site.hold())
            yield sites

    def undo(self) -> None:
        """Takes back what lost races have left, when no further attempt will be made."""
        if not self.begun:
            return
        self.forgo()
        branch = self.clone.refs.read(self.clone.ref)
        with suppress(LockedError):  # then it is the next call that does it
            with suppress(ConflictError):  # what is the user's by now stays
                self._follow(self.sites(), branch, branch, Durable())
            self.end()

    def forgo(self) -> None:
        """Notes that nobody is to finish what was begun, only to take back what it has left."""
        if self.begun:
            branch = self.clone.refs.read(self.clone.ref)
            self.clone.note(Intent(branch, branch), *self.begun)

    def end(self, *, log: Path | None = None) -> None:
        """Notes that nothing is begun, unless that cannot be taken back yet where it is to be.

        Args:
            log: of the branch, if it may have come to what was begun some time ago.
        """
        if take_back(self.clone, self._left(), log=log):
            self.begun, self.at = (), None
            self.clone.note()

    def place(self, sites: Sequence[Site], base: str | None, new: str | None) -> None:
        """Brings work trees, indexes and the branch from one commit to another.

        Raises:
            ConflictError: if a file holds uncommitted work; nothing was written.
            StaleRefError: if the branch has moved meanwhile.
        """
        if new is None or (new == base and not self.begun):
            return
        durable, is_first = Durable(), not self.begun
        try:
            fresh = self._follow(sites, base, new, durable)
            durable.sync()
            if new != base:
                self._let_pass(sites)
                self.clone.move_ref(self.clone.ref, new, base, "padre_git: advance", fresh)
                if self._look_after(sites, base, new) and is_first:
                    self.begun = ()
        except ConflictError as error:
            if have_left(self.clone, sites):
                raise StaleRefError("the user has gone to another branch") from error
            raise
        finally:
            durable.close()
        self.end()

    def _let_pass(self, sites: Sequence[Site]) -> None:
        """Lets a commit of the user's that has read the index before us go first, or a reset.

        Raises:
            StaleRefError: if it did, and files and index are to be written again.
        """
        if any(site.is_in_use() for site in sites):
            time.sleep(_GRACE)
        if not all(site.is_quiet() for site in sites):
            raise StaleRefError("the user's git was quicker")

    def _look_after(self, sites: Sequence[Site], base: str | None, new: str) -> bool:
        """Puts right what a git command that is just ending does to the index.

        Returns:
            Whether all work trees are still on the branch.
        """
        for site in sites:
            if not site.is_quiet():
                changes = self._changes(self._tree(base), self._tree(new))
                with suppress(LockedError):  # then it is the next call that looks
                    site.repair(changes)
        stay = len(self.clone.checkouts()) if sites else 0
        self.clone.recent.add(base, new, sites[0].version() if stay else NOWHERE)
        return stay >= len(sites)

    def heal(self, sites: Sequence[Site]) -> None:
        """Puts right what a git command has taken back since our last move; see ``healing``.

        Raises:
            StaleRefError: if the branch has moved meanwhile.
        """
        clone = self.clone
        last, branch = clone.recent.last(), clone.refs.read(clone.ref)
        if last is not None and last.index != NOWHERE and not sites:
            take_back_last(clone)
        if last is None or branch is None or not sites:
            return
        if branch == last.new and sites[0].version() == last.index:
            return
        if not self._is_later(branch, last.new):
            return  # the user has rewritten history, and means it
        moves = clone.recent.moves()
        if self._redo(sites, branch, moves):
            return
        for site in sites:
            if site.has_tried_to_commit(last.time):
                site.repair(taken_back(clone.reader, moves, site.staged))

    def _redo(self, sites: Sequence[Site], branch: str, moves: list[Move]) -> bool:
        """Restores what the branch has lost, or what a checkout has missed; tells whether it was.

        Raises:
            ConflictError: if a file that a checkout has missed holds uncommitted work.
            StaleRefError: if the branch has moved meanwhile.
        """
        reader, tree = self.clone.reader, self._tree(branch)
        late, has_committed = self._missed(moves)
        stands = partial(file_at, reader.tree, tree)
        undone = taken_back(reader, moves, stands)
        missed = taken_back(reader, late, stands) if has_committed else []
        gone = missed if undone == missed else []
        if not gone and moves and branch != moves[-1].new:
            gone = lost(reader, moves, stands, sites[0].holds)
        if gone:
            self._restore(sites, branch, {change.path: change.new for change in gone})
        elif not undone and (missed := taken_back(reader, late, sites[0].staged)):
            bring_missed(self.clone, sites[0], missed, late)
        return bool(undone or gone or missed)

    def _missed(self, moves: list[Move]) -> tuple[list[Move], bool]:
        """Returns the moves that a checkout may have missed, and whether it was committed since."""
        if not moves or moves[-1].index != NOWHERE:
            return [], False
        checkouts = self.clone.checkouts()
        if not checkouts:  # the user has just gone to another branch
            return [], False
        log = checkouts[0].git_dir / "logs" / "HEAD"
        done = last_action(log)
        has_committed = done.startswith("commit") and not done.startswith('commit: Revert "')
        return missed_by_checkout(moves, last_checkout(log)), has_committed

    def _is_later(self, branch: str, last: str) -> bool:
        try:
            return self.exists(last) and self.clone.is_ancestor(last, branch)
        except RepositoryError:  # pruned, and a pack that is open still has it
            return False

    def _restore(
        self, sites: Sequence[Site], branch: str, edits: Mapping[str, Entry | None]
    ) -> None:
        new = build_plan(
            Snapshot(self.clone.reader, branch),
            [NewCommit(edits=edits, text=_RESTORED)],
            reader=self.clone.reader,
            writer=self.writer,
            who=self.clone.identity(),
        )
        self.place(sites, branch, new)

    def exists(self, commit: str) -> bool:
        """Tells whether a commit is there: one that never became durable may not be."""
        try:
            self.clone.reader.commit(commit)
        except DamagedError:
            return False
        return True

    def sites(self) -> list[Site]:
        """Returns the work trees that are to follow the branch.

        Raises:
            LockedError: if the user is in the middle of something in one of them.
        """
        found = self.clone.checkouts()
        for checkout in found:
            state = state_of(checkout)
            if state is UserState.INDEX_LOCKED and wait_for_index(checkout, _SHORT_WAIT):
                state = state_of(checkout)
            if state is not UserState.FREE:
                raise LockedError(f"'{checkout.root}' is {state}")
        return [self.clone.open_site(checkout) for checkout in found]

    def _follow(
        self, sites: Sequence[Site], base: str | None, new: str | None, durable: Durable
    ) -> Path | None:
        """Brings files and index from one commit to another; returns the prepared ref."""
        old_tree, new_tree = self._tree(base), self._tree(new)
        changes = self._changes(old_tree, new_tree)
        self.writer.flush(durable)
        fresh = None if new in {None, base} else self.clone.refs.prepare(str(new), durable)
        starts = [self._check(site, self.at or old_tree, new_tree, changes) for site in sites]
        if sites and changes:
            move = Intent(base, new)
            self.clone.note(move, *self.begun)
            self.begun = (move, *(other for other in self.begun if other != move))
            contents = self._contents([c for site in sites for c in site.written(changes)])
            for site, start in zip(sites, starts, strict=True):
                site.follow(start, new_tree, changes, contents, durable)
            self.begun, self.at = self.begun[:1], new_tree
        return fresh

    def _check(self, site: Site, old: str, new: str, changes: Sequence[Change]) -> str:
        """Returns the tree that a work tree is at, which may be that of a move that was begun.

        Raises:
            ConflictError: if the move would overwrite the user's work.
        """
        left = {self._tree(m.new) for m in self.begun if m.new and self.exists(m.new)}
        for start in left - {old}:
            with suppress(ConflictError):  # then it is not at that one
                site.check(start, new, changes)
                return start
        site.check(old, new, changes)
        return old

    def _tree(self, commit: str | None) -> str:
        return EMPTY_TREE if commit is None else self.clone.reader.commit(commit).tree

    def _changes(self, old: str, new: str) -> list[Change]:
        reader = self.clone.reader
        found = {
            d.path: Change(path=d.path, known=frozenset([d.old]), new=d.new)
            for d in differences(reader, old, new)
        }
        for left in self._left():
            change = found.get(left.path)
            # the files of a directory are among the changes
            here = file_at(reader.tree, new, left.path)
            known = change.known if change else frozenset([here])
            found[left.path] = Change(path=left.path, known=known | {left.new}, new=here)
        return list(found.values())

    def _left(self) -> Iterator[Difference]:
        """Yields what may be in work trees and indexes of moves that were begun."""
        for base, new in self.begun:
            with suppress(DamagedError):  # what never became durable has left nothing
                yield from differences(self.clone.reader, self._tree(base), self._tree(new))

    def _contents(self, changes: Sequence[Change]) -> dict[str, bytes]:
        wanted = {c.new.id for c in changes if c.new is not None and c.new.mode != MODULE}
        fresh = self.writer.blobs
        missing = [oid for oid in wanted if oid not in fresh]
        read = self.clone.reader.objects(missing, "blob")
        return {oid: fresh[oid] if oid in fresh else read[oid] for oid in wanted}


class Intent(NamedTuple):
    """Is a move that was begun: from where, and to where; None for nothing there."""

    base: str | None
    new: str | None


def read_intents(file: Path) -> tuple[Intent, ...]:
    """Returns the move that was begun and not finished, then those that it was to put right."""
    found: list[Intent] = []
    with suppress(FileNotFoundError):
        for line in file.read_text(errors="replace").splitlines():
            names = line.rstrip().split(" ")
            # half a note was never followed by anything: what comes after waits until it is there
            if len(names) != 2 or not all(map(_COMMIT.fullmatch, names)):
                break
            found.append(Intent(*(None if name == "-" else name for name in names)))
    return tuple(found)

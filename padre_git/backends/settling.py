"""Settling: what stands between two histories of one clone, and merging them once it is decided.

There are two such pairs: the branch and what waits for it, and the clone and its remote. The first
comes first, since what waits is part of the clone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from padre_git.backends.decisions import Decisions, all_open, fingerprint, spoken
from padre_git.backends.reconciling import ContradictionError
from padre_git.errors import (
    Conflict,
    ConflictError,
    InvalidInputError,
    LockedError,
    RemoteUnavailableError,
)
from padre_git.messages.settling import Choice, Decision
from padre_git.vcs.advance import PENDING
from padre_git.vcs.repository import Repository

if TYPE_CHECKING:
    from padre_git.backends.exchange import Side
    from padre_git.backends.meeting import Meeting

__all__ = ["Settling", "settling_with_remote"]

_Step = Callable[[], object]


def _nothing() -> None:
    """Does nothing: there is no remote."""


class Settling:
    """Settles the conflicts of one clone.

    Args:
        repository: the clone.
        project: its name.
        look: plans the merge with what the remote had, or raises ContradictionError.
        merge: makes it.
    """

    def __init__(
        self,
        repository: Repository,
        project: str,
        *,
        look: _Step = _nothing,
        merge: _Step = _nothing,
    ) -> None:
        self._repository = repository
        self._project = project
        self._look = look
        self._merge = merge
        self._decisions = Decisions.of(repository)

    def conflicts(self) -> tuple[Conflict, ...]:
        """Returns what is open; what was decided already is not.

        Raises:
            ContradictionError: if the two have nothing in common to merge by.
        """
        for step in (self._repository.bring_up, self._look):
            try:
                step()
            except ContradictionError as error:
                if not error.conflicts:
                    raise
                return error.conflicts
            except ConflictError:
                pass  # a file with uncommitted work: it keeps nothing from being decided
        return ()

    def decisions(self) -> tuple[Decision, ...]:
        """Returns what was decided and waits for the rest; deciding it again replaces it."""
        if not self._decisions.entries():
            return ()
        with all_open():
            everything = self.conflicts()
        found = (self._decisions.find(conflict) for conflict in everything)
        return tuple(decision for decision in found if decision is not None)

    def settle(
        self, decisions: Sequence[Decision], rest: Choice | None = None
    ) -> tuple[Conflict, ...]:
        """Takes decisions, merges if nothing is open any more, and returns what still is.

        Args:
            decisions: about conflicts as they were shown.
            rest: the side that counts wherever else something is open; None to leave it open.

        Raises:
            ConflictError: if a conflict is not what it was, nothing was decided; or if a file with
                uncommitted work keeps the merge from being made, then it is made with the next.
            LockedError: if the user is in the middle of something in the work tree.
            InvalidInputError: if nothing is open in a place, or if something was decided that
                cannot be; nothing was decided.
        """
        wanted = self._checked(self.conflicts(), decisions, rest)
        before = self._decisions.entries()
        self._decisions.add(wanted)
        try:
            left = self._merged()
        except InvalidInputError:
            self._decisions.write(before)
            raise
        if not left:
            self._decisions.clear()
        return left

    def _merged(self) -> tuple[Conflict, ...]:
        """Merges, and returns nothing; or what still keeps it from being done."""
        try:
            self._merge_all()
        except ContradictionError:
            left = self.conflicts()
            if not left:  # somebody else has decided it meanwhile
                self._merge_all()
            return left
        return ()

    def _merge_all(self) -> None:
        if not self._repository.bring_up() and self._repository.read_ref(PENDING) is not None:
            raise LockedError(
                f"'{self._project}' is not merged: its work tree is in use"
                f" ({self._repository.state()})",
                key=self._project,
                hint="settle again when that has ended",
            )
        self._merge()

    def _checked(
        self, found: Sequence[Conflict], decisions: Sequence[Decision], rest: Choice | None
    ) -> list[Decision]:
        places = {(conflict.key, conflict.field): conflict for conflict in found}
        waiting = self._decisions.entries()
        for decision in decisions:
            about = decision.conflict
            now = places.get((about.key, about.field))
            if now is None and fingerprint(about) in waiting:
                continue  # somebody has changed their mind
            if now is None:
                raise InvalidInputError(
                    f"nothing is open at {spoken(about)}",
                    key=about.key,
                    hint="'padre-git resolve' shows what is",
                )
            if fingerprint(now) != fingerprint(about):
                raise ConflictError(
                    f"{spoken(about)} is not what it was: somebody has changed it since",
                    conflicts=[now],
                    key=about.key,
                    hint="nothing was decided; look again",
                )
        decided = {(d.conflict.key, d.conflict.field) for d in decisions}
        others = [places[place] for place in places if place not in decided]
        return [*decisions, *(Decision(c, rest) for c in others if rest is not None)]


def settling_with_remote(side: Side, meeting: Meeting) -> Settling:
    """Returns what settles a clone and its remote, which is asked first unless it is silent.

    Args:
        side: the clone.
        meeting: knows whether the remote is to be asked.
    """
    if meeting.publishes:
        with suppress(RemoteUnavailableError), meeting.told(side.project):
            side.fetch()
    return Settling(
        side.repository,
        side.project,
        look=lambda: meeting.publisher.look(side),
        merge=lambda: meeting.publisher.integrate(side),
    )

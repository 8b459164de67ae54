"""Group commit: who finds the clone locked hands its write over to whoever holds it.

The holder writes its own change set and all that were handed over in one go, each a commit of its
own, and tells every owner what became of it. An owner waits for its answer, not for the lock; if
the holder is killed, the next one to get the lock goes on. What cannot be written in the group is
left to its owner, who learns the reason as if there had been no group
(docs/decisions/0020-group-commit).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime

from padre_git.backends.handing import ALONE, Write, answer_of, read_answer, read_request
from padre_git.backends.planning import Plan
from padre_git.backends.writing import Writing
from padre_git.errors import ConflictError, LockedError, PadreGitError, RepositoryError
from padre_git.model import Key
from padre_git.vcs.advance import PENDING
from padre_git.vcs.queue import Request, Ticket, answer_all
from padre_git.vcs.repository import Repository

__all__ = ["Grouping"]

_Revisions = dict[Key, str | None]
#: Seconds for which a holder goes on for others when its own write is done.
_FOR_OTHERS = 0.25
#: Seconds for which the branch may be behind what others were told is stored.
_BEHIND = 0.05


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """Writes to one clone together with others.

    Attributes:
        writing: writes to the clone.
        timeout: seconds to wait for others.
    """

    writing: Writing
    timeout: float = 60.0

    @property
    def _repository(self) -> Repository:
        return self.writing.clone.repository

    def write(self, own: Write) -> _Revisions:
        """Writes one change set, alone or with others, and returns its revisions.

        Raises:
            LockedError: if others held the clone all the time; it says whether that is certain.
            PadreGitError: see ``Backend.apply``; nothing was written.
        """
        if self._repository.guard.is_held_here():  # whoever holds it counts on nothing in between
            return self._alone(own, self.timeout)
        revisions = self._at_once(own)
        if revisions is not None:
            return revisions
        author = self.writing.author or self._repository.identity().author
        with ExitStack() as stack:
            request = own.request(author, datetime.now().astimezone())
            try:
                ticket = stack.enter_context(self._repository.queue.hand_over(request))
            except OSError:  # the queue is another person's, or the disk is full
                return self._alone(own, self.timeout)
            return self._wait(own, ticket)

    def _at_once(self, own: Write) -> _Revisions | None:
        """Writes it if the clone is free; returns None if it is not."""
        with self._repository.guard.offered() as held:
            revisions = self._hold(own) if held else None
        if held and (next_ := self._repository.queue.first()) is not None:
            next_.wake()
        return revisions

    def _alone(self, own: Write, timeout: float) -> _Revisions:
        with self._repository.lock(timeout=timeout):
            return self.writing.all_or_none([own])[0].revisions

    def _wait(self, own: Write, ticket: Ticket) -> _Revisions:
        """Waits for an answer, or for the lock if there is nobody to give one."""
        deadline = time.monotonic() + self.timeout
        while True:
            ticket.wait()
            answer = ticket.answer()
            if answer is None:
                with self._repository.guard.offered() as held:
                    # it may have come with the lock
                    answer = ticket.answer() if held else None
                    if held and answer is None:
                        ticket.close()
                        return self._hold(own)
            if answer == ALONE:
                return self._alone(own, max(deadline - time.monotonic(), 1.0))
            if answer is not None:
                return read_answer(answer)
            if time.monotonic() > deadline:
                raise self._refusal(ticket)

    def _refusal(self, ticket: Ticket) -> LockedError:
        error = self._repository.guard.refusal(self.timeout)
        if not ticket.withdraw():
            error.hint = f"it may still be stored when that process goes on; {error.hint}"
        return error

    # ------------------------------------------------------------------- with the lock held

    def _hold(self, own: Write) -> _Revisions:
        queue = self._repository.queue
        queue.settle(self._is_done)
        revisions = self._group(own, queue.waiting())
        try:
            with suppress(OSError):  # our own write is done, whatever becomes of theirs
                self._for_others()
        finally:
            self._bring_up()
        return revisions

    def _for_others(self) -> None:
        """Writes what comes in meanwhile; the branch follows now and then, and in the end."""
        now = time.monotonic()
        until, late = now + _FOR_OTHERS, now + _BEHIND
        while time.monotonic() < until and (others := self._repository.queue.waiting()):
            self._together([], _understood(others))
            if time.monotonic() > late:
                self._bring_up()
                late = time.monotonic() + _BEHIND

    def _bring_up(self) -> None:
        """Lets the branch follow what was put off; what cannot be done now, the next call does."""
        with suppress(PadreGitError, OSError):
            if self._repository.read_ref(PENDING) is not None:
                self._repository.bring_up()

    def _group(self, own: Write, others: Sequence[Request]) -> _Revisions:
        """Writes one's own with those of others; if that fails, by itself."""
        shared = _understood(others)
        done: list[Plan | None] = [None]
        if shared:
            with suppress(OSError):
                done = self._together([own], shared)
        planned = done[0] or self.writing.all_or_none([own])[0]
        return planned.revisions

    def _together(
        self, mine: list[Write], shared: Sequence[tuple[Request, Write]]
    ) -> list[Plan | None]:
        queue = self._repository.queue
        queue.note("", {request.file.name: ALONE for request, _ in shared})
        shared = [(request, write) for request, write in shared if request.is_wanted()]
        writes = [*mine, *(write for _, write in shared)]
        done: list[Plan | None] = [None] * len(writes)

        def answers(plans: Sequence[Plan | None]) -> list[tuple[Request, bytes]]:
            theirs = zip(shared, plans[len(mine) :], strict=True)
            return [(r, answer_of(p.revisions) if p else ALONE) for (r, _), p in theirs]

        def announce(tip: str, plans: Sequence[Plan | None]) -> None:
            queue.note(tip, {r.file.name: text for r, text in answers(plans)})

        with suppress(PadreGitError):  # then everybody learns by themselves what is wrong
            done = self.writing.those_that_can(writes, announce)
        answer_all(answers(done))
        queue.forget()
        return done

    def _is_done(self, tip: str) -> bool:
        """Returns whether a commit was reached that a killed holder was moving to."""
        with suppress(ConflictError):
            self._repository.bring_up()
        now = self._repository.tip()
        try:
            return now is not None and self._repository.is_ancestor(tip, now)
        except RepositoryError:  # it never became durable
            return False


def _understood(requests: Sequence[Request]) -> list[tuple[Request, Write]]:
    """Returns requests with what they ask for; those that cannot be read are for their owners."""
    found = []
    for request in requests:
        try:
            found.append((request, read_request(request.content)))
        except Exception:  # noqa: BLE001 - it is not ours, whatever is wrong with it
            request.answer(ALONE)
    return found

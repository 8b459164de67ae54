"""Publishing a clone's commits, and taking over what others have published.

Both end with one move of the branch, which has the whole order of :mod:`padre_git.vcs.advance`;
the network is never used while a lock is held. What the remote has is always an ancestor of what
is pushed: nothing that was published is rewritten.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import TypeVar

from padre_git.backends.exchange import Side
from padre_git.backends.reconciling import ContradictionError
from padre_git.backends.rewriting import check_growth
from padre_git.backends.taking import Taking
from padre_git.backends.uniting import Unites, Uniting
from padre_git.backends.urls import missing_urls
from padre_git.errors import (
    ArtifactMissingError,
    PadreGitError,
    RejectedError,
    RemoteUnavailableError,
)
from padre_git.format import commit_text, read_trailers
from padre_git.messages import Author, Event, Message, Notice, Op, Pulled, Pushed
from padre_git.model import Key
from padre_git.vcs.plan import NewCommit
from padre_git.vcs.remotes import RemoteLocation
from padre_git.vcs.snapshot import Snapshot
from padre_git.vcs.transport import BusyError, Outcome

__all__ = ["Data", "DataUnavailableError", "Extra", "Look", "OvertakenError", "Publisher"]

#: Makes sure that the data of these commits is where others find it: called with the clone's
#: directory, its git directory and the commits, see :func:`padre_git.artifacts.publish_data`.
Data = Callable[[Path, Path, Sequence[str]], object]
#: Says which commits to make on top of a snapshot before it is pushed; they exist here only if
#: they exist at the remote.
Extra = Callable[[Snapshot], Sequence[NewCommit]]


class DataUnavailableError(RemoteUnavailableError):
    """Says that the data remote did not answer; the git remote may well do."""


class OvertakenError(RejectedError):
    """Says that others pushed without a pause; waiting cures it."""


class Look(Enum):
    """Which documents a push looks at for their url."""

    AT_CHANGES = "at changes"
    EVERYWHERE = "everywhere"


_T = TypeVar("_T")
_TRIES = 12
_PAUSE = 0.05


class Publisher:
    """Moves commits between clones and the remote.

    Args:
        location: says which url a record has there.
        author: by whom merges and url commits are; None for git's own identity.
        data: see :data:`Data`; called before every push.
        notify: is told what was pushed and pulled.
        unites: unites artifacts that both sides added to a run; None if clones have no data.
    """

    def __init__(
        self,
        location: RemoteLocation,
        *,
        author: Author | None,
        data: Data | None,
        notify: Callable[[Event], None],
        unites: Unites | None = None,
    ) -> None:
        self._location = location
        self.author = author
        self._data = data
        self._unites = unites
        self._notify = notify

    def integrate(self, side: Side) -> None:
        """Takes over what the remote had when it was seen last: forwards, or by a merge.

        Raises:
            ConflictError: if both sides changed the same thing, or a file that would change holds
                uncommitted work; nothing was merged.
            RemoteRewrittenError: if the remote's history was replaced.
            RemoteMissingError: if the remote has moved elsewhere.
        """
        side.check_place()
        check_growth(side, self._notify)
        theirs = side.seen
        before = side.repository.tip()
        if theirs is None:
            return
        if before is None or not side.is_ancestor(theirs, before):
            after = self._move(side, theirs)
            if after != before:
                come = side.between(before, theirs)
                self._notify(Pulled(project=side.project, commits=len(come), head=theirs))
        side.meet(theirs)
        side.kept.tidy(theirs)

    def look(self, side: Side) -> None:
        """Plans what :meth:`integrate` does, and moves nothing.

        Raises:
            ConflictError: if both sides changed the same thing.
        """
        seen = side.seen
        if seen is not None:
            self._united(
                side, lambda u: self._taking(side, seen, u).plan(side.repository.snapshot())
            )

    def _united(self, side: Side, merge: Callable[[Uniting], _T]) -> _T:
        """Merges, again while files were in the way of which more is known meanwhile."""
        uniting = Uniting(self._unites)
        while True:
            try:
                return merge(uniting)
            except ContradictionError:
                if not uniting.work(side.repository):
                    raise

    def _advanced(self, side: Side, to: str, uniting: Uniting) -> tuple[Taking, str | None]:
        taking = self._taking(side, to, uniting)
        return taking, side.repository.advance(taking.plan)

    def _taking(self, side: Side, to: str, uniting: Uniting) -> Taking:
        return Taking(side, to, author=self.author, uniting=uniting)

    def publish(
        self, side: Side, *, extra: Extra | None = None, look: Look = Look.AT_CHANGES
    ) -> int:
        """Publishes every commit of the branch, and returns how many.

        Args:
            side: the clone.
            extra: commits to make on top, which must not exist here without existing there.
            look: which documents are looked at for their url.

        Raises:
            ConflictError: if the remote has something that contradicts and nothing was pushed, or
                if it was pushed and something keeps the clone from following; the message says so.
            RejectedError: if the remote refuses.
            OvertakenError: if others were faster every time.
            RemoteUnavailableError, RemoteMissingError, AuthenticationError, RemoteError,
            ArtifactError: if commits or data did not get there; the commits stand here.
        """
        with side.busy:
            for attempt in range(_TRIES):
                self.integrate(side)
                tip, seen = side.repository.tip(), side.seen
                if tip is None:
                    return 0
                head = self._head(side, tip, seen, extra=extra, look=look)
                if head == seen:
                    return 0
                commits = side.between(seen, head)
                self._send_data(side, commits)
                there = self._push(side, head, attempt)
                if there is not None:
                    self._notify(Pushed(project=side.project, commits=len(commits), head=head))
                    self._follow(side, there)
                    return len(commits)
        raise OvertakenError(
            f"others were faster {_TRIES} times: '{side.project}' is not published",
            key=side.project,
            hint="the commits stand in the clone; sync again",
        )

    def _push(self, side: Side, head: str, attempt: int) -> str | None:
        """Offers a commit; returns the remote's commit that has it, None if none has."""
        try:
            if side.push(head) is Outcome.LANDED:
                return head
        except BusyError:
            if attempt == _TRIES - 1:
                raise
        # others push at the same time; who waits a random while meets them less often
        time.sleep(random.uniform(0, _PAUSE * (attempt + 1)))  # noqa: S311
        seen = side.fetch()
        # the answer may have been lost, and somebody has built on what landed
        return seen if seen is not None and side.is_ancestor(head, seen) else None

    def _send_data(self, side: Side, commits: Sequence[str]) -> None:
        if self._data is None:
            return
        place = side.repository.path, side.repository.common_dir
        try:
            self._data(*place, commits)
        except RemoteUnavailableError as error:
            raise DataUnavailableError(error.message, key=side.project, hint=error.hint) from error
        except ArtifactMissingError as error:
            # who restores brings nothing new: an older commit has the pointer already, and data
            # that nobody has any more shall not hold back everything else for ever
            told = {c: read_trailers(side.repository.commit(c).text)[0] for c in commits}
            others = [commit for commit in commits if told[commit] is not Op.RESTORE]
            if len(others) == len(commits):
                raise
            self._data(*place, others)
            text = f"published without data that nobody has any more: {error.message}"
            self._notify(Notice(text=text, project=side.project))

    def _head(
        self, side: Side, tip: str, seen: str | None, *, extra: Extra | None, look: Look
    ) -> str:
        """Returns the commit to push: the tip, with what is made for the remote on top."""
        snapshot = side.repository.snapshot(tip)
        head = tip
        if extra is not None:
            head = side.repository.build(tip, extra(snapshot))
            snapshot = side.repository.snapshot(head)
        if seen == head and look is Look.AT_CHANGES:
            return head
        paths = None
        if seen is not None and look is Look.AT_CHANGES:
            paths = side.repository.diff_paths(seen, head)
        edits = missing_urls(side.project, snapshot, self._location, paths)
        if not edits:
            return head
        message = Message(op=Op.PUBLISH, subject=f"publish {side.project}")
        text = commit_text(message, [Key.project_named(side.project)])
        made = NewCommit(edits=edits, text=text, author=self.author)
        return side.repository.build(head, [made])

    def _follow(self, side: Side, there: str) -> None:
        """Brings the branch to what has just landed; an error says that it has."""
        try:
            self._move(side, there)
        except PadreGitError as error:
            why = error.message
            error.message = f"'{side.project}' is published, but its clone did not follow: {why}"
            raise

    def _move(self, side: Side, to: str) -> str | None:
        """Brings the branch to a commit, or merges it in if the branch has moved meanwhile."""
        try:
            taking, tip = self._united(side, lambda uniting: self._advanced(side, to, uniting))
        except ContradictionError:
            if side.is_foreign(to):
                side.forget()
            raise
        taking.done()
        notice = taking.notice()
        if notice is not None:
            self._notify(notice)
        return tip

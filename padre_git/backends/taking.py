"""Taking over a commit of the remote: forwards, by a merge, or in place of what adds nothing."""

from __future__ import annotations

from collections.abc import Sequence

from padre_git.backends.contained import gives_theirs, have_had
from padre_git.backends.decisions import Decisions
from padre_git.backends.exchange import Side
from padre_git.backends.reconciling import plan_merge
from padre_git.backends.uniting import Uniting, nothing_united
from padre_git.format import FORMAT_FILE, check_format
from padre_git.messages import Author, Message, Notice, Op
from padre_git.vcs.plan import NewCommit
from padre_git.vcs.snapshot import Snapshot

__all__ = ["Taking"]


class Taking:
    """Plans how one clone's branch comes to hold a commit of the remote.

    Args:
        side: the clone.
        to: the commit.
        author: by whom a merge is; None for git's own identity.
        uniting: knows what comes of pointers; None if nobody does.
    """

    def __init__(
        self, side: Side, to: str, *, author: Author | None, uniting: Uniting | None = None
    ) -> None:
        self._side = side
        self._to = to
        self._author = author
        self._unite = nothing_united if uniting is None else uniting.find
        self._dropped: list[str] = []
        self._decisions = Decisions.of(side.repository)
        self._decided = False

    def plan(self, snapshot: Snapshot) -> Sequence[NewCommit] | str:
        """Returns what the branch does; see ``Repository.advance``.

        Raises:
            ContradictionError: if both sides changed the same thing and nobody has decided it.
            UnsupportedFormatError: if the remote has a later format.
        """
        side, to, here = self._side, self._to, snapshot.commit
        self._dropped = []
        if here is not None and side.is_ancestor(to, here):
            return ()
        if here is None or not side.is_foreign(to):
            check_format(side.repository.snapshot(to).blob(FORMAT_FILE), side.project)
        if here is None or side.is_ancestor(here, to):
            return to
        merge = self._merge(here)
        if merge is None:
            self._dropped = side.between(to, here)
            return to
        return [merge]

    def done(self) -> None:
        """Forgets all decisions: the plan was carried out, with them or without."""
        self._decisions.clear()

    def notice(self) -> Notice | None:
        """Returns what a person should know when the plan is done; mostly nothing."""
        if not self._dropped:
            return None
        project, count = self._side.project, len(self._dropped)
        those = "commit" if count == 1 else f"{count} commits"
        return Notice(
            text=f"the remote has what the last {those} of '{project}' brought, in commits of its"
            f" own: the branch follows it, and the reflog keeps {self._dropped[-1][:10]}",
            project=project,
        )

    def _merge(self, here: str) -> NewCommit | None:
        """Returns the merge with our commit; None if that adds nothing to theirs."""
        side, to = self._side, self._to
        if have_had(side.repository, here, to):
            return None
        subject = f"merge {len(side.between(here, to))} published commits"
        message = Message(op=Op.MERGE, subject=subject, author=self._author)
        merge = plan_merge(
            side.repository,
            side.project,
            here,
            to,
            message=message,
            decide=self._decisions.find,
            unite=self._unite,
        )
        self._decided = bool(merge.decisions)
        if not self._decided and gives_theirs(side.repository, here, to, merge.commit):
            return None
        return merge.commit

"""Merging what waits for the user to be free, as everything else is merged."""

from __future__ import annotations

from padre_git.backends.decisions import Decisions
from padre_git.backends.reconciling import plan_merge
from padre_git.backends.uniting import Unites, Uniting
from padre_git.messages import Author, Message, Op
from padre_git.vcs.plan import NewCommit
from padre_git.vcs.repository import Repository

__all__ = ["Waiting"]

_SUBJECT = "merge what was recorded while the work tree was busy"


class Waiting:
    """Plans the merge of a clone's pending commits, see :data:`padre_git.vcs.merging.PlanMerge`.

    Args:
        project: its name.
        repository: the clone.
        author: by whom a merge is; None for git's own identity.
        unites: unites artifacts that both sides added to a run; None if clones have no data.
    """

    def __init__(
        self, project: str, repository: Repository, author: Author | None, unites: Unites | None
    ) -> None:
        self._project = project
        self._repository = repository
        self._message = Message(op=Op.MERGE, subject=_SUBJECT, author=author)
        self._decisions = Decisions.of(repository)
        self._uniting = Uniting(unites)

    def __call__(self, branch: str, pending: str, base: str | None) -> NewCommit:
        """Returns the merge of pending commits, to be made on top of the branch.

        Raises:
            ContradictionError: if both changed the same thing and nobody has decided it.
        """
        merge = plan_merge(
            self._repository,
            self._project,
            branch,
            pending,
            message=self._message,
            decide=self._decisions.find,
            unite=self._uniting.find,
            base=base,
            where="on the branch and in commits that wait for it",
        )
        return merge.commit

    def learn(self) -> bool:
        """Unites artifacts that a merge has asked for; returns whether it may go on now."""
        return self._uniting.work(self._repository)

"""The exchange of a store: what clones and remotes have of each other, and how they stand."""

from __future__ import annotations

from padre_git.api.past import KINDS
from padre_git.backends.states import ProjectStatus, State
from padre_git.bus import Bus
from padre_git.collections import Ref, Session
from padre_git.collections.standing import state_of
from padre_git.errors import Conflict
from padre_git.messages import (
    Choice,
    Conflicts,
    Decided,
    Decision,
    Flush,
    Pull,
    Push,
    RemoteOnly,
    Settle,
    Status,
    Sync,
)
from padre_git.model import Key, Kind, Project
from padre_git.model.names import check_name

__all__ = ["Exchanging"]


class Exchanging:
    """Is the part of a store that meets remotes.

    Attributes:
        bus: where commands go.
        session: of the store.
    """

    bus: Bus
    session: Session

    def push(self, project: Ref) -> None:
        """Publishes what the clone of a project has: data first, then commits.

        Raises:
            RemoteError: if the remote cannot be reached or does not take it.
            UnsupportedError: if this store has no remote, as for the others.
        """
        self.bus.send(Push(subject=Kind.PROJECT, project=self._name(project)))

    def pull(self, project: Ref) -> None:
        """Brings in what the remote has of a project.

        Raises:
            ConflictError: if both sides changed the same thing; nothing was merged.
            RemoteError: if the remote cannot be reached.
        """
        self.bus.send(Pull(subject=Kind.PROJECT, project=self._name(project)))

    def sync(self, project: Ref) -> None:
        """Pulls, merges and pushes: both sides have everything afterwards.

        Raises:
            ConflictError: if both sides changed the same thing; nothing was merged or pushed.
            RemoteError: if the remote cannot be reached or does not take it.
        """
        self.bus.send(Sync(subject=Kind.PROJECT, project=self._name(project)))

    def conflicts(self, project: Ref) -> tuple[Conflict, ...]:
        """Returns what stands between a project's clone and its remote, place by place.

        The remote is asked first, unless the policy is "manual" or it is out of reach. What was
        decided already is not among it.
        """
        return self.bus.send(Conflicts(subject=Kind.PROJECT, project=self._name(project)))

    def decisions(self, project: Ref) -> tuple[Decision, ...]:
        """Returns what was decided and waits for the rest to be merged with it.

        To decide otherwise, settle the same conflict again.
        """
        return self.bus.send(Decided(subject=Kind.PROJECT, project=self._name(project)))

    def settle(
        self, project: Ref, *decisions: Decision, rest: Choice | str | None = None
    ) -> tuple[Conflict, ...]:
        """Decides conflicts, merges when none is left, and returns those that are.

            for conflict in store.conflicts("iris"):
                store.settle("iris", Decision(conflict, Choice.OURS))

        Decisions are remembered until the merge is made; it is published as any write.

        Args:
            project: which.
            decisions: about conflicts as :meth:`conflicts` has shown them.
            rest: the side that counts wherever else something is open; None to leave it open.

        Raises:
            ConflictError: if a conflict is not what it was, nothing was decided; or if uncommitted
                work is in the way, then the merge is made with the next call.
            InvalidInputError: if something was decided that cannot be; nothing was decided.
        """
        side = None if rest is None else Choice(rest)
        return self.bus.send(
            Settle(
                subject=Kind.PROJECT, project=self._name(project), decisions=decisions, rest=side
            )
        )

    def status(self, project: Ref) -> ProjectStatus:
        """Returns how the clone of a project and its remote stand to each other.

        The remote is asked, and nothing is taken over. ``status.records`` has the state of every
        record that is not simply published.

        Raises:
            NotFoundError: if neither side has the project.
            RemoteError: if it is not here, and the remote cannot be asked.
        """
        found: ProjectStatus = self.bus.send(
            Status(subject=Kind.PROJECT, project=self._name(project))
        )
        return found

    def remote_only(self) -> list[Project]:
        """Returns the projects that only the remote has, as far as it shows them; none comes here.

        Of one whose document the remote does not show there is no more than the name and the url.
        With the policy "manual", or while the remote is out of reach, it is not asked.
        """
        return self.bus.send(RemoteOnly(subject=Kind.PROJECT))

    def state(self, ref: Ref) -> State:
        """Returns how one record stands, whatever its kind; see :meth:`Collection.state`."""
        return state_of(self.session, ref, KINDS)

    def flush(self) -> None:
        """Publishes the ended runs that wait to be pushed, now.

        Raises:
            RemoteError: if the remote cannot be reached or does not take them.
        """
        self.bus.send(Flush(subject=Kind.PROJECT))

    def _name(self, project: Ref) -> str:
        return self._project_key(project).name

    def _project_key(self, project: Ref) -> Key:
        if isinstance(project, str) and "/" not in project and "#" not in project:
            return Key.project_named(check_name(project, "project"))
        return self.session.resolve(project, [Kind.PROJECT])

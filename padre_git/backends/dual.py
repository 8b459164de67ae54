"""The dual layer: a clone and a remote that are one store.

The clone answers, online or not; a policy says when it meets the remote by itself. Writing commits
here first, so nothing depends on the network, and publishes then (:mod:`.publishing`). What others
published comes in by ancestry, never by clocks, and contradictions are told as data
(:mod:`.reconciling`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from itertools import islice
from typing import ClassVar

from padre_git.backends.answers import Answers
from padre_git.backends.base import Backend, Changes
from padre_git.backends.batching import Batch
from padre_git.backends.deleting import (
    LocalData,
    check_published,
    drop_files,
    remove_clone,
    restore_copies,
    withdraw,
)
from padre_git.backends.exchange import Exchange, Side, unknown
from padre_git.backends.git import GitBackend
from padre_git.backends.incoming import apply_to
from padre_git.backends.meeting import Meeting
from padre_git.backends.policy import Policy
from padre_git.backends.projects import ignore
from padre_git.backends.publishing import Data, Look, OvertakenError, Publisher
from padre_git.backends.settling import Settling, settling_with_remote
from padre_git.backends.status import ProjectStatus, State, status_of
from padre_git.backends.unmerged import bring_above
from padre_git.errors import (
    Conflict,
    NotFoundError,
    RemoteError,
    RemoteUnavailableError,
    UnsupportedError,
)
from padre_git.messages import Damage, Deletion, Event, Maintained, Message, Op, Version
from padre_git.messages.settling import Choice, Decision
from padre_git.model import ChangeSet, Found, Key, Kind, Record
from padre_git.vcs.places import Catalogue
from padre_git.vcs.remotes import RemoteLocation
from padre_git.vcs.repository import Repository
from padre_git.vcs.transport import DEFAULT_TERMS, Terms

__all__ = ["DualLayer"]

_Write = tuple[ChangeSet, Message]


class DualLayer(Backend):
    """Stores records in clones and at a remote.

    Args:
        local: the clones.
        remote: where their remotes are.
        policy: when the two meet without being asked.
        max_age: seconds for which what the remote was seen to have, or its silence, is believed.
        push_every: seconds after which ended runs are published at the latest.
        data: has the data of commits at its remote before they are pushed; None for no data.
        local_data: what is asked before data leaves a clone; None for no data.
        notify: is told what happened and what a person should know.
        terms: on which the remote is talked to: how long it may take, and what it is told.
        catalogue: lists and makes repositories where git and ssh cannot; None for nothing.
        offline: why no remote is talked to; None if they may be.
        answered: is called once, when the remote has told something of its repositories.
    """

    keeps_history: ClassVar[bool] = True

    def __init__(
        self,
        local: GitBackend,
        remote: RemoteLocation,
        *,
        policy: Policy = Policy.AUTO,
        max_age: float = 60.0,
        push_every: float = 30.0,
        data: Data | None = None,
        local_data: LocalData | None = None,
        notify: Callable[[Event], None] = ignore,
        terms: Terms = DEFAULT_TERMS,
        catalogue: Catalogue | None = None,
        offline: str | None = None,
        answered: Callable[[], None] | None = None,
    ) -> None:
        self.local = local
        self.remote = remote
        self._local_data = local_data
        policy = Policy(policy) if offline is None else Policy.OFFLINE
        self._exchange = Exchange(
            local,
            remote,
            terms=terms,
            notify=notify,
            catalogue=catalogue,
            offline=offline or (policy.value if policy is Policy.OFFLINE else None),
            answered=answered,
        )
        self._meeting = Meeting(self._exchange, policy, max_age, data=data, unites=local_data)
        self._answers = Answers(self._exchange, self._meeting)
        self._batch = Batch(
            self._meeting.publish_now,
            delay=push_every,
            tell=self._meeting.tell_failure,
            ready=self._meeting.is_worth_trying,
            stop=self._exchange.give_up,
        )

    # ------------------------------------------------------------------------------- reading

    def read(self, keys: Iterable[Key], *, at: str | None = None) -> dict[Key, Found]:
        """See :meth:`Backend.read`; the remote is asked first if it may have something newer.

        A record that is asked for alone comes back into the work tree if it was evicted.
        """
        return self._answers.read(keys, at=at)

    def scan(
        self,
        prefix: Key | None = None,
        *,
        kind: Kind | None = None,
        at: str | None = None,
        after: Key | None = None,
        limit: int | None = None,
    ) -> Iterator[Key]:
        """See :meth:`Backend.scan`; what is here, after asking the remote, each once.

        Projects that only the remote has are no part of it; they are :meth:`elsewhere`.
        """
        return self._answers.scan(prefix, kind=kind, at=at, after=after, limit=limit)

    def changes(self, project: str, start: str | None = None, end: str | None = None) -> Changes:
        """See :meth:`Backend.changes`."""
        self._answers.refresh(project)
        return self.local.changes(project, start, end)

    def history(self, key: Key, *, limit: int | None = None) -> Iterator[Version]:
        """See :meth:`Backend.history`; that a record was published is no version of it."""
        self._answers.refresh(key.project)
        versions = (v for v in self.local.history(key) if v.op is not Op.PUBLISH)
        return islice(versions, limit)

    def log(self, key: Key, *, limit: int | None = None) -> Iterator[Version]:
        """See :meth:`Backend.log`; publishing and merging are part of it."""
        self._answers.refresh(key.project)
        return self.local.log(key, limit=limit)

    def elsewhere(self) -> dict[Key, Record]:
        """See :meth:`Backend.elsewhere`."""
        return self._answers.elsewhere()

    def seek(self, project: str, since: float) -> bool:
        """See :meth:`Backend.seek`."""
        return self._meeting.seek(project, since)

    def urls(self, keys: Iterable[Key]) -> dict[Key, str]:
        """See :meth:`Backend.urls`."""
        return self._answers.urls(keys)

    def locally(self) -> AbstractContextManager[None]:
        """See :meth:`Backend.locally`."""
        return self._meeting.locally()

    def key_of(self, url: str) -> Key | None:
        """See :meth:`Backend.key_of`."""
        return self.remote.key_of(url)

    # ------------------------------------------------------------------------------- writing

    def apply(self, changes: ChangeSet, message: Message) -> dict[Key, str | None]:
        """See :meth:`Backend.apply`; published before this returns, or soon for ended runs.

        It is soon, too, if others push without a pause.

        Raises:
            RejectedError, AuthenticationError, RemoteMissingError, RemoteError, ArtifactError: if
                the remote did not take it for a reason that waiting does not cure. The commit
                stands in the clone and is offered again with the next.
        """
        return self.apply_each([(changes, message)])[0]

    def apply_each(self, writes: Sequence[_Write]) -> list[dict[Key, str | None]]:
        """See :meth:`Backend.apply_each` and :meth:`apply`."""
        if not writes:
            return []
        project = writes[0][0].project
        self._meeting.before_write(project)
        side = self._exchange.side(project)
        if side is not None:
            bring_above(self.local, self._meeting.unmerged(side), writes)
        revisions = apply_to(self.local, side, writes, notify=self._exchange.notify)
        side = self._exchange.side(project)
        if side is not None:
            self._share(side, writes)
        return revisions

    def _share(self, side: Side, writes: Sequence[_Write]) -> None:
        """Publishes what was written: ended runs soon, anything else now."""
        if all(message.op is Op.RECORD for _, message in writes):
            if self._meeting.publishes:
                self._batch.add(side.project)
            return
        try:
            self._meeting.after_write(side)
        except OvertakenError:
            self._batch.add(side.project)

    # ------------------------------------------------------------------------------ deleting

    def deletions(self, prefix: Key | None = None, *, kind: Kind | None = None) -> list[Deletion]:
        """See :meth:`Backend.deletions`."""
        for project in self._exchange.here() if prefix is None else [prefix.project]:
            self._answers.refresh(project)
        return self.local.deletions(prefix, kind=kind)

    def restore(self, keys: Sequence[Key], message: Message, *, at: str | None = None) -> None:
        """See :meth:`Backend.restore`; it undoes every mode of deleting, and is published.

        What was deleted from the remote comes from the copy that was kept, and what was evicted
        comes back into the work tree without a commit.

        Raises:
            RejectedError, AuthenticationError, RemoteMissingError, RemoteError, ArtifactError: as
                :meth:`apply`; it is restored in the clone.
        """
        project = keys[0].project
        self._answers.refresh(project)
        if at is None and project in self._exchange.cloned and self._is_alive(keys):
            return  # it had no clone here until it was asked for
        if restore_copies(self.local, self._exchange.side(project), keys, message, at=at):
            self._meeting.after_write(self._side(project))

    def withdraw(self, key: Key) -> None:
        """See :meth:`Backend.withdraw`; nothing is deleted while the remote is out of reach."""
        side = self._side(key.project)
        with self._meeting.told(side.project):
            withdraw(side, key, publisher=self._meeting.publisher)

    def evict(self, key: Key, *, force: bool = False) -> None:
        """See :meth:`Backend.evict`; of a project, the whole clone goes.

        Raises:
            ConflictError: if a file holds uncommitted work; nothing was removed.
            RemoteUnavailableError: if it cannot be found out what exists nowhere else.
        """
        side = self._side(key.project)
        if key.kind is not Kind.PROJECT:
            with suppress(RemoteUnavailableError), self._meeting.told(side.project):
                drop_files(side.repository, key, self._local_data)
            return
        if not force:
            if self._meeting.publishes:
                self._meeting.publish_now(key.project)
            side.fetch()
            check_published(side, self._local_data)
        remove_clone(side.repository)

    def _is_alive(self, keys: Sequence[Key]) -> bool:
        found = self.local.read(keys)
        return all(isinstance(found.get(key), Record) for key in keys)

    # ------------------------------------------------------------------------------ exchange

    def push(self, project: str) -> None:
        """Publishes what the clone has.

        Raises:
            NotFoundError: if there is no clone.
            ConflictError: if the remote has something that contradicts, and nothing was pushed;
                or it was pushed and the clone could not follow, as the message then says.
            RemoteError, ArtifactError: if it did not get there; the commits stand in the clone.
        """
        side = self._side(project)
        with self._meeting.told(project):
            self._meeting.publisher.publish(side)

    def pull(self, project: str) -> None:
        """Takes over what the remote has; gets the project if there is no clone.

        Raises:
            NotFoundError: if neither side has it.
            ConflictError: if both sides changed the same thing; nothing was merged.
            RemoteError: if the remote cannot be asked.
        """
        with self._meeting.told(project):
            side = self._exchange.side(project)
            if side is None:
                if not self._exchange.clone(project):
                    raise unknown(project)
            else:
                side.repository.bring_up()
                side.fetch()
                self._meeting.publisher.integrate(side)

    def sync(self, project: str) -> None:
        """Pulls, then pushes: afterwards both sides have everything.

        Raises:
            NotFoundError, ConflictError, RemoteError, ArtifactError: as for both.
        """
        self.pull(project)
        side = self._side(project)
        with self._meeting.told(project):
            self._meeting.publisher.publish(side, look=Look.EVERYWHERE)

    def conflicts(self, project: str) -> tuple[Conflict, ...]:
        """See :meth:`Settling.conflicts`; the remote is asked unless the policy is "manual"."""
        return self._settling(project).conflicts()

    def decisions(self, project: str) -> tuple[Decision, ...]:
        """See :meth:`Settling.decisions`."""
        return self._settling(project).decisions()

    def settle(
        self, project: str, decisions: Sequence[Decision], rest: Choice | None = None
    ) -> tuple[Conflict, ...]:
        """Takes decisions about it, see :meth:`Settling.settle`, and publishes as :meth:`apply`."""
        left = self._settling(project).settle(decisions, rest)
        if not left:
            self._meeting.after_write(self._side(project))
        return left

    def _settling(self, project: str) -> Settling:
        return settling_with_remote(self._side(project), self._meeting)

    def status(self, project: str) -> ProjectStatus:
        """Returns how clone and remote stand; what the remote has is looked at, not taken over.

        Raises:
            NotFoundError: if neither side has the project.
            RemoteError: if it is not here, and the remote cannot be asked.
        """
        url = self.remote.public_url(project)
        if self.local.repository(project) is None:
            with self._meeting.told(project):
                if not self._exchange.has(project):
                    raise unknown(project)
            return ProjectStatus(project=project, state=State.REMOTE_ONLY, url=url)
        side, problem = self._side(project), None
        self.local.say_how_large(project)
        try:
            side.fetch()
            side.check_place()
        except RemoteError as error:
            problem = error.message
        return status_of(side, url=url, problem=problem)

    @property
    def joints(self) -> tuple[Exchange, Publisher]:
        """What knows clones and remotes, and what moves commits between the two."""
        return self._exchange, self._meeting.publisher

    def repository(self, project: str) -> Repository | None:
        """See :meth:`GitBackend.repository`."""
        return self.local.repository(project)

    def verify(self, project: str) -> tuple[Damage, ...]:
        """See :meth:`GitBackend.verify`; the remote is not asked."""
        return self.local.verify(project)

    def repair(self, project: str) -> tuple[Damage, ...]:
        """See :meth:`GitBackend.repair`; what is lost here is fetched, if the remote has it."""
        return self.local.repair(project, fetch=self._exchange.copier(project))

    def maintain(self, project: str) -> Maintained:
        """See :meth:`GitBackend.maintain`."""
        return self.local.maintain(project)

    def flush(self) -> None:
        """Publishes what waits in the background, now.

        Raises:
            ConflictError, RemoteError, ArtifactError: as :meth:`push`, after everything was tried.
        """
        self._batch.flush()

    def close(self) -> None:
        """See :meth:`Backend.close`; what waits is published, and a failure is only told."""
        self._batch.close()
        self._exchange.go_on()
        self.local.close()

    def _side(self, project: str) -> Side:
        side = self._exchange.side(project)
        if side is not None:
            return side
        if self.remote.url(project) is None:
            raise UnsupportedError(
                f"the remote is the repository of '{self.remote.only}' only", key=project
            )
        raise NotFoundError(f"no clone of project '{project}'", key=project)

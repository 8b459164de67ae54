"""When clone and remote meet: before reads, after writes, and what is told when they cannot."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator

from padre_git.backends.asked import Asked
from padre_git.backends.exchange import Exchange, Side
from padre_git.backends.overlay import EMPTY
from padre_git.backends.parallel import in_parallel
from padre_git.backends.policy import Freshness, Policy
from padre_git.backends.publishing import Data, DataUnavailableError, Publisher
from padre_git.backends.reconciling import ContradictionError
from padre_git.backends.records import Records
from padre_git.backends.uniting import Unites
from padre_git.errors import (
    ConflictError,
    FormatError,
    OfflineError,
    PadreGitError,
    RemoteError,
    RemoteRewrittenError,
    RemoteUnavailableError,
    RepositoryError,
)
from padre_git.messages import ConflictFound, Notice

__all__ = ["Meeting"]


#: Our commit, the remote's, and whether records contradict; else a file here is in the way.
_Unmerged = tuple[str | None, str | None, bool]


class Meeting:
    """Lets clones and remotes meet as a policy has it.

    Args:
        exchange: the clones and their remotes.
        policy: when they meet.
        max_age: see :class:`~padre_git.backends.policy.Freshness`.
        data: see :data:`~padre_git.backends.publishing.Data`.
        unites: see :class:`~padre_git.backends.publishing.Publisher`.
    """

    def __init__(
        self,
        exchange: Exchange,
        policy: Policy,
        max_age: float,
        *,
        data: Data | None,
        unites: Unites | None = None,
    ) -> None:
        self._exchange = exchange
        asked = Asked(exchange.local.root, str(exchange.location))
        self._freshness = Freshness(policy, max_age, asked=asked)
        self._notify = exchange.notify
        self._unmerged: dict[str, _Unmerged] = {}
        self._replaced: dict[str, _Unmerged] = {}
        self._waiting: set[str] = set()
        self._untold: set[str] = set()
        self._problems: dict[str, str] = {}
        self._failed: dict[str, tuple[float, PadreGitError]] = {}
        self._local = threading.local()
        self._max_age = max_age
        self._listed: tuple[float, dict[str, bytes | None]] = (0.0, {})
        self.publisher = Publisher(
            exchange.location,
            author=exchange.local.author,
            data=data,
            notify=exchange.notify,
            unites=unites,
        )

    @property
    def publishes(self) -> bool:
        """Whether writes are published by themselves."""
        return self._freshness.policy.meets

    @property
    def is_local(self) -> bool:
        """Whether this thread is in a block of :meth:`locally`."""
        return bool(getattr(self._local, "depth", 0))

    @contextlib.contextmanager
    def locally(self) -> Iterator[None]:
        """Returns a block in which this thread's reads and writes do not ask the remote."""
        depth = getattr(self._local, "depth", 0)
        self._local.depth = depth + 1
        try:
            yield
        finally:
            self._local.depth = depth

    # ------------------------------------------------------------------------ before reading

    def refresh_all(self, projects: Iterable[str]) -> None:
        """Brings clones up to their remotes if the policy says so, some at the same time."""
        due = [project for project in projects if self._freshness.due(project)]
        in_parallel(self._refresh_one, due)

    def _refresh_one(self, project: str) -> None:
        with contextlib.suppress(RepositoryError):  # told when it is read
            self.refresh(project)

    def refresh(self, project: str, *, missing: bool = False) -> bool:
        """Brings a clone up to its remote if the policy says so; never fails a read.

        Args:
            project: its name.
            missing: whether something that was asked for is not here.

        Returns:
            Whether the remote was asked.
        """
        if self.is_local or not self._freshness.due(project, missing=missing):
            return False
        try:
            with self.told(project):
                side = self._exchange.side(project)
                if side is None:
                    self._exchange.clone(project)
                else:
                    side.fetch()
                    if self._unmerged.get(project) != (side.repository.tip(), side.seen, True):
                        self.publisher.integrate(side)
        except ConflictError as error:
            self._tell_conflict(project, error)
        except (RemoteError, FormatError, RepositoryError) as error:
            self._failed[project] = time.monotonic(), error
            if isinstance(error, RemoteUnavailableError):
                return False  # told already, once for as long as the silence lasts
            self._freshness.answered(project)
            self._tell_problem(project, f"'{project}' is as it was seen last: {error}")
        else:
            self._problems.pop(project, None)
        return True

    def seek(self, project: str, since: float) -> bool:
        """Asks the remote for a project that is not here, silent or not; tells whether it came.

        Args:
            project: its name.
            since: what the remote has said since then, by the monotonic clock, is not asked again.

        Raises:
            RemoteError, FormatError, RepositoryError: if it cannot be had.
        """
        if self.is_local or self._exchange.local.repository(project) is not None:
            return False
        if self._freshness.policy is Policy.MANUAL:
            return False
        when, failure = self._failed.get(project, (0.0, None))
        try:
            if failure is not None and when >= since:
                raise failure
            with self.told(project):
                return self._exchange.clone(project)
        except RemoteError as error:
            error.message, error.key = f"'{project}' is not here, and {error.message}", project
            raise

    def unmerged(self, side: Side) -> Records:
        """Returns the records that the remote has and that could not be merged; mostly nothing."""
        known = self._unmerged.get(side.project)
        if known is None or side.seen is None:
            return Records(side.project, EMPTY)
        tip = side.repository.tip()
        if tip is not None and side.is_ancestor(side.seen, tip):
            self._unmerged.pop(side.project, None)
            return Records(side.project, EMPTY)
        return Records(side.project, side.repository.snapshot(side.seen))

    def projects(self) -> dict[str, bytes | None]:
        """Returns the living projects of the remote that have no clone here, as far as it tells.

        See :meth:`Exchange.elsewhere`.
        """
        if self.is_local or not self._freshness.publishes():
            return {}
        listed, found = self._listed
        if time.monotonic() < listed and self._freshness.policy is Policy.AUTO:
            return {name: d for name, d in found.items() if self._exchange.side(name) is None}
        found = {}
        try:
            found = self._exchange.elsewhere()
        except RemoteUnavailableError as error:
            self._silent(error)
        except RemoteError as error:
            self._tell_problem("", f"projects at the remote are not listed: {error}")
        else:
            self._problems.pop("", None)
            if self._exchange.location.directory is None:  # a directory is looked at in no time
                self._listed = time.monotonic() + self._max_age, found
        return found

    # ----------------------------------------------------------------------------- writing

    def before_write(self, project: str) -> None:
        """Gets a project that is not here, and with the policy "always" what is new in it."""
        if self._freshness.policy is Policy.ALWAYS or self._exchange.side(project) is None:
            self.refresh(project, missing=True)

    def after_write(self, side: Side) -> None:
        """Publishes what was written; without network the commits wait for the next time.

        Raises:
            RejectedError, AuthenticationError, RemoteMissingError, RemoteError, ArtifactError: if
                the remote did not take it for a reason that waiting does not cure.
        """
        if not self.is_worth_trying():
            return
        try:
            with self.told(side.project):
                self.publisher.publish(side)
            self._waiting.discard(side.project)
        except ConflictError as error:
            self._untold.discard(side.project)
            self._tell(side.project, f"'{side.project}' is not merged with its remote: {error}")
        except RemoteUnavailableError:
            pass  # told already; the commits stand

    def publish_now(self, project: str) -> None:
        """Publishes a project's commits, if it has a clone.

        Raises:
            ConflictError, RemoteError, ArtifactError: if they did not get there.
        """
        side = self._exchange.side(project)
        if side is not None:
            with self.told(project):
                self.publisher.publish(side)

    def is_worth_trying(self) -> bool:
        """Returns whether the remote should be talked to without being asked to."""
        if self._freshness.publishes():
            return True
        self._tell_silence()
        return False

    def tell_failure(self, project: str, error: PadreGitError) -> None:
        """Tells that publishing in the background has failed."""
        if not isinstance(error, RemoteUnavailableError):
            self._tell(project, f"'{project}' is not in step with its remote: {error}")

    # ------------------------------------------------------------------------------ telling

    @contextlib.contextmanager
    def told(self, project: str) -> Iterator[None]:
        """Remembers how asking the remote went, and tells what subscribers should hear of it."""
        try:
            yield
        except DataUnavailableError as error:
            self._waits_for_data(project, error)
            raise
        except OfflineError:
            raise  # that is no news, and says nothing about the remote
        except RemoteUnavailableError as error:
            self._silent(error)
            raise
        except ConflictError as error:
            self._conflict(project, error)
            raise
        self._freshness.answered(project)

    def _silent(self, error: RemoteUnavailableError) -> None:
        if self._freshness.failed(error.message):
            self._notify(Notice(text=f"offline: {error.message}; what is written waits here"))

    def _tell_silence(self) -> None:
        reason = self._freshness.untold()
        if reason is not None:
            self._notify(Notice(text=f"offline: {reason}; what is written waits here"))

    def _waits_for_data(self, project: str, error: DataUnavailableError) -> None:
        if project not in self._waiting:
            self._waiting.add(project)
            self._tell(project, f"'{project}' is not published, its data first: {error.message}")

    def _conflict(self, project: str, error: ConflictError) -> None:
        self._freshness.answered(project)
        side = self._exchange.side(project)
        if side is not None:
            state = side.repository.tip(), side.seen, isinstance(error, ContradictionError)
            # what has taken the place of a history is not shown beside it
            replaced = isinstance(error, RemoteRewrittenError)
            known = self._replaced if replaced else self._unmerged
            if known.get(project) != state:
                known[project] = state
                self._notify(ConflictFound(project=project, conflicts=error.conflicts))
                self._untold.add(project)

    def _tell_conflict(self, project: str, error: ConflictError) -> None:
        """Tells of a conflict that nobody gets as an error, once for each pair of commits."""
        if project in self._untold:
            self._untold.discard(project)
            self._tell(project, f"'{project}' is not merged with its remote: {error}")

    def _tell_problem(self, project: str, text: str) -> None:
        """Tells why reading is not up to date, once for as long as that is the reason."""
        if self._problems.get(project) != text:
            self._problems[project] = text
            self._notify(Notice(text=text, project=project or None))

    def _tell(self, project: str, text: str) -> None:
        self._notify(Notice(text=text, project=project))

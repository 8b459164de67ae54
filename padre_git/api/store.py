"""The store: everything that a person or a program can ask for, behind one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from padre_git.api.data import DataPlaces
from padre_git.api.datasets import Datasets
from padre_git.api.exchanging import Exchanging
from padre_git.api.home import Home
from padre_git.api.obtaining import DataCheck
from padre_git.api.overflow import Overflow
from padre_git.api.past import KINDS, Past
from padre_git.api.points import Points
from padre_git.api.recovering import Recovering
from padre_git.api.runs import WatchedRuns
from padre_git.api.transaction import Transaction
from padre_git.api.watching import Watched
from padre_git.api.worktrees import WorkTrees
from padre_git.backends.base import Backend, Changes
from padre_git.bus import Bus, refusing
from padre_git.collections import Collection, Computations, Executions, Ref, Runs, Session, Splits
from padre_git.errors import UnsupportedError
from padre_git.messages import (
    Compare,
    Ensure,
    Event,
    Notice,
    Shorten,
)
from padre_git.model import (
    Environment,
    Experiment,
    Key,
    Kind,
    Project,
    Run,
)
from padre_git.services import connect

if TYPE_CHECKING:
    from padre_git.api.artifacts import Artifacts
    from padre_git.api.models import Models
    from padre_git.api.recorder import Recorder
    from padre_git.hosts import Client

__all__ = ["Store"]

Ev = TypeVar("Ev", bound=Event)


def _now() -> datetime:
    return datetime.now(UTC)


class Store(Exchanging, Past, Recovering, WorkTrees):
    """Is a place for experiments: collections by kind, artifacts, transactions and exchange.

    :func:`padre_git.open` makes one over git repositories; any other backend will do, such as
    :class:`padre_git.backends.MemoryBackend` in tests.

    Args:
        backend: where records are; closed with the store.
        root: the directory of the clones; None for a backend without files.
        bus: where the backend's events go already; a fresh one if it is not given.
        clock: returns the time, with zone.
        data: what DVC keeps for the clones; None for a store that keeps no artifacts.
        client: of the host that has the remote, closed with the store; None for no such host.

    Attributes:
        projects: all projects; the verbs are those of :class:`padre_git.collections.Collection`.
        datasets: all datasets; see :class:`padre_git.api.datasets.Datasets`.
        environments: all environments; recording stores them.
        experiments: all experiments.
        executions: all executions; see :class:`padre_git.collections.Executions`.
        runs: all runs; see :class:`padre_git.collections.Runs`.
        computations: those of all runs; see :class:`padre_git.collections.PartCollection`.
        splits: those of all runs; the verbs are the same.
        root: the directory of the clones, if there is one.
        client: of the host that has the remote, if that is one of HTTP; it authenticates.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        root: Path | None = None,
        bus: Bus | None = None,
        clock: Callable[[], datetime] = _now,
        data: DataPlaces | None = None,
        client: Client | None = None,
    ) -> None:
        self.root = root
        self.client = client
        self.bus = bus or Bus()
        self.clock = clock
        self.data = data
        self._backend = backend
        self._artifacts: Artifacts | None = None
        overflow = Overflow(root, data, backend)
        if data is not None:
            DataCheck(backend, data, self.bus)
        self.session = session = Session(self.bus, locally=backend.locally)
        self._home = Home(session=session, root=root, data=data)
        watched = None if root is None else Watched(backend, self._home)
        connect(backend, self.bus, clock=clock, large=overflow, runs=watched)
        self.projects: Collection[Project] = Collection(Kind.PROJECT, session)
        self.datasets = Datasets(self)
        self.environments: Collection[Environment] = Collection(Kind.ENVIRONMENT, session)
        self.experiments: Collection[Experiment] = Collection(Kind.EXPERIMENT, session)
        self.executions = Executions(session, overflow.read, overflow.places)
        self.runs = Runs(session, overflow.read)
        if watched is not None:
            points = Points(backend, self._home)
            self.runs = WatchedRuns(session, overflow.read, points, watched)
        self.computations = Computations(session)
        self.splits = Splits(session)

    # ---------------------------------------------------------------------------- recording

    def start_run(
        self,
        experiment: Ref,
        parameters: Mapping[str, Any] | None = None,
        *,
        seed: int | None = None,
        title: str | None = None,
        id: str | None = None,
        parent: Recorder | Run | str | None = None,
        argv: Sequence[str] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Recorder:
        """Begins a run and returns its recorder, which is a context manager.

        A missing project, experiment and execution are stored with the run when it ends.

        Args:
            experiment: name path, key, url or entity.
            parameters: the values tried; the experiment's parameters are the defaults.
            seed: what random numbers begin with; the experiment's if it is not given.
            title: one line for people.
            id: of a run, which goes on if another process has begun it and did not finish it;
                minted if it is not given. ``PADRE_RUN_ID`` is that of a program's first run.
            parent: the run that starts this one.
            argv: a command that is run in place of this process's own program.
            attributes: whatever else is worth keeping.

        Raises:
            AlreadyExistsError: if the run of this id has ended, or had other parameters.
            InvalidInputError: for what cannot be stored; nothing was begun.
            LockedError: if another process has the run of this id.
            RepositoryError: if the disk or the system refuses; nothing was begun.
        """
        from padre_git.api.starting import start_run

        with refusing():
            return start_run(
                self._home,
                experiment,
                parameters,
                seed=seed,
                title=title,
                id=id,
                parent=parent,
                argv=argv,
                attributes=attributes,
            )

    def reconcile(self, project: Ref | None = None) -> list[Run]:
        """Records runs that nobody will end any more, with everything that they logged.

        A run whose process is known to be gone, or silent for ten minutes, becomes an aborted one;
        one that ended and could not be recorded becomes what it ended as. If its process returns,
        it goes on. :meth:`sync` does this, too.

        Args:
            project: which; None for all.

        Returns:
            The runs that were recorded. What kept others from it is told as events.
        """
        from padre_git.api.reconciling import reconcile

        names = self._home.recording_projects() if project is None else [self._name(project)]
        return [run for name in names for run in reconcile(self._home, name)]

    def sync(self, project: Ref) -> None:
        """Records the runs that are lost, pulls, merges and pushes: both sides have everything.

        Raises:
            ConflictError: if both sides changed the same thing; nothing was merged or pushed.
            RemoteError: if the remote cannot be reached or does not take it.
        """
        self.reconcile(project)
        super().sync(project)

    def freeze(self, experiment: Ref, *, entry_point: str | None = None) -> str:
        """Takes the code version of the current directory once, for many runs of an experiment.

        Args:
            experiment: made if it does not exist.
            entry_point: the file that will be started; None for no one file.

        Returns:
            The key of the execution; runs with it in ``PADRE_EXECUTION`` belong to it.
        """
        from padre_git.api.freezing import freeze

        with refusing():
            return freeze(self._home, experiment, entry_point=entry_point)

    def transaction(self, project: Ref, message: str) -> Transaction:
        """Returns a block whose puts and deletes become one commit, or nothing if it fails.

            with store.transaction("iris", "import the old runs"):
                for run in runs:
                    store.runs.put(run)

        Reads inside the block see the store as it was before it.

        Args:
            project: the only project that the block may change; it may be put inside the block.
            message: the subject of the commit.
        """
        return Transaction(self.session, self._project_key(project), message)

    def ensure(self, ref: str | Key) -> tuple[Key, ...]:
        """Makes a project, or an experiment and its project, where they are missing.

        Args:
            ref: ``iris``, ``iris/svm`` or a key.

        Returns:
            The keys that were made.
        """
        key = ref if isinstance(ref, Key) else _spelled(ref)
        return self.bus.send(Ensure(subject=key.kind, key=key))

    # ------------------------------------------------------------------------------ looking

    def key(self, ref: Ref, *, at: str | None = None) -> Key:
        """Returns the key of what a reference means, whatever its kind; its depth says the kind.

        Raises:
            AmbiguousReferenceError: if it may be several things.
            NotFoundError: if it is nothing.
        """
        return self.session.resolve(ref, KINDS, at=at)

    def shorten(self, keys: Sequence[Key], *, at: str | None = None) -> dict[Key, str]:
        """Returns the shortest names of records that are unique among their siblings."""
        found: dict[Key, str] = {}
        for kind in {key.kind for key in keys}:
            of_kind = [key for key in keys if key.kind is kind]
            names = self.bus.send(Shorten(subject=kind, keys=of_kind, at=at))
            found.update(names)
        return found

    def changes(self, project: Ref, start: str | None = None, end: str | None = None) -> Changes:
        """Returns which records of a project differ between two states.

        Args:
            project: which.
            start: a commit, tag, branch or date; None for "before anything".
            end: the same; None for now.
        """
        found: Changes = self.bus.send(
            Compare(subject=Kind.PROJECT, project=self._name(project), start=start, end=end)
        )
        return found

    def project_path(self, project: Ref) -> Path:
        """Returns the directory of a project's clone, whether it exists or not.

        Raises:
            UnsupportedError: if this store has no directory.
        """
        if self.root is None:
            raise UnsupportedError("this store has no directory", key=project)
        return self.root / self._project_key(project).name

    def subscribe(self, event: type[Ev], subscriber: Callable[[Ev], object]) -> Callable[[], None]:
        """Calls ``subscriber`` with every event of a type; returns what ends that.

        It is called in the thread in which the thing happened; its errors are logged.

        Args:
            event: such as :class:`padre_git.Stored`; :class:`padre_git.Event` for all.
            subscriber: is given the event.
        """
        return self.bus.subscribe(event, subscriber)

    @property
    def remote(self) -> str | None:
        """Where clones meet; None for a store without a remote."""
        place = getattr(self._backend, "remote", None)
        return None if place is None else str(place)

    # -------------------------------------------------------------------------------- parts

    @property
    def artifacts(self) -> Artifacts:
        """Files and directories of runs and datasets, kept by DVC."""
        if self._artifacts is None:
            from padre_git.api.artifacts import Artifacts

            self._artifacts = Artifacts(self)
        return self._artifacts

    @property
    def models(self) -> Models:
        """Models that runs have kept."""
        from padre_git.api.models import Models

        return Models(self)

    def close(self) -> None:
        """Publishes what waits and lets go of everything; it can be called twice.

        Open runs go on: they are recorded when they end, at the latest with the process. What is
        waiting is given half a minute; what does not get through stands here, and is told.
        """
        for run in sorted(self._home.running):
            text = f"run '{run}' is still open; it is recorded when it ends"
            self.bus.publish(Notice(text=text, project=run.project))
        self._home.running.clear()
        self._backend.close()
        if self.client is not None:
            self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()


def _spelled(ref: object) -> Key:
    """Returns the key of a project or an experiment that need not exist."""
    names = str(ref).split("/")
    if len(names) == 2:
        return Key.project_named(names[0]).experiment(names[1])
    return Key.parse(str(ref))

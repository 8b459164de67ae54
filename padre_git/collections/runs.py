"""Runs: what can be asked of them besides the verbs of every kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from padre_git.collections.base import Collection
from padre_git.collections.session import Ref, Session
from padre_git.collections.tables import frame_of
from padre_git.errors import InvalidInputError, NotFoundError
from padre_git.format import decode_series
from padre_git.messages import Annotate, Get, Read
from padre_git.model import Environment, Experiment, Key, Kind, Point, Record, Run, Status
from padre_git.model.parts import frozen_parameters
from padre_git.model.values import flatten

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Runs"]


_BY_DEFAULT = (Status.FINISHED, Status.RUNNING, Status.FAILED, Status.ABORTED, Status.LOST)


class Points(Protocol):
    """Knows the parameters and the status of every stored run."""

    def runs(
        self, experiment: Key, point: Mapping[str, Any], status: Status, seed: int | None
    ) -> Iterable[Run]:
        """Yields runs among which are those of a point and status, the latest first."""

    def statuses(self, project: str, besides: Mapping[Key, object]) -> Mapping[str, int]:
        """Returns how many stored runs of a project there are of each status, besides some."""


class Runs(Collection[Run]):
    """Is all runs in a store.

    Args:
        session: of the store.
        large: reads parts that were too large for the run's directory.
        points: finds stored runs by what they tried; None to look at all of them.
        going: returns the runs below a record that are running, or lost.
    """

    def __init__(
        self,
        session: Session,
        large: Callable[[Record, str], bytes | None],
        points: Points | None = None,
        going: Callable[[Key], Iterable[Run]] = lambda above: (),
    ) -> None:
        super().__init__(Kind.RUN, session)
        self._large = large
        self._points = points
        self._going = going

    def find(
        self,
        experiment: Ref,
        parameters: Mapping[str, Any],
        seed: int | None = None,
        *,
        status: str | Sequence[str] | None = Status.FINISHED,
    ) -> Run | None:
        """Returns the run of an experiment that tried exactly these parameters, if there is one.

            if not store.runs.find("iris/svm", {"C": 10}, status=("finished", "running")):
                train(C=10)

        Parameters that are not given have the experiment's defaults, as they would in a new run;
        those of a run that did not choose are what was default then. Runs are not read for it, but
        for the one that is returned: it takes milliseconds, however many there are.

        Args:
            experiment: the experiment.
            parameters: name and value; numbers are compared as numbers, 1 and 1.0 are one point.
            seed: only a run with this seed; None for any.
            status: that it must have; of several, the first counts most. None for any: finished
                before running before the others.

        Returns:
            The latest of those that have the best status.

        Raises:
            InvalidInputError: for a status that there is not.
            NotFoundError: if there is no such experiment.
        """
        key = self._session.resolve(experiment, [Kind.EXPERIMENT])
        stored: Experiment = self._bus.send(Get(subject=Kind.EXPERIMENT, key=key))
        wanted = flatten(stored.parameters) | flatten(frozen_parameters(parameters))
        statuses = _statuses(status)
        for one in statuses:
            for run in self._candidates(key, wanted, one, seed):
                if seed not in (None, run.seed) or run.status is not one:
                    continue
                if flatten(run.defaults, "defaults") | flatten(run.parameters) == wanted:
                    return run
        return None

    def count(self, project: Ref) -> dict[Status, int]:
        """Returns how many runs of a project there are of each status that any has.

        Raises:
            NotFoundError: if there is no such project.
        """
        key = self._session.resolve(project, [Kind.PROJECT])
        if self._points is None:
            found = Counter(run.status for run in self.list(key))
        else:
            going = {run.key: run.status for run in self._going(key)}
            stored = self._points.statuses(key.project, going)
            found = Counter(going.values()) + Counter({Status(s): n for s, n in stored.items()})
        return {status: found[status] for status in Status if found[status]}

    def _candidates(
        self, experiment: Key, point: Mapping[str, Any], status: Status, seed: int | None
    ) -> Iterable[Run]:
        """Returns runs among which are those of a point and status, the latest first."""
        if status in (Status.RUNNING, Status.LOST):
            going = self._going(experiment)
            yield from sorted(going, key=lambda run: run.key.name, reverse=True)
        if self._points is not None:
            yield from self._points.runs(experiment, point, status, seed)
        else:
            yield from reversed(self.list(experiment))

    def tag(self, ref: Ref, *names: str | Mapping[str, str], **values: str) -> Run:
        """Labels a run that has ended, leaving its document alone; returns it.

        Args:
            ref: the run.
            names: labels without value, or mappings with values.
            values: labels with values.

        Raises:
            InvalidNameError: for a label or value that is none.
            LockedError: if it is running.
            NotFoundError: if there is no such run.
        """
        tags: dict[str, str | None] = {}
        for name in names:
            tags |= name if isinstance(name, Mapping) else {name: ""}
        return self._annotate(ref, tags={**tags, **values})

    def untag(self, ref: Ref, *names: str) -> Run:
        """Takes labels off a run; returns it.

        Raises:
            NotFoundError: if the run does not have one of them; the others stay, too.
        """
        return self._annotate(ref, tags=dict.fromkeys(names))

    def note(self, ref: Ref, text: str) -> Run:
        """Adds a remark to a run that has ended; returns it.

        Raises:
            InvalidInputError: for a text that says nothing.
            LockedError: if it is running.
            NotFoundError: if there is no such run.
        """
        return self._annotate(ref, notes=[text])

    def series(self, ref: Ref, *, at: str | None = None) -> tuple[Point, ...]:
        """Returns what a run logged step by step; nothing if it did not.

        Raises:
            NotFoundError: if there is no such run.
        """
        content = self.part(ref, "series.csv", at=at)
        return () if content is None else decode_series(content)

    def log(self, ref: Ref, *, at: str | None = None) -> str:
        """Returns the text that a run printed or logged; empty if it did not."""
        return (self.part(ref, "log.txt", at=at) or b"").decode(errors="replace")

    def error(self, ref: Ref, *, at: str | None = None) -> str:
        """Returns the traceback of a failed run; empty if it has none."""
        return (self.part(ref, "error.txt", at=at) or b"").decode(errors="replace")

    def part(self, ref: Ref, name: str, *, at: str | None = None) -> bytes | None:
        """Returns one file of a run, from its directory or from its artifacts.

        Args:
            ref: the run.
            name: such as ``run.yaml`` or ``series.csv``.
            at: a commit, tag, branch or date; None for now.

        Returns:
            Its bytes; None if the run has no such file.
        """
        record = self._bus.send(Read(subject=Kind.RUN, key=self.key(ref, at=at), at=at))
        content = record.files.get(name)
        return self._large(record, name) if content is None else content

    def environment(self, ref: Ref, *, at: str | None = None) -> Environment:
        """Returns the environment that a run ran in.

        Raises:
            NotFoundError: if there is no such run, or it did not say.
        """
        run = self.get(ref, at=at)
        if run.environment is None:
            raise NotFoundError(f"'{run.key}' has no environment", key=run.key)
        key = Key.project_named(run.key.project).environment(run.environment)
        return self._bus.send(Get(subject=Kind.ENVIRONMENT, key=key, at=at))

    def to_dataframe(self, parent: Ref | None = None, **query: Any) -> pd.DataFrame:
        """Returns runs as a pandas DataFrame, one row each, indexed by id.

        Columns are ``experiment``, ``status``, ``seed``, ``started``, ``ended``, ``execution``,
        ``title``, then ``params.x``, ``metrics.y`` and ``tags.z`` for everything that any run has.

        Args:
            parent: as in :meth:`list`.
            query: ``where``, ``order_by``, ``limit``, ``offset`` and ``at`` of :meth:`list`.

        Raises:
            UnsupportedError: if pandas is not installed.
        """
        return frame_of(lambda: self.list(parent, **query))

    def _annotate(self, ref: Ref, **what: Any) -> Run:
        self._session.check_no_unit("tag or note")
        return self._bus.send(Annotate(subject=Kind.RUN, key=self.key(ref), **what))


def _statuses(status: str | Sequence[str] | None) -> Sequence[Status]:
    if status is None:
        return _BY_DEFAULT
    try:
        return [Status(one) for one in ([status] if isinstance(status, str) else status)]
    except ValueError as error:
        known = ", ".join(f"'{one}'" for one in Status)
        raise InvalidInputError(str(error).lower(), hint=f"a status is one of {known}") from None

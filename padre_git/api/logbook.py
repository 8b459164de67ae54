"""The logbook: the verbs by which a running run says what it does."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from padre_git.api.attaching import Attaching
from padre_git.api.attachments import Attachments
from padre_git.api.committing import Circumstances
from padre_git.api.continuing import replayed
from padre_git.api.draft import Draft, Moment, Row
from padre_git.api.events import event_of_split
from padre_git.api.home import Home
from padre_git.api.output import OUTPUT
from padre_git.api.spool import Spool
from padre_git.api.spooling import Former, open_spool, unwritten
from padre_git.collections.session import Ref
from padre_git.errors import InvalidInputError, PadreGitError, RepositoryError, UnsupportedError
from padre_git.messages import Get
from padre_git.model import (
    Computation,
    Dataset,
    FrozenMapping,
    Key,
    Kind,
    Results,
    Split,
    Status,
)

__all__ = ["Logbook"]


class Logbook(Attaching):
    """Takes down what a run does, in memory and in its spool.

    What cannot be stored is refused when it is logged, never at the end. Methods can be called from
    any thread of the process that started the run.
    """

    def __init__(
        self,
        home: Home,
        begun: Circumstances,
        parameters: Mapping[str, Any],
        former: Former | None = None,
    ) -> None:
        self._home = home
        self._begun = begun
        self._lock = threading.RLock()
        self._status = Status.RUNNING
        self._disowned = False
        self._former = former
        if former is None:
            self._draft = Draft(run=begun.run.key)
            self._attachments = Attachments(lambda: home.cache(begun.run.key.project))
        else:
            self._draft, self._attachments = former.replayed.draft, former.replayed.attachments
            self._draft.begin_session()
            self._attachments.begin_session()
        values = self._draft.add_parameters(parameters)
        self._spool = open_spool(home, begun, values, former)

    @property
    def id(self) -> str:
        """The run's id."""
        return self.key.name

    @property
    def key(self) -> Key:
        """The run's key; under it the run is found when it has ended."""
        return self._begun.run.key

    @property
    def status(self) -> Status:
        """How the run stands."""
        return self._status

    @property
    def is_continued(self) -> bool:
        """Whether another process has begun this run, and what it logged is there."""
        return self._former is not None

    @property
    def output(self) -> Path:
        """The file that has what a recorded command prints, until it is logged."""
        if self._spool is None:
            raise UnsupportedError("this store keeps no files", key=self.key)
        return self._spool.directory / OUTPUT

    @property
    def last_step(self) -> int | None:
        """The highest step that was logged so far, also by a process before; None without any."""
        return self._draft.last_step

    @property
    def parameters(self) -> FrozenMapping:
        """The values tried, so far."""
        return FrozenMapping(self._draft.parameters)

    @property
    def metrics(self) -> FrozenMapping:
        """The last value of each metric, so far."""
        return FrozenMapping(self._draft.metrics)

    def log_param(self, name: str, value: Any) -> None:
        """Adds one parameter; see :meth:`log_params`."""
        self.log_params({name: value})

    def log_params(self, values: Mapping[str, Any]) -> None:
        """Adds parameters: the values this run tries.

        Raises:
            AlreadyExistsError: if one has another value already.
            InvalidValueError: if one cannot be stored.
        """
        with self._lock:
            draft = self._checked_draft()
            self._write("parameters", draft.add_parameters(values))

    def log_metric(
        self, name: str, value: float, step: int | None = None, time: Moment | None = None
    ) -> None:
        """Adds one measurement.

        Args:
            name: of the metric.
            value: an integer or float, NaN and infinities included.
            step: None for the one after the metric's last.
            time: a datetime with zone or seconds since 1970; None for now.

        Raises:
            InvalidInputError: for what is none of this, or if the run has ended.
        """
        with self._lock:
            self._measure(self._checked_draft().add_metric(name, value, step, time))

    def log_metrics(
        self, values: Mapping[str, float], step: int | None = None, time: Moment | None = None
    ) -> None:
        """Adds measurements made at one time; without a step, each takes its own next one.

        Raises:
            InvalidInputError: as :meth:`log_metric`; nothing was added.
        """
        with self._lock:
            draft = self._checked_draft()
            for row in draft.add_metrics(values, step, time):
                self._measure(row)

    def log(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Adds measurements as one row: without a step, all take the next that is free for all.

        Raises:
            InvalidInputError: as :meth:`log_metric`; nothing was added.
        """
        with self._lock:
            draft = self._checked_draft()
            for row in draft.add_metrics(values, step, None, together=True):
                self._measure(row)

    def set_tag(self, name: str, value: str = "") -> None:
        """Labels the run; without a value it is a mere label."""
        self.set_tags({name: value})

    def set_tags(self, values: Mapping[str, str]) -> None:
        """Labels the run.

        Raises:
            InvalidNameError: for a label or value that is none.
        """
        with self._lock:
            draft = self._checked_draft()
            self._write("tags", draft.add_tags(values))

    def add_note(self, text: str) -> None:
        """Adds a remark, in Markdown."""
        with self._lock:
            draft = self._checked_draft()
            draft.add_note(text)
            self._write("note", draft.notes[-1].text)

    def use_dataset(self, dataset: Ref) -> Dataset:
        """Notes that the run uses a dataset, in the version it has now; returns it.

        Raises:
            InvalidInputError: if it belongs to another project.
            NotFoundError: if there is no such dataset.
        """
        with self._lock:
            draft = self._checked_draft()
            session = self._home.session
            key = self._home.first_here(lambda: session.resolve(dataset, [Kind.DATASET]))
            with self._home.locally():
                found: Dataset = session.bus.send(Get(subject=Kind.DATASET, key=key))
            if key.project != self.key.project:
                raise InvalidInputError(f"'{key}' belongs to another project", key=self.key)
            used = f"{found.name}@{found.version}" if found.version else found.name
            if used not in draft.datasets:
                draft.datasets.append(used)
                self._write("dataset", used)
            return found

    def put_split(
        self,
        number: int,
        *,
        train: Any = None,
        test: Any = None,
        validation: Any = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Sets which instances a split uses for what, and what was measured on it.

        Args:
            number: of the split, from 0.
            train: indices in order, as any sequence or numpy array; kept with their type.
            test: the same.
            validation: the same.
            metrics: number by name.

        Raises:
            InvalidValueError: for what cannot be stored exactly.
        """
        split = Split(
            run=self.key,
            number=number,
            train=train,
            test=test,
            validation=validation,
            metrics=metrics or {},
        )
        with self._lock:
            draft = self._checked_draft()
            self._write("split", event_of_split(draft.put_split(split)))

    def put_results(
        self,
        split: int,
        truth: Any,
        predicted: Any,
        probabilities: Any = None,
        *,
        index: Any = None,
    ) -> None:
        """Sets what was predicted for each instance of a split.

        Args:
            split: its number.
            truth: the right answers.
            predicted: the model's answers.
            probabilities: one row per instance, one column per class.
            index: the instances' numbers; None for the split's test indices.

        Raises:
            InvalidValueError: if they differ in length, or cannot be stored exactly.
        """
        results = Results(
            truth=truth, predicted=predicted, probabilities=probabilities, index=index
        )
        with self._lock:
            draft = self._checked_draft()
            self._write("split", event_of_split(draft.put_results(split, results)))

    def log_computation(
        self,
        name: str,
        *,
        predecessor: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        started: datetime | None = None,
        ended: datetime | None = None,
    ) -> None:
        """Adds one step of the run, after its predecessor.

        Raises:
            AlreadyExistsError: if there is one of this name.
            InvalidInputError: if there is no such predecessor, or for what cannot be stored.
        """
        computation = Computation(
            run=self.key,
            name=name,
            predecessor=predecessor,
            parameters=parameters or {},
            metrics=metrics or {},
            started=started,
            ended=ended,
        )
        with self._lock:
            draft = self._checked_draft()
            draft.add_computation(computation)
            times = [None if t is None else t.isoformat() for t in (started, ended)]
            values = (computation.parameters, computation.metrics)
            self._write("computation", name, predecessor, *values, *times)

    def flush(self) -> None:
        """Waits until everything logged so far has reached the disk.

        Raises:
            RepositoryError: if the disk does not take it; a power cut may lose it then.
        """
        with self._lock:
            self._checked_draft()
            if self._spool is not None:
                try:
                    self._spool.flush()
                except OSError as error:
                    still = "the run goes on; a power cut may lose what it logged"
                    raise unwritten(self.key, "could not be flushed", still, error) from error

    def _checked_draft(self) -> Draft:
        if self._status is not Status.RUNNING:
            raise self._closed()
        if self._disowned:
            raise InvalidInputError(
                f"run '{self.key}' belongs to the process that started it",
                key=self.key,
                hint="log in that process, or start a run with parent= in this one",
            )
        return self._draft

    def _closed(self) -> InvalidInputError:
        return InvalidInputError(
            f"run '{self.key}' has ended: it is {self.status}",
            key=self.key,
            hint="people add with store.runs.tag and store.runs.note; a program starts another run",
        )

    def _write(self, *event: Any) -> None:
        if self._spool is not None:
            try:
                self._spool.write(*event)
            except OSError as error:
                raise self._unwritten(self._spool, event[0], error) from error

    def _measure(self, row: Row) -> None:
        if self._spool is not None:
            try:
                self._spool.measure(*row)
            except OSError as error:
                raise self._unwritten(self._spool, "metrics", error) from error

    def _unwritten(self, spool: Spool, what: str, error: OSError) -> RepositoryError:
        """Goes back to what the spool has, so that what it did not take can be logged again."""
        with suppress(OSError, PadreGitError):
            found = replayed(self._home, spool.directory, self.key.project)
            if not found.damage:
                self._draft, self._attachments = found.draft, found.attachments
        return unwritten(self.key, f"'{what}' could not be logged", "the run goes on", error)

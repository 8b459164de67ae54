"""Faces of a store: the verbs that PyPaDRe had for each kind, as the backends share them.

Each is a thin front of a :class:`~padre_git.api.store.Store`; everything it does, the collections
do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from padre_git.collections import Collection, Ref
from padre_git.errors import InvalidInputError, NotFoundError, RemoteError
from padre_git.messages import Exists, Where
from padre_git.model import (
    Computation,
    Dataset,
    Entity,
    Execution,
    Experiment,
    Key,
    Kind,
    Project,
    Results,
    Run,
    Split,
)

if TYPE_CHECKING:
    from padre_git.api.store import Store

__all__ = ["Datasets", "Experiments", "Face", "Projects", "Runs"]

E = TypeVar("E", bound=Entity)


class Face:
    """Is a front of a store.

    Args:
        store: what does the work.

    Attributes:
        store: the same.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def _everything(self, above: object) -> None:
        """Brings the projects here that only the remote has, if a list is not below something."""
        for project in self.store.remote_only() if above is None else ():
            self.store.bus.send(Exists(subject=Kind.PROJECT, key=project.key))

    def _get(self, collection: Collection[E], ref: Ref, at: str | None) -> E:
        """Returns a record; a bare name may be in a project that only the remote has."""
        try:
            return collection.get(ref, at=at)
        except NotFoundError as error:
            if error.key is not None:
                raise
        self._everything(None)
        return collection.get(ref, at=at)

    def _put(self, collection: Collection[E], value: E | str | Key) -> E:
        """Stores an entity, its project if need be, or publishes what a reference means."""
        if isinstance(value, Entity):
            if not isinstance(value, Project | Run):
                with suppress(RemoteError):  # it is stored here; what is put next meets it, too
                    self.store.ensure(Key.project_named(value.key.project))
            return collection.put(value)
        key = collection.key(value)
        self.store.push(key.project)
        return collection.get(key)


class Projects(Face):
    """Has the verbs for projects."""

    def put_project(self, project_or_name: Project | str) -> Project:
        """Stores a project, or uploads the stored one of this name."""
        return self._put(self.store.projects, project_or_name)

    def get_project(self, id_or_url: Ref, *, at: str | None = None) -> Project:
        """Returns a project; an unknown one is cloned from its url."""
        return self.store.projects.get(id_or_url, at=at)

    def list_projects(self, *, search: Where | None = None) -> list[Project]:
        """Returns all projects, local and remote ones together."""
        return self.store.projects.list(where=search)

    def delete_project(self, project: Ref, mode: str = "all") -> None:
        """Deletes a project with everything in it; see :meth:`delete_experiment`."""
        self.store.projects.delete(project, mode=mode)


class Datasets(Face):
    """Has the verbs for datasets and their data."""

    def put_dataset(
        self, dataset_or_name: Dataset | str, *, data: Any = None, format: str | None = None
    ) -> Dataset:
        """Stores a dataset, or uploads the stored one of this name; see :meth:`put_experiment`.

        Args:
            dataset_or_name: a dataset, or a reference to one that is stored.
            data: all of its data, with a dataset: a path, a DataFrame or an array; see
                :meth:`padre_git.api.datasets.Datasets.put`.
            format: of a DataFrame or an array.
        """
        if data is None or not isinstance(dataset_or_name, Dataset):
            if data is not None:
                raise InvalidInputError(
                    "data comes with a dataset, not with a name", hint="put_data takes a name"
                )
            return self._put(self.store.datasets, dataset_or_name)
        with suppress(RemoteError):  # it is stored here; what is put next meets it, too
            self.store.ensure(Key.project_named(dataset_or_name.project))
        return self.store.datasets.put(dataset_or_name, data=data, format=format)

    def get_dataset(
        self, id_or_url: Ref, *, metadata_only: bool = True, at: str | None = None
    ) -> Dataset:
        """Returns a dataset's description; its data comes by :meth:`get_data`.

        Args:
            id_or_url: also with ``@`` and the beginning of a version.
            metadata_only: False fetches the data, too, so that it is here when there is no network.
            at: a commit, tag, branch or date; None for now.
        """
        dataset = self._get(self.store.datasets, id_or_url, at)
        if not metadata_only and dataset.version is not None:
            self.store.datasets.data(id_or_url, at=at)
        return dataset

    def put_data(self, dataset: Ref, path: str | os.PathLike[str]) -> Dataset:
        """Stores a file or directory as data of a dataset; returns the dataset as it is then.

        Args:
            dataset: one that is stored.
            path: a file, which is added or replaced, or a directory, which becomes all of its data.
        """
        key = self.store.datasets.key(dataset)
        self.store.artifacts.put(key, path)
        return self.store.datasets.get(key)

    def get_data(self, dataset: Ref) -> Path:
        """Returns the path of a dataset's data, a directory, fetched if it is not here."""
        return self.store.artifacts.get(self.store.datasets.key(dataset), "data")

    def list_datasets(
        self, project: Ref | None = None, *, search: Where | None = None
    ) -> list[Dataset]:
        """Returns the datasets of a project, or all."""
        self._everything(project)
        return self.store.datasets.list(project, where=search)

    def delete_dataset(self, dataset: Ref, mode: str = "all") -> None:
        """Deletes a dataset; see :meth:`delete_experiment`."""
        self.store.datasets.delete(dataset, mode=mode)


class Runs(Face):
    """Has the verbs for executions, runs and what runs have in them."""

    def put_execution(self, execution: Execution) -> Execution:
        """Stores an execution; the same code of the same experiment is the same execution."""
        return self.store.executions.put(execution)

    def get_execution(self, id_or_url: Ref) -> Execution:
        """Returns an execution."""
        return self._get(self.store.executions, id_or_url, None)

    def list_executions(self, experiment: Ref | None = None) -> list[Execution]:
        """Returns the executions of an experiment, or all."""
        self._everything(experiment)
        return self.store.executions.list(experiment)

    def delete_execution(self, execution: Ref, mode: str = "all") -> None:
        """Deletes an execution that has no runs; see :meth:`delete_experiment`."""
        self.store.executions.delete(execution, mode=mode)

    def put_run(self, run_or_name: Run | str) -> Run:
        """Stores a run, or uploads the stored one of this name; returns it with its id."""
        return self._put(self.store.runs, run_or_name)

    def get_run(self, id_or_url: Ref, *, at: str | None = None) -> Run:
        """Returns a run with parameters, metrics, tags, notes and computations."""
        return self._get(self.store.runs, id_or_url, at)

    def list_runs(
        self,
        experiment: Ref | None = None,
        *,
        search: Where | None = None,
        order_by: str | None = None,
        start: int = 0,
        count: int | None = None,
    ) -> list[Run]:
        """Returns the runs of an experiment or execution, or all."""
        self._everything(experiment)
        runs = self.store.runs
        return runs.list(experiment, where=search, order_by=order_by, offset=start, limit=count)

    def delete_run(self, run: Ref, mode: str = "all") -> None:
        """Deletes a run; see :meth:`delete_experiment`."""
        self.store.runs.delete(run, mode=mode)

    # -------------------------------------------------------------- what runs have in them

    def put_computation(self, computation: Computation) -> Computation:
        """Stores a computation of a run; its predecessor must be there."""
        return self.store.computations.put(computation)

    def get_computation(self, run: Ref, name: str) -> Computation:
        """Returns a computation of a run."""
        return self.store.computations.get(run, name)

    def list_computations(self, run: Ref | None = None) -> list[Computation]:
        """Returns the computations of a run, or of everything."""
        self._everything(run)
        return self.store.computations.list(run)

    def delete_computation(self, run: Ref, name: str) -> None:
        """Takes a computation out of its run."""
        self.store.computations.delete(run, name)

    def put_split(self, split: Split) -> Split:
        """Stores a split of a run: which instances were used for what.

        Results and metrics that are stored for it already stay, unless the split has its own.
        """
        stored = self._split(split.run, split.number)
        if stored is not None:
            split = split.replace(
                metrics=split.metrics or stored.metrics, results=split.results or stored.results
            )
        return self.store.splits.put(split)

    def get_split(self, run: Ref, number: int) -> Split:
        """Returns a split of a run, with its indices, results and metrics."""
        return self.store.splits.get(run, number)

    def list_splits(self, run: Ref | None = None) -> list[Split]:
        """Returns the splits of a run, or of everything."""
        self._everything(run)
        return self.store.splits.list(run)

    def delete_split(self, run: Ref, number: int) -> None:
        """Takes a split out of its run, with its results and metrics."""
        self.store.splits.delete(run, number)

    def put_results(self, run: Ref, number: int, results: Results) -> Split:
        """Stores what a model said of each test instance of a split; returns the split.

        A split that is not stored yet is made, without indices.
        """
        split = self._split(run, number) or Split(run=self.store.runs.key(run), number=number)
        return self.store.splits.put(split.replace(results=results))

    def get_results(self, run: Ref, number: int) -> Results:
        """Returns what a model said of each test instance of a split.

        Raises:
            NotFoundError: if the split has no results.
        """
        split = self.store.splits.get(run, number)
        if split.results is None:
            raise NotFoundError(f"split {number} of '{split.run}' has no results", key=split.run)
        return split.results

    def put_metrics(
        self, run: Ref, metrics: Mapping[str, float], number: int | None = None
    ) -> Run | Split:
        """Adds metrics to a run or, with a number, to one of its splits; returns it.

        Args:
            run: one that is stored.
            metrics: number by name; others that are there stay.
            number: of the split; it is made if it is not stored yet.
        """
        if number is None:
            stored = self.store.runs.get(run)
            return self.store.runs.put(stored.replace(metrics={**stored.metrics, **metrics}))
        split = self._split(run, number) or Split(run=self.store.runs.key(run), number=number)
        return self.store.splits.put(split.replace(metrics={**split.metrics, **metrics}))

    def get_metrics(self, run: Ref, number: int | None = None) -> Mapping[str, float]:
        """Returns the metrics of a run or, with a number, of one of its splits."""
        if number is None:
            return self.store.runs.get(run).metrics
        return self.store.splits.get(run, number).metrics

    def _split(self, run: Ref, number: int) -> Split | None:
        try:
            return self.store.splits.get(run, number)
        except NotFoundError:
            return None


class Experiments(Runs):
    """Has the verbs for experiments and everything below them."""

    def put_experiment(self, experiment_or_name: Experiment | str) -> Experiment:
        """Stores an experiment on disk and then at the server, or uploads the one of this name.

        The seeds promise: an instance is first stored to disk; for a name, what is on disk is
        loaded and stored to the server; afterwards its metadata file has a url that says so.

        Args:
            experiment_or_name: an experiment, or a reference to one that is stored. A missing
                project of an experiment is made.

        Returns:
            The experiment as stored; its ``url`` says where it was uploaded to. Without a remote
            an instance is stored here only.

        Raises:
            NotFoundError: if nothing stored has this name.
            RemoteError: if a name is given and the remote does not take it.
            UnsupportedError: if a name is given and the store has no remote.
        """
        return self._put(self.store.experiments, experiment_or_name)

    def get_experiment(self, id_or_url: Ref, *, at: str | None = None) -> Experiment:
        """Returns an experiment, downloaded if the server's is newer or there is none here.

        The seeds promise: the experiment is loaded from file after the download.

        Args:
            id_or_url: name, key or url.
            at: a commit, tag, branch or date; None for now.
        """
        return self._get(self.store.experiments, id_or_url, at)

    def list_experiments(
        self,
        project: Ref | None = None,
        *,
        search: Where | None = None,
        start: int = 0,
        count: int | None = None,
    ) -> list[Experiment]:
        """Returns the experiments of a project, or all, local and remote ones together.

        Args:
            project: whose; None for all projects.
            search: a query, see :meth:`padre_git.collections.Collection.list`.
            start: leave out so many first.
            count: at most this many.
        """
        self._everything(project)
        return self.store.experiments.list(project, where=search, offset=start, limit=count)

    def delete_experiment(self, ex: Ref, mode: str = "all") -> None:
        """Deletes an experiment, given as instance or text, from the cache or from the server.

        Args:
            ex: an experiment or what means one.
            mode: ``"all"``, ``"remote"`` or ``"local"``.

        Raises:
            InvalidInputError: for another mode.
        """
        self.store.experiments.delete(ex, mode=mode)

    def put_experiment_configuration(
        self, experiment: Ref, configuration: Mapping[str, Any]
    ) -> Experiment:
        """Stores an experiment's configuration: its default parameters.

        Args:
            experiment: one that is stored.
            configuration: parameters by name; they replace those it had.
        """
        stored = self.store.experiments.get(experiment)
        return self.store.experiments.put(stored.replace(parameters=configuration))

    def get_experiment_configuration(self, experiment: Ref) -> Mapping[str, Any]:
        """Returns an experiment's configuration: its default parameters."""
        return self.store.experiments.get(experiment).parameters

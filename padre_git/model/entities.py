"""Entities: what people put into the store and get back, as immutable values.

Constructors take keywords only. A parent may be given as an entity, a key or a key's text; ids that
are missing are given when the entity is stored. ``url`` and ``revision`` say how an entity stands
in the store and are ignored by equality.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from padre_git.errors import InvalidInputError
from padre_git.model.key import Key, Kind
from padre_git.model.names import check_name
from padre_git.model.parts import (
    NOTHING,
    Code,
    Column,
    Computation,
    Direction,
    Note,
    Status,
    frozen_directions,
    frozen_parameters,
    frozen_seed,
    frozen_tags,
    key_of,
)
from padre_git.model.values import freeze, freeze_metrics

__all__ = ["Dataset", "Entity", "Environment", "Execution", "Experiment", "Project", "Run"]


@dataclass(frozen=True, kw_only=True)
class Entity:
    """Is the base of what is stored under a key of its own.

    Attributes:
        revision: the revision it was read at; None for one that was never stored. Putting an
            entity with a revision fails if somebody changed the record since.
    """

    revision: str | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> Key:
        """Where the entity is stored."""
        raise NotImplementedError

    def replace(self, **changes: Any) -> Self:
        """Returns a copy with these fields changed; unknown names are errors."""
        return dataclasses.replace(self, **changes)

    def stamped(self, **values: object) -> Self:
        """Returns a copy with what a store gives an entity, such as ``revision`` and ``url``.

        Nothing is checked again, and names that the kind does not have are passed over.
        """
        found = copy.copy(self)
        for name, value in values.items():
            if hasattr(found, name):
                object.__setattr__(found, name, value)
        return found

    def published(self, url: str | None) -> Self:
        """Returns a copy that says where it is published, for a kind that has a ``url``."""
        return self.stamped(url=url)

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, kw_only=True)
class Project(Entity):
    """Is one project: one git repository.

    Attributes:
        name: unique in a store, also the directory's name.
        title: one line for people.
        description: text for people.
        settings: ``inline``: bytes up to which results, indices and series stay in git.
        attributes: whatever else is worth keeping.
        url: where it is published; None until then.
        remote_only: whether it was listed as the remote shows it, without a clone here; then it may
            have no more than its name. Getting it brings it here.
    """

    name: str
    title: str | None = None
    description: str | None = None
    settings: Mapping[str, Any] = NOTHING
    attributes: Mapping[str, Any] = NOTHING
    url: str | None = field(default=None, compare=False)
    remote_only: bool = field(default=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_name(self.name, "project")
        self._set(
            settings=freeze(self.settings, "settings"),
            attributes=freeze(self.attributes, "attributes"),
        )

    @property
    def key(self) -> Key:
        """Where the project is stored."""
        return Key.project_named(self.name)


@dataclass(frozen=True, kw_only=True)
class Dataset(Entity):
    """Is one dataset of a project; its data is kept by DVC.

    Attributes:
        project: name of the project.
        name: unique in the project.
        title: one line for people.
        description: text for people.
        source: where the data came from.
        license: under which terms it may be used.
        columns: what is in it.
        attributes: whatever else is worth keeping.
        version: hash of the data (``md5:…``); None while there is none.
        url: where it is published; None until then.
    """

    project: str
    name: str
    title: str | None = None
    description: str | None = None
    source: str | None = None
    license: str | None = None
    columns: tuple[Column, ...] = ()
    attributes: Mapping[str, Any] = NOTHING
    version: str | None = None
    url: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_name(self.project, "project")
        check_name(self.name, "dataset")
        self._set(columns=tuple(self.columns), attributes=freeze(self.attributes, "attributes"))

    @property
    def key(self) -> Key:
        """Where the dataset is stored."""
        return Key.project_named(self.project).dataset(self.name)


@dataclass(frozen=True, kw_only=True)
class Experiment(Entity):
    """Is one experiment: a question, its defaults and what counts as better.

    Attributes:
        project: name of the project.
        name: unique in the project.
        title: one line for people.
        description: text for people.
        dataset: name of the dataset it uses.
        seed: default seed of its runs.
        parameters: default parameters of its runs.
        metrics: direction by metric name, ``{"accuracy": "max"}``.
        tags: labels with values (empty text for a mere label).
        attributes: whatever else is worth keeping.
        url: where it is published; None until then.
    """

    project: str
    name: str
    title: str | None = None
    description: str | None = None
    dataset: str | None = None
    seed: int | None = None
    parameters: Mapping[str, Any] = NOTHING
    metrics: Mapping[str, Direction] = NOTHING
    tags: Mapping[str, str] = NOTHING
    attributes: Mapping[str, Any] = NOTHING
    url: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_name(self.project, "project")
        check_name(self.name, "experiment")
        if self.dataset is not None:
            check_name(self.dataset, "dataset")
        self._set(
            seed=frozen_seed(self.seed),
            parameters=frozen_parameters(self.parameters),
            metrics=frozen_directions(self.metrics),
            tags=frozen_tags(self.tags),
            attributes=freeze(self.attributes, "attributes"),
        )

    @property
    def key(self) -> Key:
        """Where the experiment is stored."""
        return Key.project_named(self.project).experiment(self.name)


@dataclass(frozen=True, kw_only=True)
class Execution(Entity):
    """Is an experiment at one code version and entry point.

    Attributes:
        experiment: key of the experiment.
        code: the code version.
        entry_point: what was started: a path in the repository, ``-m package.module``, a notebook.
        id: ``x-`` and 12 hex digits, computed from the rest when it is stored.
        url: where it is published; None until then. Not part of its document.
    """

    experiment: Key
    code: Code
    entry_point: str | None = None
    id: str | None = None
    url: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        self._set(experiment=key_of(self.experiment, Kind.EXPERIMENT))

    @property
    def key(self) -> Key:
        """Where the execution is stored."""
        return self.experiment.execution(_have(self.id, "an execution"))


@dataclass(frozen=True, kw_only=True)
class Environment(Entity):
    """Is what a run ran in: interpreter, platform and exact packages.

    Attributes:
        project: name of the project.
        python: implementation and version.
        platform: operating system and machine, without the host's name.
        packages: version by name.
        id: ``e-`` and 12 hex digits, computed from the rest when it is stored.
    """

    project: str
    python: str
    platform: str
    packages: Mapping[str, str] = NOTHING
    id: str | None = None

    def __post_init__(self) -> None:
        check_name(self.project, "project")
        self._set(packages=freeze(self.packages, "packages"))

    @property
    def key(self) -> Key:
        """Where the environment is stored."""
        return Key.project_named(self.project).environment(_have(self.id, "an environment"))


@dataclass(frozen=True, kw_only=True)
class Run(Entity):
    """Is one run: what was tried, in which circumstances, and what came out.

    Series, splits, results and logs are read by verbs of their own, since they can be large.

    Attributes:
        execution: key of the execution.
        id: ``r-…``; minted when it is stored.
        title: one line for people.
        status: how it stands.
        started: when it began.
        ended: when it ended.
        seed: what random numbers began with.
        defaults: the parameters' values before this run chose any.
        parameters: the values tried.
        metrics: the last value by name.
        argv: how the program was started.
        environment: id of the environment.
        datasets: used datasets with version, ``("iris-data@md5:…",)``.
        parent_run: id of the run that started this one.
        tags: labels with values (empty text for a mere label).
        notes: remarks in the order of their names.
        computations: the steps, in order.
        attributes: whatever else is worth keeping.
        url: where it is published; None until then. Not part of its document.
    """

    execution: Key
    id: str | None = None
    title: str | None = None
    status: Status = Status.FINISHED
    started: datetime | None = None
    ended: datetime | None = None
    seed: int | None = None
    defaults: Mapping[str, Any] = NOTHING
    parameters: Mapping[str, Any] = NOTHING
    metrics: Mapping[str, float] = NOTHING
    argv: tuple[str, ...] = ()
    environment: str | None = None
    datasets: tuple[str, ...] = ()
    parent_run: str | None = None
    tags: Mapping[str, str] = NOTHING
    notes: tuple[Note, ...] = ()
    computations: tuple[Computation, ...] = ()
    attributes: Mapping[str, Any] = NOTHING
    url: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        self._set(
            execution=key_of(self.execution, Kind.EXECUTION),
            status=Status(self.status),
            seed=frozen_seed(self.seed),
            defaults=frozen_parameters(self.defaults, "defaults"),
            parameters=frozen_parameters(self.parameters),
            metrics=freeze_metrics(self.metrics),
            argv=tuple(self.argv),
            datasets=tuple(self.datasets),
            tags=frozen_tags(self.tags),
            notes=tuple(self.notes),
            computations=tuple(self.computations),
            attributes=freeze(self.attributes, "attributes"),
        )

    @property
    def experiment(self) -> Key:
        """Key of the experiment."""
        return key_of(self.execution.parent, Kind.EXPERIMENT)

    @property
    def key(self) -> Key:
        """Where the run is stored."""
        return self.experiment.run(_have(self.id, "a run"))


def _have(value: str | None, what: str) -> str:
    if value is None:
        raise InvalidInputError(f"{what} has no id and no key before it is stored")
    return value

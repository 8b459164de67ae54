"""Entities: what people put into the store and get back, as immutable values.

Constructors take keywords only. A parent may be given as an entity, a key or a key's text; ids that
are missing are given when the entity is stored. ``url`` and ``revision`` say how an entity stands
in the store and are ignored by equality.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from padre_git.errors import InvalidInputError, InvalidValueError
from padre_git.model.arrays import Array
from padre_git.model.key import Key, Kind
from padre_git.model.names import check_label, check_name
from padre_git.model.values import FrozenMapping, flatten, freeze, freeze_metrics

__all__ = [
    "Code",
    "Column",
    "Computation",
    "Dataset",
    "Direction",
    "Entity",
    "Environment",
    "Execution",
    "Experiment",
    "Note",
    "Point",
    "Project",
    "Results",
    "Run",
    "Split",
    "Status",
]

_NOTHING: FrozenMapping = FrozenMapping()


class Status(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    ABORTED = "aborted"
    LOST = "lost"


class Direction(StrEnum):
    """Which values of a metric are better."""

    MAX = "max"
    MIN = "min"


def _key_of(value: object, kind: Kind) -> Key:
    if isinstance(value, Entity):
        value = value.key
    elif isinstance(value, str):
        value = Key.parse(value)
    if not isinstance(value, Key) or value.kind is not kind:
        raise InvalidInputError(f"not the key of a {kind}: '{value}'")
    return value


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
    """

    name: str
    title: str | None = None
    description: str | None = None
    settings: Mapping[str, Any] = _NOTHING
    attributes: Mapping[str, Any] = _NOTHING
    url: str | None = field(default=None, compare=False)

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
class Column:
    """Describes one column of a dataset.

    Attributes:
        name: as in the data.
        type: such as ``float64`` or ``text``.
        unit: such as ``cm``.
        level: measurement level: nominal, ordinal, interval or ratio.
        target: whether it is what models predict.
    """

    name: str
    type: str | None = None
    unit: str | None = None
    level: str | None = None
    target: bool = False

    def __post_init__(self) -> None:
        check_label(self.name, "column")


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
    attributes: Mapping[str, Any] = _NOTHING
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
    parameters: Mapping[str, Any] = _NOTHING
    metrics: Mapping[str, Direction] = _NOTHING
    tags: Mapping[str, str] = _NOTHING
    attributes: Mapping[str, Any] = _NOTHING
    url: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_name(self.project, "project")
        check_name(self.name, "experiment")
        if self.dataset is not None:
            check_name(self.dataset, "dataset")
        self._set(
            seed=_seed(self.seed),
            parameters=_parameters(self.parameters),
            metrics=_directions(self.metrics),
            tags=_tags(self.tags),
            attributes=freeze(self.attributes, "attributes"),
        )

    @property
    def key(self) -> Key:
        """Where the experiment is stored."""
        return Key.project_named(self.project).experiment(self.name)


@dataclass(frozen=True, kw_only=True)
class Code:
    """Is one version of code; exactly one of three shapes.

    Attributes:
        repository: the first root commit of the user's repository, its identity in every clone.
        commit: the commit that was checked out.
        snapshot: git tree id of the working state, when it differed from the commit.
        package: name of an installed package.
        version: its version.
        content: SHA-256 of a script or notebook outside any repository.
    """

    repository: str | None = None
    commit: str | None = None
    snapshot: str | None = None
    package: str | None = None
    version: str | None = None
    content: str | None = None

    def __post_init__(self) -> None:
        shapes = [bool(self.repository and self.commit), bool(self.package), bool(self.content)]
        if sum(shapes) != 1 or (self.snapshot and not shapes[0]):
            raise InvalidInputError(
                "a code version is a repository with a commit, a package or a content"
            )


@dataclass(frozen=True, kw_only=True)
class Execution(Entity):
    """Is an experiment at one code version and entry point.

    Attributes:
        experiment: key of the experiment.
        code: the code version.
        entry_point: what was started: a path in the repository, ``-m package.module``, a notebook.
        id: ``x-`` and 12 hex digits, computed from the rest when it is stored.
    """

    experiment: Key
    code: Code
    entry_point: str | None = None
    id: str | None = None

    def __post_init__(self) -> None:
        self._set(experiment=_key_of(self.experiment, Kind.EXPERIMENT))

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
    packages: Mapping[str, str] = _NOTHING
    id: str | None = None

    def __post_init__(self) -> None:
        check_name(self.project, "project")
        self._set(packages=freeze(self.packages, "packages"))

    @property
    def key(self) -> Key:
        """Where the environment is stored."""
        return Key.project_named(self.project).environment(_have(self.id, "an environment"))


@dataclass(frozen=True, kw_only=True)
class Computation:
    """Is one step of a run.

    Attributes:
        run: key of the run.
        name: unique in the run.
        predecessor: name of the computation it builds on.
        parameters: what it was given.
        metrics: what it measured.
        started: when it began.
        ended: when it ended.
    """

    run: Key
    name: str
    predecessor: str | None = None
    parameters: Mapping[str, Any] = _NOTHING
    metrics: Mapping[str, float] = _NOTHING
    started: datetime | None = None
    ended: datetime | None = None

    def __post_init__(self) -> None:
        check_label(self.name, "computation")
        object.__setattr__(self, "run", _key_of(self.run, Kind.RUN))
        object.__setattr__(self, "parameters", _parameters(self.parameters))
        object.__setattr__(self, "metrics", freeze_metrics(self.metrics))


@dataclass(frozen=True, kw_only=True)
class Results:
    """Is what a model said of each test instance, in the order of ``index``.

    Attributes:
        truth: the right answers.
        predicted: the model's answers.
        probabilities: one row per instance, one column per class; None if there are none.
        index: the instances' numbers in the dataset; None for the split's test indices.
    """

    truth: Array
    predicted: Array
    probabilities: Array | None = None
    index: Array | None = None

    def __post_init__(self) -> None:
        for name in ("truth", "predicted", "probabilities", "index"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Array):
                object.__setattr__(self, name, Array(value))
        lengths = {
            len(a)
            for a in (self.truth, self.predicted, self.probabilities, self.index)
            if a is not None
        }
        if len(lengths) > 1:
            raise InvalidValueError("cannot store results: their columns differ in length")


@dataclass(frozen=True, kw_only=True)
class Split:
    """Is one split of a run's dataset: which instances were used for what.

    Attributes:
        run: key of the run.
        number: unique in the run, from 0.
        train: indices of the training instances, in order.
        test: indices of the test instances, in order.
        validation: indices of the validation instances, in order.
        metrics: measured on this split.
        results: per instance; see :class:`Results`.
    """

    run: Key
    number: int
    train: Array | None = None
    test: Array | None = None
    validation: Array | None = None
    metrics: Mapping[str, float] = _NOTHING
    results: Results | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "run", _key_of(self.run, Kind.RUN))
        if type(self.number) is not int or self.number < 0:
            raise InvalidValueError(f"a split's number counts from 0, not '{self.number}'")
        object.__setattr__(self, "metrics", freeze_metrics(self.metrics))
        for name in ("train", "test", "validation"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Array):
                object.__setattr__(self, name, Array(value))

    def replace(self, **changes: Any) -> Self:
        """Returns a copy with these fields changed."""
        return dataclasses.replace(self, **changes)


@dataclass(frozen=True, kw_only=True)
class Point:
    """Is one row of a series: what was logged in one call.

    Attributes:
        step: the step it belongs to.
        time: when it was logged.
        values: number by metric name.
    """

    step: int
    time: datetime
    values: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Note:
    """Is a remark that somebody added to a run.

    Attributes:
        text: Markdown.
        name: file name of the note, unique in the run; given when it is stored.
    """

    text: str
    name: str | None = None


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
    """

    execution: Key
    id: str | None = None
    title: str | None = None
    status: Status = Status.FINISHED
    started: datetime | None = None
    ended: datetime | None = None
    seed: int | None = None
    defaults: Mapping[str, Any] = _NOTHING
    parameters: Mapping[str, Any] = _NOTHING
    metrics: Mapping[str, float] = _NOTHING
    argv: tuple[str, ...] = ()
    environment: str | None = None
    datasets: tuple[str, ...] = ()
    parent_run: str | None = None
    tags: Mapping[str, str] = _NOTHING
    notes: tuple[Note, ...] = ()
    computations: tuple[Computation, ...] = ()
    attributes: Mapping[str, Any] = _NOTHING

    def __post_init__(self) -> None:
        self._set(
            execution=_key_of(self.execution, Kind.EXECUTION),
            status=Status(self.status),
            seed=_seed(self.seed),
            defaults=_parameters(self.defaults, "defaults"),
            parameters=_parameters(self.parameters),
            metrics=freeze_metrics(self.metrics),
            argv=tuple(self.argv),
            datasets=tuple(self.datasets),
            tags=_tags(self.tags),
            notes=tuple(self.notes),
            computations=tuple(self.computations),
            attributes=freeze(self.attributes, "attributes"),
        )

    @property
    def experiment(self) -> Key:
        """Key of the experiment."""
        return _key_of(self.execution.parent, Kind.EXPERIMENT)

    @property
    def key(self) -> Key:
        """Where the run is stored."""
        return self.experiment.run(_have(self.id, "a run"))


def _have(value: str | None, what: str) -> str:
    if value is None:
        raise InvalidInputError(f"{what} has no id and no key before it is stored")
    return value


def _seed(value: Any) -> int | None:
    frozen = freeze(value, "seed")
    if frozen is not None and type(frozen) is not int:
        raise InvalidValueError(f"cannot store 'seed': '{value}' is not an integer", field="seed")
    return frozen


def _parameters(value: Mapping[str, Any], field_: str = "parameters") -> FrozenMapping:
    frozen = freeze(value, field_)
    if not isinstance(frozen, FrozenMapping):
        raise InvalidValueError(f"cannot store '{field_}': it is not a mapping", field=field_)
    flatten(frozen, field_)
    return frozen


def _directions(value: Mapping[str, Any]) -> FrozenMapping:
    found = {}
    for name, direction in value.items():
        check_label(name, "metric")
        if direction not in tuple(Direction):
            raise InvalidValueError(f"cannot store 'metrics.{name}': it is 'max' or 'min'")
        found[name] = Direction(direction)
    return FrozenMapping(found)


def _tags(value: Mapping[str, Any]) -> FrozenMapping:
    found = {}
    for name, text in value.items():
        check_label(name, "tag")
        if not isinstance(text, str):
            raise InvalidValueError(f"cannot store 'tags.{name}': a tag's value is text")
        if text:
            check_label(text, "tag value")
        found[name] = text
    return FrozenMapping(found)

"""Parts: the values that entities are made of, and how their fields are checked and frozen."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from padre_git.errors import InvalidInputError, InvalidValueError
from padre_git.model.arrays import Array
from padre_git.model.key import Key, Kind
from padre_git.model.names import check_label
from padre_git.model.values import (
    FrozenMapping,
    flatten,
    freeze,
    freeze_metrics,
    has_passed,
    passed,
)

__all__ = [
    "NOTHING",
    "Code",
    "Column",
    "Computation",
    "Direction",
    "Note",
    "Point",
    "Results",
    "Split",
    "Status",
    "frozen_directions",
    "frozen_parameters",
    "frozen_seed",
    "frozen_tags",
    "key_of",
]

NOTHING: FrozenMapping = FrozenMapping()


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


def key_of(value: object, kind: Kind) -> Key:
    """Returns the key of a record of ``kind`` that is given as entity, key or text.

    Raises:
        InvalidInputError: if it is something else.
    """
    value = getattr(value, "key", value)
    if isinstance(value, str):
        value = Key.parse(value)
    if not isinstance(value, Key) or value.kind is not kind:
        raise InvalidInputError(f"not the key of {kind.noun}: '{value}'")
    return value


def frozen_seed(value: Any) -> int | None:
    """Returns a seed as an integer or None.

    Raises:
        InvalidValueError: for everything else, by name.
    """
    frozen = freeze(value, "seed")
    if frozen is not None and type(frozen) is not int:
        raise InvalidValueError(f"cannot store 'seed': '{value}' is not an integer", field="seed")
    return frozen


def frozen_parameters(value: Mapping[str, Any], field_: str = "parameters") -> FrozenMapping:
    """Returns parameters as they will be stored.

    Raises:
        InvalidInputError: for what cannot be stored, and for what collides when flattened.
    """
    if isinstance(value, FrozenMapping) and has_passed(value, frozen_parameters):
        return value
    frozen = freeze(value, field_)
    if not isinstance(frozen, FrozenMapping):
        raise InvalidValueError(f"cannot store '{field_}': it is not a mapping", field=field_)
    flatten(frozen, field_)
    return passed(frozen, frozen_parameters)


def frozen_directions(value: Mapping[str, Any]) -> FrozenMapping:
    """Returns directions by metric name.

    Raises:
        InvalidInputError: for a name that can be none, and for what is neither max nor min.
    """
    found = {}
    for name, direction in value.items():
        check_label(name, "metric")
        if direction not in tuple(Direction):
            raise InvalidValueError(f"cannot store 'metrics.{name}': it is 'max' or 'min'")
        found[name] = Direction(direction)
    return FrozenMapping(found)


def frozen_tags(value: Mapping[str, Any]) -> FrozenMapping:
    """Returns tags as texts by name; an empty text makes a mere label.

    Raises:
        InvalidInputError: for a name that can be none, and for a value that is no text.
    """
    if isinstance(value, FrozenMapping) and has_passed(value, frozen_tags):
        return value
    found = {}
    for name, text in value.items():
        check_label(name, "tag")
        if not isinstance(text, str):
            raise InvalidValueError(f"cannot store 'tags.{name}': a tag's value is text")
        if text:
            check_label(text, "tag value")
        found[name] = text
    return passed(FrozenMapping(found), frozen_tags)


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
    parameters: Mapping[str, Any] = NOTHING
    metrics: Mapping[str, float] = NOTHING
    started: datetime | None = None
    ended: datetime | None = None

    def __post_init__(self) -> None:
        check_label(self.name, "computation")
        object.__setattr__(self, "run", key_of(self.run, Kind.RUN))
        object.__setattr__(self, "parameters", frozen_parameters(self.parameters))
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
    metrics: Mapping[str, float] = NOTHING
    results: Results | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "run", key_of(self.run, Kind.RUN))
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

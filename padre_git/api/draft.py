"""Drafts: what a run has logged so far, checked when it is logged so that its end cannot fail."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from padre_git.errors import AlreadyExistsError, InvalidInputError, InvalidValueError
from padre_git.format import encode_splits
from padre_git.model import Computation, Key, Note, Results, Split
from padre_git.model.names import quoted
from padre_git.model.parts import frozen_parameters, frozen_tags
from padre_git.model.values import freeze_metrics, is_number, scalar

__all__ = ["Draft", "Moment", "Row"]

#: A time: a datetime with zone, or seconds since 1970.
Moment = datetime | float
_PLAIN = (int, float)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
#: The times that a datetime can have, in microseconds since 1970.
_FIRST, _LAST = -62_135_596_800 * _SECOND, 253_402_300_799 * _SECOND
_LAST_STEP = 10**18
#: Indices of one run beyond which it is tried whether they can be stored.
_MANY = 500_000


class Row(NamedTuple):
    """Is what one call logged: at which step, when, which metrics.

    Attributes:
        step: as given, or the next one.
        time: in microseconds since 1970.
        cells: numbers as they are written, by name: twice, in the spool and in the series.
        is_series: whether a step or a time was given.
    """

    step: int
    time: int
    cells: Mapping[str, str]
    is_series: bool


@dataclass(kw_only=True)
class Draft:
    """Holds what a run has logged so far.

    Attributes:
        run: key of the run.
        parameters: the values tried.
        metrics: the last value by name.
        tags: value by label.
        notes: remarks in order.
        datasets: used datasets with version, in order.
        computations: steps by name, in order.
        splits: by number.
        texts: parts of the record that are plain text, by name.
        has_series: whether a metric may have a course.
    """

    run: Key
    parameters: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    computations: dict[str, Computation] = field(default_factory=dict)
    splits: dict[int, Split] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    has_series: bool = False
    _rows: list[Row] = field(default_factory=list)
    _next: dict[str, int] = field(default_factory=dict)
    _sessions: list[int] = field(default_factory=list)
    _repeatable: set[str] = field(default_factory=set)

    @property
    def last_step(self) -> int | None:
        """The highest step that a metric has; None without metrics."""
        return max((row.step for row in self._rows), default=None)

    def begin_session(self) -> None:
        """Notes that the run goes on in another process: what it repeats replaces what was."""
        self._sessions.append(len(self._rows))
        self._repeatable = set(self.computations)

    def add_parameters(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Adds parameters and returns them frozen.

        Raises:
            InvalidValueError: if a value cannot be stored, or two collide when flattened.
            AlreadyExistsError: if one has another value already.
        """
        new = frozen_parameters(values)
        for name, value in new.items():
            if name in self.parameters and self.parameters[name] != value:
                raise AlreadyExistsError(
                    f"parameter {quoted(name)} is {self.parameters[name]!r} already, not {value!r}",
                    key=self.run,
                    hint="a value that changes during a run is a metric with steps",
                )
        merged = {**self.parameters, **new}
        if self.parameters:  # names may collide when flattened
            frozen_parameters(merged)
        self.parameters = merged
        return dict(new)

    def add_metric(self, name: str, value: Any, step: Any, moment: Moment | None) -> Row:
        """Adds one number and returns the row; see :meth:`add_metrics`."""
        if type(value) not in _PLAIN or name not in self._next:
            value = freeze_metrics({name: value})[name]
        is_series = step is not None or moment is not None
        if step is None:
            step = self._next.get(name, 0)
        elif type(step) is not int or abs(step) >= _LAST_STEP:
            step = _checked_step(step)
        return self._add(step, _microseconds(moment), {name: value}, is_series)

    def add_metrics(
        self, values: Mapping[str, Any], step: Any, moment: Moment | None, *, together: bool = False
    ) -> list[Row]:
        """Adds numbers measured at one time and returns the rows they became.

        Args:
            values: number by name.
            step: None for the next one of each.
            moment: None for now.
            together: without a step, all get the one that is next for any of them.

        Raises:
            InvalidNameError, InvalidValueError: for what is not a metric; nothing was added.
        """
        frozen = freeze_metrics(values)
        is_series = step is not None or moment is not None
        when = _microseconds(moment)
        if step is not None:
            steps = dict.fromkeys(frozen, _checked_step(step))
        else:
            steps = {name: self._next.get(name, 0) for name in frozen}
            if together:
                steps = dict.fromkeys(frozen, max(steps.values(), default=0))
        rows = []
        for one in sorted(set(steps.values())):
            chosen = {name: value for name, value in frozen.items() if steps[name] == one}
            rows.append(self._add(one, when, chosen, is_series))
        return rows

    def _add(self, step: int, when: int, values: Mapping[str, float], is_series: bool) -> Row:
        cells = {name: repr(value) for name, value in values.items()}
        row = Row(step, when, cells, is_series)
        self._rows.append(row)
        following = step + 1
        if is_series:
            self.has_series = True
        for name, value in values.items():
            if name in self.metrics:
                self.has_series = True
            self.metrics[name] = value
            if self._next.get(name, 0) <= following:
                self._next[name] = following
        return row

    def add_row(self, step: Any, seconds: Any, values: Any, is_series: Any) -> None:
        """Adds what :meth:`add_metrics` has returned in another process.

        Raises:
            InvalidNameError, InvalidValueError: if it cannot be that.
        """
        values = freeze_metrics(values)
        when = _in_microseconds(seconds)
        if not _FIRST <= when <= _LAST:
            raise InvalidValueError(f"there is no time {quoted(seconds)} seconds since 1970")
        self._add(_checked_step(step), when, values, is_series is True)

    def series(self) -> list[tuple[int, int, Mapping[str, str]]]:
        """Returns the rows of metrics that have a course, for ``series.csv``.

        A metric that was logged once, without step and time, is a result and has none; nor has one
        that every session of the run has logged so. Of a step that a later session repeated, its
        values count.
        """
        courses: set[str] = set()
        for rows in self._by_session():
            seen: set[str] = set()
            for row in rows:
                names = row.cells.keys()
                courses |= names if row.is_series else seen & names
                seen |= names
        found = []
        for row in self._counting():
            cells = row.cells
            if not courses.issuperset(cells):
                cells = {n: v for n, v in cells.items() if n in courses}
            if cells:
                found.append((row.step, row.time, cells))
        return found

    def _by_session(self) -> list[list[Row]]:
        bounds = [0, *self._sessions, len(self._rows)]
        return [self._rows[start:end] for start, end in pairwise(bounds)]

    def _counting(self) -> list[Row]:
        """Returns the rows without what a later session has replaced."""
        if not self._sessions:
            return self._rows
        repeated: set[tuple[str, int]] = set()
        found: list[list[Row]] = []
        for rows in reversed(self._by_session()):
            left = [
                row._replace(
                    cells={n: v for n, v in row.cells.items() if (n, row.step) not in repeated}
                )
                for row in rows
            ]
            found.append([row for row in left if row.cells])
            repeated |= {(name, row.step) for row in rows for name in row.cells}
        return [row for rows in reversed(found) for row in rows]

    def add_tags(self, values: Mapping[str, str]) -> dict[str, str]:
        """Adds tags and returns them checked."""
        tags = dict(frozen_tags(values))
        self.tags |= tags
        return tags

    def add_note(self, text: str) -> None:
        """Adds a remark.

        Raises:
            InvalidInputError: for what is no text, or says nothing.
        """
        checked = _text(text, "note")
        if not checked.strip():
            raise InvalidInputError("a note is text that says something", key=self.run)
        self.notes.append(Note(text=checked))

    def set_text(self, name: str, text: str) -> None:
        """Sets a part of the record that is plain text."""
        self.texts[name] = _text(text, name)

    def add_computation(self, computation: Computation) -> None:
        """Adds a step; its predecessor must be known.

        Raises:
            AlreadyExistsError: if there is one of this name.
            InvalidInputError: if there is no such predecessor.
        """
        name, before = computation.name, computation.predecessor
        if name in self.computations and name not in self._repeatable:
            raise AlreadyExistsError(f"a second computation {quoted(name)}", key=self.run)
        self._repeatable.discard(name)
        if before is not None and before not in self.computations:
            raise InvalidInputError(
                f"computation {quoted(name)} has no predecessor {quoted(before)}",
                key=self.run,
                hint="log the predecessor first",
            )
        for moment in (computation.started, computation.ended):
            if moment is not None:
                _microseconds(moment)
        self.computations[name] = computation

    def put_split(self, split: Split) -> Split:
        """Sets a split, keeping the results it has already; returns it.

        Raises:
            InvalidValueError: if the results do not fit its test instances.
        """
        before = self.splits.get(split.number)
        if before is not None and split.results is None:
            split = replace(split, results=before.results)
        return self._set_split(split)

    def put_results(self, number: int, results: Results) -> Split:
        """Sets the results of a split, which need not have been put before; returns the split.

        Raises:
            InvalidValueError: if they do not fit its test instances.
        """
        before = self.splits.get(number) or Split(run=self.run, number=number)
        return self._set_split(replace(before, results=results))

    def _set_split(self, split: Split) -> Split:
        results, test = split.results, split.test
        if results is not None and test is not None and results.index is None:
            given, wanted = len(results.truth), len(test)
            if given != wanted:
                raise InvalidValueError(
                    f"cannot store the results of split {split.number}: they are of {given}"
                    f" instances, its test set has {wanted}",
                    key=self.run,
                    hint="pass index= for results of other instances",
                )
        splits = {**self.splits, split.number: split}
        if sum(map(_size, splits.values())) > _MANY:
            encode_splits(list(splits.values()))
        self.splits = splits
        return split


def _size(split: Split) -> int:
    return sum(len(a) for a in (split.train, split.test, split.validation) if a is not None)


def _checked_step(step: Any) -> int:
    found = scalar(step)
    if isinstance(found, bool) or not isinstance(found, int) or abs(found) >= _LAST_STEP:
        raise InvalidValueError(f"a step is an integer, not {quoted(step)}")
    return int(found)


def _microseconds(moment: Moment | None) -> int:
    """Returns a time in microseconds since 1970; now for None."""
    if moment is None:
        return time.time_ns() // 1000
    if isinstance(moment, datetime):
        if moment.utcoffset() is None:
            raise InvalidValueError(
                f"the time '{moment}' has no time zone", hint="use datetime.now(UTC)"
            )
        return (moment - _EPOCH) // timedelta(microseconds=1)
    found = scalar(moment)
    if is_number(found) and 0 <= found < 2e11:
        return _in_microseconds(found)
    raise InvalidValueError(f"a time is a datetime or seconds since 1970, not {quoted(moment)}")


def _in_microseconds(seconds: Any) -> int:
    if not is_number(seconds) or not math.isfinite(seconds):
        raise InvalidValueError(f"{quoted(seconds)} is no number of seconds")
    rest, whole = math.modf(seconds)
    return int(whole) * _SECOND + round(rest * _SECOND)


def _text(text: Any, what: str) -> str:
    if not isinstance(text, str):
        raise InvalidValueError(f"cannot store '{what}': it is {type(text).__name__}, not text")
    return text.encode(errors="backslashreplace").decode()

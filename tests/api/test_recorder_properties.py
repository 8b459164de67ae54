"""Whatever a run can hold comes back exactly through a real repository."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from padre_git.api.store import Store
from padre_git.errors import InvalidInputError
from padre_git.model import Array
from padre_git.model.values import freeze

LABELS = st.text(min_size=1, max_size=12)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LABELS, inner, max_size=3)
)
NUMBERS = st.integers(-(2**70), 2**70) | st.floats()
ARRAYS = st.one_of(
    st.lists(st.integers(-(2**62), 2**62), max_size=20),
    st.lists(st.floats(), max_size=20),
    st.lists(st.booleans(), max_size=20),
    st.lists(st.text(max_size=8), max_size=20),
    st.sampled_from(["int8", "uint16", "float16", "float32", "bool"]).flatmap(
        lambda dtype: st.lists(st.integers(0, 100), max_size=20).map(
            lambda values: np.array(values, dtype=dtype)
        )
    ),
)
QUICK = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


def same(a: Any, b: Any) -> bool:
    """Returns whether two values are alike in type and sign, NaN included."""
    if isinstance(a, float) and isinstance(b, float):
        both = math.isnan(a) and math.isnan(b)
        return both or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return type(a) is type(b) and a == b


def logged(verb: Any, *arguments: Any) -> bool:
    """Logs what may be refused; what is not refused must come back."""
    try:
        verb(*arguments)
    except InvalidInputError:
        return False
    return True


@QUICK
@given(values=st.dictionaries(LABELS, VALUES, max_size=5), metrics=st.dictionaries(LABELS, NUMBERS))
def test_parameters_and_metrics_come_back(
    store: Store, reopened: Store, values: dict[str, Any], metrics: dict[str, Any]
) -> None:
    with store.start_run("iris/svm") as run:
        taken = {n: freeze(v, n) for n, v in values.items() if logged(run.log_param, n, v)}
        numbers = {n: v for n, v in metrics.items() if logged(run.log_metric, n, v)}
    found = reopened.runs.get(run.key)
    assert found.parameters == taken
    assert list(found.metrics) == list(numbers)
    assert all(same(found.metrics[name], value) for name, value in numbers.items())


@QUICK
@given(train=ARRAYS, test=ARRAYS, results=ARRAYS)
def test_indices_and_results_come_back(
    store: Store, reopened: Store, train: Any, test: Any, results: Any
) -> None:
    with store.start_run("iris/svm") as run:
        run.put_split(0, train=train, test=test)
        logged(run.put_results, 1, results, results)
    splits = reopened.splits.list(run.key)
    assert (splits[0].train, splits[0].test) == (Array(train), Array(test))
    if len(splits) > 1:
        assert splits[1].results is not None
        assert splits[1].results.truth == splits[1].results.predicted == Array(results)


@QUICK
@given(
    points=st.lists(st.tuples(st.sampled_from("ab"), NUMBERS, st.integers(-5, 10**15)), max_size=9)
)
def test_series_come_back(
    store: Store, reopened: Store, points: list[tuple[str, Any, int]]
) -> None:
    with store.start_run("iris/svm") as run:
        for n, (name, value, step) in enumerate(points):
            run.log_metric(name, value, step=step, time=1e9 + n / 7)
    found = reopened.runs.series(run.key)
    assert [(point.step, *point.values) for point in found] == [(s, n) for n, _, s in points]
    for point, (name, value, _) in zip(found, points, strict=True):
        assert same(point.values[name], value)


@QUICK
@given(
    tags=st.dictionaries(LABELS, st.text(max_size=12), max_size=4),
    note=st.text(max_size=60),
    log=st.text(max_size=60),
)
def test_words_come_back(
    store: Store, reopened: Store, tags: dict[str, str], note: str, log: str
) -> None:
    with store.start_run("iris/svm") as run:
        kept = {n: v for n, v in tags.items() if logged(run.set_tag, n, v)}
        has_note = logged(run.add_note, note)
        run.log_text("log.txt", log)
    found = reopened.runs.get(run.key)
    assert found.tags == kept
    assert [n.text for n in found.notes] == ([note] if has_note else [])
    assert reopened.runs.log(run.key) == log

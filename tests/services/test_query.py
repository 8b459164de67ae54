"""The query language: what it means, and how it says that it does not understand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padre_git.errors import InvalidInputError, PadreGitError
from padre_git.model import Experiment, Key, Note, Run, Status
from padre_git.services.fields import Reader
from padre_git.services.order import Order
from padre_git.services.query import condition_of

EXPERIMENT = Key.project_named("iris").experiment("svm")
START = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
READER = Reader(Run)


def run(n: int = 0, **fields: Any) -> Run:
    return Run(
        execution=EXPERIMENT.execution("x-0123456789ab"),
        id=f"r-20261121t101500-{n:012d}",
        **fields,
    )


RUN = run(
    title="first try",
    seed=7,
    status=Status.FINISHED,
    started=START,
    ended=START + timedelta(seconds=90),
    parameters={"C": 10, "kernel": "rbf", "model": {"lr": 1e-3}, "flag": True, "layers": [64, 32]},
    metrics={"accuracy": 0.95, "loss": math.nan, "top 5": 0.99, "val/acc": 0.9, "best": math.inf},
    tags={"candidate": "", "table": "2"},
    datasets=("iris-data@md5:00",),
    argv=("train.py", "--fast"),
    notes=(Note(text="looks *good*"),),
)

TRUE = [
    "metrics.accuracy > 0.9",
    "metric.accuracy >= .95 and metrics.accuracy <= 0.95",
    "metrics.accuracy > 0.9 and parameters.C in (1, 10) or not status = failed",
    "params.C = 10",
    "params.C == 10.0",
    "params.C != 11",
    "params.C not in (1, 2)",
    "parameters.model.lr < 1e-2",
    "params.kernel = rbf",
    "params.kernel = 'rbf' AND NOT params.kernel = poly",
    "params.kernel ~ ^r.f$",
    "params.kernel !~ poly",
    "params.flag = true",
    "params.layers = 32",
    'metrics."top 5" > 0.9',
    "metrics.'top 5' > 0.9",
    '"metrics.top 5" > 0.9',
    "metrics.val/acc = 0.9",
    "metrics.loss = nan",
    "metrics.best > 1e308",
    "metrics.best = inf",
    "tags.candidate",
    "tags = candidate",
    "tags.table = 2",
    "tags.table > 1",
    "seed = 7",
    "status = finished",
    "status in (failed, finished)",
    "title = 'first try'",
    r"title = 'first\ try'",
    "started >= 2026-11-21",
    "started < 2026-11-21T10:16:00Z and started > '2026-11-21T12:14:00+02:00'",
    "duration = 90",
    "execution = x-0123456789ab",
    "experiment = svm and project = iris",
    "key ~ iris/experiments/svm",
    "datasets ~ iris-data",
    "argv = --fast",
    "notes ~ good",
    "not (seed = 8)",
    "parent_run = null",
    "seed != null",
    "not not seed = 7",
    "seed = 8 or seed = 7 and params.C = 10",
    "  ",
]
FALSE = [
    "metrics.accuracy > 0.95",
    "metrics.loss > 0",
    "metrics.loss < 0",
    "metrics.f1 > 0",
    "metrics.f1 != 0",
    "metrics.f1 not in (0, 1)",
    "metrics.f1 !~ x",
    "params.flag = 1",
    "params.C = true",
    "params.C = '10'",
    "params.kernel > 3 and params.C > rbf",
    "params.model = 1",
    "params.C > rbf",
    "tags.missing",
    "tags = missing",
    "parent_run",
    "parent_run = r-1",
    "seed = null",
    "(seed = 7 or seed = 8) and params.C = 1",
    "not (metrics.accuracy > 0.9 and params.C in (1, 10) or not status = failed)",
]


@pytest.mark.parametrize("query", TRUE)
def test_it_holds(query: str) -> None:
    condition = condition_of(query, READER)
    assert condition is None or condition(RUN)


@pytest.mark.parametrize("query", FALSE)
def test_it_does_not_hold(query: str) -> None:
    condition = condition_of(query, READER)
    assert condition is not None
    assert not condition(RUN)


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ({}, True),
        ({"seed": 7}, True),
        ({"seed": 7, "status": Status.FAILED}, False),
        ({"status": Status.FINISHED}, True),
        ({"status": ["failed", "finished"]}, True),
        ({"parameters": {"C": 10, "kernel": "rbf"}}, True),
        ({"parameters": {"model": {"lr": 0.001}}}, True),
        ({"params.flag": True}, True),
        ({"parent_run": None}, True),
        ({"seed": None}, False),
        ({"metrics.loss": math.nan}, True),
        ({"started": START}, True),
        ({"tags.table": 2}, True),
        ({"seed": []}, False),
    ],
)
def test_a_mapping_says_which_values_are_wanted(where: dict[str, Any], holds: bool) -> None:
    before = repr(where)
    condition = condition_of(where, READER)
    assert condition is not None
    assert condition(RUN) is holds
    assert repr(where) == before


@pytest.mark.parametrize(
    ("query", "column", "reason"),
    [
        ("metrics.a >", 12, "expected a value, found the end"),
        ("metrics.a > and seed = 1", 13, "expected a value, found 'and'"),
        ("(seed = 1", 10, "expected '\\)', found the end"),
        ("seed = 1)", 9, "expected 'and', 'or' or the end, found '\\)'"),
        ("seed in 1", 9, "expected '\\(' and values, found '1'"),
        ("seed in ()", 10, "expected a value, found '\\)'"),
        ("seed in (1 2)", 12, "expected ',' or '\\)', found '2'"),
        ("= 3", 1, "expected a field, found '='"),
        ("not", 4, "expected a field, found the end"),
        ("title = 'first", 9, "a quote without its end"),
        ("acuracy > 1", 1, "no field 'acuracy'"),
        ("metrics. > 1", 1, "no field 'metrics.'"),
        ("started > yesterday", 11, "'yesterday' is not a time"),
        ("title ~ '('", 9, "'\\(' is not a regular expression"),
        ("seed = 1 & seed = 2", 10, "expected 'and', 'or' or the end, found '&'"),
        ("seed = 1 !", 10, "unexpected text"),
        ("(" * 60 + "seed = 1" + ")" * 60, 51, "nested deeper than 50"),
    ],
)
def test_a_mistake_is_shown_where_it_is(query: str, column: int, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=f"at character {column}: {reason}") as caught:
        condition_of(query, READER)
    shown, pointer = str(caught.value.hint).split("\n")[1:3]
    assert shown == query
    assert pointer == " " * (column - 1) + "^"


def test_an_unknown_field_gets_advice() -> None:
    with pytest.raises(InvalidInputError) as caught:
        condition_of("accuracy > 1", READER)
    assert "'metrics.accuracy' or 'parameters.accuracy'" in str(caught.value.hint)
    with pytest.raises(InvalidInputError, match="no field 'sead'") as caught:
        condition_of({"sead": 1}, READER)
    assert "'seed'" in str(caught.value.hint)


@pytest.mark.parametrize("where", [3, ["seed = 1"], {1: 2}])
def test_what_is_no_query_is_refused(where: Any) -> None:
    with pytest.raises(InvalidInputError):
        condition_of(where, READER)


def test_each_kind_has_its_own_fields() -> None:
    experiment = Experiment(project="iris", name="svm", metrics={"accuracy": "max"})
    reader = Reader(Experiment)
    condition = condition_of("name = svm and metrics.accuracy = max and project = iris", reader)
    assert condition is not None
    assert condition(experiment)
    with pytest.raises(InvalidInputError, match="no field 'status'"):
        condition_of("status = failed", reader)


@given(st.text(alphabet="ab().,=<>!~'\" \\inotrd1", max_size=40))
def test_any_text_is_a_query_or_a_typed_error(text: str) -> None:
    try:
        condition = condition_of(text, READER)
    except PadreGitError:
        return
    if condition is not None:
        condition(RUN)


def test_sorting_puts_nan_and_missing_last_in_both_directions() -> None:
    values = [0.3, math.nan, 0.9, None, -math.inf, math.inf, 0.5]
    runs = [run(n, metrics={} if v is None else {"a": v}) for n, v in enumerate(values)]
    up = [values[runs.index(r)] for r in Order("metrics.a", READER).sorted(runs)]
    down = [values[runs.index(r)] for r in Order("-metrics.a", READER).sorted(runs)]
    assert up[:5] == [-math.inf, 0.3, 0.5, 0.9, math.inf]
    assert down[:5] == [math.inf, 0.9, 0.5, 0.3, -math.inf]
    assert repr(up[5:]) == repr(down[5:]) == "[nan, None]"


def test_sorting_by_several_fields_and_mixed_values() -> None:
    runs = [
        run(0, seed=2, parameters={"p": "b"}),
        run(1, seed=1, parameters={"p": 3}),
        run(2, seed=2, parameters={"p": "a"}),
        run(3, seed=1, parameters={"p": True}),
    ]
    assert Order(["-seed", "params.p"], READER).sorted(runs) == [runs[n] for n in (2, 0, 3, 1)]
    assert Order("seed", READER).sorted(runs) == [runs[n] for n in (1, 3, 0, 2)]
    assert Order("-seed", READER).sorted(runs) == [runs[n] for n in (0, 2, 1, 3)]
    assert not Order(None, READER)
    with pytest.raises(InvalidInputError, match="no field 'sed'"):
        Order("-sed", READER)
    with pytest.raises(InvalidInputError, match="field names, not int"):
        Order([3], READER)  # type: ignore[list-item]

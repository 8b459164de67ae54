"""The first lines of commits: they say the result."""

from __future__ import annotations

from typing import Any

import pytest

from padre_git.model import Run
from padre_git.services.subjects import run_subject
from tests.services.conftest import SVM

EXECUTION = SVM.execution("x-0123456789ab")


@pytest.mark.parametrize(
    ("fields", "subject"),
    [
        ({"metrics": {"accuracy": 0.95331}, "parameters": {"C": 10}}, "accuracy 0.9533, C=10"),
        ({"metrics": {"a": 1, "b": 2.0}, "parameters": {"C": 1}}, "a 1, b 2, C=1"),
        ({"parameters": {"model": {"lr": 1e-5}}}, "model.lr=1e-05"),
        ({"status": "failed", "metrics": {"a": 0.5}}, "failed, a 0.5"),
        ({"status": "aborted"}, "aborted"),
        ({}, "finished"),
        ({"parameters": {"text": "x" * 50}}, f"text={'x' * 19}…"),
        (
            {"metrics": {f"metric{n}": n for n in range(9)}, "parameters": {"C": 1}},
            "metric0 0, metric1 1, C=1",
        ),
    ],
)
def test_a_runs_subject_says_its_result(fields: dict[str, Any], subject: str) -> None:
    run = Run(execution=EXECUTION, id="r-20261121t101500-k3v9x2m7q4tz", **fields)
    assert run_subject(run) == f"svm k3v9x2: {subject}"


def test_what_does_not_fit_is_left_out() -> None:
    names = {f"parameter_with_a_long_name_{n}": n for n in range(5)}
    run = Run(execution=EXECUTION, id="r-20261121t101500-k3v9x2m7q4tz", parameters=names)
    assert run_subject(run) == "svm k3v9x2: parameter_with_a_long_name_0=0"
    run = run.replace(metrics={"accuracy": 0.95, "a metric with a name that is long": 1})
    assert run_subject(run) == "svm k3v9x2: accuracy 0.95, parameter_with_a_long_name_0=0"

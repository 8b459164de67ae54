"""The recorder: what cannot be stored is refused, and an ended run says so."""

from __future__ import annotations

import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from padre_git.api.store import Store
from padre_git.errors import (
    AlreadyExistsError,
    ArtifactError,
    InvalidInputError,
    InvalidNameError,
    InvalidValueError,
    NotFoundError,
    PadreGitError,
)
from padre_git.model import Status
from tests.api.test_recorder import is_clean, log_of


def test_artifacts_are_kept_as_they_were_when_they_were_logged(
    store: Store, tmp_path: Path
) -> None:
    model = tmp_path / "model.bin"
    model.write_bytes(b"first")
    (tmp_path / "plots/deep").mkdir(parents=True)
    (tmp_path / "plots/a.txt").write_text("a")
    (tmp_path / "plots/deep/b.txt").write_text("b")
    with store.start_run("iris/svm") as run:
        run.log_artifact(model)
        run.log_artifact(model, "copies/model.bin")
        model.write_bytes(b"second")
        run.log_artifact(model, "copies/model.bin")
        run.log_artifact(tmp_path / "plots")
        run.log_artifacts(tmp_path / "plots", "again")
        run.log_artifacts(tmp_path / "plots/deep")
        run.log_text("words.txt", "wörds")
        run.log_dict("conf/a.json", {"x": [1, np.float32(0.5), math.inf]})
        run.log_dict("conf/a.yaml", {"x": 1})
        model.unlink()
    expected = {
        "model.bin": b"first",
        "copies/model.bin": b"second",
        "plots/a.txt": b"a",
        "plots/deep/b.txt": b"b",
        "again/a.txt": b"a",
        "again/deep/b.txt": b"b",
        "b.txt": b"b",
        "words.txt": "wörds".encode(),
        "conf/a.yaml": b"x: 1\n",
    }
    for name, content in expected.items():
        assert store.runs.part(run.key, name) == content
    kept = json.loads(store.runs.part(run.key, "conf/a.json") or b"")
    assert kept == {"x": [1, 0.5, math.inf]}


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a//b", "", "a\\b", "series.csv", "log.txt/x", ".git/config"]
)
def test_artifacts_cannot_be_put_anywhere(store: Store, name: str) -> None:
    with store.start_run("iris/svm") as run, pytest.raises((ArtifactError, InvalidInputError)):
        run.log_dict(name, {})


def test_a_file_cannot_be_a_directory_too(store: Store) -> None:
    with store.start_run("iris/svm") as run:
        run.log_text("a/b", "x")
        with pytest.raises(ArtifactError, match="cannot be a directory"):
            run.log_text("a/b/c", "x")
        run.log_text("a", "now a file")
    assert store.runs.part(run.key, "a") == b"now a file"
    assert store.runs.part(run.key, "a/b") is None


BAD: list[tuple[str, tuple[Any, ...], type[PadreGitError]]] = [
    ("log_metric", ("loss", "high"), InvalidValueError),
    ("log_metric", ("loss", True), InvalidValueError),
    ("log_metric", ("loss", None), InvalidValueError),
    ("log_metric", ("", 1), InvalidNameError),
    ("log_metric", (None, 1), InvalidNameError),
    ("log_metric", ("a\nb", 1), InvalidNameError),
    ("log_metric", ("loss", 1, 1.5), InvalidValueError),
    ("log_metric", ("loss", 1, True), InvalidValueError),
    ("log_metric", ("loss", 1, 10**30), InvalidValueError),
    ("log_metric", ("loss", 1, 1, datetime(2026, 1, 1)), InvalidValueError),
    ("log_metric", ("loss", 1, 1, "today"), InvalidValueError),
    ("log_metrics", ({"a": 1, "b": object()},), InvalidValueError),
    ("log_param", ("x", object()), InvalidValueError),
    ("log_param", ("x", {1: 2}), InvalidValueError),
    ("log_param", ("x", 10**5000), InvalidValueError),
    ("log_param", ("x", {1, 2}), InvalidValueError),
    ("log_params", ({"a.b": 1, "a": {"b": 1}},), InvalidValueError),
    ("set_tag", ("x", 3), InvalidValueError),
    ("set_tag", (" x",), InvalidNameError),
    ("add_note", ("  ",), InvalidInputError),
    ("add_note", (3,), InvalidInputError),
    ("put_results", (0, [1, 2], [1]), InvalidValueError),
    ("put_results", (0, [object()], [1]), InvalidValueError),
    ("put_results", (-1, [1], [1]), InvalidValueError),
    ("log_text", ("log.txt", b"bytes"), InvalidValueError),
    ("log_artifact", ("/nowhere/at/all",), NotFoundError),
    ("log_artifacts", (__file__,), InvalidInputError),
]


@pytest.mark.parametrize(("verb", "arguments", "error"), BAD)
def test_what_cannot_be_stored_is_refused_at_once_and_harms_nothing(
    store: Store, verb: str, arguments: tuple[Any, ...], error: type[PadreGitError]
) -> None:
    with store.start_run("iris/svm") as run:
        run.log_metric("before", 1)
        with pytest.raises(error):
            getattr(run, verb)(*arguments)
        run.log_metric("after", 2)
    found = store.runs.get(run.key)
    assert found.metrics == {"before": 1, "after": 2}
    assert found.status is Status.FINISHED


def test_results_must_fit_their_test_instances(store: Store) -> None:
    with store.start_run("iris/svm") as run:
        run.put_split(0, test=[4, 5, 6])
        with pytest.raises(InvalidValueError, match="of 2 instances, its test set has 3"):
            run.put_results(0, [1, 2], [1, 2])
        run.put_results(0, [1, 2], [1, 2], index=[4, 6])
        with pytest.raises(InvalidValueError, match="counts from 0"):
            run.put_split(1.5, test=[1])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {"id": "r-1"},
        {"seed": "seven"},
        {"seed": 1.5},
        {"parameters": {"x": object()}},
        {"parameters": [1]},
        {"title": "two\nlines"},
        {"attributes": {"x": object()}},
        {"parent": "r-unknown"},
    ],
    ids=lambda options: "-".join(options),
)
def test_a_run_that_cannot_be_stored_does_not_begin(store: Store, options: dict) -> None:
    with pytest.raises((InvalidInputError, NotFoundError)):
        store.start_run("iris/svm", **options)
    assert not list(store.root.rglob("*.jsonl")) if store.root else True


@pytest.mark.parametrize("name", ["svm", "iris/svm/x", "Iris/svm", "iris/../x", "", "iris/con"])
def test_a_run_needs_the_name_of_an_experiment(store: Store, name: str) -> None:
    with pytest.raises((InvalidInputError, NotFoundError)):
        store.start_run(name)


def test_an_id_is_used_once(store: Store) -> None:
    given = "r-20260101t000000-0123456789ab"
    with store.start_run("iris/svm", id=given) as run:
        pass
    assert run.id == given
    with pytest.raises(AlreadyExistsError):
        store.start_run("iris/svm", id=given)


def test_a_run_that_has_ended_says_so(store: Store) -> None:
    run = store.start_run("iris/svm")
    assert run.status is Status.RUNNING
    stored = run.end()
    assert stored == store.runs.get(run.key)
    assert run.end() == stored
    for log in (
        lambda: run.log_metric("loss", 1),
        lambda: run.log_param("x", 1),
        lambda: run.set_tag("x"),
        lambda: run.put_split(0, train=[1]),
        lambda: run.log_text("x.txt", "x"),
        lambda: run.flush(),
        lambda: run.end("failed"),
    ):
        with pytest.raises(InvalidInputError, match=f"run '{run.key}' has ended: it is finished"):
            log()


def test_it_can_end_in_its_block(store: Store) -> None:
    with store.start_run("iris/svm") as run:
        run.end("failed")
    assert store.runs.get(run.key).status is Status.FAILED
    assert len(log_of(store)) == 1


@pytest.mark.parametrize("status", ["running", "lost", "done", None])
def test_a_run_ends_in_one_of_three_ways(store: Store, status: Any) -> None:
    with store.start_run("iris/svm") as run, pytest.raises(InvalidInputError, match="cannot end"):
        run.end(status)


def test_the_spool_has_everything_while_the_run_runs_and_goes_with_it(store: Store) -> None:
    with store.start_run("iris/svm", {"C": 1}) as run:
        (spool,) = list(store.root.rglob("events.jsonl"))
        run.log_metric("loss", math.nan)
        run.put_split(0, train=np.arange(3))
        run.set_tag("x")
        events = [json.loads(line) for line in spool.read_text().splitlines()]
        assert [event[0] for event in events] == ["start", "parameters", "metrics", "split", "tags"]
        assert events[1][1] == {"C": 1}
        assert events[3][1]["train"] == {"dtype": "int64", "width": None, "values": [0, 1, 2]}
        assert spool.stat().st_mode & 0o077 == 0
    assert not spool.exists()
    with store.start_run("iris/svm") as run:
        assert (store.project_path("iris") / ".git/padre/spool" / run.id).is_dir()
        assert is_clean(store)


def test_a_commit_that_fails_loses_nothing_and_can_be_tried_again(store: Store) -> None:
    run = store.start_run("iris/svm", {"C": 1})
    place = store.project_path("iris")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("in the way")
    with pytest.raises((PadreGitError, OSError)):
        run.end()
    assert list(store.root.rglob("events.jsonl"))
    place.unlink()
    run.log_metric("late", 1)
    assert run.end().metrics == {"late": 1}


def test_a_run_outlives_the_deletion_of_its_experiment(store: Store, reopened: Store) -> None:
    with store.start_run("iris/svm") as first:
        pass
    with store.start_run("iris/svm") as run:
        run.log_metric("x", 1)
        reopened.experiments.delete("iris/svm")
    assert store.runs.get(run.key).metrics == {"x": 1}
    assert store.executions.get(store.runs.get(run.key).execution)
    assert not store.runs.exists(first.key)
    assert is_clean(store)


def test_a_run_outlives_the_renaming_of_its_experiment(store: Store, reopened: Store) -> None:
    store.ensure("iris/svm")
    with store.start_run("iris/svm") as run:
        run.log_metric("x", 1)
        reopened.experiments.rename("iris/svm", "svc")
    assert [found.metrics for found in store.runs.list("iris")] == [{"x": 1}]
    assert is_clean(store)


def test_a_recorder_says_what_it_is(store: Store) -> None:
    with store.start_run("iris/svm", {"C": 1}) as run:
        run.log_metric("x", 2)
        assert (run.parameters, run.metrics) == ({"C": 1}, {"x": 2})
        assert repr(run) == f"Recorder('{run.key}', running)"
    assert repr(run) == f"Recorder('{run.key}', finished)"


@pytest.mark.parametrize(
    ("given", "shown"), [("x", "not 'x'"), (1.5, "not 1.5"), ([1], r"not \[1\]")]
)
def test_what_is_no_step_is_quoted_once(store: Store, given: Any, shown: str) -> None:
    with store.start_run("iris/svm") as run:
        with pytest.raises(InvalidValueError, match=f"a step is an integer, {shown}$"):
            run.log_metric("loss", 0.5, step=given)
        if given != 1.5:
            with pytest.raises(InvalidValueError, match=f"seconds since 1970, {shown}$"):
                run.log_metric("loss", 0.5, time=given)

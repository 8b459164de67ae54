"""The recorder: what is logged is what is stored, read back by somebody else."""

from __future__ import annotations

import math
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from padre_git.api.store import Store
from padre_git.errors import (
    AlreadyExistsError,
    InvalidInputError,
    InvalidValueError,
    NotFoundError,
)
from padre_git.model import Array, Dataset, Experiment, Project, Status
from tests.conftest import git


def log_of(store: Store, project: str = "iris") -> list[str]:
    return git("log", "--format=%s", cwd=store.project_path(project)).splitlines()


def is_clean(store: Store, project: str = "iris") -> bool:
    return not git("status", "--porcelain", cwd=store.project_path(project))


def test_a_run_is_one_commit_with_everything_it_needs(store: Store, reopened: Store) -> None:
    with store.start_run("iris/svm", {"C": 1.0}, seed=7, title="first") as run:
        run.log_metric("accuracy", 0.9533)
    assert log_of(store) == [f"svm {run.id[18:24]}: accuracy 0.9533, C=1"]
    found = reopened.runs.get(run.key)
    assert (found.status, found.seed, found.title) == (Status.FINISHED, 7, "first")
    assert found.parameters == {"C": 1.0}
    assert found.metrics == {"accuracy": 0.9533}
    assert found.started is not None
    assert found.ended is not None
    assert found.started <= found.ended
    assert reopened.executions.get(found.execution).id == found.execution.name
    assert "numpy" in reopened.runs.environment(found.key).packages
    assert is_clean(store)


def test_the_second_run_of_the_same_code_adds_only_itself(store: Store) -> None:
    keys = []
    for _ in range(2):
        with store.start_run("iris/svm") as run:
            keys.append(run.key)
    first, second = (store.runs.get(key) for key in keys)
    assert (first.execution, first.environment) == (second.execution, second.environment)
    changed = git("show", "--name-only", "--format=", "HEAD", cwd=store.project_path("iris"))
    assert all("/runs/" in path for path in changed.split())


def test_numbers_come_back_as_they_were(store: Store, reopened: Store) -> None:
    values = {
        "int": 3,
        "nan": math.nan,
        "inf": math.inf,
        "tiny": 5e-324,
        "numpy": np.float32(0.1),
        "count": np.int64(2**62),
        "array": np.array(1.5),
        "val/acc": 1.0,
    }
    with store.start_run("iris/svm") as run:
        run.log_metrics(values)
    found = reopened.runs.get(run.key).metrics
    assert list(found) == list(values)
    assert found["numpy"] == float(np.float32(0.1))
    assert found["count"] == 2**62
    assert math.isnan(found["nan"])
    assert type(found["int"]) is int
    assert all(type(value) in (int, float) for value in found.values())


def test_a_series_keeps_every_point_with_its_step_and_time(store: Store, reopened: Store) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=2)))
    with store.start_run("iris/svm") as run:
        run.log_metric("loss", 0.5, step=10, time=at)
        run.log_metric("loss", 0.25)
        run.log_metric("loss", 0.75, step=3)
        run.log_metric("loss", math.nan)
        run.log_metric("accuracy", 0.9)
    points = reopened.runs.series(run.key)
    assert [point.step for point in points] == [10, 11, 3, 12]
    assert points[0].time == at
    assert points[1].time > at
    assert [dict(point.values).keys() for point in points] == [{"loss"}] * 4
    assert reopened.runs.get(run.key).metrics["accuracy"] == 0.9


def test_each_metric_without_a_step_takes_its_own_next_one(store: Store) -> None:
    with store.start_run("iris/svm") as run:
        run.log_metric("a", 1)
        run.log_metrics({"a": 2, "b": 2})
        run.log({"a": 3, "b": 3})
        run.log({"b": 4}, step=np.int32(7))
    points = store.runs.series(run.key)
    assert [(p.step, dict(p.values)) for p in points] == [
        (0, {"a": 1}),
        (0, {"b": 2}),
        (1, {"a": 2}),
        (2, {"a": 3, "b": 3}),
        (7, {"b": 4}),
    ]


def test_a_result_that_was_logged_once_is_no_series(store: Store) -> None:
    with store.start_run("iris/svm") as run:
        run.log_metrics({"accuracy": 0.9, "f1": 0.8})
    assert store.runs.series(run.key) == ()
    assert store.runs.part(run.key, "series.csv") is None


ARRAYS = [
    [3, 1, 2],
    np.array([5, 3, 2**62], dtype=np.int64),
    np.array([255, 0], dtype=np.uint8),
    np.array([], dtype=np.int32),
    np.array([True, False, True]),
    np.array(["b", "a", 'ä, "quoted"\n']),
    np.array([0.1, np.nan, -np.inf, -0.0], dtype=np.float32),
    range(5),
    ("x", "y"),
]


@pytest.mark.parametrize("values", ARRAYS, ids=repr)
def test_indices_and_results_come_back_in_value_order_and_type(
    store: Store, reopened: Store, values: Any
) -> None:
    with store.start_run("iris/svm") as run:
        run.put_split(0, train=values, test=values, validation=values)
        run.put_results(0, values, values)
    (split,) = reopened.splits.list(run.key)
    assert split.results is not None
    for found in (split.train, split.test, split.validation, split.results.truth):
        assert found == Array(values)
        assert isinstance(found, Array)
        if isinstance(values, np.ndarray):
            back = np.asarray(found)
            assert back.dtype.kind == values.dtype.kind
            assert back.dtype == values.dtype or values.dtype.kind == "U"
            np.testing.assert_array_equal(back, values)


def test_probabilities_are_one_row_per_instance(store: Store, reopened: Store) -> None:
    odds = np.random.default_rng(7).random((20, 3))
    truth = np.arange(20) % 3
    with store.start_run("iris/svm") as run:
        run.put_results(4, truth, truth, odds, index=truth + 100)
        run.put_split(4, train=[1], metrics={"accuracy": np.float64(1)})
    (split,) = reopened.splits.list(run.key)
    assert split.results is not None
    np.testing.assert_array_equal(np.asarray(split.results.probabilities), odds)
    np.testing.assert_array_equal(np.asarray(split.results.index), truth + 100)
    assert split.metrics == {"accuracy": 1.0}
    assert split.number == 4


def test_large_parts_move_to_the_artifacts_and_are_read_alike(
    store: Store, reopened: Store
) -> None:
    store.projects.put(Project(name="iris", settings={"inline": 1000}))
    index = np.random.default_rng(1).permutation(3000)
    with store.start_run("iris/svm") as run:
        run.put_split(0, train=index[:2000], test=index[2000:])
        run.put_results(0, index[2000:] % 2, index[2000:] % 2)
        for step in range(200):
            run.log_metric("loss", step / 7, step=step)
        run.log_text("log.txt", "line\n" * 1000)
        run.log_text("short.txt", "short")
    files = git("ls-tree", "-r", "--name-only", "HEAD", cwd=store.project_path("iris"))
    names = {path.rpartition("/")[2] for path in files.split() if "/runs/" in path}
    assert names == {"run.yaml", "metrics.yaml", "artifacts.dvc"}
    (split,) = reopened.splits.list(run.key)
    np.testing.assert_array_equal(np.asarray(split.test), index[2000:])
    assert len(reopened.runs.series(run.key)) == 200
    assert reopened.runs.log(run.key) == "line\n" * 1000


def test_people_s_words_are_kept(store: Store, reopened: Store) -> None:
    with store.start_run("iris/svm") as run:
        run.set_tag("candidate")
        run.set_tags({"table": "2", "größe": "a=b/c"})
        run.add_note("# Looks good\n\nbut *slow*")
        run.add_note("second")
        run.log_text("log.txt", "started\n")
    found = reopened.runs.get(run.key)
    assert found.tags == {"candidate": "", "table": "2", "größe": "a=b/c"}
    assert sorted(note.text for note in found.notes) == ["# Looks good\n\nbut *slow*", "second"]
    assert reopened.runs.log(run.key) == "started\n"


def test_computations_know_their_predecessors(store: Store, reopened: Store) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with store.start_run("iris/svm") as run:
        run.log_computation("scale", parameters={"mean": True}, started=at, ended=at)
        run.log_computation("fit", predecessor="scale", metrics={"seconds": 2})
        with pytest.raises(InvalidInputError, match="no predecessor 'nothing'"):
            run.log_computation("score", predecessor="nothing")
        with pytest.raises(AlreadyExistsError, match="second computation 'fit'"):
            run.log_computation("fit")
    scale, fit = reopened.runs.get(run.key).computations
    assert (scale.name, scale.started, scale.parameters) == ("scale", at, {"mean": True})
    assert (fit.predecessor, fit.metrics) == ("scale", {"seconds": 2})


def test_parameters_stay_as_they_are_told_and_are_told_once(store: Store) -> None:
    with store.start_run("iris/svm", {"C": np.float64(1.5), "grid": (1, 2)}) as run:
        run.log_param("model", {"lr": 0.1, "layers": [np.int8(3)]})
        run.log_params({"C": 1.5, "none": None})
        with pytest.raises(AlreadyExistsError, match=r"'C' is 1\.5 already, not 2"):
            run.log_param("C", 2)
        with pytest.raises(InvalidValueError, match=r"'model\.lr'"):
            run.log_param("model.lr", 1)
        with pytest.raises(InvalidValueError, match=r"parameters\.x"):
            run.log_param("x", math.nan)
    assert store.runs.get(run.key).parameters == {
        "C": 1.5,
        "grid": (1, 2),
        "model": {"lr": 0.1, "layers": (3,)},
        "none": None,
    }


def test_defaults_seed_and_dataset_come_from_the_experiment(store: Store, reopened: Store) -> None:
    store.ensure("iris")
    store.datasets.put(Dataset(project="iris", name="flowers"))
    store.experiments.put(
        Experiment(
            project="iris",
            name="svm",
            seed=11,
            parameters={"C": 1, "kernel": "rbf"},
            dataset="flowers",
            metrics={"f1": "max"},
        )
    )
    with store.start_run("iris/svm", {"C": 3}) as run:
        run.log_metrics({"accuracy": 0.5, "f1": 0.25})
    found = reopened.runs.get(run.key)
    assert (found.seed, found.defaults) == (11, {"C": 1, "kernel": "rbf"})
    assert found.parameters == {"C": 3}
    assert [used.partition("@")[0] for used in found.datasets] == ["flowers"]
    assert log_of(store)[0].endswith(": f1 0.25, accuracy 0.5, C=3")
    with store.start_run("iris/svm", seed=0) as run:
        pass
    assert store.runs.get(run.key).seed == 0


def test_an_experiment_that_is_not_stored_yet_is_stored_as_it_is(store: Store) -> None:
    experiment = Experiment(project="iris", name="svm", title="Support vectors", seed=3)
    with store.start_run(experiment) as run:
        pass
    assert store.experiments.get("iris/svm").title == "Support vectors"
    assert store.runs.get(run.key).seed == 3
    assert len(log_of(store)) == 1


def test_a_dataset_is_used_in_the_version_it_has(store: Store) -> None:
    store.ensure("other")
    store.datasets.put(Dataset(project="other", name="data"))
    store.ensure("iris")
    store.datasets.put(Dataset(project="iris", name="flowers"))
    with store.start_run("iris/svm") as run:
        assert run.use_dataset("iris/flowers").name == "flowers"
        run.use_dataset("iris/flowers")
        with pytest.raises(NotFoundError):
            run.use_dataset("iris/nothing")
        with pytest.raises(InvalidInputError, match="belongs to another project"):
            run.use_dataset("other/data")
    assert store.runs.get(run.key).datasets == ("flowers",)


def test_nested_runs_name_their_parent(store: Store) -> None:
    with store.start_run("iris/sweep") as outer:
        for C in (1, 2):
            with store.start_run("iris/sweep", {"C": C}, parent=outer) as inner:
                inner.log_metric("accuracy", C / 2)
        outer.log_metric("best", 1)
    children = store.runs.list("iris/sweep", where={"parent_run": outer.id})
    assert sorted(child.parameters["C"] for child in children) == [1, 2]
    assert store.runs.get(outer.key).parent_run is None
    with store.start_run("iris/svm", parent=outer.id) as later:
        pass
    assert store.runs.get(later.key).parent_run == outer.id


def test_two_recorders_at_once_do_not_mix(store: Store) -> None:
    def work(n: int) -> None:
        with store.start_run("iris/svm", {"n": n}) as run:
            for step in range(50):
                run.log_metric("loss", n + step, step=step)
            run.put_split(n, train=[n])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = store.runs.list("iris/svm")
    assert sorted(run.parameters["n"] for run in runs) == [0, 1, 2, 3]
    for run in runs:
        n = run.parameters["n"]
        assert run.metrics == {"loss": n + 49}
        assert [point.values["loss"] for point in store.runs.series(run)] == [
            n + step for step in range(50)
        ]
        assert [split.number for split in store.splits.list(run.key)] == [n]


def test_many_threads_can_log_to_one_run(store: Store) -> None:
    with store.start_run("iris/svm") as run:
        threads = [
            threading.Thread(target=lambda: [run.log_metric("x", 1) for _ in range(250)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(p.step for p in store.runs.series(run.key)) == list(range(1000))


class _Plotter:
    """Stands for a figure of any library: it writes its format to a path."""

    def __init__(self, *methods: str) -> None:
        for method in methods:
            setattr(self, method, lambda path, m=method: Path(path).write_text(f"{m} {path[-4:]}"))


def test_figures_are_rendered_by_their_own_libraries(store: Store) -> None:
    with store.start_run("iris/svm") as run:
        run.log_figure("roc", _Plotter("savefig"))
        run.log_figure("plots/roc.svg", _Plotter("savefig"))
        run.log_figure("loss", _Plotter("write_image", "write_html"))
        run.log_figure("loss.pdf", _Plotter("write_image", "write_html"))
        run.log_figure("image.jpeg", _Plotter("save"))
        run.log_figure("raw.png", b"\x89PNG")
        run.log_figure("text.svg", "<svg/>")
        with pytest.raises(InvalidInputError, match="int is not a figure"):
            run.log_figure("no.png", 3)
    part = store.runs.part
    assert part(run.key, "roc.png") == b"savefig .png"
    assert part(run.key, "plots/roc.svg") == b"savefig .svg"
    assert part(run.key, "loss.html") == b"write_html html"
    assert part(run.key, "loss.pdf") == b"write_image .pdf"
    assert part(run.key, "image.jpeg") == b"save jpeg"
    assert part(run.key, "raw.png") == b"\x89PNG"
    assert part(run.key, "text.svg") == b"<svg/>"

"""Successors of the original's active tests T1 to T5 and of its old unit tests O1 to O3.

O11 to O18, which encoded and decoded splits, have theirs in ``tests/format/test_splits.py``.
"""

from __future__ import annotations

import padre_git
from tests.conftest import git
from tests.defects.conftest import a_run

Pair = tuple[padre_git.Store, padre_git.Store]


def test_t1_datasets_are_listed_by_name(store: padre_git.Store) -> None:
    store.projects.put(padre_git.Project(name="uci"))
    for name in ("boston", "diabetes"):
        store.datasets.put(padre_git.Dataset(project="uci", name=name))
    assert [d.name for d in store.datasets.list("uci", where={"name": "boston"})] == ["boston"]


def test_t2_a_project_is_put_created_and_listed_by_name(store: padre_git.Store) -> None:
    put = store.projects.put(padre_git.Project(name="iris", description="flowers"))
    assert isinstance(put, padre_git.Project)
    store.projects.put(padre_git.Project(name="digits"))
    assert store.projects.list(where={"name": "iris"}) == [put]


def test_t3_an_experiment_is_created_put_and_listed_by_name(store: padre_git.Store) -> None:
    store.projects.put(padre_git.Project(name="iris"))
    for name in ("svm", "forest"):
        store.experiments.put(padre_git.Experiment(project="iris", name=name))
    (found,) = store.experiments.list("iris", where="name = svm")
    assert isinstance(found, padre_git.Experiment)
    assert found.name == "svm"


def test_t4_an_execution_is_one_per_code_version_and_experiment(store: padre_git.Store) -> None:
    store.projects.put(padre_git.Project(name="iris"))
    experiment = store.experiments.put(padre_git.Experiment(project="iris", name="svm"))
    code = padre_git.Code(package="sklearn", version="1.9")
    execution = padre_git.Execution(experiment=experiment.key, code=code, entry_point="-m x")
    put = store.executions.put(execution)
    assert store.executions.put(execution) == put
    assert store.executions.list(experiment) == [put]
    assert put.experiment == experiment.key
    assert store.executions.get(put.key).entry_point == "-m x"


def test_t5_a_run_is_listed_under_its_execution_and_read_back_equal(store: padre_git.Store) -> None:
    run = a_run(store)
    assert store.runs.list(run.execution) == [run]
    assert store.runs.get(run.key) == run
    assert all(isinstance(found, padre_git.Run) for found in store.runs.list())


def test_o1_publishing_writes_the_url_into_the_stored_document(pair: Pair) -> None:
    alice, _ = pair
    alice.projects.put(padre_git.Project(name="iris"))
    alice.experiments.put(padre_git.Experiment(project="iris", name="svm"))
    url = alice.experiments.get("iris/svm").url
    assert url is not None
    clone = alice.project_path("iris")
    assert f'url: "{url}"' in (clone / "experiments/svm/experiment.yaml").read_text()
    assert git("status", "--porcelain", cwd=clone) == ""


def test_o2_an_experiment_comes_back_with_every_field(store: padre_git.Store) -> None:
    store.projects.put(padre_git.Project(name="iris"))
    store.datasets.put(padre_git.Dataset(project="iris", name="iris-data"))
    experiment = padre_git.Experiment(
        project="iris", name="svm", title="RBF", description="two\nlines\n", dataset="iris-data",
        seed=7, parameters={"svc": {"C": [0.1, 1, 10], "kernel": "rbf"}, "model.lr": 1e-5},
        metrics={"accuracy": "max", "loss": "min"}, tags={"table": "2", "kept": ""},
        attributes={"anything": {"nested": [None, True]}},
    )  # fmt: skip
    store.experiments.put(experiment)
    assert store.experiments.get("iris/svm") == experiment


def test_o3_a_run_comes_back_with_every_field(store: padre_git.Store) -> None:
    first = a_run(store)
    run = padre_git.Run(
        execution=first.execution, title="again", status="failed", seed=2**40,
        started=first.started, ended=first.ended, defaults={"C": 1.0}, parameters={"C": 2.0},
        metrics={"loss": float("inf"), "n": 3}, argv=("train.py", "--C", "2"),
        environment=first.environment, parent_run=first.id, tags={"a": "b"},
        computations=(), attributes={"host": "known"},
    )  # fmt: skip
    put = store.runs.put(run)
    assert store.runs.get(put.key) == put == run.replace(id=put.id)

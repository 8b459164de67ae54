"""A compute node that has Python and nothing else: runs are recorded by whoever can commit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import padre_git
from tests.api.test_recorder_ends import HOME
from tests.conftest import git

TRAIN = """
import sys, padre_git
with padre_git.open("root", policy="manual") as store:
    with store.start_run("iris/svm", {"C": 1}) as run:
        run.log_metric("loss", 0.5, step=3)
        run.log_text("log.txt", "hello")
        run.put_split(0, train=[1], test=[2])
        run.flush()
        if "artifact" in sys.argv:
            run.log_text("more.txt", "weights")
    print(run.key, run.status)
    assert "git" not in sys.modules and "dvc" not in sys.modules and "yaml" not in sys.modules
"""


def on_a_node(place: Path, *arguments: str, **environment: str) -> str:
    """Runs a program where no other program can be found, and returns what it prints."""
    (place / "train.py").write_text(TRAIN)
    done = subprocess.run(
        [sys.executable, "train.py", *arguments],
        cwd=place,
        env={"PATH": str(place / "nothing"), "PYTHONPATH": str(HOME), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[0]


def test_the_first_run_of_a_project_needs_no_git(tmp_path: Path) -> None:
    key = on_a_node(tmp_path)
    with padre_git.open(tmp_path / "root", policy="manual") as store:
        (found,) = store.reconcile()
        assert (found.key.text, found.status, found.metrics) == (key, "finished", {"loss": 0.5})
        assert (found.notes, store.runs.log(found)) == ((), "hello")
        assert store.executions.get(found.execution).entry_point == "train.py"
        assert git("status", "--porcelain", cwd=store.project_path("iris")) == ""


def test_what_could_not_be_read_is_known_when_it_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with padre_git.open(tmp_path / "root", policy="manual") as store:
        store.ensure("iris")
        experiment = padre_git.Experiment(
            project="iris", name="svm", title="Baseline", seed=7, parameters={"kernel": "rbf"}
        )
        store.experiments.put(experiment)
        monkeypatch.chdir(HOME)
        frozen = store.freeze("iris/svm", entry_point="README.md")
        key = on_a_node(tmp_path, "artifact", PADRE_EXECUTION=frozen)
        (found,) = store.reconcile("iris")
        assert found.key.text == key
        assert (found.seed, found.defaults) == (7, {"kernel": "rbf"})
        assert found.execution.text == frozen
        assert store.experiments.get("iris/svm").title == "Baseline"
        assert store.artifacts.get(found, "more.txt").read_text() == "weights"
        assert store.runs.find("iris/svm", {"C": 1, "kernel": "rbf"}) == found


def test_an_experiment_must_be_said_in_full_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with (
        padre_git.open(tmp_path / "root", policy="manual") as store,
        pytest.raises(padre_git.InvalidInputError, match="git is not installed here"),
    ):
        store.start_run("svm")

"""Runs whose end meets trouble: a commit that fails late, an interpreter that is going away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import padre_git
from tests.conftest import git

HOME = Path(__file__).parents[2]


def whole(store: padre_git.Store, project: str = "iris") -> bool:
    """Tells whether git finds nothing wrong and nothing to say."""
    clone = store.project_path(project)
    git("fsck", "--full", "--strict", cwd=clone)
    return git("status", "--porcelain", cwd=clone) == ""


def test_a_run_whose_commit_failed_when_it_was_durable_can_be_ended_again(tmp_path: Path) -> None:
    with padre_git.open(tmp_path / "root") as store:
        store.start_run("iris/svm").end()
        run = store.start_run("iris/svm", {"C": 1})
        log = store.project_path("iris") / ".git/logs/HEAD"
        log.rename(tmp_path / "saved")
        log.mkdir()
        with pytest.raises(padre_git.RepositoryError):
            run.end()
        log.rmdir()
        (tmp_path / "saved").rename(log)
        run.log_metric("said afterwards", 1)
        assert run.end().metrics == {"said afterwards": 1}
        assert store.runs.get(run.key).metrics == {"said afterwards": 1}
        assert len(store.runs.list("iris/svm")) == 2
        assert whole(store)


def test_a_run_that_nobody_ends_after_another_is_ended_at_the_exit(tmp_path: Path) -> None:
    code = (
        "import padre_git; store = padre_git.open('root')\n"
        "store.start_run('iris/svm').end()\n"
        "run = store.start_run('iris/svm'); run.log_metric('m', 1)\n"
    )
    (tmp_path / "train.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-W", "error", "train.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    with padre_git.open(tmp_path / "root") as store:
        assert [r.status for r in store.runs.list("iris/svm")] == ["finished", "finished"]
        assert whole(store)


def test_without_git_an_open_store_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with padre_git.open(tmp_path / "root") as store:
        store.start_run("iris/svm").end()
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "lab").mkdir()
    for remote in (None, str(tmp_path / "lab")):
        store = padre_git.open(tmp_path / "root", remote=remote)
        with pytest.raises(padre_git.RepositoryError, match="git cannot be started"):
            store.runs.list("iris/svm") if remote is None else store.sync("iris")
        store.close()


def test_a_child_process_records_below_a_run_that_goes_on(tmp_path: Path) -> None:
    with padre_git.open(tmp_path / "root") as store, store.start_run("iris/svm") as run:
        code = (
            "import padre_git; store = padre_git.open('root')\n"
            f"for parent in ('{run.id}', '{run.key}'):\n"
            "    store.start_run('iris/svm', parent=parent).end()\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(HOME)},
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
    with padre_git.open(tmp_path / "root") as store:
        assert len(store.runs.list("iris/svm", where={"parent_run": run.id})) == 2
        assert whole(store)

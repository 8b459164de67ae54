"""Runs that go on for days: what they have logged is theirs, whoever cleans up meanwhile."""

from __future__ import annotations

import os
import time
from pathlib import Path

import padre_git
from tests.artifacts.conftest import write


def grow_old(clone: Path) -> None:
    past = time.time() - 3 * 24 * 3600
    for file in (clone / ".git" / "padre" / "cache" / "files").rglob("*"):
        os.utime(file, (past, past))


def test_the_artifacts_of_a_long_first_run_are_kept(tmp_path: Path) -> None:
    write(tmp_path / "model" / "weights.bin", b"weights")
    with padre_git.open(tmp_path / "root") as store:
        run = store.start_run("iris/svm")  # before there is a project: its spool is elsewhere
        run.log_artifact(tmp_path / "model")
        grow_old(store.project_path("iris"))
        assert store.artifacts.gc("iris") == ()
        run.end()
        assert store.artifacts.verify("iris") == ()


def test_the_artifacts_of_a_long_second_run_are_kept(tmp_path: Path) -> None:
    write(tmp_path / "model" / "weights.bin", b"weights")
    with padre_git.open(tmp_path / "root") as store:
        store.start_run("iris/svm").end()
        run = store.start_run("iris/svm")
        run.log_artifact(tmp_path / "model")
        grow_old(store.project_path("iris"))
        assert store.artifacts.gc("iris") == ()
        run.end()
        assert store.artifacts.verify("iris") == ()

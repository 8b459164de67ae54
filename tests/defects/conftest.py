"""Stores on real git, alone and in pairs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import padre_git


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[padre_git.Store]:
    """A store without a remote."""
    monkeypatch.chdir(tmp_path)
    with padre_git.open(tmp_path / "research") as store:
        yield store


@pytest.fixture
def pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[padre_git.Store, padre_git.Store]]:
    """Two stores that share a directory remote."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab").mkdir()
    lab = str(tmp_path / "lab")
    with (
        padre_git.open(tmp_path / "alice", remote=lab, max_age=0) as alice,
        padre_git.open(tmp_path / "bob", remote=lab, max_age=0) as bob,
    ):
        yield alice, bob


def a_run(
    store: padre_git.Store, experiment: str = "iris/svm", **parameters: object
) -> padre_git.Run:
    """Records one small run and returns it as stored."""
    with store.start_run(experiment, parameters or {"C": 1.0}, seed=7) as run:
        run.log_metric("accuracy", 0.9, step=0)
        run.put_split(0, train=[3, 1, 2], test=[0, 4], metrics={"accuracy": 0.9})
        run.put_results(0, [1, 0], [1, 1])
        run.log_computation("fit", parameters={"C": 1.0})
        run.log_computation("score", predecessor="fit", metrics={"accuracy": 0.9})
    return store.runs.get(run.key)

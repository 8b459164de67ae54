"""Data of evicted records leaves the clone, but only what the data remote has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import padre_git
from padre_git.errors import UnpublishedError

BYTES = 1000


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "lab").mkdir()
    return tmp_path


@pytest.fixture
def store(lab: Path) -> Iterator[padre_git.Store]:
    with padre_git.open(lab / "ada", remote=lab / "lab", max_age=0) as opened:
        yield opened


def record(store: padre_git.Store, directory: Path, *files: str):
    """Records a run with some files as artifacts, each full of its own name."""
    with store.start_run("iris/svm") as run:
        for name in files:
            (directory / name).write_text(name * BYTES)
            run.log_artifact(directory / name)
    store.flush()
    return store.runs.list("iris/svm")[-1].key


def cached(lab: Path) -> int:
    """Returns how many objects the clone's cache has."""
    return sum(path.is_file() for path in (lab / "ada/iris/.git/padre/cache").rglob("*"))


def test_data_of_an_evicted_run_goes_and_comes_back(store: padre_git.Store, lab: Path) -> None:
    key = record(store, lab, "model", "shared")
    record(store, lab, "other", "shared")
    before = cached(lab)
    store.runs.delete(key, mode="local")
    assert before - cached(lab) == 2, "a listing and a model; what another run shares stays"
    assert store.artifacts.get(key, "model").read_text() == "model" * BYTES


def test_data_that_is_nowhere_else_stays(
    store: padre_git.Store, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    with padre_git.open(lab / "ada", remote=lab / "lab", policy="manual") as alone:
        key = record(alone, lab, "model")
        before = cached(lab)
        alone.runs.delete(key, mode="local")
        assert cached(lab) == before
        assert alone.artifacts.get(key, "model").read_text() == "model" * BYTES


def test_a_clone_with_the_only_copy_of_data_stays(store: padre_git.Store, lab: Path) -> None:
    record(store, lab, "model")
    for path in (lab / "lab/iris.dvc").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(UnpublishedError, match=r"artifacts\.dvc"):
        store.projects.delete("iris", mode="local")
    assert (lab / "ada/iris").exists()


def test_a_clone_goes_when_commits_and_data_are_elsewhere(
    store: padre_git.Store, lab: Path
) -> None:
    key = record(store, lab, "model")
    store.projects.delete("iris", mode="local")
    assert not (lab / "ada/iris").exists()
    assert store.artifacts.get(key, "model").read_text() == "model" * BYTES

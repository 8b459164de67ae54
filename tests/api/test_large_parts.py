"""Parts of runs that are too large for git: among the artifacts, whoever puts them and whenever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from padre_git.api.opening import open_store
from padre_git.api.store import Store
from padre_git.errors import NotFoundError
from padre_git.model import Key, Project, Results, Split
from tests.conftest import git

LARGE = np.random.default_rng(1).permutation(60_000)


@pytest.fixture
def run(store: Store, tmp_path: Path) -> Key:
    """Is a run that has ended, with an artifact of its own."""
    (tmp_path / "model.bin").write_bytes(b"weights")
    with store.start_run("iris/svm") as recorder:
        recorder.log_artifact(tmp_path / "model.bin")
    return recorder.key


def files(store: Store) -> set[str]:
    """Returns the names of the run's files in git, without the mark that it was changed."""
    listed = git("ls-files", "experiments", cwd=store.project_path("iris")).split()
    return {Path(path).name for path in listed if "/runs/" in path and Path(path).suffix}


def test_a_large_split_that_is_put_after_the_end_is_no_blob(store: Store, run: Key) -> None:
    store.splits.put(Split(run=run, number=0, train=LARGE, test=[1, 2]))
    assert files(store) == {"run.yaml", "artifacts.dvc"}
    found = store.splits.get(run, 0)
    np.testing.assert_array_equal(np.asarray(found.train), LARGE)
    assert [a.name for a in store.artifacts.list(run)] == ["model.bin"]
    assert store.artifacts.get(run, "model.bin").read_bytes() == b"weights"


def test_one_that_is_small_again_comes_back_to_git(store: Store, run: Key) -> None:
    store.splits.put(Split(run=run, number=0, train=LARGE))
    store.splits.put(Split(run=run, number=0, train=[1, 2]))
    assert files(store) == {"run.yaml", "artifacts.dvc", "splits.yaml"}
    assert list(store.splits.get(run, 0).train or ()) == [1, 2]
    path = store.project_path("iris")
    pointer = git("show", "HEAD:" + git("ls-files", "*artifacts.dvc", cwd=path).strip(), cwd=path)
    assert "nfiles: 1\n" in pointer


def test_one_that_is_deleted_is_gone(store: Store, run: Key) -> None:
    store.splits.put(Split(run=run, number=0, train=LARGE))
    store.splits.delete(run, 0)
    with pytest.raises(NotFoundError):
        store.splits.get(run, 0)
    assert store.splits.list(run) == []
    assert files(store) == {"run.yaml", "artifacts.dvc"}


def test_a_run_without_artifacts_gets_and_loses_its_pointer(store: Store) -> None:
    with store.start_run("iris/svm") as recorder:
        pass
    results = Results(truth=LARGE, predicted=LARGE)
    store.splits.put(Split(run=recorder.key, number=0, results=results))
    assert files(store) == {"run.yaml", "splits.yaml", "artifacts.dvc"}
    assert store.splits.get(recorder.key, 0).results == results
    store.splits.delete(recorder.key, 0)
    assert files(store) == {"run.yaml"}


def test_a_split_joins_the_large_ones_of_the_recorder(store: Store) -> None:
    with store.start_run("iris/svm") as recorder:
        recorder.put_split(0, train=LARGE)
    store.splits.put(Split(run=recorder.key, number=1, test=[3]))
    assert [split.number for split in store.splits.list(recorder.key)] == [0, 1]
    assert files(store) == {"run.yaml", "artifacts.dvc"}


def test_the_project_says_what_is_large(store: Store) -> None:
    store.projects.put(Project(name="iris", settings={"inline": 10}))
    with store.start_run("iris/svm") as recorder:
        pass
    store.splits.put(Split(run=recorder.key, number=0, test=[3, 4, 5, 6, 7, 8]))
    assert files(store) == {"run.yaml", "artifacts.dvc"}


def test_a_colleague_reads_and_adds(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    with open_store(tmp_path / "here", remote=lab) as here:
        with here.start_run("iris/svm") as recorder:
            pass
        here.splits.put(Split(run=recorder.key, number=0, train=LARGE))
    with open_store(tmp_path / "there", remote=lab) as there:
        there.splits.put(Split(run=recorder.key, number=1, test=[3]))
        np.testing.assert_array_equal(np.asarray(there.splits.get(recorder.key, 0).train), LARGE)
        assert files(there) == {"run.yaml", "artifacts.dvc"}

"""store.artifacts: data of runs and datasets, put anywhere and got anywhere, checked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from padre_git import (
    ArtifactCorruptError,
    ArtifactError,
    ArtifactMissingError,
    ConflictError,
    Dataset,
    InvalidInputError,
    NotFoundError,
    Run,
    UnsupportedError,
)
from padre_git.api.opening import open_store
from padre_git.api.store import Store
from padre_git.backends.memory import MemoryBackend
from tests.artifacts.conftest import damage, write
from tests.conftest import git


@pytest.fixture
def run(store: Store) -> Run:
    with store.start_run("iris/svm", {"C": 1.0}) as run:
        run.log_metric("accuracy", 0.9)
    return store.runs.get(run.key)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write(tmp_path / "model" / "weights.bin", b"weights")
    write(tmp_path / "model" / "sub" / "config.json", b"{}")
    return tmp_path / "model"


def names(store: Store, owner: object) -> list[str]:
    return [artifact.name for artifact in store.artifacts.list(owner)]


def test_a_file_is_put_and_got(store: Store, run: Run, tmp_path: Path):
    [kept] = store.artifacts.put(run, write(tmp_path / "roc.png", b"png"))
    assert (kept.owner, kept.name, kept.size) == (run.key, "roc.png", 3)
    path = store.artifacts.get(run, "roc.png")
    assert (path.name, path.read_bytes()) == ("roc.png", b"png")
    with store.artifacts.open(run, "roc.png") as stream:
        assert stream.read() == b"png"
    assert store.artifacts.list(run) == [kept]


def test_a_directory_is_put_and_got(store: Store, run: Run, model: Path):
    store.artifacts.put(run, model)
    assert names(store, run) == ["model/sub/config.json", "model/weights.bin"]
    assert (store.artifacts.get(run, "model") / "sub" / "config.json").read_bytes() == b"{}"
    assert store.artifacts.get(run, "model/weights.bin").read_bytes() == b"weights"
    assert (store.artifacts.get(run) / "model" / "weights.bin").read_bytes() == b"weights"


def test_one_put_is_one_commit_that_says_so_and_the_clone_is_clean(
    store: Store, run: Run, model: Path
):
    project = store.project_path("iris")
    before = git("rev-list", "--count", "HEAD", cwd=project)
    store.artifacts.put(run, model, "final/model")
    assert int(git("rev-list", "--count", "HEAD", cwd=project)) == int(before) + 1
    assert "add final/model" in git("log", "-1", "--format=%s", cwd=project)
    assert git("status", "--porcelain", cwd=project) == ""
    assert "artifacts.dvc" in git("show", "--name-only", "--format=", "HEAD", cwd=project)
    store.artifacts.put(run, model, "final/model")
    assert int(git("rev-list", "--count", "HEAD", cwd=project)) == int(before) + 1


def test_the_rest_of_the_run_stays(store: Store, run: Run, model: Path):
    store.artifacts.put(run, model)
    assert store.runs.get(run.key) == run


def test_artifacts_are_added_replaced_and_deleted(store: Store, run: Run, tmp_path: Path):
    store.artifacts.put(run, write(tmp_path / "a", b"1"))
    store.artifacts.put(run, write(tmp_path / "b", b"2"))
    store.artifacts.put(run, write(tmp_path / "c", b"3"), "a")
    assert names(store, run) == ["a", "b"]
    assert store.artifacts.get(run, "a").read_bytes() == b"3"
    store.artifacts.delete(run, "a")
    assert names(store, run) == ["b"]
    for read in (store.artifacts.get, store.artifacts.open):
        with pytest.raises(NotFoundError, match=f"no artifact 'a' in '{run.key}'"):
            read(run, "a")
    store.artifacts.delete(run, "b")
    assert names(store, run) == []
    with pytest.raises(NotFoundError):
        store.artifacts.delete(run, "b")
    with pytest.raises(NotFoundError):
        store.artifacts.get(run, "b")
    with pytest.raises(NotFoundError):
        store.artifacts.get(run)


def test_what_was_deleted_is_still_there_in_history(store: Store, run: Run, tmp_path: Path):
    store.artifacts.put(run, write(tmp_path / "a", b"1"))
    then = git("rev-parse", "HEAD", cwd=store.project_path("iris")).strip()
    store.artifacts.delete(run, "a")
    assert store.artifacts.get(run, "a", at=then).read_bytes() == b"1"
    assert [artifact.name for artifact in store.artifacts.list(run, at=then)] == ["a"]


def test_what_was_logged_is_an_artifact_and_large_parts_are_not(store: Store, tmp_path: Path):
    with store.start_run("iris/svm") as run:
        run.log_artifact(write(tmp_path / "a", b"1"))
        for step in range(8000):
            run.log_metric("loss", 1 / (step + 1), step=step)
    assert names(store, run.key) == ["a"]
    store.artifacts.put(run.key, write(tmp_path / "b", b"2"))
    assert names(store, run.key) == ["a", "b"]
    assert len(store.runs.series(run.key)) == 8000


def test_a_dataset_has_the_version_of_its_data(store: Store, model: Path, tmp_path: Path):
    store.ensure("iris")
    dataset = store.datasets.put(Dataset(project="iris", name="iris-data"))
    assert dataset.version is None
    store.artifacts.put(dataset, write(tmp_path / "iris.csv", b"1,2\n"))
    first = store.datasets.get(dataset.key).version
    assert first is not None
    assert first.startswith("md5:")
    assert names(store, dataset) == ["iris.csv"]
    store.artifacts.put(dataset, model)
    assert names(store, dataset) == ["sub/config.json", "weights.bin"]
    assert store.datasets.get(dataset.key).version not in (None, first)
    assert (store.artifacts.get(dataset, "data") / "weights.bin").read_bytes() == b"weights"
    store.artifacts.delete(dataset, "sub")
    store.artifacts.delete(dataset, "weights.bin")
    assert store.datasets.get(dataset.key).version is None


def test_what_dvc_added_is_the_data_of_a_dataset(store: Store, tmp_path: Path):
    from padre_git.artifacts import place, pointer_to, write_pointer

    store.ensure("iris")
    dataset = store.datasets.put(Dataset(project="iris", name="iris-data"))
    project = store.project_path("iris")
    assert store.data is not None
    data = store.data.of("iris")
    placed = place(data.cache, write(tmp_path / "x", b"1,2\n"))
    pointer = write_pointer(pointer_to(data.cache, "data", placed))
    write(project / "datasets" / "iris-data" / "data.dvc", pointer)
    git("add", "-A", cwd=project)
    git("commit", "-q", "-m", "dvc add", cwd=project)
    assert names(store, dataset) == ["data"]
    assert store.artifacts.get(dataset).read_bytes() == b"1,2\n"
    with pytest.raises(InvalidInputError, match="single file"):
        store.artifacts.put(dataset, tmp_path / "x")
    store.artifacts.delete(dataset, "data")
    assert names(store, dataset) == []


def test_many_artifacts_are_one_commit_in_a_transaction(store: Store, run: Run, tmp_path: Path):
    project = store.project_path("iris")
    before = int(git("rev-list", "--count", "HEAD", cwd=project))
    with store.transaction("iris", "two models"):
        other = store.runs.put(Run(execution=run.execution))
        dataset = store.datasets.put(Dataset(project="iris", name="iris-data"))
        for owner in (run, other, dataset):
            store.artifacts.put(owner, write(tmp_path / "a", b"1"))
            store.artifacts.put(owner, write(tmp_path / "b", b"2"))
    assert int(git("rev-list", "--count", "HEAD", cwd=project)) == before + 1
    for owner in (run.key, other.key, dataset.key):
        assert names(store, owner) == ["a", "b"]
    assert store.runs.get(run.key) == run
    assert store.datasets.get(dataset.key).version is not None


def test_a_failed_transaction_leaves_no_artifact(store: Store, run: Run, tmp_path: Path):
    def fail() -> None:
        with store.transaction("iris", "a model"):
            store.artifacts.put(run, write(tmp_path / "a", b"1"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert names(store, run) == []


@pytest.mark.parametrize("name", ["../x", "/x", ".git/hooks/pre-commit", "a\\b", "", "log.txt"])
def test_names_that_cannot_be_are_refused(store: Store, run: Run, tmp_path: Path, name: str):
    head = git("rev-parse", "HEAD", cwd=store.project_path("iris"))
    with pytest.raises((ArtifactError, InvalidInputError)):
        store.artifacts.put(run, write(tmp_path / "x", b"1"), name)
    assert git("rev-parse", "HEAD", cwd=store.project_path("iris")) == head


def test_what_is_not_there_is_not_found(store: Store, run: Run, tmp_path: Path):
    with pytest.raises(NotFoundError):
        store.artifacts.put(run, tmp_path / "nothing")
    with pytest.raises(NotFoundError):
        store.artifacts.put("iris/svm/zzzzzz", write(tmp_path / "x", b"1"))
    with pytest.raises(NotFoundError):
        store.artifacts.get(run, "nothing")


def test_experiments_have_no_artifacts(store: Store, run: Run, tmp_path: Path):
    with pytest.raises(InvalidInputError):
        store.artifacts.put(store.experiments.get("iris/svm"), write(tmp_path / "x", b"1"))


def test_a_store_without_clones_keeps_no_artifacts(tmp_path: Path):
    with Store(MemoryBackend()) as store:
        store.ensure("iris")
        dataset = store.datasets.put(Dataset(project="iris", name="d"))
        with pytest.raises(UnsupportedError):
            store.artifacts.put(dataset, write(tmp_path / "x", b"1"))
        assert store.artifacts.list(dataset) == []


def test_files_can_be_given_away(store: Store, run: Run, tmp_path: Path):
    source = write(tmp_path / "big", b"1")
    store.artifacts.put(run, source, move=True)
    assert not source.exists()
    assert store.artifacts.get(run, "big").read_bytes() == b"1"


def test_files_that_are_given_away_in_a_transaction_go_when_it_is_committed(
    store: Store, run: Run, tmp_path: Path
):
    source = write(tmp_path / "big", b"1")
    with suppress(KeyError), store.transaction("iris", "not this time"):
        store.artifacts.put(run, source, move=True)
        raise KeyError
    assert source.read_bytes() == b"1"
    with store.transaction("iris", "all of it"):
        store.artifacts.put(run, source, move=True)
        assert source.exists()
    assert not source.exists()
    assert store.artifacts.get(run, "big").read_bytes() == b"1"


def test_damage_is_never_handed_out(store: Store, run: Run, tmp_path: Path):
    [kept] = store.artifacts.put(run, write(tmp_path / "a", b"right"))
    assert store.data is not None
    damage(store.data.of("iris").cache.path(kept.md5), b"wrong")
    with pytest.raises(ArtifactCorruptError, match=kept.md5):
        store.artifacts.open(run, "a")
    with pytest.raises(ArtifactCorruptError, match=kept.md5):
        store.artifacts.get(run, "a")


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "lab").mkdir()
    return tmp_path / "lab"


@pytest.fixture
def sharing(tmp_path: Path, lab: Path) -> Iterator[Store]:
    with open_store(tmp_path / "ada", remote=str(lab)) as store:
        yield store


def test_data_is_published_with_the_record_and_read_elsewhere(
    sharing: Store, lab: Path, model: Path, tmp_path: Path
):
    with sharing.start_run("iris/svm") as run:
        run.log_artifact(model)
    sharing.flush()
    sharing.artifacts.put(run.key, write(tmp_path / "roc.png", b"png"))
    assert (lab / "iris.dvc" / "files" / "md5").is_dir()
    with open_store(tmp_path / "bob", remote=str(lab)) as elsewhere:
        assert names(elsewhere, run.key) == names(sharing, run.key)
        path = elsewhere.artifacts.get(run.key, "roc.png")
        assert path.read_bytes() == b"png"
        assert path.is_relative_to(tmp_path / "bob")
        assert (elsewhere.artifacts.get(run.key, "model") / "weights.bin").read_bytes()


def test_a_record_is_not_published_without_its_data(sharing: Store, lab: Path, tmp_path: Path):
    with sharing.start_run("iris/svm") as run:
        run.log_param("C", 1)
    sharing.flush()
    published = git("rev-parse", "main", cwd=lab / "iris.git")
    shutil.rmtree(lab / "iris.dvc", ignore_errors=True)
    (lab / "iris.dvc").write_bytes(b"not a directory")
    with pytest.raises(ArtifactError, match="cannot make"):
        sharing.artifacts.put(run.key, write(tmp_path / "a", b"1"))
    assert names(sharing, run.key) == ["a"]
    assert git("rev-parse", "main", cwd=lab / "iris.git") == published
    (lab / "iris.dvc").unlink()
    sharing.sync("iris")
    assert git("rev-parse", "main", cwd=lab / "iris.git") != published


def test_data_that_no_place_has_is_named(sharing: Store, lab: Path, tmp_path: Path):
    with sharing.start_run("iris/svm") as run:
        run.log_artifact(write(tmp_path / "a", b"1"))
    sharing.flush()
    [kept] = sharing.artifacts.list(run.key)
    for cache in (lab / "iris.dvc", sharing.project_path("iris") / ".git" / "padre" / "cache"):
        (cache / "files" / "md5" / kept.md5[:2] / kept.md5[2:]).unlink()
    with pytest.raises(ArtifactMissingError, match=kept.md5):
        sharing.artifacts.get(run.key, "a")


def test_two_people_add_to_one_run_at_once(store: Store, run: Run, tmp_path: Path):
    def put(n: int) -> None:
        with open_store(tmp_path / "store", policy="manual") as own:
            for i in range(5):
                own.artifacts.put(run.key, write(tmp_path / f"{n}-{i}", b"%d" % n))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(put, range(3)))
    assert names(store, run) == sorted(f"{n}-{i}" for n in range(3) for i in range(5))


def test_what_was_given_away_for_nothing_comes_back(
    store: Store, run: Run, model: Path, tmp_path: Path
):
    store.artifacts.put(run, write(tmp_path / "file", b"1"), "a")
    pointer = next(store.project_path("iris").rglob("artifacts.dvc"))
    pointer.write_bytes(b"a person is editing this\n")
    with pytest.raises(ConflictError):
        store.artifacts.put(run, model, move=True)
    assert (model / "weights.bin").read_bytes() == b"weights"
    assert (model / "sub" / "config.json").read_bytes() == b"{}"
    assert (model / "weights.bin").stat().st_nlink == 1
    assert os.access(model / "weights.bin", os.W_OK)

"""Where the data of clones is shared: beside the remote, where people say, or nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.api.data import DataPlaces
from padre_git.api.opening import open_store
from padre_git.api.store import Store
from padre_git.errors import ArtifactError, NotFoundError
from padre_git.messages import Event, Notice
from padre_git.model import Dataset, Key, Project
from tests.conftest import git


def record(store: Store, model: Path) -> Key:
    model.write_bytes(b"weights" * 1000)
    with store.start_run("iris/svm") as run:
        run.log_artifact(model)
    return run.key


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "lab").mkdir()
    return tmp_path / "lab"


def test_data_is_shared_beside_the_remote(tmp_path: Path, lab: Path) -> None:
    with open_store(tmp_path / "here", remote=lab) as store:
        key = record(store, tmp_path / "model.bin")
        store.flush()
    assert (lab / "iris.dvc").is_dir()
    with open_store(tmp_path / "there", remote=lab) as other:
        assert other.artifacts.get(key, "model.bin").read_bytes() == b"weights" * 1000


def test_data_is_shared_where_people_say(tmp_path: Path, lab: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with open_store(tmp_path / "here", remote=lab, artifacts=data) as store:
        key = record(store, tmp_path / "model.bin")
        store.flush()
    assert any(data.iterdir())
    assert not (lab / "iris.dvc").exists()
    with open_store(tmp_path / "there", remote=lab, artifacts=data) as other:
        assert other.artifacts.get(key, "model.bin").read_bytes() == b"weights" * 1000
    with (
        open_store(tmp_path / "elsewhere", remote=lab) as third,
        pytest.raises(ArtifactError),
    ):
        third.artifacts.get(key, "model.bin")


def test_data_that_stays_here_is_told_once(tmp_path: Path) -> None:
    store = open_store(tmp_path / "here")
    record(store, tmp_path / "model.bin")
    path = store.project_path("iris")
    commits = git("rev-list", "main", cwd=path).split()
    told: list[Event] = []
    places = DataPlaces(tmp_path / "here", None, None, told.append)
    for _ in range(2):
        places.publish(path, path / ".git", commits)
    assert [type(event) for event in told] == [Notice]
    assert "stays in this clone" in str(told[0])


def test_a_dataset_that_is_put_again_keeps_its_data_and_version(tmp_path: Path) -> None:
    store = open_store(tmp_path / "here")
    store.projects.put(Project(name="iris"))
    store.datasets.put(Dataset(project="iris", name="flowers"))
    (tmp_path / "flowers.csv").write_text("a,b\n1,2\n")
    store.artifacts.put("iris/flowers", tmp_path / "flowers.csv")
    version = store.datasets.get("iris/flowers").version
    assert version is not None
    again = store.datasets.put(Dataset(project="iris", name="flowers", title="Flowers"))
    assert (again.title, again.version) == ("Flowers", version)
    subject = store.datasets.history("iris/flowers")[0].subject
    assert subject == "change dataset flowers: title"
    store.artifacts.delete("iris/flowers", "flowers.csv")
    assert store.datasets.get("iris/flowers").version is None


def test_without_a_clone_there_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no clone of project 'iris'"):
        DataPlaces(tmp_path, None, None, print).of("iris")

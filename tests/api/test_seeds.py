"""The seeds' names: what they promise, on a clone, a remote and a second clone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from padre_git import DualBackend
from padre_git.api.opening import open_store
from padre_git.api.store import Store
from padre_git.backends import MemoryBackend
from padre_git.errors import InvalidInputError, NotFoundError, UnsupportedError
from padre_git.model import (
    Code,
    Computation,
    Dataset,
    Execution,
    Experiment,
    Key,
    Project,
    Results,
    Run,
    Split,
)
from tests.conftest import git

CODE = Code(package="sklearn", version="1.7.2")
SVM = Experiment(project="iris", name="svm", title="baseline")


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "lab").mkdir()
    return tmp_path / "lab"


@pytest.fixture
def here(tmp_path: Path, lab: Path) -> Iterator[DualBackend]:
    with DualBackend(tmp_path / "here", remote=lab, policy="always") as backend:
        yield backend


@pytest.fixture
def there(tmp_path: Path, lab: Path) -> Iterator[DualBackend]:
    with DualBackend(tmp_path / "there", remote=lab, policy="always") as backend:
        yield backend


def stored_run(backend: DualBackend) -> Run:
    backend.put_experiment(SVM)
    execution = backend.put_execution(Execution(experiment=SVM.key, code=CODE))
    return backend.put_run(Run(execution=execution.key, seed=7, metrics={"accuracy": 0.9}))


def test_an_experiment_that_is_put_is_on_disk_and_at_the_server_and_has_its_url(
    here: DualBackend, lab: Path
) -> None:
    stored = here.put_experiment(SVM)
    url = f"file://{lab}/iris.git#experiments/svm"
    assert stored.url == url
    document = here.store.project_path("iris") / "experiments" / "svm" / "experiment.yaml"
    assert f'\nurl: "{url}"\n' in document.read_text()
    at_server = git("show", "main:experiments/svm/experiment.yaml", cwd=lab / "iris.git")
    assert at_server == document.read_text()


def test_a_name_uploads_what_is_stored(tmp_path: Path, lab: Path, there: DualBackend) -> None:
    with DualBackend(tmp_path / "offline", remote=lab, policy="manual") as backend:
        assert backend.put_experiment(SVM).url is None
        assert not (lab / "iris.git").exists()
        uploaded = backend.put_experiment("iris/svm")
        assert uploaded.url == f"file://{lab}/iris.git#experiments/svm"
        assert backend.get_experiment("iris/svm").url == uploaded.url, "it is on disk, too"
    assert there.get_experiment("iris/svm") == SVM


def test_a_name_that_is_not_stored_cannot_be_uploaded(here: DualBackend) -> None:
    with pytest.raises(NotFoundError):
        here.put_experiment("iris/svm")
    for wrong in (None, 3, {"name": "svm"}):
        with pytest.raises(InvalidInputError):
            here.put_experiment(wrong)  # type: ignore[arg-type]


def test_uploading_twice_changes_nothing(here: DualBackend, lab: Path) -> None:
    here.put_experiment(SVM)
    before = git("rev-parse", "main", cwd=lab / "iris.git")
    here.put_experiment(SVM)
    here.put_experiment("iris/svm")
    assert git("rev-parse", "main", cwd=lab / "iris.git") == before


def test_getting_downloads_what_is_not_here_or_newer(here: DualBackend, there: DualBackend) -> None:
    url = here.put_experiment(SVM).url
    assert url is not None
    assert there.get_experiment(url) == there.get_experiment("iris/svm") == SVM
    assert there.store.project_path("iris").is_dir()
    here.put_experiment(SVM.replace(title="newer"))
    assert there.get_experiment(url).title == "newer"


def test_without_the_server_the_cache_answers(
    here: DualBackend, there: DualBackend, lab: Path
) -> None:
    here.put_experiment(SVM)
    assert there.get_experiment("iris/svm") == SVM
    lab.rename(lab.with_name("gone"))
    assert there.get_experiment("iris/svm") == SVM
    assert [e.name for e in there.list_experiments()] == ["svm"]


def test_lists_have_what_is_here_and_there_once(here: DualBackend, there: DualBackend) -> None:
    here.put_experiment(SVM)
    there.put_experiment(Experiment(project="iris", name="forest", seed=1))
    there.put_experiment(Experiment(project="digits", name="cnn"))
    names = [e.key.text for e in here.list_experiments()]
    assert names == ["digits/experiments/cnn", "iris/experiments/forest", "iris/experiments/svm"]
    assert [e.name for e in here.list_experiments("iris", start=1, count=5)] == ["svm"]
    assert [e.name for e in here.list_experiments(search="seed = 1")] == ["forest"]
    assert [p.name for p in here.list_projects()] == ["digits", "iris"]


def test_deleting_locally_leaves_the_server_alone(here: DualBackend, there: DualBackend) -> None:
    here.put_experiment(SVM)
    here.delete_experiment(SVM, "local")
    document = here.store.project_path("iris") / "experiments" / "svm" / "experiment.yaml"
    assert not document.exists()
    assert there.get_experiment("iris/svm") == SVM
    assert here.get_experiment("iris/svm") == SVM
    assert document.exists(), "asked for, it came back"


def test_deleting_remotely_keeps_the_copy_here(here: DualBackend, there: DualBackend) -> None:
    here.put_experiment(SVM)
    here.delete_experiment("iris/svm", "remote")
    assert here.get_experiment("iris/svm") == SVM
    assert here.get_experiment("iris/svm").url is None
    with pytest.raises(NotFoundError):
        there.get_experiment("iris/svm")


@pytest.mark.parametrize("by", ["iris/svm", SVM, SVM.key])
def test_deleting_everywhere_works_by_name_and_by_instance(
    here: DualBackend, there: DualBackend, by: Any
) -> None:
    here.put_experiment(SVM)
    there.get_experiment("iris/svm")
    here.delete_experiment(by)
    for backend in (here, there):
        with pytest.raises(NotFoundError):
            backend.get_experiment("iris/svm")


@pytest.mark.parametrize("mode", ["both", "", "Remote", None])
def test_an_unknown_mode_is_an_error_and_deletes_nothing(here: DualBackend, mode: Any) -> None:
    here.put_experiment(SVM)
    with pytest.raises(InvalidInputError, match="of deleting"):
        here.delete_experiment("iris/svm", mode)
    assert here.get_experiment("iris/svm") == SVM


def test_runs_splits_results_and_metrics_go_both_ways(
    here: DualBackend, there: DualBackend
) -> None:
    run = stored_run(here)
    split = Split(run=run.key, number=0, train=[0, 1, 2], test=[3, 4])
    results = Results(truth=[1, 0], predicted=[1, 1], probabilities=[[0.1, 0.9], [0.3, 0.7]])
    here.put_split(split)
    here.put_results(run, 0, results)
    here.put_metrics(run, {"f1": 0.5}, 0)
    here.put_metrics(run, {"f1": 0.6})
    here.put_split(split)
    whole = split.replace(results=results, metrics={"f1": 0.5})
    assert there.get_split(run.key, 0) == whole == there.list_splits(run.key)[0]
    assert there.get_results(run.key, 0) == results
    assert dict(there.get_metrics(run.key, 0)) == {"f1": 0.5}
    assert dict(there.get_metrics(run.key)) == {"accuracy": 0.9, "f1": 0.6}
    assert there.get_run(run.key).seed == 7
    assert [r.id for r in there.list_runs("iris/svm", search="metrics.f1 > 0.5")] == [run.id]
    assert there.put_run(str(run.key)).url == f"{there.get_project('iris').url}#{run.key.path}"
    here.delete_split(run, 0)
    with pytest.raises(NotFoundError):
        there.get_split(run.key, 0)


def test_results_may_come_before_their_split(here: DualBackend) -> None:
    run = stored_run(here)
    results = Results(truth=[1], predicted=[0])
    here.put_results(run, 2, results)
    here.put_metrics(run, {"f1": 0.0}, 2)
    here.put_split(Split(run=run.key, number=2, test=[9]))
    stored = here.get_split(run, 2)
    assert (stored.results, dict(stored.metrics)) == (results, {"f1": 0.0})
    here.put_split(Split(run=run.key, number=3, test=[1]))
    with pytest.raises(NotFoundError, match="has no results"):
        here.get_results(run, 3)


def test_a_dataset_is_put_with_its_data_and_got_with_or_without(
    here: DualBackend, there: DualBackend
) -> None:
    first = here.put_dataset(Dataset(project="iris", name="iris-data"), data=np.arange(3))
    here.put_dataset(Dataset(project="iris", name="iris-data"), data=np.arange(4))
    cache = there.store.project_path("iris") / ".git" / "padre" / "cache"
    assert there.get_dataset("iris/iris-data").version != first.version
    assert not list(cache.rglob("files/md5/*/*"))
    old = f"iris/iris-data@{first.version}"
    assert there.get_dataset(old, metadata_only=False).version == first.version
    assert list(cache.rglob("files/md5/*/*"))
    assert len(np.load(there.store.datasets.data(old) / "iris-data.npy")) == 3
    with pytest.raises(InvalidInputError, match="not with a name"):
        here.put_dataset("iris/iris-data", data=np.arange(3))


def test_every_other_kind_has_its_verbs(here: DualBackend, there: DualBackend) -> None:
    assert here.put_project(Project(name="digits", title="Digits")).url
    assert there.get_project("digits").title == "Digits"
    assert here.put_dataset(Dataset(project="iris", name="iris-data")).url
    assert there.get_dataset("iris/iris-data").name == "iris-data"
    assert [d.name for d in there.list_datasets("iris", search="name ~ iris")] == ["iris-data"]
    run = stored_run(here)
    here.put_computation(Computation(run=run.key, name="fit"))
    assert there.get_computation(run.key, "fit").name == "fit"
    assert len(there.list_computations(run.key)) == 1
    here.delete_computation(run, "fit")
    execution = here.list_executions("iris/svm")[0]
    assert there.get_execution(execution.key) == execution
    assert here.put_experiment_configuration("iris/svm", {"C": 10}).parameters == {"C": 10}
    assert there.get_experiment_configuration("iris/svm") == {"C": 10}
    here.delete_run(run)
    here.delete_execution(execution)
    here.delete_dataset("iris/iris-data")
    assert there.list_runs() == there.list_executions() == there.list_datasets() == []
    here.delete_project("digits")
    with pytest.raises(NotFoundError):
        there.get_project("digits")


def test_two_people_put_at_once_and_sync(here: DualBackend, there: DualBackend) -> None:
    here.put_experiment(SVM)
    there.put_experiment(Experiment(project="iris", name="forest"))
    for backend in (here, there):
        backend.pull("iris")
        backend.push("iris")
        backend.sync("iris")
    assert here.list_experiments() == there.list_experiments()


def test_it_is_a_face_of_a_store(tmp_path: Path) -> None:
    store = Store(MemoryBackend())
    backend = DualBackend(store)
    assert backend.store is store
    assert backend.put_experiment(SVM) == SVM
    assert store.projects.exists("iris")
    with pytest.raises(UnsupportedError, match="has no remote"):
        backend.put_experiment("iris/svm")
    with pytest.raises(InvalidInputError, match="takes no options: remote"):
        DualBackend(store, remote=tmp_path)


def test_a_url_of_elsewhere_is_not_taken_for_ours(here: DualBackend) -> None:
    here.put_experiment(SVM)
    with pytest.raises(NotFoundError, match="no project of this store is published at"):
        here.get_experiment("https://example.org/iris.git#experiments/svm")


def test_renamed_experiments_are_followed_by_other_clones(
    here: DualBackend, there: DualBackend
) -> None:
    run = stored_run(here)
    assert there.get_run(run.key) == run
    here.store.experiments.rename("iris/svm", "svm-rbf")
    assert there.get_experiment("iris/svm").name == "svm-rbf"
    moved = Key.project_named("iris").experiment("svm-rbf").run(str(run.id))
    assert there.get_run(run.key).key == moved


def test_names_are_found_in_projects_that_are_not_here_yet(
    here: DualBackend, there: DualBackend
) -> None:
    run = stored_run(here)
    assert there.get_run(str(run.id)[-12:-4]) == run
    assert there.get_experiment("svm") == SVM


def test_a_store_reopened_elsewhere_reads_the_same(
    here: DualBackend, tmp_path: Path, lab: Path
) -> None:
    run = stored_run(here)
    with open_store(tmp_path / "fresh", remote=lab) as store:
        assert store.runs.get(run.key) == run

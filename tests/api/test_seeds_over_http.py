"""The seeds, row by row, over smart HTTP with a password: each test is named after what they say.

``here`` and ``there`` are two people with clones of their own; the server is nginx in front of
git's own program.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from padre_git import (
    Array,
    Code,
    Computation,
    Dataset,
    DualBackend,
    Execution,
    Experiment,
    HttpBackend,
    HttpClient,
    Project,
    Results,
    Run,
    Split,
)
from padre_git.errors import (
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    RemoteUnavailableError,
)
from tests.conftest import git
from tests.servers import Server

CODE = Code(package="sklearn", version="1.7.2")
SVM = Experiment(project="iris", name="svm", title="baseline")
FOREST = Experiment(project="iris", name="forest", seed=1)


@pytest.fixture
def lab(nginx: Server) -> Server:
    """Is the server; its administrator has made a repository for the project."""
    nginx.create("iris")
    return nginx


def opened(root: Path, lab: Server, **options: Any) -> HttpBackend:
    backend = HttpBackend(root, lab.base, **options)
    backend.authenticate(lab.user, lab.secret)
    return backend


@pytest.fixture
def here(tmp_path: Path, lab: Server) -> Iterator[HttpBackend]:
    with opened(tmp_path / "here", lab, artifacts=tmp_path / "data") as backend:
        yield backend


@pytest.fixture
def there(tmp_path: Path, lab: Server) -> Iterator[HttpBackend]:
    with opened(tmp_path / "there", lab, artifacts=tmp_path / "data") as backend:
        yield backend


def document(backend: DualBackend, name: str = "svm") -> Path:
    """Returns the metadata file of an experiment on disk."""
    return backend.store.project_path("iris") / "experiments" / name / "experiment.yaml"


def at_server(lab: Server, name: str = "svm") -> str:
    """Returns the metadata file of an experiment at the server; empty if it is not there."""
    return git(
        "show", f"main:experiments/{name}/experiment.yaml", cwd=lab.bare("iris"), check=False
    )


def stored_run(backend: HttpBackend) -> Run:
    backend.experiments.put_experiment(SVM)
    execution = backend.experiments.put_execution(Execution(experiment=SVM.key, code=CODE))
    return backend.experiments.put_run(
        Run(execution=execution.key, seed=7, metrics={"accuracy": 0.9})
    )


# -- base class of the HTTP backend: PadreHTTPClient ------------------------------------------


def test_base_client_set_up_server_information(lab: Server) -> None:
    client = HttpClient(lab.base)
    assert client.origin == f"http://{lab.host}:{lab.port}"
    assert client.url == lab.base
    assert client.server.software == "plain"


def test_base_client_authenticate(lab: Server) -> None:
    client = HttpClient(lab.base)
    with pytest.raises(AuthenticationError):
        client.authenticate(lab.user, "wrong")
    client.authenticate(lab.user, lab.secret)
    assert client.is_token_valid()


def test_base_client_check_if_client_is_online(lab: Server) -> None:
    assert HttpClient(lab.base).online
    assert not HttpClient("http://127.0.0.1:9").online


def test_base_client_get_access_token(lab: Server) -> None:
    client = HttpClient(lab.base)
    assert not client.has_token()
    with pytest.raises(AuthenticationError):
        client.get_access_token()
    client.authenticate(lab.user, lab.secret)
    assert client.has_token()
    assert client.get_access_token() == lab.secret


def test_base_client_generic_http_calls(lab: Server) -> None:
    client = HttpClient(lab.base)
    path = "iris.git/info/refs"
    with pytest.raises(AuthenticationError):
        client.get(path, query={"service": "git-upload-pack"})
    client.authenticate(lab.user, lab.secret)
    response = client.get(path, query={"service": "git-upload-pack"})
    assert (response.status, response.body[:8]) == (200, b"001e# se")
    kind = {"Content-Type": "application/x-git-upload-pack-request"}
    assert client.post("iris.git/git-upload-pack", data=b"0000", headers=kind).status == 200
    for verb in (client.put, client.patch, client.delete):
        with pytest.raises(Exception, match="answered 40"):
            verb("iris.git/info/refs")


def test_base_client_functions_are_the_backends_too(here: HttpBackend, lab: Server) -> None:
    assert here.online
    assert here.server.software == "plain"
    assert here.has_token()
    assert here.is_token_valid()
    assert here.get_access_token() == lab.secret
    response = here.get("iris.git/info/refs", query={"service": "git-upload-pack"})
    assert response.body[:8] == b"001e# se"
    for verb in (here.post, here.put, here.patch, here.delete):
        with pytest.raises(Exception, match="answered 40"):
            verb("iris.git/HEAD")


# -- HTTP experiments backend -----------------------------------------------------------------


def test_http_experiments_put_experiment(here: HttpBackend, lab: Server) -> None:
    stored = here.experiments.put_experiment(SVM)
    assert stored == SVM
    assert stored.url == f"{lab.base}/iris.git#experiments/svm"
    assert "baseline" in at_server(lab)


def test_http_experiments_get_experiment(here: HttpBackend, there: HttpBackend) -> None:
    url = here.experiments.put_experiment(SVM).url
    assert there.experiments.get_experiment(str(url)) == SVM
    assert there.experiments.get_experiment("iris/svm") == SVM
    assert there.experiments.get_experiment(SVM.key) == SVM
    with pytest.raises(NotFoundError):
        there.experiments.get_experiment("iris/none")


def test_http_experiments_list_experiments(here: HttpBackend, there: HttpBackend) -> None:
    here.experiments.put_experiment(SVM)
    there.experiments.put_experiment(FOREST)
    listed = here.experiments.list_experiments
    assert [e.name for e in listed("iris")] == ["forest", "svm"]
    assert [e.name for e in listed("iris", search="seed = 1")] == ["forest"]
    assert [e.name for e in listed("iris", start=1, count=1)] == ["svm"]


def test_http_experiments_delete_experiment(here: HttpBackend, there: HttpBackend) -> None:
    here.experiments.put_experiment(SVM)
    here.experiments.delete_experiment("iris/svm")
    for backend in (here, there):
        with pytest.raises(NotFoundError):
            backend.experiments.get_experiment("iris/svm")


def test_http_experiments_put_run(here: HttpBackend, lab: Server) -> None:
    run = stored_run(here)
    assert run.url == f"{lab.base}/iris.git#{run.key.path}"
    assert here.experiments.put_run(str(run.key)) == run


def test_http_experiments_get_run(here: HttpBackend, there: HttpBackend) -> None:
    run = stored_run(here)
    found = there.experiments.get_run(run.key)
    assert found == run
    assert (found.seed, dict(found.metrics)) == (7, {"accuracy": 0.9})
    assert there.experiments.list_runs("iris/svm", search="seed = 7") == [run]
    there.experiments.delete_run(run)
    assert here.experiments.list_runs("iris/svm") == []


def test_http_experiments_put_split(here: HttpBackend) -> None:
    run = stored_run(here)
    split = Split(run=run.key, number=0, train=Array([2, 0, 1]), test=Array([4, 3]))
    assert here.experiments.put_split(split) == split


def test_http_experiments_get_split(here: HttpBackend, there: HttpBackend) -> None:
    run = stored_run(here)
    split = Split(run=run.key, number=0, train=Array([2, 0, 1]), test=Array([4, 3]))
    here.experiments.put_split(split)
    found = there.experiments.get_split(run.key, 0)
    assert found.train == Array([2, 0, 1]), "the order is kept"
    assert there.experiments.list_splits(run.key) == [split]
    there.experiments.delete_split(run.key, 0)
    with pytest.raises(NotFoundError):
        here.experiments.get_split(run.key, 0)


def test_http_experiments_metrics_and_results_information(
    here: HttpBackend, there: HttpBackend
) -> None:
    run = stored_run(here)
    results = Results(
        truth=Array([1, 0]), predicted=Array([1, 1]), probabilities=Array([[0.1, 0.9], [0.3, 0.7]])
    )
    here.experiments.put_results(run, 0, results)
    here.experiments.put_metrics(run, {"f1": 0.5}, 0)
    here.experiments.put_metrics(run, {"f1": 0.6})
    assert there.experiments.get_results(run.key, 0) == results
    assert dict(there.experiments.get_metrics(run.key, 0)) == {"f1": 0.5}
    assert dict(there.experiments.get_metrics(run.key)) == {"accuracy": 0.9, "f1": 0.6}


def test_http_experiments_configuration(here: HttpBackend, there: HttpBackend) -> None:
    here.experiments.put_experiment(SVM)
    here.experiments.put_experiment_configuration("iris/svm", {"C": 10})
    assert there.experiments.get_experiment_configuration("iris/svm") == {"C": 10}


def test_http_experiments_projects_executions_and_computations(
    here: HttpBackend, there: HttpBackend
) -> None:
    """Says the second page: backends link to each part, to retrieve the individual modules."""
    run = stored_run(here)
    here.put_project(Project(name="iris", title="Iris"))
    here.put_computation(Computation(run=run.key, name="fit"))
    assert there.get_project("iris").title == "Iris"
    assert [p.name for p in there.list_projects()] == ["iris"]
    (execution,) = there.list_executions("iris/svm")
    assert there.get_execution(execution.key).key == run.execution
    assert there.get_computation(run.key, "fit").name == "fit"


# -- HTTP datasets backend --------------------------------------------------------------------


def test_http_datasets_put_dataset(here: HttpBackend, lab: Server) -> None:
    stored = here.datasets.put_dataset(Dataset(project="iris", name="flowers"))
    assert stored.url == f"{lab.base}/iris.git#datasets/flowers"


def test_http_datasets_get_dataset(here: HttpBackend, there: HttpBackend) -> None:
    url = here.datasets.put_dataset(Dataset(project="iris", name="flowers")).url
    assert there.datasets.get_dataset(str(url)).name == "flowers"
    assert there.datasets.get_dataset("iris/flowers").name == "flowers"


def test_http_datasets_list_datasets(here: HttpBackend, there: HttpBackend) -> None:
    here.datasets.put_dataset(Dataset(project="iris", name="flowers"))
    there.datasets.put_dataset(Dataset(project="iris", name="leaves"))
    assert [d.name for d in here.datasets.list_datasets("iris")] == ["flowers", "leaves"]
    assert [d.name for d in here.datasets.list_datasets("iris", search="name ~ leaf")] == []


def test_http_datasets_delete_dataset(here: HttpBackend, there: HttpBackend) -> None:
    here.datasets.put_dataset(Dataset(project="iris", name="flowers"))
    there.datasets.delete_dataset("iris/flowers")
    assert here.datasets.list_datasets("iris") == []


def test_http_datasets_data(here: HttpBackend, there: HttpBackend, tmp_path: Path) -> None:
    here.datasets.put_dataset(Dataset(project="iris", name="flowers"))
    (tmp_path / "iris.csv").write_text("5.1,3.5\n")
    stored = here.datasets.put_data("iris/flowers", tmp_path / "iris.csv")
    assert stored == here.datasets.get_dataset("iris/flowers")
    found = there.datasets.get_data("iris/flowers")
    assert (found / "iris.csv").read_text() == "5.1,3.5\n"


# -- dual backend: put_experiment -------------------------------------------------------------


def test_put_experiment_an_instance_is_first_stored_to_disk(here: HttpBackend, lab: Server) -> None:
    lab.hook("iris", "pre-receive", "echo closed today >&2; exit 1")
    with pytest.raises(Exception, match="closed today"):
        here.put_experiment(SVM)
    assert "baseline" in document(here).read_text(), "it is on disk, whatever the server does"
    assert at_server(lab) == ""


def test_put_experiment_a_name_is_loaded_from_disk_and_stored_to_the_server(
    tmp_path: Path, lab: Server, there: HttpBackend
) -> None:
    with DualBackend(tmp_path / "offline", remote=lab.base, policy="manual") as backend:
        assert backend.put_experiment(SVM).url is None
        assert backend.store.client is not None
        backend.store.client.authenticate(lab.user, lab.secret)
        uploaded = backend.put_experiment("iris/svm")
        assert uploaded.url == f"{lab.base}/iris.git#experiments/svm"
    assert there.get_experiment("iris/svm") == SVM


def test_put_experiment_the_metadata_file_on_disk_receives_a_url(
    here: HttpBackend, lab: Server
) -> None:
    here.put_experiment(SVM)
    assert f'\nurl: "{lab.base}/iris.git#experiments/svm"\n' in document(here).read_text()
    assert at_server(lab) == document(here).read_text()


# -- dual backend: delete_experiment ----------------------------------------------------------


@pytest.mark.parametrize("by", [SVM, "iris/svm"], ids=["as class", "as string"])
def test_delete_experiment_all(here: HttpBackend, lab: Server, by: Any) -> None:
    here.put_experiment(SVM)
    here.delete_experiment(by, "all")
    assert at_server(lab) == "" or "deleted" in at_server(lab)
    with pytest.raises(NotFoundError):
        here.get_experiment("iris/svm")


@pytest.mark.parametrize("by", [SVM, "iris/svm"], ids=["as class", "as string"])
def test_delete_experiment_remote(here: HttpBackend, there: HttpBackend, by: Any) -> None:
    here.put_experiment(SVM)
    here.delete_experiment(by, "remote")
    assert here.get_experiment("iris/svm") == SVM
    with pytest.raises(NotFoundError):
        there.get_experiment("iris/svm")


@pytest.mark.parametrize("by", [SVM, "iris/svm"], ids=["as class", "as string"])
def test_delete_experiment_local(
    here: HttpBackend, there: HttpBackend, lab: Server, by: Any
) -> None:
    here.put_experiment(SVM)
    here.delete_experiment(by, "local")
    assert not document(here).exists()
    assert "baseline" in at_server(lab)
    assert there.get_experiment("iris/svm") == SVM


def test_delete_experiment_another_mode(here: HttpBackend) -> None:
    here.put_experiment(SVM)
    with pytest.raises(InvalidInputError):
        here.delete_experiment(SVM, "everywhere")
    assert here.get_experiment("iris/svm") == SVM


# -- dual backend: get_experiment -------------------------------------------------------------


def test_get_experiment_no_local_version_exists(here: HttpBackend, there: HttpBackend) -> None:
    url = here.put_experiment(SVM).url
    assert not there.store.project_path("iris").exists()
    assert there.get_experiment(str(url)) == SVM
    assert "baseline" in document(there).read_text(), "it is stored in the local file store"


def test_get_experiment_the_server_version_is_newer(here: HttpBackend, there: HttpBackend) -> None:
    here.put_experiment(SVM)
    there.get_experiment("iris/svm")
    here.put_experiment(SVM.replace(title="newer"))
    assert there.get_experiment("iris/svm").title == "newer"


def test_get_experiment_is_loaded_from_file_without_the_server(tmp_path: Path, lab: Server) -> None:
    """Says the seeds: the file backend is used as cache, transparently."""
    with opened(tmp_path / "away", lab) as backend:
        backend.put_experiment(SVM)
    with HttpBackend(tmp_path / "away") as backend:  # nobody has told it a password
        with pytest.raises(AuthenticationError):
            backend.put_experiment(FOREST)
        assert not backend.has_token()
    with HttpBackend(tmp_path / "away", "http://127.0.0.1:9/lab") as backend:
        assert backend.get_experiment("iris/svm") == SVM
        backend.put_experiment(SVM.replace(title="offline"))
        with pytest.raises(RemoteUnavailableError):
            backend.push("iris")
        assert backend.get_experiment("iris/svm").title == "offline"


def test_sync_file_cache_easily_with_the_http_server(here: HttpBackend, there: HttpBackend) -> None:
    here.put_experiment(SVM)
    there.put_experiment(FOREST)
    for backend in (here, there):
        backend.pull("iris")
        backend.push("iris")
        backend.sync("iris")
    assert here.list_experiments() == there.list_experiments()

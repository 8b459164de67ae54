"""A clone with a part of its project in the work tree, and plain DVC in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import padre_git
from padre_git.artifacts import ProjectData
from tests.artifacts.conftest import write
from tests.artifacts.test_dvc_command_line import Dvc, command_line, make_store
from tests.conftest import git
from tests.faults.limits import no_file_grows_beyond

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(params=["newest", pytest.param("lowest", marks=pytest.mark.nightly)])
def dvc(request: pytest.FixtureRequest) -> Dvc:
    """Runs plain dvc as a person would and returns what it prints."""
    return command_line(request.param)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[padre_git.Store]:
    """A store with a project whose runs are left out of the work tree."""
    with make_store(tmp_path) as made:
        made.leave_out("iris")
        yield made


def everything(store: padre_git.Store) -> dict[str, bytes]:
    """Reads all data of the store."""
    found = {}
    for run in store.runs.list("iris/svm"):
        for artifact in store.artifacts.list(run):
            path = store.artifacts.get(run, artifact.name)
            found[f"{run.id} {artifact.name}"] = path.read_bytes()
    return {**found, "data": (store.datasets.data("iris/iris-data") / "iris.csv").read_bytes()}


def test_plain_gc_of_the_work_tree_loses_nothing(
    store: padre_git.Store, tmp_path: Path, dvc: Dvc
) -> None:
    clone = store.project_path("iris")
    with store.start_run("iris/svm", {"C": 3}) as run:
        run.log_artifact(write(tmp_path / "late.bin", b"late"))
    before = everything(store)
    assert len(before) == 6
    (tmp_path / "remote" / "iris.dvc").rename(tmp_path / "away")
    for _ in range(2):
        dvc("gc", "-w", "-f", cwd=clone)
        dvc("gc", "-w", "-f", "--dry", cwd=clone)
        git("sparse-checkout", "reapply", "--no-sparse-index", cwd=clone)
    with padre_git.open(tmp_path / "mine", remote=str(tmp_path / "remote")) as again:
        assert everything(again) == before
        (tmp_path / "away").rename(tmp_path / "remote" / "iris.dvc")
        assert again.artifacts.verify("iris") == ()
    assert git("status", "--porcelain", cwd=clone) == ""


def test_what_dvc_adds_in_a_cone_is_ours_and_published(store: padre_git.Store, dvc: Dvc) -> None:
    clone = store.project_path("iris")
    dvc("pull", cwd=clone)
    write(clone / "datasets" / "iris-data" / "data" / "iris.csv", b"a,b\n3,4\n")
    git("sparse-checkout", "reapply", "--no-sparse-index", cwd=clone)
    dvc("add", "datasets/iris-data/data", cwd=clone)
    git("commit", "-qam", "by hand", cwd=clone)
    assert (store.datasets.data("iris/iris-data") / "iris.csv").read_bytes() == b"a,b\n3,4\n"
    store.sync("iris")
    assert store.artifacts.verify("iris") == ()
    assert json.loads(dvc("status", "--cloud", "--json", cwd=clone)) == {}


def test_one_command_makes_all_of_it_ready_for_dvc(
    store: padre_git.Store, tmp_path: Path, dvc: Dvc
) -> None:
    clone = store.project_path("iris")
    (run, *_) = store.runs.list("iris/svm")
    store.checkout(run)
    (place,) = (clone / "experiments" / "svm" / "runs").glob("*/r-*")
    assert place.name == run.id
    assert json.loads(dvc("status", "--json", place / "artifacts.dvc", cwd=clone))
    dvc("checkout", place / "artifacts.dvc", cwd=clone)  # from what is here, without a remote
    assert (place / "artifacts" / "model" / "weights.bin").read_bytes() == b"weights" * 100
    store.checkout("iris")
    dvc("pull", cwd=clone)
    assert json.loads(dvc("status", "--json", cwd=clone)) == {}
    assert json.loads(dvc("data", "status", "--json", cwd=clone)) == {}
    dvc("gc", "--all-commits", "-f", cwd=clone)
    assert not (clone / ".git" / "padre" / "dvc").exists()
    assert "padre/dvc" not in (clone / ".dvc" / "config.local").read_text()
    assert len(everything(store)) == 5
    assert git("status", "--porcelain", cwd=clone) == ""
    with pytest.raises(padre_git.ConflictError, match="git does not have"):
        store.leave_out("iris")


def test_what_was_begun_before_a_kill_is_finished(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.leave_out("iris")
        clone = store.project_path("iris")
        settings, beside = clone / ".dvc/config.local", clone / ".git/padre/dvc"
        told = settings.read_text()
        store.checkout("iris")
        for is_there in (True, False):
            settings.write_text(told if not is_there else settings.read_text())
            beside.mkdir()
            if not is_there:
                beside.rmdir()
            store.checkout("iris")
            assert "padre/dvc" not in settings.read_text()
            assert not beside.exists()


def test_a_disk_that_refuses_what_dvc_is_given_is_an_error_of_ours(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        with no_file_grows_beyond(2), pytest.raises(padre_git.PadreGitError):
            store.leave_out("iris")
        store.leave_out("iris")
        assert git("status", "--porcelain", cwd=store.project_path("iris")) == ""


def test_a_cache_that_somebody_has_chosen_stays(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        settings = store.project_path("iris") / ".dvc" / "config.local"
        mine = settings.read_text() + "[cache]\n    dir = /srv/mine\n    type = copy\n"
        settings.write_text(mine)
        store.leave_out("iris")
        store.checkout("iris")
        assert settings.read_text() == mine


def test_what_is_removed_here_is_not_kept_by_a_second_name(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.leave_out("iris")
        data = ProjectData(store.project_path("iris"), store.project_path("iris") / ".git")
        (one, *_) = store.runs.list("iris/svm")
        md5 = next(a.md5 for a in store.artifacts.list(one) if a.name.endswith("weights.bin"))
        assert data.cache.path(md5).stat().st_nlink == 2
        data.cache.discard(md5)
        assert not data.cache.has(md5)
        assert len(everything(store)) == 5, "it comes from the remote"

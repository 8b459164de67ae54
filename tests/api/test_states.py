"""The state of every record can be asked for: each state, made as it comes to be in practice."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import padre_git
from padre_git import (
    AmbiguousReferenceError,
    Dataset,
    Experiment,
    NotFoundError,
    Project,
    RemoteUnavailableError,
    Run,
    State,
    Store,
)
from padre_git.cli.group import commands
from tests.conftest import git


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "lab").mkdir()
    return tmp_path / "lab"


@pytest.fixture
def ada(tmp_path: Path, lab: Path) -> Iterator[Store]:
    """Somebody whose store publishes by itself."""
    with padre_git.open(tmp_path / "ada", remote=lab, max_age=0, push_every=3600) as store:
        store.projects.put(Project(name="iris"))
        store.experiments.put(Experiment(project="iris", name="svm"))
        store.experiments.put(Experiment(project="iris", name="forest"))
        store.datasets.put(Dataset(project="iris", name="flowers"))
        yield store


@pytest.fixture
def ben(tmp_path: Path, lab: Path, ada: Store) -> Iterator[Store]:
    """Somebody who has a clone, and whose store meets the remote when he says so."""
    with padre_git.open(tmp_path / "ben", remote=lab, policy="manual") as store:
        store.pull("iris")
        yield store


def a_run(store: Store, number: int = 1) -> Run:
    with store.start_run("iris/svm", {"C": number}) as run:
        pass
    store.flush()
    return store.runs.get(run.key)


def cli(root: Path, *words: str) -> str:
    done = CliRunner().invoke(commands, ["--root", str(root), *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_local_only(ben: Store) -> None:
    ben.experiments.put(Experiment(project="iris", name="mine"))
    run = a_run(ben)
    assert ben.experiments.state("iris/mine") is State.LOCAL_ONLY
    assert ben.runs.state(run) is State.LOCAL_ONLY
    ben.projects.put(Project(name="rice"))
    assert ben.projects.state("rice") is State.LOCAL_ONLY
    ben.experiments.put(Experiment(project="rice", name="svm"))
    assert ben.status("rice").of(Experiment(project="rice", name="svm").key) is State.LOCAL_ONLY


def test_published(ada: Store, ben: Store) -> None:
    assert ben.experiments.state("iris/svm") is State.PUBLISHED
    assert ben.projects.state("iris") is State.PUBLISHED
    assert ben.status("iris").records == {}
    ben.experiments.put(Experiment(project="iris", name="mine"))
    ben.sync("iris")
    assert ben.experiments.state("iris/mine") is State.PUBLISHED


def test_ahead(ben: Store) -> None:
    ben.experiments.put(ben.experiments.get("iris/svm").replace(title="mine"))
    assert ben.experiments.state("iris/svm") is State.AHEAD
    assert ben.projects.state("iris") is State.AHEAD
    ben.datasets.delete("iris/flowers")
    assert ben.status("iris").records[Dataset(project="iris", name="flowers").key] is State.AHEAD


def test_behind_and_nothing_is_taken_over_by_asking(ada: Store, ben: Store) -> None:
    ada.experiments.put(ada.experiments.get("iris/svm").replace(title="theirs"))
    assert ben.experiments.state("iris/svm") is State.BEHIND
    assert ben.projects.state("iris") is State.BEHIND
    assert ben.experiments.get("iris/svm").title is None


def test_asking_takes_nothing_over_whatever_the_policy(
    ada: Store, ben: Store, tmp_path: Path
) -> None:
    with padre_git.open(tmp_path / "ben", policy="auto", max_age=0) as awake:
        ada.experiments.put(ada.experiments.get("iris/svm").replace(title="theirs"))
        assert awake.experiments.state("iris/svm") is State.BEHIND
        run = a_run(ada)
        assert awake.runs.state(run.key) is State.REMOTE_ONLY


def test_diverged(ada: Store, ben: Store) -> None:
    ada.experiments.put(ada.experiments.get("iris/svm").replace(title="theirs"))
    ben.experiments.put(ben.experiments.get("iris/svm").replace(description="mine"))
    assert ben.experiments.state("iris/svm") is State.DIVERGED
    assert ben.experiments.state("iris/forest") is State.PUBLISHED
    assert ben.projects.state("iris") is State.DIVERGED
    ben.sync("iris")
    assert ben.experiments.state("iris/svm") is State.PUBLISHED


def test_the_same_change_on_both_sides_is_no_difference(ada: Store, ben: Store) -> None:
    for store in (ada, ben):
        store.experiments.put(store.experiments.get("iris/svm").replace(title="ours"))
    assert ben.experiments.state("iris/svm") is State.PUBLISHED


def test_remote_only(ada: Store, ben: Store) -> None:
    run = a_run(ada)
    ada.experiments.put(Experiment(project="iris", name="theirs"))
    assert ben.runs.state(run.key) is State.REMOTE_ONLY
    assert ben.runs.state(run) is State.REMOTE_ONLY
    assert ben.runs.state(f"iris/svm/{run.key.name[-12:-4]}") is State.REMOTE_ONLY
    assert ben.experiments.state("iris/theirs") is State.REMOTE_ONLY
    assert ben.status("iris").records[run.key] is State.REMOTE_ONLY


def test_what_is_in_a_project_that_is_not_here_is_remote_only(
    ada: Store, ben: Store, tmp_path: Path
) -> None:
    ada.projects.put(Project(name="wine"))
    ada.experiments.put(Experiment(project="wine", name="svm"))
    assert ben.projects.state("wine") is State.REMOTE_ONLY
    assert ben.experiments.state("wine/svm") is State.REMOTE_ONLY
    with padre_git.open(tmp_path / "ben", policy="auto", max_age=0) as awake:
        assert awake.experiments.state("wine/svm") is State.REMOTE_ONLY
        assert awake.experiments.state(Experiment(project="wine", name="svm")) is State.REMOTE_ONLY
    assert not (tmp_path / "ben" / "wine").exists(), "asking clones nothing"


def test_evicted(ada: Store) -> None:
    run = a_run(ada)
    ada.experiments.delete("iris/svm", mode="local")
    assert ada.experiments.state("iris/svm") is State.EVICTED
    assert ada.experiments.state("iris/svm") is State.EVICTED, "asking does not bring it back"
    assert ada.runs.state(run.key) is State.EVICTED, "so is what lies below"
    assert ada.status("iris").of(run.key) is State.EVICTED
    ada.experiments.get("iris/svm")
    assert ada.experiments.state("iris/svm") is State.PUBLISHED


def test_kept(ada: Store) -> None:
    run = a_run(ada)
    ada.experiments.delete("iris/svm", mode="remote")
    assert ada.experiments.state("iris/svm") is State.KEPT
    assert ada.runs.state(run.key) is State.KEPT
    ada.experiments.put(Experiment(project="iris", name="svm"))
    assert ada.experiments.state("iris/svm") is State.PUBLISHED


def test_pending(ben: Store, tmp_path: Path) -> None:
    (tmp_path / "ben/iris/.git/index.lock").touch()
    ben.experiments.put(ben.experiments.get("iris/svm").replace(title="mine"))
    assert ben.experiments.state("iris/svm") is State.PENDING
    assert ben.status("iris").pending == 1
    (tmp_path / "ben/iris/.git/index.lock").unlink()
    ben.experiments.put(ben.experiments.get("iris/forest").replace(title="mine"))
    assert ben.experiments.state("iris/svm") is State.AHEAD


def test_a_store_without_a_remote_has_it_all_here(tmp_path: Path) -> None:
    with padre_git.open(tmp_path / "eve") as store:
        store.projects.put(Project(name="iris"))
        store.experiments.put(Experiment(project="iris", name="svm"))
        assert store.experiments.state("iris/svm") is State.LOCAL_ONLY
        assert store.state("iris") is State.LOCAL_ONLY


def test_what_neither_side_has_is_not_found(ada: Store, ben: Store) -> None:
    for store in (ada, ben):
        with pytest.raises(NotFoundError):
            store.experiments.state("iris/nothing")
        with pytest.raises(NotFoundError):
            store.projects.state("nothing")
        with pytest.raises(NotFoundError):
            store.experiments.state("nothing/svm")
        with pytest.raises(NotFoundError):
            store.runs.state("zzzzzz")


def test_a_name_that_two_records_answer_to_is_asked_about(ada: Store, ben: Store) -> None:
    ada.experiments.put(Experiment(project="iris", name="twice"))
    ada.datasets.put(Dataset(project="iris", name="twice"))
    with pytest.raises(AmbiguousReferenceError):
        ben.state("iris/twice")
    assert ben.datasets.state("iris/twice") is State.REMOTE_ONLY


def test_out_of_reach_what_was_seen_last_counts(ada: Store, ben: Store, lab: Path) -> None:
    ben.experiments.put(ben.experiments.get("iris/svm").replace(title="mine"))
    shutil.move(lab, lab.with_name("unmounted"))
    assert ben.experiments.state("iris/svm") is State.AHEAD
    assert ben.experiments.state("iris/forest") is State.PUBLISHED
    assert ben.status("iris").problem
    with pytest.raises(RemoteUnavailableError):
        ben.state("wine")
    shutil.move(lab.with_name("unmounted"), lab)


# -- on the command line ------------------------------------------------------------------------


def test_status_on_the_command_line_answers_for_one_or_all(
    ada: Store, ben: Store, tmp_path: Path
) -> None:
    root = tmp_path / "ben"
    ada.experiments.put(Experiment(project="iris", name="theirs"))
    ben.experiments.put(ben.experiments.get("iris/svm").replace(title="mine"))
    assert cli(root, "status", "iris/svm") == "ahead\n"
    assert cli(root, "status", "iris/theirs") == "remote only\n"
    assert json.loads(cli(root, "status", "iris/svm", "--json")) == {
        "ref": "iris/svm",
        "state": "ahead",
    }
    lines = cli(root, "status", "iris", "--records").splitlines()
    states = [line.rsplit("  ", 1)[1].strip() for line in lines[1:]]
    assert states == ["diverged", "ahead", "remote only"]
    assert [line.split()[0] for line in lines[1:3]] == ["iris", "iris/experiments/svm"]
    found = json.loads(cli(root, "status", "iris", "--json"))
    assert found[0]["records"]["iris/experiments/svm"] == "ahead"
    assert "diverged" in cli(root, "status")
    cli(root, "sync", "iris")
    assert "every record is published" in cli(root, "status", "iris", "--records")


# -- what it costs ------------------------------------------------------------------------------


def test_the_status_of_many_runs_is_cheap(ada: Store, ben: Store) -> None:
    with ada.transaction("iris", "many") as block:
        execution = ada.executions.put(
            padre_git.Execution(
                experiment="iris/experiments/svm", code=padre_git.Code(package="x", version="1")
            )
        )
        for number in range(300):
            ada.runs.put(Run(execution=execution, parameters={"C": number}))
        assert block is not None
    ben.status("iris")
    times = []
    for _ in range(3):
        begun = time.monotonic()
        found = ben.status("iris")
        times.append(time.monotonic() - begun)
    assert len([s for s in found.records.values() if s is State.REMOTE_ONLY]) >= 300
    assert min(times) < 2
    assert git("status", "--porcelain", cwd=ben.project_path("iris")) == ""

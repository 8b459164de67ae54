"""Offline on purpose: nothing talks to any remote, whoever asks, and everything local works."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import padre_git
from padre_git import Dataset, Experiment, OfflineError, Project, RemoteUnavailableError
from padre_git.backends.status import State
from padre_git.cli.group import commands
from tests.conftest import git


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """The remote, with a project that has data, and another one that nobody else has."""
    (tmp_path / "lab").mkdir()
    with padre_git.open(tmp_path / "ada", remote=tmp_path / "lab") as store:
        store.projects.put(Project(name="iris"))
        store.projects.put(Project(name="wine"))
        store.experiments.put(Experiment(project="iris", name="svm"))
        store.datasets.put(Dataset(project="iris", name="flowers"))
        (tmp_path / "petals.csv").write_text("4,2\n" * 1000)
        store.artifacts.put("iris/flowers", tmp_path / "petals.csv")
        store.sync("iris")
    with padre_git.open(tmp_path / "ben", remote=tmp_path / "lab") as store:
        store.pull("iris")
    return tmp_path / "lab"


@pytest.fixture
def untouched(lab: Path, tmp_path: Path) -> Iterator[None]:
    """Fails if git talked to the remote, or anything there was opened or changed."""
    refuse = tmp_path / "touched"
    for program in ("uploadpack", "receivepack"):
        for project in ("iris", "wine"):
            script = tmp_path / program
            script.write_text(f"#!/bin/sh\ntouch {refuse}\nexit 1\n")
            script.chmod(0o755)
            name = f"remote.file://{lab}/{project}.git.{program}"
            git("config", "--global", name, script, cwd=tmp_path)
    before = _times(lab)
    yield
    assert not refuse.exists()
    assert _times(lab) == before


def _times(lab: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(lab.rglob("*"))}


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, untouched: None) -> None:
    monkeypatch.setenv("PADRE_OFFLINE", "1")


def cli(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(commands, [str(word) for word in words])
    return done.exit_code, done.output


@pytest.mark.parametrize("policy", ["auto", "always", "manual", "offline"])
def test_offline_everything_local_works_and_nothing_is_asked(
    tmp_path: Path, offline: None, policy: str
) -> None:
    notices: list[str] = []
    with padre_git.open(tmp_path / "ben", policy=policy, push_every=0) as store:
        store.subscribe(padre_git.Notice, lambda event: notices.append(event.text))
        assert [p.name for p in store.projects.list()] == ["iris"]
        store.experiments.put(Experiment(project="iris", name="forest"))
        store.projects.put(Project(name="rice"))
        with store.start_run("iris/svm", {"C": 1}) as run:
            run.log_metric("accuracy", 0.9)
        assert len(store.runs.list("iris/svm")) == 1
        store.flush()
        store.experiments.delete("iris/forest")
        found = store.status("iris")
        assert found.records[run.key] is State.LOCAL_ONLY
        assert "PADRE_OFFLINE" in str(found.problem) or policy == "offline"
    assert not any("offline" in text for text in notices), "who said so need not be told"


@pytest.mark.parametrize("verb", ["push", "pull", "sync"])
def test_whoever_asks_for_the_remote_is_told_why_not(
    tmp_path: Path, offline: None, verb: str
) -> None:
    with padre_git.open(tmp_path / "ben") as store:
        store.experiments.put(Experiment(project="iris", name="forest"))
        with pytest.raises(RemoteUnavailableError, match="PADRE_OFFLINE is set"):
            getattr(store, verb)("iris")
        assert cli("--root", tmp_path / "ben", verb, "iris")[0] == 4
        if verb == "pull":
            with pytest.raises(OfflineError):
                store.pull("wine")


def test_what_is_not_here_cannot_be_got_and_is_not_denied(
    tmp_path: Path, lab: Path, offline: None
) -> None:
    with padre_git.open(tmp_path / "ben") as store:
        with pytest.raises(RemoteUnavailableError, match="PADRE_OFFLINE"):
            store.status("wine")
        with pytest.raises(RemoteUnavailableError, match="PADRE_OFFLINE"):
            store.artifacts.get("iris/flowers", "petals.csv")
        with pytest.raises(RemoteUnavailableError):
            store.experiments.delete("iris/svm", mode="remote")
        with pytest.raises(RemoteUnavailableError):
            store.projects.delete("iris", mode="local")
        store.experiments.delete("iris/svm", mode="local")
        assert store.experiments.get("iris/svm").name == "svm"
    code, said = cli("--root", tmp_path / "cleo", "clone", lab)
    assert code == 4, said
    assert "PADRE_OFFLINE" in said
    assert cli("--root", tmp_path / "cleo", "clone", lab, "iris")[0] == 4


def test_a_word_on_the_command_line_does_the_same(
    tmp_path: Path, lab: Path, untouched: None
) -> None:
    root = ["--root", tmp_path / "ben"]
    code, said = cli("--offline", *root, "sync", "iris")
    assert code == 4
    assert "offline" in said
    assert cli("--offline", *root, "list", "iris")[0] == 0
    assert cli("--offline", "--root", tmp_path / "dora", "clone", lab, "iris")[0] == 4


@pytest.mark.parametrize("nothing", ["", "0", " "])
def test_a_variable_that_says_nothing_is_not_heard(
    tmp_path: Path, lab: Path, nothing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PADRE_OFFLINE", nothing)
    with padre_git.open(tmp_path / "ben") as store:
        store.sync("iris")


def test_what_was_put_offline_is_published_as_soon_as_it_may_be(
    tmp_path: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PADRE_OFFLINE", "1")
    with padre_git.open(tmp_path / "ben") as store:
        store.experiments.put(Experiment(project="iris", name="forest"))
    monkeypatch.delenv("PADRE_OFFLINE")
    with padre_git.open(tmp_path / "ben", max_age=3600) as store:
        store.experiments.put(Experiment(project="iris", name="trees"))
        assert store.status("iris").records == {}
        assert store.experiments.get("iris/forest").url
    assert "PADRE_OFFLINE" not in os.environ

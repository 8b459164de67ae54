"""Clones whose work trees leave runs out do what every clone does."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

import padre_git
from padre_git.backends.git import GitBackend
from padre_git.backends.lean import LEAN
from padre_git.messages import Message
from padre_git.model import ChangeSet, Key
from padre_git.testing.suite import BackendSuite
from tests.conftest import git


class LeanBackend(GitBackend):
    """Leaves runs out of every work tree from its first commit on."""

    def apply(self, changes: ChangeSet, message: Message) -> dict[Key, str | None]:
        done = super().apply(changes, message)
        repository = self.repository(changes.project)
        if repository is not None and not repository.is_sparse():
            repository.leave_out()
        return done


@pytest.mark.nightly
class TestLean(BackendSuite):
    def make_backend(self, directory: Path) -> GitBackend:
        return LeanBackend(directory)

    def another(self, backend: GitBackend) -> GitBackend:
        return LeanBackend(backend.root)

    def reopened(self, backend: GitBackend, directory: Path) -> GitBackend:
        for project in sorted(backend.root.iterdir()):
            assert git("status", "--porcelain", cwd=project) == ""
            git("clone", "--quiet", project.as_uri(), directory / project.name, cwd=backend.root)
        return GitBackend(directory)


def runs_in(project: Path) -> set[str]:
    """Returns the runs that are in a work tree."""
    return {path.name for path in project.glob("experiments/*/runs/*/r-*")}


def test_a_store_shows_the_runs_that_are_asked_for(tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    with (
        padre_git.open(tmp_path / "mine", remote=str(remote)) as mine,
        padre_git.open(tmp_path / "other", remote=str(remote)) as other,
    ):
        for experiment in ("svm", "svm", "forest"):
            with mine.start_run(f"iris/{experiment}", {"C": 1}) as run:
                run.log_metric("loss", 0.5)
        mine.leave_out("iris")
        project = mine.project_path("iris")
        assert runs_in(project) == set()
        assert (project / "experiments" / "forest" / "experiment.yaml").exists()
        first, second = sorted(run.id for run in mine.runs.list("iris/svm"))
        mine.checkout(f"iris/svm/{first}")
        assert runs_in(project) == {first}
        mine.runs.tag(f"iris/svm/{first}", "good")
        (tag,) = project.glob(f"experiments/svm/runs/*/{first}/tags/*")
        mine.sync("iris")
        other.runs.tag(f"iris/svm/{first}", "theirs")
        other.runs.tag(f"iris/svm/{second}", "theirs")
        other.sync("iris")
        mine.sync("iris")
        assert len(list(tag.parent.iterdir())) == 2
        assert set(mine.runs.get(f"iris/svm/{second}").tags) == {"theirs"}
        mine.checkout("iris/svm")
        assert runs_in(project) == {first, second}
        mine.checkout("iris")
        assert len(runs_in(project)) == 3
        assert git("status", "--porcelain", cwd=project) == ""
        assert mine.verify("iris") == ()


def test_a_run_that_was_dropped_here_comes_back_when_it_is_checked_out(tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    with padre_git.open(tmp_path / "mine", remote=str(remote)) as store:
        with store.start_run("iris/svm", {"C": 1}) as run:
            run.log_metric("loss", 0.5)
        store.sync("iris")
        store.leave_out("iris")
        (stored,) = store.runs.list("iris/svm")
        store.checkout(stored)
        store.runs.delete(stored, mode="local")
        assert runs_in(store.project_path("iris")) == set()
        store.checkout(stored.key)
        assert runs_in(store.project_path("iris")) == {stored.id}
        assert store.verify("iris") == ()
        store.maintain("iris")
        assert git("status", "--porcelain", cwd=store.project_path("iris")) == ""


def test_a_clone_that_has_grown_too_large_says_once_a_day_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    said: list[str] = []
    with padre_git.open(tmp_path / "mine", remote=str(remote), policy="manual") as store:
        store.subscribe(padre_git.Notice, lambda notice: said.append(notice.text))
        with store.start_run("iris/svm", {"C": 1}) as run:
            run.log_metric("loss", 0.5)
        store.sync("iris")
        stamp = store.project_path("iris") / ".git" / "padre" / "said-how-large"

        def told() -> list[str]:
            said.clear()
            store.status("iris")
            store.maintain("iris")
            return [text for text in said if "--no-runs" in text]

        assert told() == [], "it is small"
        monkeypatch.setattr("padre_git.backends.clones.LEAN", replace(LEAN, files=1))
    with padre_git.open(tmp_path / "mine", policy="manual") as store:
        store.subscribe(padre_git.Notice, lambda notice: said.append(notice.text))
        assert told() == [], "it was looked at today"
        os.utime(stamp, (1, 1))
        (text,) = told()
        assert text.endswith("leave them out: padre-git checkout iris --no-runs")
        assert told() == [], "once a day"
        store.leave_out("iris")
        os.utime(stamp, (1, 1))
        assert told() == []
        store.checkout("iris")
        os.utime(stamp, (1, 1))
        assert told() == [], "somebody has said that they want all of it"


def test_a_store_without_clones_has_no_work_trees(tmp_path: Path) -> None:
    from padre_git.api.store import Store
    from padre_git.backends import MemoryBackend

    with Store(MemoryBackend()) as store:
        store.projects.put(padre_git.Project(name="iris"))
        with pytest.raises(padre_git.UnsupportedError, match="no clones"):
            store.checkout("iris")


@pytest.mark.parametrize("place", [70, -1, 0])
def test_a_damaged_index_is_mended_and_runs_stay_left_out(tmp_path: Path, place: int) -> None:
    with padre_git.open(tmp_path / "mine") as store:
        with store.start_run("iris/svm", {"C": 1}) as run:
            run.log_metric("loss", 0.5)
        store.leave_out("iris")
        project = store.project_path("iris")
        index = project / ".git" / "index"
        content = bytearray(index.read_bytes())
        content[place] ^= 1
        index.write_bytes(bytes(content))
        assert store.verify("iris")
        assert store.repair("iris") == ()
        with store.start_run("iris/svm", {"C": 2}) as run:
            run.log_metric("loss", 0.4)
        assert runs_in(project) == set()
        assert git("status", "--porcelain", cwd=project) == ""
        assert "experiments/svm/runs/" in git("ls-files", "--sparse", cwd=project).split()

"""What a user does with plain git in a clone while a store writes to it."""

from __future__ import annotations

from pathlib import Path

import pytest

import padre_git
from tests.conftest import git


@pytest.fixture
def store(tmp_path: Path) -> padre_git.Store:
    """A store with one project and one run."""
    store = padre_git.open(tmp_path / "root")
    store.start_run("iris/svm").end()
    return store


def test_commits_that_cannot_reach_the_branch_are_spoken_of(store: padre_git.Store) -> None:
    clone = store.project_path("iris")
    document = clone / "project.yaml"
    for branch, title in (("topic", "theirs"), ("main", "ours")):
        git("checkout", "-q", *(["-b"] if branch == "topic" else []), branch, cwd=clone)
        document.write_text(f"schema: project/1\n\ntitle: {title}\n")
        git("commit", "-qam", title, cwd=clone)
    said: list[str] = []
    store.subscribe(padre_git.Notice, lambda event: said.append(f"{event.project}: {event.text}"))
    with pytest.raises(AssertionError, match="CONFLICT"):
        git("merge", "topic", cwd=clone)
    project = store.projects.get("iris")
    store.projects.put(project.replace(title="written meanwhile"))
    assert said == []
    document.write_text("schema: project/1\n\ntitle: both\n")
    git("commit", "-qam", "solved", cwd=clone)
    store.start_run("iris/svm").end()
    store.start_run("iris/svm").end()
    assert len(said) == 1
    assert said[0].startswith("iris: ")
    assert "commits wait in refs/padre/pending: 'iris' was changed on the branch" in said[0]
    assert "padre-git resolve iris" in said[0]
    git("merge", "-q", "refs/padre/pending", cwd=clone, check=False)
    git("checkout", "-q", "--ours", "project.yaml", cwd=clone)
    git("commit", "-qam", "settled", cwd=clone)
    assert store.projects.get("iris").title == "both"
    assert len(store.runs.list("iris/svm")) == 3
    assert git("status", "--porcelain", cwd=clone) == ""


def test_a_damaged_index_is_named_and_no_run_is_lost(store: padre_git.Store) -> None:
    clone = store.project_path("iris")
    index = clone / ".git/index"
    run = store.start_run("iris/svm")
    whole = index.read_bytes()
    for damaged in (b"garbage", b"DIRC\0\0\0\2\0\0\xff\xff" + bytes(20), whole[:190] + bytes(20)):
        index.write_bytes(damaged)
        with pytest.raises(padre_git.DamagedError, match="index"):
            run.end()
    index.unlink()
    git("reset", "-q", cwd=clone)
    run.end()
    assert len(store.runs.list("iris/svm")) == 2
    assert git("status", "--porcelain", cwd=clone) == ""

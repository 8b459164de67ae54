"""Linked work trees: whichever has the branch checked out is the one that follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.errors import ConflictError
from padre_git.vcs import Repository, UserState
from tests.conftest import git
from tests.vcs.clones import RUNS, assert_clean, record, runs_at, status, write


def test_a_linked_work_tree_on_another_branch_stays_as_it_is(
    clone: Repository, tmp_path: Path
) -> None:
    git("worktree", "add", "-q", "-b", "ideas", tmp_path / "linked", cwd=clone.path)
    record(clone, "r-1")
    assert_clean(clone.path)
    assert status(tmp_path / "linked") == ""
    assert not (tmp_path / "linked" / RUNS).exists()


def test_a_linked_work_tree_that_has_the_branch_follows(clone: Repository, tmp_path: Path) -> None:
    git("checkout", "-q", "--detach", cwd=clone.path)
    git("worktree", "add", "-q", tmp_path / "linked", "main", cwd=clone.path)
    record(clone, "r-1")
    assert (tmp_path / "linked" / RUNS / "r-1/run.yaml").exists()
    assert not (clone.path / RUNS).exists()
    assert_clean(tmp_path / "linked")
    assert status(clone.path) == ""
    assert "padre_git" in git("reflog", "-1", cwd=tmp_path / "linked")


def test_a_repository_opened_in_a_linked_work_tree_is_the_same_one(
    clone: Repository, tmp_path: Path
) -> None:
    git("worktree", "add", "-q", "-b", "ideas", tmp_path / "linked", cwd=clone.path)
    with Repository.open(tmp_path / "linked", branch="main") as linked:
        assert linked.common_dir == clone.common_dir
        record(linked, "r-1")
        assert linked.tip() == clone.tip()
        with Repository.open(tmp_path / "linked", branch="ideas") as ideas:
            record(ideas, "r-2")
    assert runs_at(clone.path) == {"r-1"}
    assert runs_at(tmp_path / "linked") == {"r-2"}
    assert_clean(clone.path)
    assert_clean(tmp_path / "linked")


def test_an_edit_in_the_linked_work_tree_is_respected(clone: Repository, tmp_path: Path) -> None:
    git("checkout", "-q", "--detach", cwd=clone.path)
    git("worktree", "add", "-q", tmp_path / "linked", "main", cwd=clone.path)
    mine = write(tmp_path / "linked" / RUNS / "r-1/run.yaml", "mine\n")
    with pytest.raises(ConflictError, match="linked"):
        record(clone, "r-1")
    assert mine.read_text() == "mine\n"


def test_a_rebase_in_the_linked_work_tree_makes_commits_wait(
    clone: Repository, tmp_path: Path
) -> None:
    git("branch", "other", cwd=clone.path)
    write(clone.path / "notes.md", "mine\n")
    git("add", "notes.md", cwd=clone.path)
    git("commit", "-qm", "mine", cwd=clone.path)
    git("checkout", "-q", "other", cwd=clone.path)
    write(clone.path / "notes.md", "theirs\n")
    git("add", "notes.md", cwd=clone.path)
    git("commit", "-qm", "theirs", cwd=clone.path)
    linked = tmp_path / "linked"
    git("worktree", "add", "-q", linked, "main", cwd=clone.path)
    git("rebase", "other", cwd=linked, check=False)
    assert clone.state() is UserState.REBASING
    record(clone, "r-1")
    assert clone.read_ref("refs/padre/pending") == clone.tip()
    git("rebase", "--abort", cwd=linked)
    assert clone.bring_up()
    assert runs_at(linked) == {"r-1"}
    assert_clean(linked)


def test_a_linked_work_tree_that_was_deleted_is_no_obstacle(
    clone: Repository, tmp_path: Path
) -> None:
    git("checkout", "-q", "--detach", cwd=clone.path)
    git("worktree", "add", "-q", tmp_path / "linked", "main", cwd=clone.path)
    (tmp_path / "linked").rename(tmp_path / "gone")
    record(clone, "r-1")
    assert runs_at(clone.path, "main") == {"r-1"}

"""While the user is in the middle of something, commits wait; then the branch is brought up."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from padre_git.errors import ConflictError
from padre_git.vcs import NewCommit, Repository, Snapshot, UserState
from tests.conftest import git
from tests.vcs.clones import (
    RUNS,
    assert_clean,
    assert_sound,
    one,
    record,
    run_files,
    runs_at,
    write,
)

PENDING = "refs/padre/pending"
EXPERIMENT = "experiments/svm/experiment.yaml"


def commit_file(path: Path, name: str, text: str) -> None:
    write(path / name, text)
    git("add", name, cwd=path)
    git("commit", "-qm", f"{name}: {text.strip()}", cwd=path)


def diverge(path: Path) -> None:
    """Makes a branch `other` that changes the same file as `main` does."""
    git("checkout", "-q", "-b", "other", cwd=path)
    commit_file(path, "notes.md", "theirs\n")
    git("checkout", "-q", "main", cwd=path)
    commit_file(path, "notes.md", "mine\n")


def begin(path: Path, what: str) -> None:
    if what == "bisect":
        for number in range(3):
            commit_file(path, "notes.md", f"{number}\n")
        git("bisect", "start", "HEAD", "HEAD~3", cwd=path)
        return
    diverge(path)
    command = {
        "merge": ["merge", "other"],
        "rebase": ["rebase", "other"],
        "rebase --apply": ["rebase", "--apply", "other"],
        "cherry-pick": ["cherry-pick", "other"],
        "revert": ["revert", "--no-edit", "other"],
    }[what]
    git(*command, cwd=path, check=False)


def end(path: Path, what: str) -> None:
    if what == "bisect":
        git("bisect", "reset", cwd=path)
        return
    write(path / "notes.md", "both\n")
    git("add", "notes.md", cwd=path)
    verb = what.split(" ")[0]
    git("-c", "core.editor=true", verb, "--continue", cwd=path)


STATES = {
    "merge": UserState.MERGING,
    "rebase": UserState.REBASING,
    "rebase --apply": UserState.REBASING,
    "cherry-pick": UserState.PICKING,
    "revert": UserState.REVERTING,
    "bisect": UserState.BISECTING,
}


@pytest.mark.parametrize("what", STATES)
def test_a_user_in_the_middle_of_something_is_not_disturbed(clone: Repository, what: str) -> None:
    begin(clone.path, what)
    assert clone.state() is STATES[what]
    index = (clone.git_dir / "index").read_bytes()
    branch = git("rev-parse", "main", cwd=clone.path)
    files = sorted(clone.path.glob("[!.]*/**/*"))

    first, second = record(clone, "r-1"), record(clone, "r-2")

    assert clone.tip() == second == clone.read_ref(PENDING)
    assert clone.commit(second).parents == (first,)
    assert clone.snapshot().blob(f"{RUNS}/r-1/run.yaml") is not None, "all our reads see it"
    assert (clone.git_dir / "index").read_bytes() == index
    assert git("rev-parse", "main", cwd=clone.path) == branch
    assert sorted(clone.path.glob("[!.]*/**/*")) == files
    assert not clone.bring_up()
    with Repository.open(clone.path, branch="main") as again:
        assert again.tip() == second, "another process sees it, too"

    end(clone.path, what)
    record(clone, "r-3")
    assert clone.read_ref(PENDING) is None
    assert runs_at(clone.path) == {"r-1", "r-2", "r-3"}
    assert clone.is_ancestor(second, clone.tip() or ""), "no commit was rewritten"
    assert_clean(clone.path)


def test_a_pending_branch_that_did_not_move_is_brought_up_without_a_merge(
    clone: Repository,
) -> None:
    begin(clone.path, "bisect")
    new = record(clone, "r-1")
    end(clone.path, "bisect")
    assert clone.bring_up()
    assert git("rev-parse", "main", cwd=clone.path).strip() == new
    assert_clean(clone.path)


def test_a_branch_that_moved_meanwhile_gets_one_merge_commit(clone: Repository) -> None:
    begin(clone.path, "merge")
    pending = record(clone, "r-1")
    end(clone.path, "merge")
    mine = git("rev-parse", "main", cwd=clone.path).strip()
    assert clone.bring_up()
    assert clone.commit(clone.tip() or "").parents == (mine, pending)
    assert (clone.path / "notes.md").read_text() == "both\n"
    assert_clean(clone.path)


def test_a_commit_of_the_user_s_in_the_moment_in_which_ours_begins_to_wait_is_kept(
    clone: Repository,
) -> None:
    begin(clone.path, "bisect")
    mine: list[str] = []

    def plan(snapshot: Snapshot) -> list[NewCommit]:
        if not mine:
            tree = git("rev-parse", "main^{tree}", cwd=clone.path).strip()
            made = git("commit-tree", "-p", "main", "-m", "mine", tree, cwd=clone.path).strip()
            git("update-ref", "refs/heads/main", made, cwd=clone.path)
            mine.append(made)
        return [NewCommit(edits=run_files("r-1"), text="run r-1")]

    clone.advance(plan)
    end(clone.path, "bisect")
    assert clone.bring_up()
    assert clone.is_ancestor(mine[0], clone.tip() or "")
    assert runs_at(clone.path) == {"r-1"}
    assert_clean(clone.path)


def test_the_same_file_changed_on_both_sides_is_a_conflict_and_both_are_kept(
    clone: Repository,
) -> None:
    begin(clone.path, "merge")
    pending = clone.advance(one({EXPERIMENT: b"ours\n"}))
    git("merge", "--abort", cwd=clone.path)
    commit_file(clone.path, EXPERIMENT, "mine\n")
    mine = git("rev-parse", "main", cwd=clone.path).strip()
    with pytest.raises(ConflictError, match=EXPERIMENT) as caught:
        clone.bring_up()
    assert [conflict.key for conflict in caught.value.conflicts] == [EXPERIMENT]
    assert clone.tip() == pending
    assert git("rev-parse", "main", cwd=clone.path).strip() == mine

    later = record(clone, "r-1")
    assert clone.tip() == later == clone.read_ref(PENDING), "writing goes on"

    git("merge", "-q", "-X", "ours", PENDING, "-m", "solved", cwd=clone.path)
    assert clone.bring_up()
    assert clone.read_ref(PENDING) is None
    assert runs_at(clone.path) == {"r-1"}
    assert_clean(clone.path)


def test_the_same_change_on_both_sides_is_no_conflict(clone: Repository) -> None:
    begin(clone.path, "merge")
    clone.advance(one({EXPERIMENT: b"same\n"}))
    git("merge", "--abort", cwd=clone.path)
    commit_file(clone.path, EXPERIMENT, "same\n")
    assert clone.bring_up()
    assert_clean(clone.path)


def test_an_uncommitted_edit_in_the_way_keeps_commits_waiting(clone: Repository) -> None:
    begin(clone.path, "bisect")
    clone.advance(one({EXPERIMENT: b"ours\n"}))
    end(clone.path, "bisect")
    write(clone.path / EXPERIMENT, "mine\n")
    with pytest.raises(ConflictError):
        clone.bring_up()
    record(clone, "r-1")
    assert (clone.path / EXPERIMENT).read_text() == "mine\n"
    git("checkout", "-q", "--", EXPERIMENT, cwd=clone.path)
    assert clone.bring_up()
    assert_clean(clone.path)


def test_an_open_editor_that_holds_the_index_is_waited_for(
    clone: Repository, tmp_path: Path
) -> None:
    write(clone.path / EXPERIMENT, "mine\n")
    done = tmp_path / "done"
    editor = write(
        tmp_path / "editor",
        f"#!/bin/sh\nwhile ! test -e {done}; do sleep 0.02; done\necho mine > $1\n",
    )
    editor.chmod(0o755)
    with subprocess.Popen(
        ["git", "-c", f"core.editor={editor}", "commit", "-q", "-a"], cwd=clone.path
    ) as user:
        try:
            while clone.state() is not UserState.INDEX_LOCKED:
                time.sleep(0.01)
            start = time.monotonic()
            new = record(clone, "r-1")
            assert time.monotonic() - start < 30, "it has waited for the editor"
            assert clone.tip() == new == clone.read_ref(PENDING)
        finally:
            done.touch()
    assert user.returncode == 0, "the user's commit is not disturbed"
    assert clone.bring_up()
    assert runs_at(clone.path) == {"r-1"}
    assert (clone.path / EXPERIMENT).read_text() == "mine\n"
    assert_clean(clone.path)


def test_an_open_editor_without_a_lock_loses_no_run_and_no_edit(
    clone: Repository, tmp_path: Path
) -> None:
    write(clone.path / EXPERIMENT, "mine\n")
    git("add", EXPERIMENT, cwd=clone.path)
    begun, done = tmp_path / "begun", tmp_path / "done"
    editor = write(
        tmp_path / "editor",
        f"#!/bin/sh\ntouch {begun}\nwhile ! test -e {done}; do sleep 0.02; done\necho mine > $1\n",
    )
    editor.chmod(0o755)
    with subprocess.Popen(
        ["git", "-c", f"core.editor={editor}", "commit", "-q"],
        cwd=clone.path,
        stderr=subprocess.DEVNULL,
    ) as user:
        while not begun.exists():
            time.sleep(0.01)
        record(clone, "r-1")
        done.touch()
    assert user.returncode != 0, "git says that the branch has moved; the message is kept"
    assert git("diff", "--cached", "--name-only", cwd=clone.path).split() == [EXPERIMENT]
    git("commit", "-qm", "mine", cwd=clone.path)
    assert runs_at(clone.path) == {"r-1"}
    assert_clean(clone.path)


def test_a_lock_that_somebody_left_on_the_branch_keeps_commits_waiting(clone: Repository) -> None:
    lock = write(clone.git_dir / "refs/heads/main.lock", "")
    new = record(clone, "r-1")
    assert clone.tip() == new == clone.read_ref(PENDING)
    lock.unlink()
    assert clone.bring_up()
    assert runs_at(clone.path) == {"r-1"}
    assert_clean(clone.path)


def test_something_going_on_in_another_branch_is_no_reason_to_wait(clone: Repository) -> None:
    git("checkout", "-q", "-b", "ideas", cwd=clone.path)
    git("checkout", "-q", "-b", "more", cwd=clone.path)
    commit_file(clone.path, "notes.md", "theirs\n")
    git("checkout", "-q", "ideas", cwd=clone.path)
    commit_file(clone.path, "notes.md", "mine\n")
    git("merge", "more", cwd=clone.path, check=False)
    assert clone.state() is UserState.FREE
    record(clone, "r-1")
    assert clone.read_ref(PENDING) is None
    assert runs_at(clone.path, "main") == {"r-1"}
    assert_sound(clone.path)

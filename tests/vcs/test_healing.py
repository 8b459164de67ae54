"""What a git command that ran beside us takes back is put right, and only that."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from padre_git.vcs import Repository
from padre_git.vcs.plan import Edit
from tests.conftest import git
from tests.vcs.clones import RUNS, assert_clean, create, one, record, run_files, runs_at, write

SEAL = "experiments/svm/runs"
EXPERIMENT = "experiments/svm/experiment.yaml"


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Repository]:
    with create(tmp_path / "iris") as repository:
        record(repository, "r-0")
        yield repository


def stale(clone: Repository, *edits: Mapping[str, Edit]) -> None:
    """Does what `git commit` does that read the index before us and wrote it after us."""
    before = (clone.git_dir / "index").read_bytes()
    for edit in edits:
        clone.advance(one(edit))
    (clone.git_dir / "index").write_bytes(before)
    write(clone.git_dir / "COMMIT_EDITMSG", "mine\n")


def test_a_stale_index_is_put_right_by_the_next_call(clone: Repository) -> None:
    stale(clone, run_files("r-1"))
    assert "D " in git("status", "--porcelain", cwd=clone.path)
    assert clone.bring_up()
    assert_clean(clone.path)
    assert len(clone.log()) == 3, "no commit was needed"


def test_runs_that_a_stale_index_deleted_come_back(clone: Repository) -> None:
    stale(clone, run_files("r-1"), run_files("r-2"))
    git("commit", "-qm", "mine", cwd=clone.path)
    assert runs_at(clone.path) == {"r-0"}
    with Repository.open(clone.path, branch="main") as another_process:
        record(another_process, "r-3")
    assert runs_at(clone.path) == {"r-0", "r-1", "r-2", "r-3"}
    assert_clean(clone.path)


def test_a_run_that_was_gone_from_the_index_when_we_wrote_the_next_comes_back(
    clone: Repository,
) -> None:
    before = (clone.git_dir / "index").read_bytes()
    record(clone, "r-1")
    (clone.git_dir / "index").write_bytes(before)  # as a slow `git add` does
    record(clone, "r-2")
    record(clone, "r-3")
    git("rm", "-qr", f"{RUNS}/r-3", cwd=clone.path)
    git("commit", "-qm", "mine", cwd=clone.path)
    assert runs_at(clone.path) == {"r-0", "r-2"}
    record(clone, "r-4")
    assert runs_at(clone.path) == {"r-0", "r-1", "r-2", "r-4"}
    assert_clean(clone.path)


def test_changes_and_deletions_that_were_taken_back_are_made_again(clone: Repository) -> None:
    stale(clone, {EXPERIMENT: b"new\n", f"{RUNS}/r-0": None})
    git("commit", "-qm", "mine", cwd=clone.path)
    assert clone.bring_up()
    assert clone.snapshot().blob(EXPERIMENT) == b"new\n"
    assert runs_at(clone.path) == set()
    assert_clean(clone.path)


@pytest.mark.parametrize("fetched", [True, False])
def test_a_directory_that_came_back_for_a_file_goes_again(clone: Repository, fetched: bool) -> None:
    write(clone.git_dir / "info/exclude", "data\n")
    if fetched:
        write(clone.path / RUNS / "r-0/data", "fetched")
    stale(clone, {**dict.fromkeys(run_files("r-0")), SEAL: b""})
    git("commit", "-qm", "mine", cwd=clone.path)
    assert runs_at(clone.path) == {"r-0"}
    assert clone.bring_up()
    assert clone.snapshot().blob(SEAL) == b""
    assert (clone.path / SEAL).is_dir() is fetched
    assert_clean(clone.path)


def test_what_the_user_stages_meanwhile_stays_staged(clone: Repository) -> None:
    stale(clone, run_files("r-1"))
    write(clone.path / "notes.md", "mine\n")
    git("add", "notes.md", cwd=clone.path)
    assert clone.bring_up()
    assert git("status", "--porcelain", cwd=clone.path) == "A  notes.md\n"


def test_what_the_user_takes_out_of_the_index_stays_out(clone: Repository) -> None:
    record(clone, "r-1")
    git("rm", "-q", "--cached", f"{RUNS}/r-1/run.yaml", cwd=clone.path)
    git("commit", "-qm", "mine", cwd=clone.path)
    git("rm", "-qr", "--cached", f"{RUNS}/r-0", cwd=clone.path)
    before = git("status", "--porcelain", cwd=clone.path)
    clone.bring_up()
    assert git("status", "--porcelain", cwd=clone.path) == before


def test_a_run_that_the_user_deletes_with_its_files_stays_deleted(clone: Repository) -> None:
    record(clone, "r-1")
    git("rm", "-qr", f"{RUNS}/r-1", cwd=clone.path)
    git("commit", "-qm", "delete", cwd=clone.path)
    record(clone, "r-2")
    assert runs_at(clone.path) == {"r-0", "r-2"}
    assert_clean(clone.path)


def test_an_edit_that_the_user_commits_is_not_taken_back(clone: Repository) -> None:
    clone.advance(one({EXPERIMENT: b"new\n"}))
    write(clone.path / EXPERIMENT, "mine\n")
    git("commit", "-qam", "mine", cwd=clone.path)
    record(clone, "r-1")
    assert clone.snapshot().blob(EXPERIMENT) == b"mine\n"
    git("revert", "--no-edit", "HEAD~1", cwd=clone.path)
    record(clone, "r-2")
    assert clone.snapshot().blob(EXPERIMENT) == b"new\n"
    assert_clean(clone.path)


def test_history_that_the_user_rewrites_stays_rewritten(clone: Repository) -> None:
    record(clone, "r-1")
    git("reset", "-q", "--soft", "HEAD~1", cwd=clone.path)
    git("reset", "-q", cwd=clone.path)
    record(clone, "r-2")
    assert runs_at(clone.path) == {"r-0", "r-2"}
    assert git("status", "--porcelain", cwd=clone.path) == f"?? {RUNS}/r-1/\n"


def test_a_list_of_moves_that_is_lost_or_garbage_does_no_harm(clone: Repository) -> None:
    moves = clone.common_dir / "padre/recent"
    moves.write_text("garbage\n- x y z\n")
    record(clone, "r-1")
    moves.unlink()
    record(clone, "r-2")
    lines = [f"{'1' * 40} {'2' * 40} {9 * 10**9 + number} -\n" for number in range(400)]
    moves.write_text("".join(lines))
    record(clone, "r-3")
    assert moves.stat().st_size < 40_000
    assert_clean(clone.path)


@contextmanager
def checking_out_late(clone: Repository, hooks: Path) -> Iterator[None]:
    """Has `git checkout main` come between index and HEAD when the block begins."""
    hooks.mkdir()
    hook = hooks / "post-index-change"
    hook.write_text(f"#!/bin/sh\necho > {hooks}/reached\nread line < {hooks}/go\n")
    hook.chmod(0o755)
    for name in ("reached", "go"):
        os.mkfifo(hooks / name)
    git("checkout", "-q", "-b", "mine", cwd=clone.path)
    words = ["git", "-c", f"core.hooksPath={hooks}", "checkout", "-q", "main"]
    with subprocess.Popen(words, cwd=clone.path) as checkout:
        try:
            (hooks / "reached").read_text()
            yield
            (hooks / "go").write_text("\n")
            assert checkout.wait(60) == 0
        finally:
            checkout.kill()


def test_runs_that_a_checkout_has_missed_come_to_the_work_tree(
    clone: Repository, tmp_path: Path
) -> None:
    with checking_out_late(clone, tmp_path / "hooks"):
        record(clone, "r-1")
        record(clone, "r-2")
    write(clone.path / "notes.md", "mine\n")
    git("add", "notes.md", cwd=clone.path)
    assert clone.bring_up()
    assert git("status", "--porcelain", cwd=clone.path) == "A  notes.md\n"
    assert runs_at(clone.path) == {"r-0", "r-1", "r-2"}


def test_runs_that_are_committed_as_deleted_after_a_checkout_come_back(
    clone: Repository, tmp_path: Path
) -> None:
    with checking_out_late(clone, tmp_path / "hooks"):
        record(clone, "r-1")
        record(clone, "r-2")
    git("commit", "-qam", "mine", cwd=clone.path)
    assert runs_at(clone.path) == {"r-0"}
    record(clone, "r-3")
    assert runs_at(clone.path) == {"r-0", "r-1", "r-2", "r-3"}
    assert_clean(clone.path)


def test_a_run_that_is_deleted_after_a_checkout_in_peace_stays_deleted(clone: Repository) -> None:
    git("checkout", "-q", "-b", "mine", cwd=clone.path)
    record(clone, "r-1")
    later = {**os.environ, "GIT_COMMITTER_DATE": f"{int(time.time()) + 60} +0000"}
    git("checkout", "-q", "main", cwd=clone.path, env=later)
    git("rm", "-qr", f"{RUNS}/r-1", cwd=clone.path)
    assert clone.bring_up()
    git("commit", "-qm", "mine", cwd=clone.path)
    record(clone, "r-2")
    assert runs_at(clone.path) == {"r-0", "r-2"}


def reset_late(clone: Repository, *edits: Mapping[str, Edit]) -> None:
    """Does what `git reset --hard` does that reads HEAD before us and goes on after us."""
    before = git("rev-parse", "HEAD", cwd=clone.path).strip()
    for edit in edits:
        clone.advance(one(edit))
    git("read-tree", "-u", "--reset", before, cwd=clone.path)
    git("update-ref", "-m", "reset: moving to HEAD", "HEAD", before, cwd=clone.path)


def test_runs_that_a_reset_to_head_has_thrown_off_the_branch_come_back(clone: Repository) -> None:
    reset_late(clone, run_files("r-1"), run_files("r-2"))
    assert runs_at(clone.path) == {"r-0"}
    assert clone.bring_up()
    assert runs_at(clone.path) == {"r-0", "r-1", "r-2"}
    assert_clean(clone.path)
    assert len(clone.log()) == 4, "no merge was needed"


def test_they_come_back_under_what_was_committed_since(clone: Repository) -> None:
    reset_late(clone, run_files("r-1"))
    git("commit", "-q", "--allow-empty", "-m", "mine", cwd=clone.path)
    reset_late(clone, run_files("r-2"))
    write(clone.path / EXPERIMENT, "mine\n")
    git("commit", "-q", "--amend", "-am", "mine", cwd=clone.path)
    record(clone, "r-3")
    assert runs_at(clone.path) == {"r-0", "r-1", "r-2", "r-3"}
    assert clone.snapshot().blob(EXPERIMENT) == b"mine\n"
    assert_clean(clone.path)


def test_a_reset_that_names_another_commit_is_meant(clone: Repository) -> None:
    reset_late(clone, run_files("r-1"))
    git("reset", "-q", "--hard", "HEAD~1", cwd=clone.path)
    record(clone, "r-2")
    assert runs_at(clone.path) == {"r-2"}
    assert_clean(clone.path)

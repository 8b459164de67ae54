"""A cone: most of a project is left out of the work tree, and nothing else is different.

The tests that are imported say so of other clones; they are run again here.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from padre_git.errors import ConflictError
from padre_git.vcs import Repository
from tests.conftest import git
from tests.vcs import test_advance, test_users_clone
from tests.vcs.clones import RUNS, assert_clean, create, one, record, run_files, runs_at, write
from tests.vcs.test_advance import (
    test_a_group_is_one_commit_each_in_one_pack,  # noqa: F401
    test_a_plan_is_asked_again_when_the_branch_has_moved,  # noqa: F401
    test_a_plan_that_refuses_the_second_time_leaves_nothing_of_the_first,  # noqa: F401
    test_four_processes_write_at_once_and_every_acknowledged_run_is_there,  # noqa: F401
)
from tests.vcs.test_index import written_tree
from tests.vcs.test_pending import (
    test_a_branch_that_moved_meanwhile_gets_one_merge_commit,  # noqa: F401
    test_a_pending_branch_that_did_not_move_is_brought_up_without_a_merge,  # noqa: F401
    test_a_user_in_the_middle_of_something_is_not_disturbed,  # noqa: F401
    test_an_uncommitted_edit_in_the_way_keeps_commits_waiting,  # noqa: F401
    test_the_same_file_changed_on_both_sides_is_a_conflict_and_both_are_kept,  # noqa: F401
)
from tests.vcs.test_users_clone import (
    test_a_change_to_a_dirty_file_is_refused_before_anything_is_written,  # noqa: F401
    test_a_change_to_a_file_that_is_only_staged_is_refused,  # noqa: F401
    test_a_dirty_file_elsewhere_stays_dirty,  # noqa: F401
    test_a_file_deleted_but_not_committed_is_not_brought_back,  # noqa: F401
    test_on_another_branch_only_ours_moves,  # noqa: F401
    test_staged_files_stay_staged_and_are_not_committed,  # noqa: F401
    test_status_is_clean_after_every_kind_of_change,  # noqa: F401
    test_the_fallback_to_git_refuses_a_dirty_file_too,  # noqa: F401
)

EXPERIMENT = "experiments/svm/experiment.yaml"
FOLDED = "experiments/svm/runs/"


def cone(path: Path, *, index: str = "--sparse-index") -> None:
    git("sparse-checkout", "set", "--cone", index, "experiments/svm/executions", cwd=path)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Repository]:
    with create(tmp_path / "iris") as repository:
        cone(repository.path)
        yield repository


@pytest.fixture(params=["--sparse-index", "--no-sparse-index"])
def either(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Repository]:
    with create(tmp_path / "iris") as repository:
        record(repository, "r-0")
        cone(repository.path, index=request.param)
        yield repository


def entries(path: Path) -> list[str]:
    return git("ls-files", "--sparse", cwd=path).split()


def test_runs_are_recorded_without_being_in_the_work_tree(either: Repository) -> None:
    for number in range(1, 4):
        record(either, f"r-{number}")
        assert_clean(either.path)
    either.advance(one({EXPERIMENT: b"new\n", f"{RUNS}/r-0": None}))
    assert_clean(either.path)
    assert runs_at(either.path) == {"r-1", "r-2", "r-3"}
    assert not (either.path / "experiments/svm/runs").exists()
    assert (either.path / EXPERIMENT).read_text() == "new\n"
    write(either.path / "notes.md", "mine\n")
    git("add", "-A", cwd=either.path)
    git("commit", "-qam", "mine", cwd=either.path)
    assert runs_at(either.path) == {"r-1", "r-2", "r-3"}, "a commit of everything deletes nothing"


def test_the_index_stays_as_small_as_it_was(clone: Repository) -> None:
    record(clone, "r-1")
    before = entries(clone.path)
    assert before == ["experiments/svm/experiment.yaml", FOLDED, "project.yaml"]
    record(clone, "r-2")
    clone.advance(one({f"experiments/new/runs/r-{n}/run.yaml": b"" for n in range(3)}))
    assert entries(clone.path) == ["experiments/new/", *before]
    git("commit", "-q", "--allow-empty", "-m", "mine", cwd=clone.path)
    clone.advance(one({"experiments/new": None, "experiments/svm/runs": None}))
    assert entries(clone.path) == ["experiments/svm/experiment.yaml", "project.yaml"]
    assert_clean(clone.path)


def test_git_itself_does_not_have_to_read_the_trees_below(clone: Repository) -> None:
    record(clone, "r-1")
    record(clone, "r-2")
    tree = git("rev-parse", "HEAD^{tree}", cwd=clone.path).strip()
    assert git("write-tree", cwd=clone.path).strip() == tree
    trace = {**os.environ, "GIT_TRACE2_EVENT": str(clone.git_dir / "trace")}
    git("status", "--porcelain", cwd=clone.path, env=trace)
    seen = (clone.git_dir / "trace").read_text()
    assert "ensure_full_index" not in seen
    assert '"traverse_trees_max_depth":1' in seen, "the cache of trees is complete"


def test_what_the_user_stages_below_a_folded_directory_stays_staged(either: Repository) -> None:
    record(either, "r-1")
    git("rm", "-q", "-r", "--sparse", "--cached", f"{RUNS}/r-0", cwd=either.path)
    before = git("diff", "--cached", "--raw", "--abbrev=40", cwd=either.path)
    assert before.startswith(":100644")
    record(either, "r-2")
    assert git("diff", "--cached", "--raw", "--abbrev=40", cwd=either.path) == before
    with pytest.raises(ConflictError, match="staged"):
        either.advance(one({f"{RUNS}/r-0/run.yaml": b"ours\n"}))
    assert git("diff", "--cached", "--raw", "--abbrev=40", cwd=either.path) == before
    git("commit", "-qm", "mine", cwd=either.path)
    assert runs_at(either.path) == {"r-1", "r-2"}


def test_whoever_wants_runs_has_them_and_keeps_them_up_to_date(either: Repository) -> None:
    record(either, "r-1")
    git("sparse-checkout", "add", f"{RUNS}/r-1", cwd=either.path)
    either.advance(one({f"{RUNS}/r-1/notes/n.md": b"a note\n", f"{RUNS}/r-0/notes/n.md": b"x"}))
    record(either, "r-2")
    assert sorted(p.name for p in (either.path / RUNS).iterdir()) == ["r-1"]
    assert (either.path / RUNS / "r-1/notes/n.md").read_text() == "a note\n"
    assert_clean(either.path)
    git("sparse-checkout", "disable", cwd=either.path)
    record(either, "r-3")
    assert {p.name for p in (either.path / RUNS).iterdir()} == {"r-0", "r-1", "r-2", "r-3"}
    assert (either.path / RUNS / "r-0/notes/n.md").exists()
    assert_clean(either.path)


def test_patterns_that_are_no_cone_are_left_to_git(clone: Repository) -> None:
    git("sparse-checkout", "set", "--no-cone", "/*", "!/experiments/svm/runs/", cwd=clone.path)
    record(clone, "r-1")
    record(clone, "r-2")
    assert not (clone.path / RUNS).exists()
    assert_clean(clone.path)
    assert runs_at(clone.path) == {"r-1", "r-2"}


def test_branches_merges_and_stashes_of_the_user_are_theirs(either: Repository) -> None:
    path = either.path
    git("checkout", "-q", "-b", "other", cwd=path)
    write(path / EXPERIMENT, "other\n")
    git("commit", "-qam", "other", cwd=path)
    record(either, "r-1")
    git("checkout", "-q", "main", cwd=path)
    write(path / "notes.md", "mine\n")
    git("add", "notes.md", cwd=path)
    git("stash", "-q", cwd=path)
    record(either, "r-2")
    git("merge", "-q", "--no-edit", "other", cwd=path)
    record(either, "r-3")
    git("stash", "pop", "-q", cwd=path)
    git("commit", "-qam", "mine", cwd=path)
    record(either, "r-4")
    assert runs_at(path) == {"r-0", "r-1", "r-2", "r-3", "r-4"}
    assert (path / EXPERIMENT).read_text() == "other\n"
    assert_clean(path)


def stale(clone: Repository, *names: str) -> None:
    """Does what `git commit` does that read the index before us and wrote it after us."""
    before = (clone.git_dir / "index").read_bytes()
    for name in names:
        record(clone, name)
    (clone.git_dir / "index").write_bytes(before)
    write(clone.git_dir / "COMMIT_EDITMSG", "mine\n")


def test_a_stale_index_is_put_right_by_the_next_call(either: Repository) -> None:
    stale(either, "r-1", "r-2")
    write(either.path / "notes.md", "mine\n")
    git("add", "notes.md", cwd=either.path)
    assert "D " in git("status", "--porcelain", cwd=either.path)
    assert either.bring_up()
    assert git("status", "--porcelain", cwd=either.path) == "A  notes.md\n"
    assert len(either.log()) == 4, "no commit was needed"


def test_runs_that_a_stale_index_deleted_come_back(either: Repository) -> None:
    stale(either, "r-1", "r-2")
    git("commit", "-qm", "mine", cwd=either.path)
    assert runs_at(either.path) == {"r-0"}
    record(either, "r-3")
    assert runs_at(either.path) == {"r-0", "r-1", "r-2", "r-3"}
    assert_clean(either.path)


def test_what_the_user_reverts_stays_reverted(either: Repository) -> None:
    record(either, "r-1")
    git("revert", "--no-edit", "HEAD", cwd=either.path)
    record(either, "r-2")
    assert runs_at(either.path) == {"r-0", "r-2"}
    git("revert", "--no-commit", "HEAD", cwd=either.path)
    git("commit", "-q", "--no-edit", cwd=either.path)
    assert either.bring_up()
    assert runs_at(either.path) == {"r-0"}
    assert_clean(either.path)


def test_files_and_directories_take_each_others_place_in_a_fold(
    either: Repository,
) -> None:
    record(either, "r-1")
    either.advance(one({f"{RUNS}/r-1/tags": None}))
    either.advance(one({f"{RUNS}/r-1/tags": b"one file\n", f"{RUNS}/r-0": None}))
    assert_clean(either.path)
    either.advance(one({f"{RUNS}/r-1/tags": None, f"{RUNS}/r-1/tags/good": b""}))
    either.advance(one({"experiments/svm/runs": b"a file\n"}))
    assert (either.path / "experiments/svm/runs").read_text() == "a file\n"
    assert_clean(either.path)


def test_directories_of_the_cone_are_evicted_and_come_back(either: Repository) -> None:
    record(either, "r-1")
    either.evict(["experiments/svm"])
    assert not (either.path / "experiments").exists()
    record(either, "r-2")
    assert_clean(either.path)
    either.restore(["experiments/svm"])
    assert (either.path / EXPERIMENT).exists()
    assert_clean(either.path)


def test_what_git_writes_from_the_index_is_right_whatever_we_and_the_user_do(
    clone: Repository,
) -> None:
    chance = random.Random(7)
    places = ["experiments/svm", RUNS, f"{RUNS}/r-1", "experiments/new/runs", "a", "a/b", "f-g"]
    for step in range(60):
        path = f"{chance.choice(places)}/{chance.randrange(4)}.txt"
        what = chance.randrange(7)
        with suppress(ConflictError):  # what the user has staged is in the way now and then
            if what < 3:
                clone.advance(one({path: b"%d" % step, **run_files(f"r-{step}")}))
            elif what == 3:
                clone.advance(one({chance.choice([path, *places[1:]]): None}))
        if what == 4:
            write(clone.path / path, str(step))
            git("add", "--sparse", path, cwd=clone.path)
        elif what == 5:
            git("commit", "-qm", "mine", "--allow-empty", cwd=clone.path)
        elif what == 6:
            git("rm", "-q", "--cached", "-r", "--sparse", "--ignore-unmatch", path, cwd=clone.path)
        assert git("write-tree", cwd=clone.path) == written_tree(clone.path), step
    git("fsck", "--strict", "--full", "--no-dangling", cwd=clone.path)


@pytest.mark.parametrize(
    ("how", "count"),
    [
        ("-a", 20),
        pytest.param("-a", 150, marks=pytest.mark.nightly),
        pytest.param("index", 60, marks=pytest.mark.nightly),
    ],
)
def test_a_user_who_commits_in_a_loop_loses_nothing_and_neither_do_we(
    clone: Repository, tmp_path: Path, how: str, count: int
) -> None:
    test_users_clone.test_a_user_who_commits_in_a_tight_loop_loses_nothing_and_neither_do_we(
        clone, tmp_path, how, count
    )


@pytest.mark.nightly
@pytest.mark.parametrize("work", ["record", "replace", "delete"])
def test_a_kill_at_any_step_leaves_the_old_state_or_the_new_one(
    clone: Repository, work: str
) -> None:
    test_advance.test_a_kill_at_any_step_leaves_the_old_state_or_the_new_one(clone, work)

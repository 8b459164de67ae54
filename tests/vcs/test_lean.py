"""Lean work trees: clones of large projects begin with them, and they follow the project."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.errors import ConflictError, RepositoryError
from padre_git.vcs import Repository
from padre_git.vcs.lean import Lean
from tests.conftest import git
from tests.vcs.clones import RUNS, assert_clean, create, one, record, runs_at, write

LEAN = Lean(above="experiments", left_out="runs", kept="executions", always=("datasets",), files=8)
NEW = "experiments/new/experiment.yaml"
_OLD = """#!/bin/sh
for word; do
    if [ "$word" = --sparse-index ]; then echo "error: unknown option" >&2; exit 129; fi
done
exec {git} "$@"
"""

_DYING = """#!/bin/sh
case " $* " in *" sparse-checkout "*)
    {git} config extensions.worktreeConfig true
    {git} config --worktree core.sparseCheckout true
    touch .git/index.lock .git/info/sparse-checkout.lock
    {work}
    kill -9 $$
esac
exec {git} "$@"
"""


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Repository]:
    with create(tmp_path / "origin") as repository:
        repository.advance(one({"experiments/svm/executions/x-1/execution.yaml": b"x\n"}))
        for number in range(2):
            record(repository, f"r-{number}")
        yield repository


def cloned(origin: Repository, path: Path) -> Repository:
    clone = Repository.clone(str(origin.path), path, branch="main", lean=LEAN)
    clone.lean = LEAN
    return clone


@pytest.fixture
def clone(origin: Repository, tmp_path: Path) -> Iterator[Repository]:
    record(origin, "r-2")
    with cloned(origin, tmp_path / "clone") as made:
        yield made


def test_a_clone_of_a_small_project_has_everything(origin: Repository, tmp_path: Path) -> None:
    with cloned(origin, tmp_path / "clone") as made:
        assert (made.path / RUNS / "r-1/run.yaml").exists()
        assert not made.is_sparse()
        assert_clean(made.path)


def test_a_clone_of_a_large_one_has_everything_but_runs(clone: Repository) -> None:
    assert clone.is_sparse()
    assert (clone.path / "experiments/svm/executions/x-1/execution.yaml").exists()
    assert (clone.path / "experiments/svm/experiment.yaml").exists()
    assert not (clone.path / "experiments/svm/runs").exists()
    assert runs_at(clone.path) == {"r-0", "r-1", "r-2"}
    listed = git("ls-files", "--sparse", cwd=clone.path).split()
    assert "experiments/svm/runs/" in listed
    assert len(listed) == 4
    assert_clean(clone.path)
    record(clone, "r-3")
    assert_clean(clone.path)


def test_new_experiments_are_in_the_work_tree_whoever_made_them(
    clone: Repository, origin: Repository
) -> None:
    clone.advance(one({NEW: b"new\n", "experiments/new/runs/2026-11/r-1/run.yaml": b"x\n"}))
    assert (clone.path / NEW).read_text() == "new\n"
    assert not (clone.path / "experiments/new/runs").exists()
    assert_clean(clone.path)
    origin.advance(one({"experiments/theirs/experiment.yaml": b"theirs\n", "code/a.py": b"\n"}))
    git("pull", "-q", "--no-rebase", "--no-edit", cwd=clone.path)
    record(clone, "r-4")
    assert (clone.path / "experiments/theirs/experiment.yaml").exists()
    assert (clone.path / "code/a.py").exists()
    assert_clean(clone.path)


def test_a_cone_of_the_users_own_is_not_changed(clone: Repository) -> None:
    git("sparse-checkout", "set", "datasets", cwd=clone.path)
    clone.advance(one({NEW: b"new\n"}))
    assert not (clone.path / "experiments").exists()
    git("sparse-checkout", "disable", cwd=clone.path)
    clone.advance(one({"experiments/more/experiment.yaml": b"more\n"}))
    assert (clone.path / RUNS / "r-0/run.yaml").exists()
    assert not clone.is_sparse()
    assert_clean(clone.path)


def test_what_the_user_adds_to_our_cone_stays_and_the_cone_still_grows(clone: Repository) -> None:
    git("sparse-checkout", "add", f"{RUNS}/r-1", cwd=clone.path)
    clone.advance(one({NEW: b"new\n"}))
    assert (clone.path / NEW).exists()
    assert (clone.path / RUNS / "r-1/run.yaml").exists()
    assert_clean(clone.path)


def test_runs_are_brought_and_left_out_again(clone: Repository) -> None:
    clone.bring([f"{RUNS}/r-1"])
    assert [path.name for path in (clone.path / RUNS).iterdir()] == ["r-1"]
    assert_clean(clone.path)
    clone.bring_all()
    assert {path.name for path in (clone.path / RUNS).iterdir()} == {"r-0", "r-1", "r-2"}
    assert_clean(clone.path)
    clone.bring([f"{RUNS}/r-1"])
    assert not clone.is_sparse(), "it is all there already"
    mine = write(clone.path / RUNS / "r-1/artifacts/model.bin", "only here")
    with pytest.raises(ConflictError, match="git does not have"):
        clone.leave_out()
    assert mine.exists()
    mine.unlink()
    write(clone.path / "experiments/svm/experiment.yaml", "dirty\n")
    clone.leave_out()
    assert not (clone.path / RUNS).exists()
    assert git("status", "--porcelain", cwd=clone.path) == " M experiments/svm/experiment.yaml\n"


def dying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str) -> None:
    """Lets ``git sparse-checkout`` die after some work, with what it has locked."""
    path = tmp_path / "dying/git"
    path.parent.mkdir()
    path.write_text(_DYING.format(git=shutil.which("git"), work=work))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")


def two_minutes_pass(clone: Repository) -> None:
    for path in [*clone.git_dir.rglob("*.lock"), clone.git_dir / "padre/upkeep"]:
        before = path.stat().st_mtime - 120
        os.utime(path, (before, before))


def test_leaving_out_that_was_killed_is_finished_by_the_next_call(
    origin: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.lean = LEAN
    with monkeypatch.context() as patch:
        dying(tmp_path, patch, f"rm -r {RUNS}")
        with pytest.raises(RepositoryError):
            origin.leave_out()
    assert f" D {RUNS}/r-1/run.yaml" in git("status", "--porcelain", cwd=origin.path)
    origin.advance(one({f"{NEW}2": b"x\n"}))  # others' locks keep nobody from recording
    two_minutes_pass(origin)
    origin.advance(one({NEW: b"x\n"}))
    assert_clean(origin.path)
    assert not (origin.path / RUNS).exists()
    assert not list(origin.git_dir.rglob("*.lock"))


@pytest.mark.parametrize("everything", [False, True])
def test_bringing_that_was_killed_leaves_no_half_of_a_file(
    clone: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, everything: bool
) -> None:
    bring = clone.bring_all if everything else lambda: clone.bring([f"{RUNS}/r-1"])
    half = clone.path / RUNS / "r-1/run.yaml"
    mine = half.with_name("mine")
    whole = (tmp_path / "origin" / RUNS / "r-1/run.yaml").read_bytes()
    work = f"mkdir -p {half.parent}; printf '{whole[:2].decode()}' > {half}; printf a > {mine}"
    with monkeypatch.context() as patch:
        dying(tmp_path, patch, work)
        with pytest.raises(RepositoryError):
            bring()
    two_minutes_pass(clone)
    clone.advance(one({NEW: b"x\n"}))
    assert not half.exists()
    mine.unlink()
    assert_clean(clone.path)
    bring()
    assert half.read_bytes() == whole


def test_runs_of_a_clone_that_was_copied_elsewhere_are_left_out(origin: Repository) -> None:
    copy = origin.path.with_name("copy")
    shutil.copytree(origin.path, copy, copy_function=shutil.copy)
    (copy / "experiments/svm/experiment.yaml").unlink()
    with Repository(copy, branch="main") as clone:
        clone.lean = LEAN
        clone.leave_out()
    assert not (copy / RUNS).exists()
    assert git("status", "--porcelain", cwd=copy) == " D experiments/svm/experiment.yaml\n"


def test_a_run_that_was_edited_stays_when_runs_are_left_out(origin: Repository) -> None:
    origin.lean = LEAN
    mine = write(origin.path / RUNS / "r-1/run.yaml", "mine\n")
    origin.leave_out()
    assert mine.read_text() == "mine\n"
    assert not (origin.path / RUNS / "r-0").exists()
    assert git("status", "--porcelain", cwd=origin.path) == f" M {RUNS}/r-1/run.yaml\n"
    record(origin, "r-9")
    assert git("status", "--porcelain", cwd=origin.path) == f" M {RUNS}/r-1/run.yaml\n"


def test_names_that_are_patterns_or_quotes_are_left_out_and_harm_nothing(
    origin: Repository, tmp_path: Path
) -> None:
    odd = ['"quoted', "star*", "new\nline", "#hash", "-option", "ü"]
    origin.advance(one({f"experiments/{name}/experiment.yaml": b"x\n" for name in odd}))
    record(origin, "r-2")
    with cloned(origin, tmp_path / "clone") as made:
        assert {p.name for p in (made.path / "experiments").iterdir()} == {"svm", "-option", "ü"}
        record(made, "r-3")
        assert_clean(made.path)


def test_a_link_in_place_of_the_patterns_is_not_followed(clone: Repository, tmp_path: Path) -> None:
    patterns = clone.git_dir / "info/sparse-checkout"
    target = write(tmp_path / "elsewhere", patterns.read_text())
    patterns.unlink()
    patterns.symlink_to(target)
    record(clone, "r-3")
    assert runs_at(clone.path) == {"r-0", "r-1", "r-2", "r-3"}
    assert_clean(clone.path)


def test_a_git_that_knows_no_sparse_index_checks_everything_out(
    origin: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(origin, "r-2")
    old = write(tmp_path / "bin/git", _OLD.format(git=shutil.which("git")))
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    with cloned(origin, tmp_path / "clone") as made:
        assert (made.path / RUNS / "r-2/run.yaml").exists()
        assert not (made.git_dir / "padre/cone").exists()
        assert_clean(made.path)

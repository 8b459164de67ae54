"""Evicted directories leave the work tree, are missed by nobody, and come back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.errors import ConflictError, InvalidNameError, LockedError
from padre_git.vcs import Repository
from tests.conftest import git
from tests.vcs.clones import RUNS, assert_clean, create, one, record, run_files, runs_at, write

RUN = f"{RUNS}/r-1"


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Repository]:
    with create(tmp_path / "iris") as repository:
        record(repository, "r-1")
        record(repository, "r-2")
        yield repository


def test_evicted_files_are_gone_and_status_does_not_miss_them(clone: Repository) -> None:
    clone.evict([RUN])
    assert not (clone.path / RUN).exists()
    assert (clone.path / RUNS / "r-2").exists()
    assert clone.is_evicted(RUN)
    assert clone.is_evicted(f"{RUN}/run.yaml")
    assert not clone.is_evicted(f"{RUNS}/r-2")
    assert clone.snapshot().blob(f"{RUN}/run.yaml") is not None
    assert_clean(clone.path)
    write(clone.path / "notes.md", "mine\n")
    git("add", "-A", cwd=clone.path)
    git("commit", "-qam", "mine", cwd=clone.path)
    assert runs_at(clone.path) == {"r-1", "r-2"}, "the user's commit deletes nothing"


def test_they_come_back_as_they_were(clone: Repository) -> None:
    clone.evict([RUN])
    clone.restore([RUN])
    assert {p: (clone.path / p).read_bytes() for p in run_files("r-1")} == run_files("r-1")
    assert not clone.is_evicted(RUN)
    assert_clean(clone.path)
    assert "S " not in git("ls-files", "-t", cwd=clone.path)


def test_a_part_can_come_back(clone: Repository) -> None:
    clone.evict(["experiments/svm"])
    clone.restore([RUN])
    assert (clone.path / RUN / "run.yaml").exists()
    assert not (clone.path / RUNS / "r-2").exists()
    assert not clone.is_evicted(RUN)
    assert clone.is_evicted(f"{RUNS}/r-2")
    assert_clean(clone.path)
    clone.evict([RUN])
    assert clone.is_evicted(RUN)
    clone.restore(["experiments"])
    assert not clone.is_evicted(f"{RUNS}/r-2")
    assert_clean(clone.path)


def test_changes_to_what_is_evicted_stay_out_of_the_work_tree(clone: Repository) -> None:
    clone.evict([RUN])
    clone.advance(one({f"{RUN}/tags/new": b"", f"{RUN}/metrics.yaml": b"accuracy: 1.0\n"}))
    assert not (clone.path / RUN).exists()
    assert_clean(clone.path)
    clone.restore([RUN])
    assert (clone.path / RUN / "metrics.yaml").read_bytes() == b"accuracy: 1.0\n"
    assert (clone.path / RUN / "tags/new").exists()
    assert_clean(clone.path)


def test_what_is_evicted_can_be_deleted(clone: Repository) -> None:
    clone.evict([RUN])
    clone.advance(one({RUN: None}))
    assert runs_at(clone.path) == {"r-2"}
    assert_clean(clone.path)


def test_an_uncommitted_edit_is_not_evicted(clone: Repository) -> None:
    mine = write(clone.path / RUN / "run.yaml", "mine\n")
    with pytest.raises(ConflictError, match=r"run\.yaml"):
        clone.evict([RUN])
    assert mine.read_text() == "mine\n"
    assert (clone.path / RUN / "metrics.yaml").exists()
    assert not clone.is_evicted(RUN)


def test_a_file_that_appeared_in_an_evicted_place_is_not_overwritten(clone: Repository) -> None:
    clone.evict([RUN])
    mine = write(clone.path / RUN / "run.yaml", "mine\n")
    clone.restore([RUN])
    assert mine.read_text() == "mine\n"
    assert git("status", "--porcelain", cwd=clone.path) == f" M {RUN}/run.yaml\n"


def test_a_busy_user_is_not_disturbed(clone: Repository) -> None:
    write(clone.git_dir / "MERGE_HEAD", clone.tip() or "")
    with pytest.raises(LockedError, match="merging"):
        clone.evict([RUN])
    assert (clone.path / RUN).exists()


def test_a_path_outside_is_refused(clone: Repository) -> None:
    with pytest.raises(InvalidNameError):
        clone.evict(["../x"])
    assert_clean(clone.path)


def test_evicting_what_is_not_checked_out_is_only_noted(clone: Repository) -> None:
    git("checkout", "-q", "--detach", cwd=clone.path)
    clone.evict([RUN])
    assert clone.is_evicted(RUN)
    assert (clone.path / RUN).exists()

"""Writers that are killed while others are busy: nobody has to do anything about it."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from padre_git.errors import ConflictError, RepositoryError
from padre_git.vcs import NewCommit, Repository, Snapshot
from padre_git.vcs.lean import Lean
from tests.conftest import git
from tests.killing import killed
from tests.vcs.clones import (
    FIRST,
    RUNS,
    assert_clean,
    create,
    one,
    record,
    run_files,
    runs_at,
    status,
)

LEAN = Lean(above="experiments", left_out="runs", kept="executions", always=("datasets",), files=8)

RUN = f"{RUNS}/r-1/run.yaml"


@pytest.fixture
def clone(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Repository]:
    form = getattr(request, "param", "full")
    with create(tmp_path / "iris", {**FIRST, "experiments/svm/executions/x/e.yaml": b""}) as made:
        record(made, "r-0")
        if form == "lean":
            made.lean = LEAN
            made.leave_out()
        if form == "version 4":  # which only git itself changes
            git("update-index", "--index-version", "4", cwd=made.path)
        yield made


def put(clone: Repository, title: str) -> None:
    clone.advance(one({**run_files("r-1"), RUN: f"schema: run/1\n\ntitle: {title}\n".encode()}))


def die(clone: Repository, number: int, title: str) -> bool:
    """Puts a run in a process that is killed at its n-th change; tells whether it was."""

    def work() -> None:
        with Repository.open(clone.path, branch="main") as opened:
            put(opened, title)

    return killed(number, clone.path, work)


def put_during_a_merge(clone: Repository, title: str) -> None:
    merge = clone.git_dir / "MERGE_HEAD"
    merge.write_text(f"{clone.tip()}\n")
    put(clone, title)
    merge.unlink()


def assert_title(clone: Repository, title: str, moment: str) -> None:
    record(clone, "r-2")
    assert clone.snapshot().blob(RUN) == f"schema: run/1\n\ntitle: {title}\n".encode(), moment
    assert runs_at(clone.path) == {"r-0", "r-1", "r-2"}
    assert status(clone.path) == "", moment


def reset(clone: Repository) -> None:
    clone.advance(one({f"{RUNS}/r-1": None}))


@pytest.mark.parametrize("clone", ["full", "lean", "version 4"], indirect=True)
def test_what_was_killed_and_is_changed_while_it_waits_is_brought_up(clone: Repository) -> None:
    number = 1
    while die(clone, number, "killed"):
        put_during_a_merge(clone, "changed")
        assert_title(clone, "changed", f"killed at {number}")
        reset(clone)
        number += 1
    assert number > 10


@pytest.mark.parametrize("clone", ["lean"], indirect=True)
def test_whoever_is_killed_again_while_that_is_brought_up_leaves_nothing_either(
    clone: Repository,
) -> None:
    number = 1
    while die(clone, number, "first"):
        put_during_a_merge(clone, "second")
        if not die(clone, number, "third"):
            break
        put_during_a_merge(clone, "fourth")
        assert_title(clone, "fourth", f"killed at {number}")
        reset(clone)
        number += 1
    assert number > 10


@pytest.mark.parametrize("clone", ["full", "version 4"], indirect=True)
def test_whoever_is_killed_while_a_lost_race_is_taken_back_leaves_nothing(
    clone: Repository,
) -> None:
    number = 1
    while killed(number, clone.path, partial(_lose, clone, number)):
        record(clone, "after")
        assert status(clone.path) == "", f"killed at {number}"
        number += 1
    assert number > 15
    assert_clean(clone.path)


def _lose(clone: Repository, number: int) -> None:
    """Loses a race, and is refused at the second attempt."""
    asked: list[Snapshot] = []

    def plan(snapshot: Snapshot) -> list[NewCommit]:
        asked.append(snapshot)
        if len(asked) > 1:
            raise ConflictError("no more")
        git("commit", "-q", "--allow-empty", "-m", "meanwhile", cwd=clone.path)
        return [NewCommit(edits=run_files(f"r-{number}"), text="lost")]

    opened = Repository.open(clone.path, branch="main")
    with opened, pytest.raises(ConflictError, match="no more"):
        opened.advance(plan)


def test_a_disk_that_is_full_by_then_does_not_make_anybody_forget_what_was_left(
    clone: Repository,
) -> None:
    number = 1
    while die(clone, number, "killed"):
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
            with contextlib.suppress(RepositoryError):
                put_during_a_merge(clone, "no room")
            os._exit(0)
        os.waitpid(child, 0)
        (clone.git_dir / "MERGE_HEAD").unlink(missing_ok=True)
        put_during_a_merge(clone, "changed")
        assert_title(clone, "changed", f"killed at {number}")
        reset(clone)
        number += 1
    assert number > 10


@pytest.mark.parametrize("seal", [True, False])
def test_a_killed_eviction_leaves_no_file_behind_when_the_record_is_deleted(
    clone: Repository, *, seal: bool
) -> None:
    number, run = 1, f"{RUNS}/r-1"

    def work() -> None:
        with Repository.open(clone.path, branch="main") as opened:
            opened.evict([run])

    while True:
        put(clone, "one")
        clone.advance(one({f"{run}/notes/n.md": b"a note"}))
        if not killed(number, clone.path, work):
            break
        clone.advance(one({run: None, **({f"{run}/notes": b""} if seal else {})}))
        assert status(clone.path) == "", f"killed at {number}"
        clone.advance(one({run: None}))
        number += 1
    assert number > 5

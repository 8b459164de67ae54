"""git's own locks, left by a git that has died: taken away where that is certain, and told."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from padre_git.vcs import Repository
from padre_git.vcs.deadlocks import at_work
from padre_git.vcs.maintaining import maintain
from tests.conftest import git
from tests.vcs.clones import assert_clean, create, record, runs_at

MAIN = "refs/heads/main.lock"
_LONG_AGO = (1e9, 1e9)
_PREPARE = b"start\nupdate refs/heads/main HEAD^\nprepare\n"


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Repository]:
    with create(tmp_path / "iris") as made:
        record(made, "r-1")
        # git locks HEAD, too, when it moves the branch that is checked out
        git("checkout", "-q", "-b", "mine", cwd=made.path)
        yield made


def git_that_holds_the_branch(
    clone: Repository, told: int, inherited: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Starts a git that holds its lock for as long as somebody may tell it something."""
    process = subprocess.Popen(
        ["git", "update-ref", "--stdin"],
        cwd=clone.path,
        stdin=told,
        stdout=subprocess.PIPE,
        pass_fds=inherited,
    )
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == [b"start: ok\n", b"prepare: ok\n"]
    return process


@contextmanager
def upkeep_with_its_git(clone: Repository) -> Iterator[tuple[int, int]]:
    """Gives a process that does upkeep, and the git that does it."""
    told, tells = os.pipe()
    heard, says = os.pipe()
    os.write(tells, _PREPARE)
    child = os.fork()
    if child == 0:
        try:
            with at_work(clone.common_dir) as inherited:
                started = git_that_holds_the_branch(clone, told, inherited)
                os.write(says, f"{started.pid}\n".encode())
                signal.pause()
        finally:
            os._exit(1)
    os.close(says)
    os.close(told)
    with os.fdopen(heard) as stream:
        held = int(stream.readline() or 0)
    try:
        yield child, held
    finally:
        kill(held)
        kill(child)
        os.waitpid(child, 0)
        os.close(tells)


def kill(process: int) -> None:
    """Kills a process and waits until it has let go of everything, whoever buries it."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    deadline = time.monotonic() + 60
    with suppress(FileNotFoundError):
        while True:
            Path(f"/proc/{process}/cwd").readlink()
            assert time.monotonic() < deadline
            time.sleep(0.01)


def put(clone: Repository, run: str) -> list[str]:
    """Records a run in a process that comes later; returns what it was told."""
    told: list[str] = []
    with Repository.open(clone.path, branch="main") as later:
        later.guard.tell = told.append
        record(later, run)
    return told


def begin_anew(clone: Repository) -> None:
    (clone.common_dir / "padre/starts").write_text("another-time\n")


def test_a_lock_that_a_killed_upkeep_has_left_is_taken_away_by_the_next_call(
    clone: Repository,
) -> None:
    with upkeep_with_its_git(clone) as (upkeep, held):
        kill(held)
        kill(upkeep)
        assert (clone.common_dir / MAIN).exists()
        (told,) = put(clone, "r-2")
    assert "main.lock', which a git that has died had left" in told
    assert runs_at(clone.path, "main") == {"r-1", "r-2"}
    assert not (clone.common_dir / "padre/upkeep").exists()
    assert_clean(clone.path)


def test_a_git_that_goes_on_when_its_upkeep_is_killed_keeps_its_lock(clone: Repository) -> None:
    with upkeep_with_its_git(clone) as (upkeep, _):
        kill(upkeep)
        assert put(clone, "r-2") == []
        assert (clone.common_dir / MAIN).exists()
        assert runs_at(clone.path, "main") == {"r-1"}, "it waits"
    assert len(put(clone, "r-3")) == 1
    assert runs_at(clone.path, "main") == {"r-1", "r-2", "r-3"}


def test_a_lock_that_is_older_than_the_upkeep_is_somebody_elses(clone: Repository) -> None:
    with upkeep_with_its_git(clone) as (upkeep, held):
        kill(held)
        kill(upkeep)
    made = (clone.common_dir / "padre/upkeep").stat().st_mtime
    os.utime(clone.common_dir / MAIN, (made - 1, made - 1))
    assert put(clone, "r-2") == []
    assert (clone.common_dir / MAIN).exists()


def test_a_lock_from_before_the_machine_was_started_is_taken_away(clone: Repository) -> None:
    for name in ("refs/heads/main.lock", "index.lock", "packed-refs.lock"):
        (clone.common_dir / name).touch()
        os.utime(clone.common_dir / name, _LONG_AGO)
    begin_anew(clone)
    assert len(put(clone, "r-2")) == 3
    assert runs_at(clone.path, "main") == {"r-1", "r-2"}
    assert_clean(clone.path)


def test_a_lock_of_today_stays_where_the_machine_was_started_today(clone: Repository) -> None:
    begin_anew(clone)
    (clone.common_dir / "packed-refs.lock").touch()
    assert put(clone, "r-2") == []
    assert (clone.common_dir / "packed-refs.lock").exists()


def test_while_a_git_is_at_work_no_lock_is_taken_away(clone: Repository) -> None:
    told, tells = os.pipe()
    os.write(tells, _PREPARE)
    with git_that_holds_the_branch(clone, told) as held:
        try:
            os.utime(clone.common_dir / MAIN, _LONG_AGO)
            begin_anew(clone)
            assert put(clone, "r-2") == []
            assert (clone.common_dir / MAIN).exists()
        finally:
            held.kill()
            os.close(told)
            os.close(tells)


def test_upkeep_that_went_well_leaves_no_note(clone: Repository) -> None:
    maintain(clone.common_dir)
    assert not (clone.common_dir / "padre/upkeep").exists()


def test_upkeep_that_another_git_has_kept_from_something_takes_nothing_from_it(
    clone: Repository,
) -> None:
    (clone.common_dir / "packed-refs.lock").touch()
    assert any("packed-refs.lock" in what for what in maintain(clone.common_dir))
    os.utime(clone.common_dir / "packed-refs.lock", _LONG_AGO)
    assert put(clone, "r-2") == []
    assert (clone.common_dir / "packed-refs.lock").exists()
    assert not (clone.common_dir / "padre/upkeep").exists()

"""git's own locks: those of the dead go, those of the living are named with their age."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

import padre_git
from padre_git.messages import Notice, Piece, Source
from tests.conftest import git
from tests.recovery.clinic import snapshot

LOCKS = [
    "index.lock",
    "HEAD.lock",
    "packed-refs.lock",
    "config.lock",
    "shallow.lock",
    "refs/heads/main.lock",
    "refs/heads/deep/er.lock",
    "objects/maintenance.lock",
]


def lock(clone: Path, name: str, *, hours: float = 3) -> Path:
    path = clone / ".git" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    past = time.time() - hours * 3600
    os.utime(path, (past, past))
    return path


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_of_a_git_that_is_gone_is_named_and_taken_away(
    store: padre_git.Store, clone: Path, name: str
) -> None:
    path = lock(clone, name)
    before = snapshot(clone)
    (found,) = store.verify("iris")
    assert snapshot(clone) == before
    assert (found.piece, found.name, found.source) == (Piece.LOCK, name, Source.REST)
    assert "3 hours old" in found.problem
    told: list[Notice] = []
    store.subscribe(Notice, told.append)
    assert store.repair("iris") == ()
    assert not path.exists()
    assert any(name in notice.text and "3 hours" in notice.text for notice in told)


def test_a_young_lock_is_somebodys(store: padre_git.Store, clone: Path) -> None:
    path = lock(clone, "index.lock", hours=0)
    assert store.verify("iris") == store.repair("iris") == ()
    assert path.exists()


def test_a_lock_that_a_process_has_open_stays(store: padre_git.Store, clone: Path) -> None:
    path = lock(clone, "packed-refs.lock")
    with path.open():
        (left,) = store.repair("iris")
    assert (left.name, left.source) == ("packed-refs.lock", None)
    assert path.exists()


def test_the_lock_of_a_person_who_writes_a_message_stays(
    store: padre_git.Store, clone: Path, tmp_path: Path
) -> None:
    (clone / "notes.txt").write_text("mine\n")
    git("add", "notes.txt", cwd=clone)
    opened = tmp_path / "opened"
    editor = {**os.environ, "GIT_EDITOR": f"touch '{opened}'; sleep 60 #"}
    words = ["git", "commit", "-q", "-a"]  # it holds the index while the editor is open
    commit = subprocess.Popen(words, cwd=clone, env=editor, start_new_session=True)
    try:
        path = clone / ".git" / "index.lock"
        limit = time.monotonic() + 10
        while not opened.exists() and time.monotonic() < limit:
            time.sleep(0.01)  # until then git still writes to its lock
        assert path.exists()
        lock(clone, "index.lock")  # open since yesterday
        (left,) = store.repair("iris")
        assert "somebody may hold it" in left.problem
        assert path.exists()
    finally:
        os.killpg(commit.pid, signal.SIGKILL)
        commit.wait()


def test_what_a_killed_git_left_of_objects_goes_when_it_is_old(
    store: padre_git.Store, clone: Path
) -> None:
    young = lock(clone, "objects/pack/tmp_pack_abcdef", hours=1)
    old = lock(clone, "objects/pack/tmp_pack_ghijkl", hours=30)
    half = lock(clone, "objects/ab/tmp_obj_xyz", hours=30)
    ours = lock(clone, "padre/index.999999", hours=30)
    done = store.maintain("iris")
    assert young.exists()
    assert not any(path.exists() for path in (old, half, ours))
    assert "3 leftovers removed" in done.done

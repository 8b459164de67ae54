"""Killed at every step of publishing and of taking over: the next sync finds nothing to repair."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.backends.policy import Policy
from padre_git.errors import RejectedError
from padre_git.model import Key
from padre_git.testing.documents import EXPERIMENT, IRIS, put, run_key, store
from tests.backends.dual_stores import Lab, documents
from tests.conftest import git
from tests.killing import killed

SWEEPS = pytest.mark.parametrize("stride", [4, pytest.param(1, marks=pytest.mark.nightly)])


def shown(repository: Path, path: str) -> str:
    """Returns a file of a branch; empty if it is not there."""
    done = subprocess.run(
        ["git", "show", f"main:{path}"], cwd=repository, capture_output=True, text=True
    )
    return done.stdout


@SWEEPS
def test_a_kill_while_publishing_leaves_nothing_twice_and_no_url_too_many(
    tmp_path: Path, stride: int
) -> None:
    lab = Lab(tmp_path)
    store(lab.store("ada"), IRIS)
    number, landed, alive = 1, 0, 0
    while True:
        key = IRIS.experiment(f"e{number}")

        def work(key: Key = key) -> None:
            with lab.store("ada") as ada:
                put(ada, key)

        if not killed(number, lab.clone("ada"), work):
            break
        path = f"experiments/{key.name}/experiment.yaml"
        there, here = shown(lab.bare(), path), shown(lab.clone("ada"), path)
        assert "url:" not in here or "url:" in there, f"killed at change {number}"
        landed += bool(there)
        with lab.store("ada") as ada:
            ada.sync("iris")
            assert git("rev-parse", "main", cwd=lab.clone("ada")).strip() == lab.head()
            assert git("status", "--porcelain", cwd=lab.clone("ada")) == ""
            if ada.read([key]):
                alive += 1
                assert b"url" in documents(ada, key)["experiment.yaml"]
        number += stride
    subjects = git("log", "--format=%s", "main", cwd=lab.bare()).splitlines()
    assert all(subjects.count(f"put e{n}") <= 1 for n in range(number))
    assert number > 20
    assert 0 < landed <= alive
    lab.close()


@pytest.mark.parametrize("ref", ["refs/remotes/origin/main", "refs/padre/met"])
def test_a_lock_that_a_killed_process_of_ours_has_left_keeps_nobody_out(
    tmp_path: Path, ref: str
) -> None:
    lab = Lab(tmp_path)
    store(lab.store("ada"), IRIS, EXPERIMENT)
    ben = lab.store("ben")
    put(lab.store("ada"), run_key(1))
    put(ben, run_key(3))
    put(lab.store("ada"), run_key(2))
    common = lab.clone("ben") / ".git"
    os.link(common / "padre" / "mark", common / f"{ref}.lock")
    ben.sync("iris")
    assert run_key(2) in ben.read([run_key(2)])
    assert not (common / f"{ref}.lock").exists()
    lab.close()


@pytest.mark.parametrize("name", ["HEAD", "refs/heads/main"])
def test_a_lock_that_a_killed_push_has_left_in_a_directory_keeps_nobody_out(
    tmp_path: Path, name: str
) -> None:
    lab = Lab(tmp_path)
    ada = lab.store("ada", policy=Policy.MANUAL)
    store(ada, IRIS, EXPERIMENT)
    ada.sync("iris")
    put(ada, run_key(1))
    lock = lab.bare() / f"{name}.lock"
    lock.touch()
    with pytest.raises(RejectedError):
        ada.sync("iris")
    assert lock.exists(), "it is young, and somebody may hold it"
    os.utime(lock, (time.time() - 120,) * 2)
    ada.sync("iris")
    assert git("rev-parse", "main", cwd=lab.clone("ada")).strip() == lab.head()
    lab.close()


@SWEEPS
def test_a_kill_while_following_a_squash_merge_is_finished_by_the_next_sync(
    tmp_path: Path, stride: int
) -> None:
    place, begin = tmp_path / "now", tmp_path / "begin"
    lab = Lab(place)
    store(lab.store("ben"), IRIS, EXPERIMENT)
    with lab.store("ada", policy=Policy.MANUAL) as ada:
        ada.pull("iris")
        put(ada, run_key(1))
        put(ada, EXPERIMENT, title="Ada's")
    git("push", "-q", "origin", "main:offer", cwd=lab.clone("ada"))
    reviewer = place / "reviewer"
    git("clone", "-q", "-b", "main", lab.bare(), reviewer, cwd=place)
    git("merge", "-q", "--squash", "origin/offer", cwd=reviewer)
    git("commit", "-q", "-m", "squashed", cwd=reviewer)
    git("push", "-q", cwd=reviewer)
    with lab.store("ben") as ben:
        ben.pull("iris")
        put(ben, EXPERIMENT, title="settled")  # in the same file as ours
    lab.close()
    shutil.copytree(place, begin, symlinks=True)
    number = 1
    while _follows_after_a_kill(begin, place, number):
        number += stride
    assert number > 10


def _follows_after_a_kill(begin: Path, place: Path, number: int) -> bool:
    """Syncs a copy of what there was at the beginning, killed at its n-th change; then again."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(begin, place, symlinks=True)
    lab = Lab.__new__(Lab)
    lab.directory, lab.remote, lab.events, lab._open = place, place / "lab", [], []

    def sync() -> None:
        with lab.store("ada", policy=Policy.MANUAL) as ada:
            ada.sync("iris")

    was_killed = killed(number, lab.clone("ada"), sync)
    head = lab.head()
    ada: DualLayer = lab.store("ada", policy=Policy.MANUAL)
    ada.sync("iris")
    why = f"killed at change {number}"
    assert git("rev-parse", "main", cwd=lab.clone("ada")).strip() == lab.head() == head, why
    assert b"title: settled" in documents(ada, EXPERIMENT)["experiment.yaml"]
    assert set(ada.scan(EXPERIMENT)) == {run_key(1)}
    assert git("status", "--porcelain", cwd=lab.clone("ada")) == "", why
    assert ada.status("iris").pending == 0
    lab.close()
    return was_killed

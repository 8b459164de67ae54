"""Upkeep that cannot hurt: what it does, and what runs beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import padre_git
from padre_git.backends import GitBackend
from padre_git.testing.documents import EXECUTION, EXPERIMENT, IRIS, put, run_key
from padre_git.testing.documents import store as store_keys
from padre_git.vcs import NewCommit
from tests.conftest import git
from tests.recovery.clinic import records

_WRITER = """
import sys, time, pathlib
from padre_git.backends import GitBackend
from padre_git.testing.documents import put, run_key
root, first, count = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
with GitBackend(root) as backend:
    for number in range(first, first + count):
        put(backend, run_key(number))
        print(number, flush=True)
"""
_RUNS = 25


def writer(root: Path, first: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", _WRITER, str(root), str(first), str(_RUNS)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The root of a store with one project that has an experiment and an execution."""
    with GitBackend(tmp_path / "store") as backend:
        store_keys(backend, IRIS)
        store_keys(backend, EXPERIMENT, EXECUTION)
    return tmp_path / "store"


def test_maintain_beside_writers_loses_nothing_and_stops_nobody(project: Path) -> None:
    writers = [writer(project, 100 * n) for n in (1, 2)]
    with GitBackend(project) as backend:
        while any(one.poll() is None for one in writers):
            backend.maintain("iris")
        ended = [one.communicate() for one in writers]
        assert [one.returncode for one in writers] == [0, 0], ended
        acknowledged = {run_key(int(n)) for out, _ in ended for n in out.split()}
        assert acknowledged <= set(backend.scan(EXPERIMENT))
        backend.maintain("iris")
        assert backend.verify("iris") == ()
    git("fsck", "--full", "--strict", cwd=project / "iris")


def test_verify_beside_writers_and_upkeep_finds_nothing_wrong(project: Path) -> None:
    writers = [writer(project, 100 * n) for n in (1, 2)]
    looks = 0
    with GitBackend(project) as backend:
        while any(one.poll() is None for one in writers):
            assert backend.verify("iris") == ()
            looks += 1
            if looks % 3 == 0:
                git("gc", "-q", "--prune=now", cwd=project / "iris", check=False)
        ended = [one.communicate() for one in writers]
    assert [one.returncode for one in writers] == [0, 0], ended


def test_maintain_makes_few_files_of_many_and_history_quick(project: Path) -> None:
    clone = project / "iris"
    with GitBackend(project) as backend:
        for number in range(40):
            put(backend, run_key(number))
        before = set(backend.scan())
        done = backend.maintain("iris")
        assert done.before.packs > done.after.packs == 1
        assert done.after.bytes < done.before.bytes
        assert set(backend.scan()) == before
        assert any((clone / ".git/objects/info/commit-graphs").glob("graph-*.graph"))
        chunks = next((clone / ".git/objects/info/commit-graphs").glob("*.graph")).read_bytes()
        assert b"BIDX" in chunks  # changed paths
        assert not (clone / ".git/refs/heads/main").exists()
        again = backend.maintain("iris")
        assert again.after.packs == 1
        put(backend, run_key(99))
    git("fsck", "--full", "--strict", cwd=clone)


def test_what_nothing_reaches_stays_where_it_is(project: Path) -> None:
    clone = project / "iris"
    with GitBackend(project) as backend:
        put(backend, run_key(1))
        tip = git("rev-parse", "main", cwd=clone).strip()
        repository = backend.repository("iris")
        assert repository is not None
        waiting = repository.build(tip, [NewCommit(edits={"a": b"1"}, text="waits")])
        backend.maintain("iris")
        backend.maintain("iris")
        assert git("cat-file", "-t", waiting, cwd=clone) == "commit\n"


def test_maintain_of_a_store_keeps_every_record(store: padre_git.Store, clone: Path) -> None:
    before = records(store)
    store.maintain("iris")
    assert records(store) == before
    assert store.verify("iris") == ()
    assert git("config", "gc.auto", cwd=clone).strip() == "0"
    assert git("config", "maintenance.auto", cwd=clone).strip() == "false"

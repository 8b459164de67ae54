"""The file backend passes the suite, and what is special about plain directories."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import filelock
import pytest

from padre_git.backends.file import FileBackend
from padre_git.errors import LockedError
from padre_git.model import Change, ChangeSet, Record
from padre_git.testing import PresentSuite
from padre_git.testing.deleting import NEW
from padre_git.testing.documents import EXPERIMENT, IRIS, files_of, message, put, run_key, store
from tests.backends.on_disk import OnDisk

RUN = run_key(1)
CHANGES_DISK = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "open"}


class TestFile(PresentSuite, OnDisk):
    def make_backend(self, directory: Path) -> FileBackend:
        return FileBackend(directory)

    def another(self, backend: FileBackend) -> FileBackend:
        return FileBackend(backend.root)

    def reopened(self, backend: FileBackend, directory: Path) -> FileBackend:
        shutil.copytree(backend.root, directory)
        return FileBackend(directory)

    def by_hand(self, backend: FileBackend, edit: Callable[[Path], None]) -> None:
        edit(backend.root / "iris")


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Works in a process that dies before its nth step on the disk; tells whether it did."""
    child = os.fork()
    if child == 0:
        left = [step]

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            if event in CHANGES_DISK:
                left[0] -= 1
                if left[0] == 0:
                    os._exit(9)

        sys.addaudithook(watch)
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9)
    return status == 9


def everything(root: Path) -> dict[str, dict[str, bytes] | None]:
    backend = FileBackend(root)
    keys = [IRIS, EXPERIMENT, NEW, *(run_key(n, e) for n in range(4) for e in (EXPERIMENT, NEW))]
    found = backend.read(keys)
    assert set(backend.scan()) == {k for k, r in found.items() if isinstance(r, Record)}
    return {k.text: dict(r.files) if isinstance(r, Record) else None for k, r in found.items()}


def test_a_write_that_is_killed_happened_or_did_not(tmp_path: Path) -> None:
    before, after, work = (tmp_path / name for name in ("before", "after", "work"))
    store(FileBackend(before), IRIS, EXPERIMENT, RUN, run_key(2))
    put(FileBackend(before), RUN, {"tags/best": b"", "log.txt": b"old"})
    changes = ChangeSet(
        changes=(
            Change(key=IRIS, files=files_of(IRIS, title="new")),
            Change(key=EXPERIMENT, files=None, moved_to=NEW),
            Change(key=NEW, files=files_of(NEW, title="new"), moved_from=EXPERIMENT),
        )
    )
    shutil.copytree(before, after)
    FileBackend(after).apply(changes, message())
    allowed = [everything(before), everything(after)]
    assert allowed[0] != allowed[1]
    seen, step = [], 0
    while True:
        step += 1
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(before, work)
        dead = killed_at(step, lambda: FileBackend(work).apply(changes, message()))
        state = everything(work)
        assert state in allowed, f"killed at step {step}"
        seen.append(allowed.index(state))
        put(FileBackend(work), IRIS, title="it goes on")
        if not dead:
            break
    assert seen == sorted(seen), "from some step on it has happened"
    assert seen[0] == 0
    assert seen.count(0) > 5
    assert seen.count(1) > 5


def test_a_first_write_that_is_killed_leaves_no_half_project(tmp_path: Path) -> None:
    step = 0
    while True:
        step += 1
        root = tmp_path / str(step)
        dead = killed_at(step, lambda: store(FileBackend(root), IRIS, EXPERIMENT))  # noqa: B023
        assert list(FileBackend(root).scan()) in ([], [IRIS, EXPERIMENT])
        store(FileBackend(root), IRIS, EXPERIMENT)
        assert list(FileBackend(root).scan()) == [IRIS, EXPERIMENT]
        if not dead:
            break
    assert step > 10


def test_nothing_is_left_over_beside_the_projects(tmp_path: Path) -> None:
    store(FileBackend(tmp_path), IRIS, EXPERIMENT, RUN)
    left = {p.relative_to(tmp_path).as_posix() for p in (tmp_path / ".padre").rglob("*")}
    assert left == {".padre/iris.lock"}


def test_a_renamed_experiment_is_moved_not_copied(tmp_path: Path) -> None:
    backend = FileBackend(tmp_path)
    store(backend, IRIS, EXPERIMENT, RUN)
    before = next(tmp_path.rglob("run.yaml")).stat()
    changes = (
        Change(key=EXPERIMENT, files=None, moved_to=NEW),
        Change(key=NEW, files=files_of(NEW), moved_from=EXPERIMENT),
    )
    backend.apply(ChangeSet(changes=changes), message())
    assert next(tmp_path.rglob("run.yaml")).stat().st_ino == before.st_ino


def test_a_lock_that_is_held_for_long_is_an_error(tmp_path: Path) -> None:
    store(FileBackend(tmp_path), IRIS)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with filelock.FileLock(tmp_path / ".padre/iris.lock"):
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        with pytest.raises(LockedError, match=r"iris\.lock"):
            put(FileBackend(tmp_path, timeout=0.05), IRIS, title="new")
    finally:
        done.set()
        thread.join()
    put(FileBackend(tmp_path), IRIS, title="new")

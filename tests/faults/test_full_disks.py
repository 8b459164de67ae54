"""Full disks: an error of ours, the old state, and everything works when there is room again."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest

import padre_git
from padre_git.errors import PadreGitError
from padre_git.model import Code, Dataset, Execution, Experiment, Run, Status
from padre_git.vcs.ownfiles import read_own
from padre_git.vcs.refs import symbolic_target
from tests.conftest import git
from tests.faults.disks import small_disk
from tests.faults.labs import SVM, run_key

_DEEDS: dict[str, Callable[[padre_git.Store, Path], object]] = {
    "put": lambda store, _: store.experiments.put(Experiment(project="iris", name="new")),
    "record": lambda store, _: _record(store),
    "transaction": lambda store, _: _transaction(store),
    "artifact": lambda store, mine: store.artifacts.put(run_key(1), mine),
    "moved artifact": lambda store, mine: store.artifacts.put(run_key(1), mine, move=True),
    "dataset": lambda store, mine: store.datasets.put(
        Dataset(project="iris", name="new"), data=mine
    ),
    "delete": lambda store, _: store.experiments.delete("iris/tree"),
    "rename": lambda store, _: store.experiments.rename("iris/tree", "forest"),
    "sync": lambda store, _: store.sync("iris"),
    "new project": lambda store, _: store.ensure("second/one"),
}
DEEDS = pytest.mark.parametrize("deed", _DEEDS)


def _run(number: int) -> Run:
    return Run(
        execution=_EXECUTION.key, id=run_key(number).name, status=Status.FINISHED,
        metrics={"accuracy": 0.5},
    )  # fmt: skip


_CODE = Code(package="lab", version="1.0")
_EXECUTION = Execution(experiment=SVM, code=_CODE)


def _record(store: padre_git.Store) -> None:
    run = store.start_run("iris/svm", {"C": 1.0})
    run.log_metric("accuracy", 0.5)
    run.flush()
    run.end()


def _transaction(store: padre_git.Store) -> None:
    with store.transaction("iris", "three"):
        for number in (11, 12, 13):
            store.runs.put(_run(number))


def open_store(place: Path) -> padre_git.Store:
    return padre_git.open(place / "store", remote=place / "remote", policy="manual")


def fill(place: Path) -> None:
    """Puts into a store what the deeds need."""
    global _EXECUTION
    (place / "remote").mkdir()
    with open_store(place) as store:
        for name in ("svm", "tree"):
            store.ensure(f"iris/{name}")
        _EXECUTION = store.executions.put(Execution(experiment=SVM, code=_CODE))
        store.runs.put(_run(1))
        store.sync("iris")
        store.runs.put(_run(2))


def state(place: Path) -> dict[str, str | None]:
    with open_store(place) as store:
        kinds = (store.projects, store.experiments, store.runs, store.datasets)
        return {
            entity.key.text: entity.revision
            for kind in kinds
            for entity in kind.list()
            if not isinstance(entity, Run) or entity.status is Status.FINISHED
        }


def attempt(place: Path, deed: str, mine: Path) -> bool:
    """Tries a deed; tells whether it was done, and fails for an error that is not ours."""
    try:
        with open_store(place) as store:
            _DEEDS[deed](store, mine)
    except PadreGitError:
        return False
    return True


def sweep(
    place: Path, deed: str, mine: Path, short: Callable[[int], AbstractContextManager[None]]
) -> int:
    """Does a deed with a little more room every time, until it is done; returns how often."""
    before = seen = state(place)
    step, done = 0, False
    # what was durable when the disk was full is finished by whoever comes next
    while not done and seen == before:
        assert step < 60, "it is never done"
        with short(step):
            done = attempt(place, deed, mine)
        assert mine.exists() or done
        seen = state(place)
        step += 1
    if deed == "transaction":
        assert len(seen) == len(before) + 3
    with open_store(place) as store:
        store.experiments.put(Experiment(project="iris", name="after"))
    git("fsck", "--strict", "--full", cwd=place / "store/iris")
    assert git("status", "--porcelain", cwd=place / "store/iris") == ""
    return step


@contextmanager
def full_but_for(place: Path, room: int) -> Iterator[None]:
    """Fills a disk but for some bytes."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    with suppress(FileNotFoundError):
        os.truncate(ballast, max(ballast.stat().st_size - room, 0))
    try:
        yield
    finally:
        ballast.unlink()


@DEEDS
def test_a_full_disk_is_an_error_of_ours_and_room_is_all_that_is_missing(
    tmp_path: Path, deed: str
) -> None:
    mine = tmp_path / "mine.bin"
    mine.write_bytes(b"mine" * 2500)
    with small_disk(tmp_path / "disk", "size=6m") as place:
        fill(place)
        if deed == "moved artifact":
            mine = Path(shutil.copy(mine, place))
        steps = sweep(place, deed, mine, lambda step: full_but_for(place, step * 8192))
    assert steps > 1


@contextmanager
def inodes_but_for(place: Path, room: int) -> Iterator[None]:
    """Uses up the inodes of a disk but for some."""
    ballast = place / "ballast"
    ballast.mkdir()
    made: list[Path] = []
    with suppress(OSError):
        while True:
            made.append(ballast / str(len(made)))
            made[-1].touch()
    for file in made[-1 - room :]:
        file.unlink(missing_ok=True)
    try:
        yield
    finally:
        for file in ballast.iterdir():
            file.unlink()
        ballast.rmdir()


@DEEDS
def test_a_disk_without_inodes_is_an_error_of_ours_and_room_is_all_that_is_missing(
    tmp_path: Path, deed: str
) -> None:
    mine = tmp_path / "mine.bin"
    mine.write_bytes(b"mine" * 2500)
    with small_disk(tmp_path / "disk", "size=60m", "nr_inodes=600") as place:
        fill(place)
        assert sweep(place, deed, mine, lambda step: inodes_but_for(place, step * 3)) > 1


def test_a_disk_that_becomes_read_only_can_be_read_and_is_written_to_later(tmp_path: Path) -> None:
    mine = tmp_path / "mine.bin"
    mine.write_bytes(b"mine" * 2500)
    with small_disk(tmp_path / "disk", "size=60m") as place:
        fill(place)
        before = state(place)
        with open_store(place) as store:
            store.experiments.put(Experiment(project="iris", name="first"))
            _remount(place, "ro")
            try:
                assert state(place).items() > before.items()
                for deed in _DEEDS:
                    assert not attempt(place, deed, mine), deed
                with pytest.raises(PadreGitError):
                    store.experiments.put(Experiment(project="iris", name="second"))
            finally:
                _remount(place, "rw")
            store.experiments.put(Experiment(project="iris", name="second"))
            _record(store)
        assert git("status", "--porcelain", cwd=place / "store/iris") == ""


def _remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True)


@DEEDS
def test_a_process_that_may_open_few_files_gets_an_error_of_ours(tmp_path: Path, deed: str) -> None:
    mine = tmp_path / "mine.bin"
    mine.write_bytes(b"mine" * 2500)
    fill(tmp_path)
    before = state(tmp_path)
    answer, room = "False", 0
    while answer == "False" and state(tmp_path) == before:
        assert room < 60
        answer = in_child(room, lambda: attempt(tmp_path, deed, mine))
        assert answer in ("True", "False"), answer
        room += 1
    assert room > 1
    assert git("status", "--porcelain", cwd=tmp_path / "store/iris") == ""


def in_child(room: int, work: Callable[[], object]) -> str:
    """Returns what a fork says that may open a few files more than are open; or its traceback."""
    heard, says = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(says, 3)
            says = 3
            os.closerange(4, 4096)
            resource.setrlimit(resource.RLIMIT_NOFILE, (4 + room, 4 + room))
            said = str(work())
        except BaseException:
            said = "an error that is not ours"
            with suppress(Exception):
                said = traceback.format_exc()
        os.write(says, said.encode())
        os._exit(0)
    os.close(says)
    with os.fdopen(heard) as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return said


def test_who_has_no_descriptor_left_does_not_take_a_branch_for_another(tmp_path: Path) -> None:
    head = tmp_path / "HEAD"
    head.write_text("ref: refs/heads/main\n")
    assert symbolic_target(head) == "refs/heads/main"
    assert "Too many open files" in in_child(0, lambda: symbolic_target(head))


def test_who_has_no_descriptor_left_does_not_take_a_file_of_ours_for_none(tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_bytes(b"decided")
    assert read_own(note) == b"decided"
    assert "Too many open files" in in_child(0, lambda: read_own(note))

"""Locks: who holds them is known, what the dead have left goes, and no file system is too poor."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from padre_git.errors import LockedError, RepositoryError
from padre_git.processes import Owner, parse_owner, this_process
from padre_git.vcs.clonelock import CloneLock
from padre_git.vcs.locks import clear_stale, git_lock, make_mark
from tests.conftest import git
from tests.servers.processes import do_without

_HOLD = """
import sys, time
from pathlib import Path
from padre_git.vcs.clonelock import CloneLock
path, setting = Path(sys.argv[1]), sys.argv[2] or None
lock = CloneLock(path, of=path.parent, mark=path.with_name("mark"), setting=lambda name: setting)
with lock.hold(5):
    print("held", flush=True)
    time.sleep(60)
"""


def lock_of(directory: Path, setting: str | None = None) -> CloneLock:
    mark = directory / "mark"
    return CloneLock(directory / "lock", of=directory, mark=mark, setting=lambda _: setting)


@contextmanager
def holder(directory: Path, setting: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Has another process hold the lock."""
    words = [sys.executable, "-c", _HOLD, str(directory / "lock"), setting]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"held\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("setting", ["", "file"])
def test_who_holds_a_clone_is_named_with_its_file_and_for_how_long(
    tmp_path: Path, setting: str
) -> None:
    lock = lock_of(tmp_path, setting or None)
    with holder(tmp_path, setting) as process:
        time.sleep(1.1)
        with pytest.raises(LockedError) as caught, lock.hold(0.1):
            pass
    text = str(caught.value)
    named = rf"process {process.pid} on '{this_process().host}', for [1-9]\d* s"
    assert re.search(named, text), text
    assert str(tmp_path / ("lock.held" if setting else "lock")) in text


def test_a_thread_of_this_process_is_named_as_one(tmp_path: Path) -> None:
    first, second = lock_of(tmp_path), lock_of(tmp_path)
    with (
        first.hold(1),
        pytest.raises(LockedError, match="another thread of this process"),
        second.hold(0),
    ):
        pass


@pytest.mark.parametrize("setting", ["", "file"])
def test_the_lock_of_a_dead_process_keeps_nobody(tmp_path: Path, setting: str) -> None:
    told: list[str] = []
    lock = lock_of(tmp_path, setting or None)
    lock.tell = told.append
    with holder(tmp_path, setting) as process:
        process.kill()
        process.wait()
        with lock.hold(5), lock.hold(0), lock.offered() as held:
            assert held
    if setting:
        assert told == [
            f"removed the lock '{tmp_path / 'lock.held'}': process {process.pid} on"
            f" '{this_process().host}' has ended"
        ]


def test_a_lock_of_another_machine_is_not_taken_away(tmp_path: Path) -> None:
    elsewhere = Owner(host="node7", machine="m", boot="b", space="s", pid=1, began="1")
    (tmp_path / "lock.held").write_bytes(elsewhere.line())
    lock = lock_of(tmp_path, "file")
    with pytest.raises(LockedError, match="process 1 on 'node7'") as caught, lock.hold(0.1):
        pass
    assert f"remove '{tmp_path / 'lock.held'}'" in str(caught.value)


def test_a_lock_from_before_the_machine_was_started_is_taken_away(tmp_path: Path) -> None:
    before = replace(this_process(), boot="b", seen=0.0)
    (tmp_path / "lock.held").write_bytes(before.line())
    with lock_of(tmp_path, "file").hold(1):
        pass


def test_a_process_id_that_was_given_again_is_another_process() -> None:
    here = this_process()
    assert not here.is_gone()
    assert replace(here, began="12").is_gone()
    assert not replace(here, began="12", space="container").is_gone()
    assert not replace(here, began="12", host="node7").is_gone()


def test_two_machines_of_one_name_are_told_apart() -> None:
    here = this_process()
    assert here.is_near()
    assert replace(here, boot="before", seen=0.0).is_from_before()
    assert not replace(here, boot="before").is_from_before()  # seen since this one was started
    old = {name: value for name, value in vars(here).items() if name != "seen"}
    assert parse_owner(json.dumps(old).encode()) == here
    twin = replace(here, machine="another", boot="another", began="12")
    assert not twin.is_gone()
    assert not twin.is_from_before()
    assert not twin.is_near()


@pytest.mark.parametrize("said", [b"", b"x", b"[]", b"{}", b'{"pid": "1"}', b"null", b"\xff"])
def test_nonsense_names_nobody(said: bytes) -> None:
    assert parse_owner(said) is None


@pytest.mark.parametrize("setting", ["", "file"])
def test_a_stopped_holder_keeps_its_lock_and_goes_on_with_it(tmp_path: Path, setting: str) -> None:
    lock = lock_of(tmp_path, setting or None)
    with holder(tmp_path, setting) as process:
        process.send_signal(signal.SIGSTOP)
        with lock.offered(0.2) as held:
            assert not held
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait()
        with lock.hold(5):
            pass


def test_a_fork_has_no_lock_and_takes_none_away(tmp_path: Path) -> None:
    lock = lock_of(tmp_path)
    with lock.hold(1):
        child = os.fork()
        if child == 0:
            with lock.offered() as held:
                os._exit(1 if held else 0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        with lock_of(tmp_path).offered() as held:
            assert not held


def test_a_removed_lock_file_lets_nobody_hold_what_others_do_not_see(tmp_path: Path) -> None:
    lock = lock_of(tmp_path)
    with lock.hold(1):
        pass
    (tmp_path / "lock").unlink()
    with lock.hold(1), lock_of(tmp_path).offered() as held:
        assert not held


@pytest.mark.parametrize("what", ["link", "pipe", "directory"])
def test_nothing_that_somebody_has_put_in_the_place_of_a_lock_is_followed(
    tmp_path: Path, what: str
) -> None:
    (tmp_path / "secret").write_text("x")
    if what == "link":
        (tmp_path / "lock").symlink_to(tmp_path / "secret")
    elif what == "pipe":
        os.mkfifo(tmp_path / "lock")
    else:
        (tmp_path / "lock").mkdir()
    with pytest.raises(RepositoryError, match="no file that we made"), lock_of(tmp_path).hold(1):
        pass
    assert (tmp_path / "secret").read_text() == "x"


# --------------------------------------------------------------------- poor file systems


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that takes links and locks away from whoever is started with it."""
    if shutil.which("gcc") is None:
        do_without("gcc")
    place = tmp_path_factory.mktemp("shim") / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(place), str(source)], check=True)
    return place


_WRITE = """
import sys
import padre_git
with padre_git.open(sys.argv[1], policy="manual") as store:
    for n in range(int(sys.argv[3])):
        with store.start_run("iris/svm", {"n": n, "writer": int(sys.argv[2])}):
            pass
"""

POOR = {
    "no links": {"NO_LINKS": "1"},
    "nothing": {"NO_LINKS": "1", "NO_SYMLINKS": "1", "NO_LOCKS": "1"},
}


@pytest.mark.parametrize("poor", POOR.values(), ids=POOR)
def test_several_processes_write_where_there_are_no_links_and_no_locks(
    tmp_path: Path, shim: Path, poor: dict[str, str]
) -> None:
    environment = {**os.environ, "LD_PRELOAD": str(shim), **poor}
    words = [sys.executable, "-c", _WRITE, str(tmp_path / "store")]
    subprocess.run([*words, "9", "1"], env=environment, check=True)
    writers = [subprocess.Popen([*words, str(n), "4"], env=environment) for n in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    clone = tmp_path / "store" / "iris"
    assert len(list(clone.glob("experiments/svm/runs/*/*/run.yaml"))) == 13
    assert git("status", "--porcelain", cwd=clone) == ""
    assert git("fsck", "--full", "--strict", "--no-dangling", cwd=clone) == ""
    assert not (clone / ".git" / "padre" / "lock.held").exists()


@pytest.mark.parametrize("missing", [(), ("link",), ("link", "symlink")])
def test_a_lock_of_git_is_known_as_ours_on_every_file_system(
    tmp_path: Path, missing: tuple[str, ...], shim: Path
) -> None:
    code = (
        "import sys, os, signal; from pathlib import Path\n"
        "from padre_git.vcs.locks import git_lock, make_mark\n"
        "target, mark = Path(sys.argv[1]) / 'index', Path(sys.argv[1]) / 'mark'\n"
        "make_mark(mark)\n"
        "with git_lock(target, mark=mark, timeout=1): os.kill(os.getpid(), signal.SIGKILL)"
    )
    names = {"link": "NO_LINKS", "symlink": "NO_SYMLINKS"}
    environment = {**os.environ, "LD_PRELOAD": str(shim), **{names[m]: "1" for m in missing}}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment)
    target, mark = tmp_path / "index", tmp_path / "mark"
    with pytest.raises(LockedError), git_lock(target, mark=mark, timeout=0):
        pass
    if len(missing) < 2:  # a file's content may still be on its way when its writer is killed
        assert clear_stale(target, mark=mark) == tmp_path / "index.lock"
        assert clear_stale(target, mark=mark) is None


def test_the_mark_is_made_once_however_many_threads_make_it(tmp_path: Path) -> None:
    mark, found = tmp_path / "own" / "mark", set[int]()
    gate = threading.Barrier(8)

    def make() -> None:
        gate.wait()
        make_mark(mark)
        found.add(mark.stat().st_ino)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1, "the lock of one would not be known as ours to the others"
    assert [path.name for path in mark.parent.iterdir()] == ["mark"]


def test_a_lock_of_somebody_else_is_not_taken_away(tmp_path: Path) -> None:
    make_mark(tmp_path / "mark")
    (tmp_path / "index.lock").touch()
    assert clear_stale(tmp_path / "index", mark=tmp_path / "mark") is None
    (tmp_path / "ref.lock").symlink_to("mark")
    assert clear_stale(tmp_path / "ref", mark=tmp_path / "mark") is None

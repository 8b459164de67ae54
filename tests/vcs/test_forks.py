"""Forks: a copy of this process made at any moment hinders neither its parent nor itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from padre_git.backends import GitBackend
from padre_git.backends.side import Side
from padre_git.hosts.client import Client
from padre_git.vcs.forking import ProcessLock, start
from padre_git.vcs.process import try_git
from tests.vcs.clones import create, processes_of

if TYPE_CHECKING:
    from padre_git.backends.exchange import Exchange

_LIMIT = 60


def good_in_a_fork(work: Callable[[], object]) -> bool:
    """Tells whether a fork does something within a generous limit."""
    child = os.fork()
    if child == 0:
        signal.alarm(_LIMIT)  # nobody handles it
        code = 1
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


@contextmanager
def a_fork_that_waits() -> Iterator[None]:
    """Has a fork that does nothing, and lives as long as the block."""
    seen, gone = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(gone)
        signal.alarm(_LIMIT)
        os.read(seen, 1)
        os._exit(0)
    try:
        yield
    finally:
        os.close(gone)
        os.close(seen)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_fork_reads_although_another_thread_was_just_waiting_for_git(tmp_path: Path) -> None:
    with create(tmp_path / "iris") as clone:
        tip = clone.snapshot().commit
        (git,) = processes_of(clone)
        os.kill(git, signal.SIGSTOP)
        reader = threading.Thread(target=clone.snapshot().blob, args=("project.yaml",))
        try:
            reader.start()
            while not is_reading(reader):
                time.sleep(0.001)
            assert good_in_a_fork(lambda: clone.snapshot().blob("project.yaml"))
        finally:
            os.kill(git, signal.SIGCONT)
            reader.join()
        assert clone.snapshot().commit == tip


def is_reading(thread: threading.Thread) -> bool:
    frame = sys._current_frames().get(thread.ident or 0)
    return frame is not None and frame.f_code.co_name == "_answer"


def test_a_fork_does_not_keep_the_input_of_a_command_open() -> None:
    cat = start(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with cat, a_fork_that_waits():
        assert cat.communicate(b"all of it", timeout=_LIMIT / 2)[0] == b"all of it"


def test_forks_do_not_keep_another_thread_from_starting_commands(tmp_path: Path) -> None:
    done = threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(40):
                try_git(["version"], tmp_path)
        except BaseException as error:
            failed.append(error)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    children: list[int] = []
    try:
        while not done.is_set() and len(children) < 60:
            children.append(sleeping_fork())
        assert done.wait(_LIMIT / 2)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        thread.join()
    assert not failed


def sleeping_fork() -> int:
    child = os.fork()
    if child == 0:
        signal.alarm(_LIMIT)
        signal.pause()
        os._exit(0)
    return child


HOLDER = """
import os, signal, sys, time
from pathlib import Path
from padre_git.vcs import Repository

with Repository.open(Path(sys.argv[1]), branch="main") as clone, clone.lock():
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        signal.pause()
    print(child, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_fork_does_not_keep_the_lock_of_a_parent_that_was_killed(tmp_path: Path) -> None:
    with create(tmp_path / "iris") as clone:
        words = [sys.executable, "-c", HOLDER, str(clone.path)]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as holder:
            assert holder.stdout is not None
            child = int(holder.stdout.readline())
            try:
                holder.wait()
                with clone.guard.offered(_LIMIT / 2) as held:
                    assert held
            finally:
                os.kill(child, signal.SIGKILL)


@contextmanager
def held_by_another_thread(lock: ProcessLock) -> Iterator[None]:
    """Has a thread in the middle of something for as long as the block lasts."""
    held, end = threading.Event(), threading.Event()

    def work() -> None:
        with lock:
            held.set()
            end.wait()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        held.wait()
        yield
    finally:
        end.set()
        thread.join()


def took(lock: ProcessLock) -> bool:
    with lock, lock:
        return True


def test_a_fork_publishes_although_another_thread_was_just_publishing(tmp_path: Path) -> None:
    with create(tmp_path / "iris") as clone:
        side = Side("iris", clone, "", cast("Exchange", None))  # nobody is asked
        with held_by_another_thread(side.busy):
            assert good_in_a_fork(lambda: took(side.busy))


def test_a_fork_opens_a_clone_although_another_thread_was_just_opening_one(tmp_path: Path) -> None:
    create(tmp_path / "iris").close()
    with GitBackend(tmp_path) as backend, held_by_another_thread(backend._clones._lock):
        assert good_in_a_fork(lambda: backend.repository("iris") is not None)


def test_a_fork_knows_who_it_is_although_another_thread_was_just_asking_the_host() -> None:
    with Client("http://127.0.0.1:9") as client, held_by_another_thread(client._lock):
        assert good_in_a_fork(lambda: client.has_token() in {True, False})


def test_a_fork_in_the_middle_of_a_locked_block_leaves_it_in_peace() -> None:
    lock = ProcessLock()
    with lock:
        child = os.fork()
        if child == 0:
            signal.alarm(_LIMIT)
            took(lock)
    if child == 0:
        os._exit(0 if took(lock) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert took(lock)

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

from padre_git.backends.side import Side
from padre_git.vcs.forking import start
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


def test_a_fork_publishes_although_another_thread_was_just_publishing(tmp_path: Path) -> None:
    with create(tmp_path / "iris") as clone:
        side = Side("iris", clone, "", cast("Exchange", None))  # nobody is asked
        held, end = threading.Event(), threading.Event()

        def publish() -> None:
            with side.busy:
                held.set()
                end.wait()

        thread = threading.Thread(target=publish)
        thread.start()
        try:
            held.wait()
            assert good_in_a_fork(lambda: side.busy.acquire(blocking=False))
        finally:
            end.set()
            thread.join()

"""Many processes in one project: killed, stopped, restarted, beside a user's git commands."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import padre_git
from tests.attacks.herd import TOLD, write_runs
from tests.conftest import git

WRITERS = 4


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A project with one run, and the directory in which writers note what they were told."""
    (tmp_path / TOLD).mkdir()
    write_runs(tmp_path, 1)
    return tmp_path / "store" / "iris"


def check(root: Path) -> int:
    """Checks that what was said to be stored is stored once; returns how much that is."""
    clone = root / "store" / "iris"
    told = [line for file in (root / TOLD).iterdir() for line in file.read_text().split("\n")[:-1]]
    with padre_git.open(root / "store", policy="manual") as store:
        with store.start_run("iris/svm", {"last": True}):  # finishes what was begun
            pass
        counts = Counter(run.id for run in store.runs.list("iris/svm"))
    assert [name for name in told if counts[name] != 1] == []
    added = git("log", "--format=", "--name-only", "--diff-filter=A", "--", "*/run.yaml", cwd=clone)
    assert [path for path, times in Counter(added.split()).items() if times > 1] == []
    assert git("fsck", "--full", "--strict", "--no-dangling", cwd=clone) == ""
    assert git("status", "--porcelain", cwd=clone) == ""
    waiting = (clone / ".git" / "padre" / "queue").glob("[0-9]*")
    # half of one says nothing, not even of whom: it goes when it is old
    assert [file for file in waiting if not is_half(file)] == []
    return len(told)


def is_half(request: Path) -> bool:
    """Tells whether somebody was killed while writing a request."""
    written = request.read_bytes()
    return len(written) < 8 or len(written) < 8 + int.from_bytes(written[:4], "big")


@contextmanager
def writers(root: Path, count: int, runs: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Starts processes that record runs; ends those that are left."""
    code = (
        "import sys; from pathlib import Path; from tests.attacks.herd import write_runs\n"
        "write_runs(Path(sys.argv[1]), int(sys.argv[2]))"
    )
    words = [sys.executable, "-c", code, str(root), str(runs)]
    started = [subprocess.Popen(words) for _ in range(count)]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


# ------------------------------------------------------------------------------ killed


@pytest.mark.parametrize(
    "kills", [12, pytest.param(200, marks=pytest.mark.nightly)], ids="{} kills".format
)
def test_no_run_is_lost_or_stored_twice_when_writers_are_killed(
    tmp_path: Path, clone: Path, kills: int
) -> None:
    words = [sys.executable, "-m", "tests.attacks.herd", str(tmp_path), str(WRITERS), str(kills)]
    done = subprocess.run([*words, "7"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert check(tmp_path) > kills / 4


_TASK = """
import os, sys
import padre_git
root, task = sys.argv[1:]
with padre_git.open(root + "/store", policy="manual") as store:
    with store.start_run("iris/svm", {"task": int(task)}) as run:
        for step in range(20):
            run.log_metric("loss", 1 / (step + 1), step=step)
file = os.open(f"{root}/told/task-{task}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(file, f"{run.id}\\n".encode())
"""


@pytest.mark.parametrize(
    ("tasks", "at_once"),
    [(10, 5), pytest.param(64, 16, marks=pytest.mark.nightly)],
    ids="{}".format,
)
def test_an_array_of_batch_jobs_records_every_task(
    tmp_path: Path, clone: Path, tasks: int, at_once: int
) -> None:
    chance = random.Random(5)
    waiting = list(range(tasks))
    running: dict[int, subprocess.Popen[bytes]] = {}
    killed = 0
    while waiting or running:
        while waiting and len(running) < at_once:
            task = waiting.pop(0)
            words = [sys.executable, "-c", _TASK, str(tmp_path), str(task)]
            running[task] = subprocess.Popen(words)
        time.sleep(0.05)
        if chance.random() < 0.1 and killed < tasks / 3:
            running[chance.choice(list(running))].kill()
            killed += 1
        for task, process in list(running.items()):
            if process.poll() is not None:
                del running[task]
                assert process.returncode in {0, -signal.SIGKILL}
                if process.returncode:
                    waiting.append(task)  # the scheduler starts it again
    assert check(tmp_path) >= tasks
    assert {path.name for path in (tmp_path / TOLD).glob("task-*")} == {
        f"task-{task}" for task in range(tasks)
    }


# ----------------------------------------------------------------------------- stopped


def test_a_holder_that_is_stopped_costs_time_and_nothing_else(tmp_path: Path, clone: Path) -> None:
    chance = random.Random(3)
    with writers(tmp_path, WRITERS, 25) as started:
        while any(process.poll() is None for process in started):
            alive = [process for process in started if process.poll() is None]
            stopped = chance.choice(alive)
            stopped.send_signal(signal.SIGSTOP)
            time.sleep(0.15)
            stopped.send_signal(signal.SIGCONT)
            time.sleep(0.05)
        assert [process.returncode for process in started] == [0] * WRITERS
    assert check(tmp_path) == 1 + WRITERS * 25


# ----------------------------------------------------------- beside a user's own commands


def _forever(work: Callable[[], object]) -> Callable[[], None]:
    """Does something again and again, with its process or in a thread; returns what ends it."""
    ended = threading.Event()

    def loop() -> None:
        while not ended.is_set():
            work()

    thread = threading.Thread(target=loop)
    thread.start()

    def end() -> None:
        ended.set()
        thread.join()

    return end


COMMANDS = {
    "gc": [["gc", "--quiet", "--prune=now"]],
    "repack": [["repack", "-a", "-d", "-q"]],
    "pack-refs": [["pack-refs", "--all"]],
    "commit -a": [["commit", "-q", "-a", "-m", "of the user's"]],
    "checkout": [["checkout", "-q", "ideas"], ["checkout", "-q", "main"]],
    "reset --hard": [["reset", "-q", "--hard"]],
    "stash": [["stash", "-q"], ["stash", "pop", "-q"], ["commit", "-q", "-a", "-m", "mine"]],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_writers_lose_nothing_to_the_git_commands_of_a_user(
    tmp_path: Path, clone: Path, name: str
) -> None:
    notes = clone / "notes.txt"
    notes.write_text("0\n")
    git("add", "notes.txt", cwd=clone)
    git("commit", "-q", "-m", "notes", cwd=clone)
    git("branch", "ideas", cwd=clone)

    def work() -> None:
        if name in {"commit -a", "stash"}:
            notes.write_text(f"{time.time_ns()}\n")
        for command in COMMANDS[name]:
            subprocess.run(["git", *command], cwd=clone, capture_output=True)

    end = _forever(work)
    try:
        with writers(tmp_path, WRITERS, 20) as started:
            assert [process.wait(100) for process in started] == [0] * WRITERS
    finally:
        end()
    git("checkout", "-q", "--", "notes.txt", cwd=clone)
    git("checkout", "-q", "main", cwd=clone)
    assert check(tmp_path) == 1 + WRITERS * 20


def test_who_has_to_wait_for_the_lock_itself_gets_it_among_writers_in_groups(
    tmp_path: Path, clone: Path
) -> None:
    with writers(tmp_path, WRITERS, 1_000_000), padre_git.open(tmp_path / "store") as store:
        time.sleep(1.0)
        for n in range(4):
            store.experiments.put(padre_git.Experiment(project="iris", name=f"e{n}"))
            begin = time.monotonic()
            store.experiments.rename(f"iris/e{n}", f"f{n}")  # a move is not for others to write
            assert time.monotonic() - begin < 30
    assert check(tmp_path) > 0

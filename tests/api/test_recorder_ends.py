"""How runs end: finished, failed, aborted, told by real processes that end in real ways."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from padre_git.api.opening import open_store
from padre_git.api.store import Store
from padre_git.errors import InvalidInputError
from padre_git.model import Run, Status
from tests.conftest import git
from tests.waiting import until

HOME = Path(__file__).parents[2]
HEAD = """
import os, signal, sys, threading, time
from pathlib import Path
from padre_git.api.opening import open_store
store = open_store({root!r}, policy="manual")
def ready():
    Path({root!r}, "..", "ready").resolve().touch()
def wait():
    ready()
    for _ in range(600):
        time.sleep(0.1)
"""


class Process:
    """A Python program that records, in a process of its own."""

    def __init__(self, place: Path, text: str, **options: object) -> None:
        self.place = place
        self.root = place / "store"
        script = place / "train.py"
        if not script.exists():  # another process may be reading it
            script.write_text(HEAD.format(root=str(self.root)) + text)
        self.process = subprocess.Popen(
            [sys.executable, script],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(HOME)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def until_ready(self) -> None:
        ready = self.place / "ready"
        until(lambda: ready.exists() or self.process.poll() is not None, limit=120)
        assert ready.exists(), self.process.communicate()

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err

    def killed_by(self, number: int) -> tuple[int, str, str]:
        self.until_ready()
        self.process.send_signal(number)
        return self.ended()

    def runs(self) -> list[Run]:
        with open_store(self.root, policy="manual") as store:
            return store.runs.list("iris/svm")

    def part(self, run: Run, name: str) -> bytes:
        with open_store(self.root, policy="manual") as store:
            return store.runs.part(run, name) or b""

    def spools(self) -> list[Path]:
        return list(self.root.rglob("events.jsonl"))


def test_an_exception_fails_the_run_and_goes_on(store: Store) -> None:
    def train() -> None:
        run.log_metric("loss", 0.5, step=0)
        _ = 1 / 0

    with pytest.raises(ZeroDivisionError), store.start_run("iris/svm") as run:
        train()
    found = store.runs.get(run.key)
    assert found.status is Status.FAILED
    assert found.metrics == {"loss": 0.5}
    error = store.runs.error(run.key)
    assert error.startswith("Traceback (most recent call last)")
    assert error.endswith("ZeroDivisionError: division by zero\n")


def test_an_endless_message_does_not_make_an_endless_record(store: Store) -> None:
    with pytest.raises(ValueError), store.start_run("iris/svm") as run:
        raise ValueError("x" * 1_000_000 + "the end")
    assert 80_000 < len(store.runs.error(run.key)) < 100_000
    assert store.runs.error(run.key).endswith("the end\n")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), Status.ABORTED),
        (SystemExit(0), Status.FINISHED),
        (SystemExit(), Status.FINISHED),
        (SystemExit(1), Status.FAILED),
        (SystemExit("words"), Status.FAILED),
        (GeneratorExit(), Status.ABORTED),
    ],
    ids=repr,
)
def test_every_way_out_of_a_block_has_its_status(
    store: Store, error: BaseException, status: Status
) -> None:
    with pytest.raises(type(error)), store.start_run("iris/svm") as run:
        raise error
    assert store.runs.get(run.key).status is status


def test_a_commit_that_fails_does_not_hide_what_failed_first(store: Store) -> None:
    place = store.project_path("iris")
    place.parent.mkdir(parents=True, exist_ok=True)
    with pytest.raises(ZeroDivisionError) as caught, store.start_run("iris/svm") as run:
        _ = 1 / place.write_text("")
    assert "the run was not recorded" in caught.value.__notes__[0]
    assert list(store.root.rglob("events.jsonl"))
    place.unlink()
    run.end("failed")
    assert store.runs.get(run.key).status is Status.FAILED


def test_sigterm_aborts_the_run_and_the_process_dies_of_it(tmp_path: Path) -> None:
    program = Process(
        tmp_path,
        """
try:
    with store.start_run("iris/svm", {"C": 1}) as run:
        run.log_metric("loss", 0.5)
        wait()
finally:
    print("cleaned up", flush=True)
""",
    )
    code, _, err = program.killed_by(signal.SIGTERM)
    assert code == -signal.SIGTERM, err
    (found,) = program.runs()
    assert found.status is Status.ABORTED
    assert found.metrics == {"loss": 0.5}
    assert all((spool.parent / "settled").is_file() for spool in program.spools())
    assert not git("status", "--porcelain", cwd=program.root / "iris")


def test_sigterm_aborts_nested_runs_inside_out(tmp_path: Path) -> None:
    program = Process(
        tmp_path,
        """
loose = store.start_run("iris/svm", {"n": 0})
with store.start_run("iris/svm", {"n": 1}) as outer:
    with store.start_run("iris/svm", {"n": 2}, parent=outer) as inner:
        wait()
""",
    )
    code, _, err = program.killed_by(signal.SIGTERM)
    assert code == -signal.SIGTERM, err
    found = {run.parameters["n"]: run for run in program.runs()}
    assert {n: run.status for n, run in found.items()} == dict.fromkeys(range(3), Status.ABORTED)
    assert found[2].parent_run == found[1].id
    assert found[2].ended <= found[1].ended


def test_sigint_aborts_the_run(tmp_path: Path) -> None:
    program = Process(tmp_path, 'with store.start_run("iris/svm") as run:\n    wait()\n')
    code, _, err = program.killed_by(signal.SIGINT)
    assert "KeyboardInterrupt" in err
    assert code in (-signal.SIGINT, 130)
    assert [run.status for run in program.runs()] == [Status.ABORTED]


def test_a_program_may_go_on_after_ctrl_c(tmp_path: Path) -> None:
    program = Process(
        tmp_path,
        """
with store.start_run("iris/svm") as run:
    try:
        wait()
    except KeyboardInterrupt:
        run.log_metric("stopped_early", 1)
""",
    )
    assert program.killed_by(signal.SIGINT)[0] == 0
    (found,) = program.runs()
    assert (found.status, found.metrics) == (Status.FINISHED, {"stopped_early": 1})


def test_a_program_s_own_handler_is_called_and_the_run_is_aborted_all_the_same(
    tmp_path: Path,
) -> None:
    program = Process(
        tmp_path,
        """
stop = []
def handler(number, frame):
    stop.append(number)
signal.signal(signal.SIGTERM, handler)
with store.start_run("iris/svm") as run:
    ready()
    while not stop:
        time.sleep(0.01)
    run.log_text("checkpoint.txt", "saved in time")
assert signal.getsignal(signal.SIGTERM) is handler
print("left in order")
""",
    )
    code, out, err = program.killed_by(signal.SIGTERM)
    assert (code, out) == (0, "left in order\n"), err
    (found,) = program.runs()
    assert found.status is Status.ABORTED
    assert program.part(found, "checkpoint.txt") == b"saved in time"


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    program = Process(
        tmp_path,
        """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with store.start_run("iris/svm") as run:
    ready()
    time.sleep(1)
""",
    )
    assert program.killed_by(signal.SIGTERM)[0] == 0
    assert [run.status for run in program.runs()] == [Status.FINISHED]


def test_handlers_are_put_back_when_the_last_run_has_ended(store: Store) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with store.start_run("iris/svm"):
        assert signal.getsignal(signal.SIGTERM) is not before
        with store.start_run("iris/svm"):
            pass
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_during_the_commit_waits_for_it(tmp_path: Path) -> None:
    program = Process(
        tmp_path,
        """
from padre_git.messages import Stored
def nudge(event):
    os.kill(os.getpid(), signal.SIGTERM)
store.subscribe(Stored, nudge)
with store.start_run("iris/svm") as run:
    pass
time.sleep(60)
""",
    )
    code, _, err = program.ended()
    assert code == -signal.SIGTERM, err
    assert [run.status for run in program.runs()] == [Status.FINISHED]
    assert not program.spools()


def test_without_a_block_the_end_of_the_program_is_the_end_of_the_run(tmp_path: Path) -> None:
    program = Process(tmp_path, 'store.start_run("iris/svm").log_metric("x", 1)\n')
    assert program.ended()[0] == 0
    (found,) = program.runs()
    assert (found.status, found.metrics) == (Status.FINISHED, {"x": 1})


def test_without_a_block_an_uncaught_exception_fails_the_run(tmp_path: Path) -> None:
    program = Process(tmp_path, 'run = store.start_run("iris/svm")\nint("x")\n')
    assert program.ended()[0] == 1
    (found,) = program.runs()
    assert found.status is Status.FAILED
    assert b"invalid literal" in program.part(found, "error.txt")


def test_without_a_block_sigterm_aborts_the_run(tmp_path: Path) -> None:
    program = Process(tmp_path, 'run = store.start_run("iris/svm")\nwait()\n')
    assert program.killed_by(signal.SIGTERM)[0] == -signal.SIGTERM
    assert [run.status for run in program.runs()] == [Status.ABORTED]


def test_a_prompt_that_is_closed_does_not_say_that_the_work_was_done(tmp_path: Path) -> None:
    program = Process(tmp_path, 'sys.ps1 = ">>> "\nrun = store.start_run("iris/svm")\n')
    assert program.ended()[0] == 0
    assert [run.status for run in program.runs()] == [Status.ABORTED]


def test_runs_started_in_a_thread_are_ended_too(tmp_path: Path) -> None:
    program = Process(
        tmp_path,
        """
def work():
    with store.start_run("iris/svm", {"n": 1}) as run:
        run.log_metric("x", 1)
thread = threading.Thread(target=work)
thread.start()
thread.join()
with store.start_run("iris/svm", {"n": 2}) as run:
    wait()
""",
    )
    assert program.killed_by(signal.SIGTERM)[0] == -signal.SIGTERM
    assert {run.parameters["n"]: run.status for run in program.runs()} == {
        1: Status.FINISHED,
        2: Status.ABORTED,
    }


def test_kill_leaves_a_spool_with_everything_that_was_logged(tmp_path: Path) -> None:
    program = Process(
        tmp_path,
        """
with store.start_run("iris/svm") as run:
    for n in range(1000):
        run.log_metric("x", n)
    wait()
""",
    )
    assert program.killed_by(signal.SIGKILL)[0] == -signal.SIGKILL
    (spool,) = program.spools()
    assert (
        len([line for line in spool.read_text().splitlines() if '"metrics"' in line[:10]]) == 1000
    )


def test_a_forked_child_neither_ends_nor_logs_its_parent_s_run(tmp_path: Path) -> None:
    program = Process(
        tmp_path,
        """
with store.start_run("iris/svm") as run:
    run.log_metric("x", 1)
    child = os.fork()
    if not child:
        try:
            run.log_metric("x", 2)
        except Exception as error:
            print(type(error).__name__, "process that started it" in str(error), flush=True)
        sys.exit(3)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 3
    awake, say = os.pipe()
    victim = os.fork()
    if not victim:
        os.write(say, b"!")
        time.sleep(60)
        os._exit(0)
    os.read(awake, 1)
    os.kill(victim, signal.SIGTERM)
    _, status = os.waitpid(victim, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM
    run.log_metric("x", 3)
""",
    )
    code, out, err = program.ended()
    assert (code, out) == (0, f"{InvalidInputError.__name__} True\n"), err
    (found,) = program.runs()
    assert (found.status, found.metrics) == (Status.FINISHED, {"x": 3})


def test_processes_that_end_at_once_all_leave_their_runs(tmp_path: Path) -> None:
    text = """
with store.start_run("iris/svm", {"pid": os.getpid()}) as run:
    for step in range(20):
        run.log_metric("x", step)
"""
    programs = [Process(tmp_path, text) for _ in range(4)]
    for program in programs:
        code, _, err = program.ended()
        assert code == 0, err
    pids = {run.parameters["pid"] for run in programs[0].runs()}
    assert pids == {program.process.pid for program in programs}
    assert not programs[0].spools()

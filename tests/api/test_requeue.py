"""Batch jobs: tasks that are stopped, killed and started again, and the signals they are sent."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from padre_git.api import provenance
from padre_git.api.opening import open_store
from padre_git.model import Status
from tests.api.test_recorder_ends import HOME, Process
from tests.waiting import until

SWEEP = """
for C in (1, 10):
    with store.start_run("iris/svm", {"C": C}, seed=3) as run:
        first = 0 if run.last_step is None else run.last_step + 1
        for step in range(first, 20):
            run.log_metric("loss", 1 / (step + C), step=step)
            if (C, step) == STOP:
                wait()
"""


def attempt(
    place: Path, monkeypatch: pytest.MonkeyPatch, number: int, stop: str, text: str = SWEEP
) -> Process:
    """Starts a task of an array, for the first or a further time."""
    for name, value in {
        "SLURM_JOB_ID": "4714",
        "SLURM_ARRAY_JOB_ID": "4711",
        "SLURM_ARRAY_TASK_ID": "3",
        "SLURM_RESTART_COUNT": str(number),
        "STOP": stop,
    }.items():
        monkeypatch.setenv(name, value)
    if not number:
        monkeypatch.delenv("SLURM_RESTART_COUNT")
    return Process(place, "STOP = eval(os.environ['STOP'])\n" + text)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1])
def test_a_task_that_is_started_again_goes_on_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    assert attempt(tmp_path, monkeypatch, 0, "(10, 7)").killed_by(number)[0] == -number
    (tmp_path / "ready").unlink()
    second = attempt(tmp_path, monkeypatch, 1, "(10, 12)")
    assert second.killed_by(number)[0] == -number
    third = attempt(tmp_path, monkeypatch, 2, "None")
    assert third.ended()[0] == 0
    with open_store(third.root, policy="manual") as store:
        assert store.reconcile() == []
        runs = store.runs.list("iris/svm")
        assert {(run.parameters["C"], run.status) for run in runs} == {
            (1, Status.FINISHED),
            (10, Status.FINISHED),
        }
        (found,) = [run for run in runs if run.parameters["C"] == 10]
        assert [p.step for p in store.runs.series(found)] == list(range(20))
        assert not list(third.root.rglob("events.jsonl"))


def test_a_task_goes_on_although_its_run_was_recorded_as_lost_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = attempt(tmp_path, monkeypatch, 0, "(1, 7)")
    assert first.killed_by(signal.SIGKILL)[0] == -signal.SIGKILL
    with open_store(first.root, policy="manual") as store:
        assert [run.status for run in store.reconcile()] == ["aborted"]
        second = attempt(tmp_path, monkeypatch, 1, "None")
        assert second.ended()[0] == 0
        assert [run.status for run in store.runs.list()] == ["finished", "finished"]
        assert [len(store.runs.series(run)) for run in store.runs.list()] == [20, 20]


def test_another_task_or_other_parameters_begin_a_run_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = attempt(tmp_path, monkeypatch, 0, "(1, 7)")
    assert first.killed_by(signal.SIGKILL)[0] == -signal.SIGKILL
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    with open_store(first.root, policy="manual") as store:
        for change, parameters, seed in (
            ({"SLURM_ARRAY_TASK_ID": "4"}, {"C": 1}, 3),
            ({"SLURM_RESTART_COUNT": "0"}, {"C": 1}, 3),
            ({"SLURM_PROCID": "1"}, {"C": 1}, 3),
            ({}, {"C": 2}, 3),
            ({}, {"C": 1}, 4),
        ):
            with monkeypatch.context() as patch:
                for name, value in change.items():
                    patch.setenv(name, value)
                with store.start_run("iris/svm", parameters, seed=seed) as run:
                    assert not run.is_continued
        assert len(store.runs.list(where="status = lost")) == 1


def test_a_task_that_is_started_again_elsewhere_need_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = attempt(tmp_path, monkeypatch, 0, "(1, 7)")
    assert first.killed_by(signal.SIGKILL)[0] == -signal.SIGKILL
    (owner,) = first.root.rglob("owner.*")
    owner.write_text(owner.read_text().replace('"host": "', '"host": "node'))
    with open_store(first.root, policy="manual") as store:
        assert [run.status for run in store.runs.list()] == [Status.RUNNING]
    second = attempt(tmp_path, monkeypatch, 1, "None")
    assert second.ended()[0] == 0
    assert [run.status for run in second.runs()] == ["finished", "finished"]


def test_the_sweep_of_the_documentation_survives_kills_and_requeues(tmp_path: Path) -> None:
    def task(number: int, again: int, pause: str = "0") -> subprocess.Popen[str]:
        slurm = {
            "SLURM_JOB_ID": str(900 + number),
            "SLURM_ARRAY_JOB_ID": "900",
            "SLURM_ARRAY_TASK_ID": str(number),
            "SLURM_RESTART_COUNT": str(again),
        }
        place = {"PADRE_ROOT": str(tmp_path / "root"), "PYTHONPATH": str(HOME), "PAUSE": pause}
        return subprocess.Popen(
            [sys.executable, tmp_path / "sweep.py"],
            env={**os.environ, **slurm, **place},
            cwd=tmp_path / str(number),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    shutil.copy(HOME / "docs/examples/sweep.py", tmp_path)
    for number in range(4):
        (tmp_path / str(number)).mkdir()
    tasks = [task(0, 0), task(1, 0, "0.2"), task(2, 0, "0.2"), task(3, 0)]
    until(lambda: all(list(tmp_path.glob(f"{number}/r-*.json")) for number in (1, 2)))
    tasks[1].kill()
    tasks[2].terminate()
    said = [one.communicate() for one in tasks]
    assert [one.returncode for one in tasks] == [0, -signal.SIGKILL, -signal.SIGTERM, 0], said
    done, going = task(0, 1), [task(1, 1), task(2, 1)]
    assert "C=0.1 is done" in done.communicate()[1]
    for one in going:
        out, error = one.communicate()
        assert one.returncode == 0, error
        assert "goes on at step" in out
    with open_store(tmp_path / "root", policy="manual") as store:
        runs = store.runs.list("iris/svm")
        assert sorted((run.parameters["C"], run.status) for run in runs) == [
            (C, "finished") for C in (0.1, 1, 10, 100)
        ]
        assert all([p.step for p in store.runs.series(run)] == list(range(100)) for run in runs)
        assert store.reconcile() == []


@pytest.mark.parametrize(
    ("environment", "name", "again"),
    [
        ({}, None, None),
        ({"SLURM_JOB_ID": "7"}, "slurm 7_ 0", 0),
        ({"SLURM_JOB_ID": "7", "SLURM_PROCID": "2", "SLURM_CLUSTER_NAME": "hpc"},
         "slurm hpc 7_ 2", 0),
        ({"SLURM_JOB_ID": "9", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2",
          "SLURM_RESTART_COUNT": "3"}, "slurm 7_2 0", 3),
        ({"SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": "often"}, "slurm 7_ 0", None),
        ({"PBS_JOBID": "7[2].server", "PBS_ARRAY_INDEX": "2"}, "pbs 7[2].server_2", None),
        ({"LSB_JOBID": "7", "LSB_JOBINDEX": "2"}, "lsf 7_2", None),
    ],
)  # fmt: skip
def test_schedulers_say_which_job_this_is(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    name: str | None,
    again: int | None,
) -> None:
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    job = provenance.job()
    assert (job and job.name, job and job.attempt) == (name, again)


# ----------------------------------------------------------------------------------- signals


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU"])
def test_a_signal_that_would_kill_the_process_aborts_its_run(tmp_path: Path, name: str) -> None:
    number = getattr(signal, name)
    program = Process(
        tmp_path,
        # under nohup, SIGHUP is ignored, and so by what is started there
        f"import signal; signal.signal(signal.{name}, signal.SIG_DFL)\n"
        "with store.start_run('iris/svm') as run:\n    run.log_metric('x', 1)\n    wait()\n",
    )
    assert program.killed_by(number)[0] == -number
    assert [(run.status, run.metrics) for run in program.runs()] == [("aborted", {"x": 1})]


@pytest.mark.parametrize(
    "setting",
    [
        "signal.signal(signal.SIGUSR1, lambda *_: os.kill(os.getpid(), signal.SIGCONT))",
        "signal.signal(signal.SIGUSR1, signal.SIG_IGN)",
        "import faulthandler; faulthandler.register(signal.SIGUSR1)",
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_a_signal_that_a_program_uses_itself_is_its_own_affair(
    tmp_path: Path, setting: str, before: bool
) -> None:
    first, second = (setting, "") if before else ("", setting)
    program = Process(
        tmp_path,
        f"{first}\nwith store.start_run('iris/svm') as run:\n    run.log_metric('x', 1)\n"
        f"    {second or 'pass'}\n    os.kill(os.getpid(), signal.SIGUSR1)\n"
        "    run.log_metric('y', 2)\n",
    )
    code, _, error = program.ended()
    assert code == 0, error
    assert [(run.status, run.metrics) for run in program.runs()] == [("finished", {"x": 1, "y": 2})]

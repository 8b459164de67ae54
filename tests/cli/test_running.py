"""Runs that are running, or were lost, on the command line."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

import padre_git
from tests.cli.conftest import Padre
from tests.cli.test_record_ends import start

RUN = "r-20261122t030000-0123456789ab"


def test_a_running_run_can_be_watched(
    padre: Padre, store: padre_git.Store, runs: list[padre_git.Run]
) -> None:
    with store.start_run("demo/svm", {"C": 5}, id=RUN) as run:
        run.log_metric("loss", 0.5, step=0)
        run.log_text("log.txt", "epoch 1\n")
        run.log_text("deep/note.txt", "text")
        shown = padre("show", "demo/svm/0123").stdout
        assert "status: running" in shown
        assert "loss: 0.5" in shown
        listed = padre("list", "demo/svm", "--where", "status = running", "--json").stdout
        assert [found["id"] for found in json.loads(listed)] == [RUN]
        assert "0123" in padre("list", "demo/svm").stdout
        assert "1 running, 3 finished" in padre("status").stdout
        status = json.loads(padre("status", "demo", "--json").stdout)
        assert status[0]["runs"] == {"running": 1, "finished": 3}
    assert "4 finished" in padre("status").stdout
    assert "no run is lost" in padre("reconcile").stderr


def test_the_first_run_of_an_experiment_can_be_watched(
    padre: Padre, store: padre_git.Store, runs: list[padre_git.Run]
) -> None:
    for experiment in ("demo/forest", "fresh/svm"):
        with store.start_run(experiment, {"C": 5}) as run:
            run.log_metric("loss", 0.5)
            assert "running" in padre("list", experiment).stdout
            assert "no project" in padre("list", "other/svm", code=1).stderr
            assert "no experiment" in padre("list", "demo/other", code=1).stderr
            said = padre("show", experiment, code=1).stderr
            assert "no " in said
            assert "is it" not in said, "nothing is near but what is not there yet"
            with store.start_run(experiment, {"C": 6}):
                assert padre("list", experiment).stdout.count("running") == 2
        assert padre("list", experiment).stdout.count("finished") == 2
    padre("delete", "demo/forest", "--yes")
    assert "was deleted" in padre("list", "demo/forest", code=1).stderr


def test_a_lost_run_is_told_and_recorded(
    padre: Padre, runs: list[padre_git.Run], root: Path
) -> None:
    process = start(root, "sh", "-c", "echo $$; exec sleep 60")
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    os.kill(child, signal.SIGKILL)
    process.communicate()
    told = padre("status")
    assert "3 finished, 1 lost" in told.stdout
    assert "padre-git reconcile" in told.stderr
    assert padre("reconcile", "demo").stdout.strip().endswith(": aborted")
    assert "3 finished, 1 aborted" in padre("status").stdout
    assert json.loads(padre("reconcile", "--json").stdout) == []


def test_a_recorded_command_that_is_started_again_keeps_what_it_had_printed(
    padre: Padre, root: Path, store: padre_git.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PADRE_RUN_ID", RUN)
    program = "echo one $PADRE_RUN_ID; exec sleep 60"
    process = start(root, "sh", "-c", program)
    assert process.stdout is not None
    assert process.stdout.readline() == "one\n", "and it is kept before it is shown"
    process.terminate()
    process.communicate()
    assert [run.status for run in store.runs.list()] == ["aborted"]
    again = start(root, "sh", "-c", program.replace("one", "two").replace("60", "0"))
    again.communicate()
    assert store.runs.log("demo/svm/0123").splitlines() == ["one", "two"]
    assert [run.status for run in store.runs.list()] == ["finished"]

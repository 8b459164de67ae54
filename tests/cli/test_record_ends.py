"""How recorded commands end, told by real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from padre_git.api.opening import open_store
from padre_git.model import Run

HOME = Path(__file__).parents[2]


def start(root: Path, *command: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "padre_git", "--root", str(root), "record", "-e", "demo/svm"]
    return subprocess.Popen(
        [*words, "--", *command],
        cwd=root.parent,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def the_run(root: Path) -> tuple[Run, str]:
    with open_store(root, policy="manual") as store:
        (run,) = store.runs.list("demo/svm")
        return run, store.runs.log(run)


def test_sigterm_ends_the_command_and_aborts_the_run(tmp_path: Path) -> None:
    root = tmp_path / "store"
    process = start(root, "sh", "-c", "echo begun; echo $$ > pid; exec sleep 60")
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    run, log = the_run(root)
    assert run.status == "aborted"
    assert log in ("begun\n", "")  # whether it was read in time is the machine's business
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_a_command_that_dies_of_a_signal_has_failed(tmp_path: Path) -> None:
    root = tmp_path / "store"
    process = start(root, "sh", "-c", "kill -9 $$")
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGKILL
    assert the_run(root)[0].status == "failed"

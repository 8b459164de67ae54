"""What recording costs through the public API: ``python -m tests.benchmarks.recording [RUNS]``.

A run is 10 parameters, 10 metrics and a series of 100 steps. Every run is one durable commit
(fsynced objects, index and branch) in a full checkout. Figures are medians; this disk's fsync is
printed beside them, since it is most of what a durable commit costs.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import padre_git

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
SAMPLES = 100


def milliseconds(work: Callable[[int], object], times: int) -> str:
    """Returns median and 90th percentile of a call."""
    took = []
    for n in range(times):
        begin = time.perf_counter()
        work(n)
        took.append(1000 * (time.perf_counter() - begin))
    took.sort()
    return f"{statistics.median(took):8.3f} ms  (p90 {took[int(0.9 * len(took))]:.2f})"


def record(store: padre_git.Store, n: int, artifact: Path | None = None) -> None:
    """Records one run through the recorder."""
    with store.start_run("bench/svm", {f"p{k}": n + k / 10 for k in range(10)}, seed=n) as run:
        for step in range(100):
            run.log_metrics({"loss": 1 / (step + 1), "score": step / 100}, step=step)
        for k in range(8):
            run.log_metric(f"m{k}", k / 7)
        if artifact is not None:
            artifact.write_bytes(os.urandom(10_240))
            run.log_artifact(artifact)


def ended(execution: padre_git.Execution, n: int) -> padre_git.Run:
    """Returns one ended run without series, as an importer would make it."""
    return padre_git.Run(
        execution=execution.key,
        parameters={f"p{k}": n + k / 10 for k in range(10)},
        metrics={f"m{k}": k / 7 for k in range(10)},
        seed=n,
    )


def fsync_of(directory: Path) -> str:
    """Returns what creating and syncing a small file costs here."""

    def one(n: int) -> None:
        with (directory / f"sync{n}").open("wb") as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())

    return milliseconds(one, 50)


def imports() -> None:
    """Prints what importing and asking for help cost over bare Python."""
    commands = {
        "bare python": [sys.executable, "-c", "pass"],
        "import padre_git": [sys.executable, "-c", "import padre_git"],
        "import, open exported": [sys.executable, "-c", "import padre_git; padre_git.open"],
        "padre-git --help": [sys.executable, "-m", "padre_git", "--help"],
    }
    for name, command in commands.items():
        took = milliseconds(lambda _, c=command: subprocess.run(c, capture_output=True), 9)
        print(f"{name:44s}{took}")


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        print(f"{'create + fsync of 4 KB, this disk':44s}{fsync_of(root)}")
        with padre_git.open(root / "store", policy="manual") as store:
            print(f"{'run, in an empty project':44s}{milliseconds(lambda n: record(store, n), 50)}")
            while len(store.runs.list("bench/svm")) < RUNS:
                execution = store.executions.list("bench/svm")[0]
                begin = time.perf_counter()
                with store.transaction("bench", "many runs at once") as unit:
                    for n in range(RUNS):
                        unit.put(ended(execution, n))
                each = 1000 * (time.perf_counter() - begin) / RUNS
                print(f"{f'{RUNS} runs in a transaction, each':44s}{each:8.2f} ms")
            what = f"run, full checkout of {RUNS} runs"
            print(f"{what:44s}{milliseconds(lambda n: record(store, n), SAMPLES)}")
            file = root / "model.bin"
            took = milliseconds(lambda n: record(store, n, file), SAMPLES)
            print(f"{'the same with a 10 KB artifact':44s}{took}")
            with store.start_run("bench/svm", {}) as run:
                cost = milliseconds(lambda n: run.log_metric("loss", n, step=n), 5_000)
            print(f"{'log_metric':44s}{cost}")
            query = {"where": "params.p0 >= 0", "order_by": "-metrics.m3", "limit": 20}
            listing = milliseconds(lambda _: store.runs.list("bench/svm", **query), 5)
            print(f"{'list, where and order_by, top 20':44s}{listing}")
            clone = store.project_path("bench")
            status = milliseconds(
                lambda _: subprocess.run(["git", "status", "--porcelain"], cwd=clone, check=True), 9
            )
            print(f"{'git status':44s}{status}")
    imports()


if __name__ == "__main__":
    main()

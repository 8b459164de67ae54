"""What surviving a power cut costs: ``python -m tests.benchmarks.durability [RUNS]``.

The same work is done with and without syncing, taking turns, in processes of their own: a library
that is preloaded makes ``fsync`` and ``fdatasync`` do nothing. What counts is the ratio, and what
is paid for each run. ``gcc`` is needed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import padre_git

RUNS = 200
ROUNDS = 5
_NO_SYNC = """
int fsync(int fd) { (void)fd; return 0; }
int fdatasync(int fd) { (void)fd; return 0; }
"""


def record(root: Path, runs: int) -> dict[str, float]:
    """Returns milliseconds a run, for three ways to write runs."""
    found = {}
    with padre_git.open(root) as store:
        first = store.start_run("bench/svm", {"C": 0.0})
        run = first.end()
        begin = time.perf_counter()
        for n in range(runs):
            with store.start_run("bench/svm", {"C": n}) as one:
                one.log_metrics({"loss": 1 / (n + 1), "score": n / runs})
        found["one run after the other, recorded"] = time.perf_counter() - begin
        begin = time.perf_counter()
        with store.transaction("bench", "many"):
            for n in range(runs):
                store.runs.put(padre_git.Run(execution=run.execution, parameters={"C": n}))
        found["in one transaction"] = time.perf_counter() - begin
        begin = time.perf_counter()
        flushed = store.start_run("bench/svm", {"C": 0.0})
        for n in range(runs):
            flushed.log_metric("loss", n)
            flushed.flush()
        found["one metric logged and flushed"] = time.perf_counter() - begin
        flushed.end()
        file = root / "artifact.bin"
        begin = time.perf_counter()
        for n in range(runs // 10):
            file.write_bytes(os.urandom(10_240))
            store.artifacts.put(run, file, f"a{n}.bin")
        found["an artifact of 10 KB"] = 10 * (time.perf_counter() - begin)
    return {what: 1000 * took / runs for what, took in found.items()}


def measure(directory: Path, runs: int, *preloaded: str) -> dict[str, float]:
    """Returns what a process of its own measures."""
    with tempfile.TemporaryDirectory(dir=directory) as root:
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.durability", "--in", root, str(runs)],
            env=os.environ | ({"LD_PRELOAD": preloaded[0]} if preloaded else {}),
            capture_output=True,
            text=True,
            check=True,
        )
    lines = (line.rpartition("\t") for line in done.stdout.splitlines())
    return {what: float(took) for what, tab, took in lines if tab}


def main() -> None:
    """Prints both and their ratios."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        library = str(directory / "nosync.so")
        command = ["gcc", "-shared", "-fPIC", "-o", library, "-xc", "-"]
        subprocess.run(command, input=_NO_SYNC, text=True, check=True)
        rounds = [
            (measure(directory, runs), measure(directory, runs, library)) for _ in range(ROUNDS)
        ]
    print(f"{'milliseconds, medians of ' + str(ROUNDS):36} {'synced':>8} {'not':>8} {'ratio':>6}")
    for what in rounds[0][0]:
        synced, not_synced = (statistics.median(r[way][what] for r in rounds) for way in (0, 1))
        print(f"{what:36} {synced:8.2f} {not_synced:8.2f} {synced / not_synced:6.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--in"]:
        for way, milliseconds in record(Path(sys.argv[2]), int(sys.argv[3])).items():
            print(f"{way}\t{milliseconds:.4f}")
    else:
        main()

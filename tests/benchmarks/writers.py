"""Many processes that record into one project: ``python -m tests.benchmarks.writers [8 250]``.

Every process records its runs one after the other: 10 parameters, 10 metrics and a series of 100
steps, each a durable commit of its own. The clock starts when all processes are up. Afterwards it
is checked that every run is there once and that git finds nothing to complain of.

Beside it, the same with ``git add`` and ``git commit``, and with MLflow on SQLite and Sacred on
files where these can be installed into an environment of their own (``--no-peers`` leaves them
out). None of the others waits for the disk.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import padre_git
from tests.benchmarks import peers

NUMBERS = [int(word) for word in sys.argv[1:] if word.isdigit()]
PROCESSES, RUNS = NUMBERS if len(NUMBERS) == 2 else (8, 250)
_fork = multiprocessing.get_context("fork")
Work = Callable[[int, Callable[[], None]], int]


class Outcome(NamedTuple):
    """Is what became of some writers: seconds together, runs acknowledged, errors, and CPU."""

    seconds: float
    stored: int
    processor: float


def together(work: Work, root: Path) -> Outcome:
    """Lets processes work at the same time; each begins when all of them are ready."""
    gate = _fork.Barrier(PROCESSES + 1)
    stored, used = _fork.Array("i", PROCESSES), _fork.Array("d", PROCESSES)

    def one(number: int) -> None:
        os.chdir(root)
        before = 0.0

        def ready() -> None:
            nonlocal before
            gate.wait()
            before = _processor()

        stored[number] = work(number, ready)
        used[number] = _processor() - before

    writers = [_fork.Process(target=one, args=(number,)) for number in range(PROCESSES)]
    for writer in writers:
        writer.start()
    gate.wait()
    begin = time.perf_counter()
    for writer in writers:
        writer.join()
    seconds = time.perf_counter() - begin
    return Outcome(seconds, sum(stored[:]), math.fsum(used[:]))


def _processor() -> float:
    """Returns what this process and those that it has waited for have used."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return math.fsum(one.ru_utime + one.ru_stime for one in used)


def report(name: str, outcome: Outcome, present: int) -> None:
    """Prints one line of the table."""
    wanted = PROCESSES * RUNS
    print(
        f"{name:28s}{present / outcome.seconds:8.0f} runs/s{present:7d} of {wanted} stored"
        f"{outcome.stored - present:6d} lost after it was said they were stored"
        f"{1000 * outcome.processor / max(present, 1):8.1f} ms of processor each",
        flush=True,
    )


def record(store: padre_git.Store, n: int) -> None:
    """Records one run through the recorder."""
    with store.start_run("bench/svm", {f"p{k}": n + k / 10 for k in range(10)}, seed=n) as run:
        for step in range(100):
            run.log_metric("loss", 1 / (step + 1), step=step)
        run.log_metrics({f"m{k}": k / 7 for k in range(9)})


def ours(root: Path) -> None:
    """Records with padre_git and checks what is there."""
    with padre_git.open(root / "store", policy="manual") as store:
        record(store, -1)
        clone = store.project_path("bench")

    def work(number: int, ready: Callable[[], None]) -> int:
        with padre_git.open(root / "store", policy="manual") as mine:
            mine.runs.list("bench/svm", limit=1)  # imports and opens what is needed
            ready()
            for n in range(RUNS):
                record(mine, number * RUNS + n)
        return RUNS

    outcome = together(work, root)
    with padre_git.open(root / "store", policy="manual") as store:
        counts = Counter(run.seed for run in store.runs.list("bench/svm"))
    counts.pop(-1)
    present = sum(count == 1 for count in counts.values())
    report("padre_git", outcome, present)
    print(f"{'':28s}stored more than once: {sum(counts.values()) - len(counts)}")
    for words in (["fsck", "--full", "--strict", "--no-dangling"], ["status", "--porcelain"]):
        said = subprocess.run(["git", *words], cwd=clone, capture_output=True, text=True)
        text = (said.stdout + said.stderr).strip()
        print(f"{'':28s}git {' '.join(words)}: {text[:200] or 'nothing'} ({said.returncode})")


def plain_git(root: Path) -> None:
    """Writes the same files with ``git add`` and ``git commit``, as a script would."""
    clone = root / "plain"
    run: dict[str, Any] = {"cwd": clone, "capture_output": True}
    subprocess.run(["git", "init", "-q", str(clone)], check=True)
    for name in ("user.name", "user.email"):
        subprocess.run(["git", "config", name, "bench@example.org"], **run)
    body = b"".join(b"p%d: %d\n" % (k, k) for k in range(20))
    series = b"".join(b"%d,loss,%r\n" % (k, 1 / (k + 1)) for k in range(100))

    def work(number: int, ready: Callable[[], None]) -> int:
        ready()
        stored = 0
        for n in range(RUNS):
            name = f"r-{number}-{n}"
            (clone / name).mkdir()
            (clone / name / "run.yaml").write_bytes(body)
            (clone / name / "series.csv").write_bytes(series)
            added = subprocess.run(["git", "add", name], **run)
            words = ["git", "commit", "-q", "-m", name, "--", name]
            stored += added.returncode == 0 and subprocess.run(words, **run).returncode == 0
        return stored

    outcome = together(work, root)
    listed = subprocess.run(["git", "ls-tree", "--name-only", "HEAD"], **run, check=True)
    report("git add, git commit", outcome, len(listed.stdout.split()))


def main() -> None:
    """Prints the table."""
    print(f"{PROCESSES} processes, {RUNS} runs each, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        ours(root)
        if "--no-peers" not in sys.argv:
            plain_git(root)
            for peer in peers.PEERS:
                found = peers.measure(peer, root, PROCESSES, RUNS)
                if found is None:
                    print(f"{peer.name:28s}cannot be installed here")
                else:
                    seconds, stored, processor, present = found
                    report(peer.name, Outcome(seconds, int(stored), processor), int(present))


if __name__ == "__main__":
    main()

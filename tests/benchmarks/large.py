"""What ``git status`` and one more run cost by the number of runs: all in the work tree, or none.

``python -m tests.benchmarks.large [--full 1000 10000] [--lean 10000 100000]``: projects are made,
then they take turns, so that a busy machine slows all of them down. Files are as those of a run,
in shards of at most 92; the store's own work on documents is not in it.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from padre_git.backends.lean import LEAN
from padre_git.vcs import NewCommit, Repository
from padre_git.vcs.plan import Edit

__all__ = ["main"]

_GROUP = 10_000
_FIRST: dict[str, bytes] = {
    "project.yaml": b"schema: project/1\n",
    "experiments/svm/experiment.yaml": b"schema: experiment/1\n",
}


def files(number: int) -> dict[str, Edit]:
    """Returns the files of one run, 5 KB of them."""
    shard = f"2026-{number // 9200 % 12 + 1:02}/{number // 92 % 100:02}"
    run = f"experiments/svm/runs/{shard}/r-{number:07}"
    series = "".join(f"{step},{number / (step + 1):.17g}\n" for step in range(100))
    return {
        f"{run}/run.yaml": f"schema: run/1\n\nnumber: {number}\n".encode() * 20,
        f"{run}/metrics.yaml": f"accuracy: 0.{number}\n".encode() * 20,
        f"{run}/series.csv": series.encode(),
        f"{run}/tags/good": b"",
    }


def record(repository: Repository, numbers: range) -> None:
    """Commits runs, all in one commit."""
    edits = {path: data for number in numbers for path, data in files(number).items()}
    repository.advance(lambda _: [NewCommit(edits=edits, text=f"runs {numbers}")])


def filled(path: Path, runs: int, *, lean: bool) -> Repository:
    """Makes a project with so many runs."""
    made = Repository.create(path, branch="main", files=_FIRST, text="create")
    made.lean = LEAN
    if lean:
        made.leave_out()
    for start in range(0, runs, _GROUP):
        record(made, range(start, min(runs, start + _GROUP)))
    return made


@dataclass
class Figures:
    """Is how long something took, each time: in all, and of the processor."""

    elapsed: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def add(self, work: Callable[[], object]) -> None:
        """Does it once more."""
        start, used = time.perf_counter(), _used()
        work()
        self.elapsed.append((time.perf_counter() - start) * 1000)
        self.processor.append((_used() - used) * 1000)

    def __str__(self) -> str:
        tenth = sorted(self.elapsed)[len(self.elapsed) // 10]
        middle, used = statistics.median(self.elapsed), statistics.median(self.processor)
        return f"{middle:7.1f} {tenth:7.1f} {used:7.1f}"


def _used() -> float:
    """Returns the seconds of processor that this process and its ended children have used."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(one.ru_utime + one.ru_stime for one in map(resource.getrusage, whose))


def status(path: Path) -> None:
    """Asks git what has changed."""
    done = subprocess.run(["git", "status", "--porcelain"], cwd=path, capture_output=True)
    assert done.returncode == 0
    assert done.stdout == b""


def measure(stores: Sequence[tuple[str, int, Repository]], rounds: int) -> None:
    """Prints figures of stores that take turns."""
    puts = [Figures() for _ in stores]
    asked = [Figures() for _ in stores]
    for turn in range(rounds):
        for (_, runs, store), put, seen in zip(stores, puts, asked, strict=True):
            put.add(partial(record, store, range(runs + turn, runs + turn + 1)))
            seen.add(partial(status, store.path))
    print(f"{'':13}{'one more run, ms':>24}{'git status, ms':>24}")
    print(f"{'':13}{' median  tenth  processor':>24}")
    for (side, runs, _), put, seen in zip(stores, puts, asked, strict=True):
        print(f"{side} {runs:>7} {put} {seen}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one line for each size."""
    parser = argparse.ArgumentParser(prog="large", description=__doc__)
    parser.add_argument("--full", type=int, nargs="*", default=[1000, 2500, 5000])
    parser.add_argument("--lean", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--rounds", type=int, default=40)
    wanted = parser.parse_args(arguments)
    sizes = [("full", n) for n in wanted.full] + [("lean", n) for n in wanted.lean]
    with tempfile.TemporaryDirectory() as directory, ExitStack() as ends:
        stores = []
        for side, runs in sizes:
            store = filled(Path(directory) / f"{side}{runs}", runs, lean=side == "lean")
            stores.append((side, runs, ends.enter_context(store)))
        measure(stores, wanted.rounds)


if __name__ == "__main__":
    main()

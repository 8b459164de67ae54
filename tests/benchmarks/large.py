"""What ``git status`` and one more run cost by the number of runs: all in the work tree, or none.

``python -m tests.benchmarks.large [--runs 1000 5000] [--lean-only]``: for each size a project is
made, then both take turns, so that a busy machine slows both down. Files are as those of a run,
in shards of at most 92; the store's own work on documents is not in it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
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


def milliseconds(work: Callable[[], object]) -> float:
    """Returns how long it takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def status(path: Path) -> None:
    """Asks git what has changed."""
    done = subprocess.run(["git", "status", "--porcelain"], cwd=path, capture_output=True)
    assert done.returncode == 0
    assert done.stdout == b""


def measure(runs: int, *, lean_only: bool, rounds: int = 25) -> str:
    """Returns a line of figures for one size: median and the fastest tenth."""
    with tempfile.TemporaryDirectory() as directory:
        sides = ["lean"] if lean_only else ["full", "lean"]
        stores = {s: filled(Path(directory) / s, runs, lean=s == "lean") for s in sides}
        times: dict[tuple[str, str], list[float]] = {}
        for turn in range(rounds):
            for side, store in stores.items():
                one = range(runs + turn, runs + turn + 1)
                put = times.setdefault((side, "put"), [])
                put.append(milliseconds(lambda s=store, n=one: record(s, n)))  # type: ignore[misc]
                seen = times.setdefault((side, "status"), [])
                seen.append(milliseconds(lambda s=store: status(s.path)))  # type: ignore[misc]
        for store in stores.values():
            store.close()
    figures = (
        f"{side} {what} {statistics.median(ms):.1f} ({sorted(ms)[len(ms) // 10]:.1f})"
        for (side, what), ms in times.items()
    )
    return f"{runs:>7} runs, ms: " + ", ".join(figures)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one line for each size."""
    parser = argparse.ArgumentParser(prog="large", description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=[1000, 2500, 5000, 10_000])
    parser.add_argument("--lean-only", action="store_true", help="for sizes that take long")
    wanted = parser.parse_args(arguments)
    for runs in wanted.runs:
        print(measure(runs, lean_only=wanted.lean_only), flush=True)


if __name__ == "__main__":
    main()

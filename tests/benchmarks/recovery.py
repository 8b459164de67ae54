"""What looking for damage and tidying up cost: ``python -m tests.benchmarks.recovery [RUNS]``.

Prints, for a project of so many runs (10,000), one commit each: room and latency of the puts, the
time of ``verify`` beside ``git fsck --full``, and what ``maintain`` does to both.
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
from padre_git.backends import GitBackend
from padre_git.messages import Maintained
from padre_git.model import Change, ChangeSet
from padre_git.testing.documents import (
    EXECUTION,
    EXPERIMENT,
    IRIS,
    files_of,
    message,
    run_key,
    store,
)

_PARTS = {"metrics.yaml": b"metrics:\n  accuracy: 0.5\n"}


def _put(backend: GitBackend, number: int) -> float:
    key = run_key(number)
    change = Change(key=key, files=files_of(key, _PARTS, seed=number))
    start = time.perf_counter()
    backend.apply(ChangeSet(changes=(change,)), message(f"record {key.name}"))
    return time.perf_counter() - start


def _room(clone: Path) -> tuple[int, int]:
    files = [Path(a) / n for a, _, names in os.walk(clone / ".git") for n in names]
    return sum(f.stat().st_size for f in files), len(files)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _figures(root: Path, when: str) -> None:
    clone = root / "iris"
    fsck = ["git", "fsck", "--full", "--no-progress"]
    plain = _timed(lambda: subprocess.run(fsck, cwd=clone, check=True, capture_output=True))
    with padre_git.open(root) as opened:
        ours = _timed(lambda: opened.verify("iris"))
    print(f"{when}: verify {ours:.1f} s, git fsck --full {plain:.1f} s ({ours / plain:.2f} x)")


def main(runs: int) -> None:
    """Builds the project and prints the figures."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        times = []
        with GitBackend(root) as backend:
            store(backend, IRIS)
            store(backend, EXPERIMENT, EXECUTION)
            empty = _room(root / "iris")
            for number in range(runs):
                times.append(_put(backend, number))
                if number + 1 in {1000, runs}:
                    size, files = _room(root / "iris")
                    done = number + 1
                    print(
                        f"{done} puts: {(size - empty[0]) / done / 1000:.2f} KB and"
                        f" {(files - empty[1]) / done:.3f} files a run in .git"
                    )
                    last = sorted(times[-1000:])
                    median, p99 = statistics.median(last), last[int(len(last) * 0.99)]
                    slow, most = p99 / median, last[-1] / median
                    print(f"  put {median * 1000:.1f} ms, p99 {slow:.1f} x, most {most:.1f} x")
        _figures(root, "as written")
        with padre_git.open(root) as opened:
            told: list[Maintained] = []
            took = _timed(lambda: told.append(opened.maintain("iris")))
        before, after = told[0].before, told[0].after
        print(
            f"maintain: {took:.1f} s, {before.bytes / 1e6:.1f} MB in {before.files} files to"
            f" {after.bytes / 1e6:.1f} MB in {after.files}:"
            f" {after.bytes / runs / 1000:.2f} KB a run"
        )
        _figures(root, "maintained")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)

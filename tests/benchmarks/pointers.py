"""What an artifact costs beside many: ``python -m tests.benchmarks.pointers [POINTERS]``.

A transaction of 1,000 runs is made with and without an artifact of 10 KB for each, in turn, in a
project that has no pointers yet and in one that has many. What the artifacts cost is the
difference; the best of a few rounds is printed. ``dvc add`` of one such file is, too.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

import padre_git
from padre_git.artifacts import Pointer, write_pointer

POINTERS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
EACH = 1_000
ROUNDS = 5


def runs(store: padre_git.Store, files: list[Path]) -> float:
    """Makes runs in one transaction, each with one of these files; returns the seconds."""
    execution = store.executions.list("bench/svm")[0]
    begin = time.perf_counter()
    with store.transaction("bench", "many runs") as unit:
        for n in range(EACH):
            run = unit.put(padre_git.Run(execution=execution.key, metrics={"loss": n / 7}, seed=n))
            if files:
                store.artifacts.put(run, files[n], "model.bin")
    return time.perf_counter() - begin


def fill(store: padre_git.Store, count: int) -> None:
    """Adds runs with pointers to data that is elsewhere, as a clone of many has them."""
    execution = store.executions.list("bench/svm")[0]
    for start in range(0, count, EACH):
        with store.transaction("bench", "runs of others") as unit:
            for n in range(start, min(start + EACH, count)):
                pointer = Pointer(md5=f"{n:032x}", path="artifacts.bin", size=10_000)
                run = padre_git.Run(execution=execution.key, seed=n)
                unit.put(run, {"artifacts.dvc": write_pointer(pointer)})


def artifacts(store: padre_git.Store, directory: Path) -> tuple[float, float]:
    """Returns the milliseconds of a run with an artifact, and of one without."""
    files = [directory / f"{k}.bin" for k in range(EACH)]
    for file in files:
        file.write_bytes(os.urandom(10_000))
    os.sync()
    bare, full = runs(store, []), runs(store, files)
    return 1000 / EACH * full, 1000 / EACH * bare


def dvc_add(project: Path) -> float:
    """Returns the milliseconds of adding one more file with DVC's own library."""
    from dvc.repo import Repo

    (project / "one.bin").write_bytes(os.urandom(10_000))
    with contextlib.chdir(project), Repo(str(project)) as repo:
        repo.add("one.bin")
        begin = time.perf_counter()
        (project / "one.bin").write_bytes(os.urandom(10_000))
        repo.add("one.bin")
        return 1000 * (time.perf_counter() - begin)


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as ends:
        directory = Path(name)
        stores = {}
        for count in (0, POINTERS):
            stores[count] = padre_git.open(directory / f"store-{count}", policy="manual")
            ends.callback(stores[count].close)
            with stores[count].start_run("bench/svm"):
                pass
            fill(stores[count], count)
        with contextlib.redirect_stdout(sys.stderr):
            added = {n: dvc_add(store.project_path("bench")) for n, store in stores.items()}
        # in turn, so that a slow minute slows both
        rounds = [
            {n: artifacts(store, directory) for n, store in stores.items()} for _ in range(ROUNDS)
        ]
        best = {}
        for count in stores:
            full, bare = (min(taken[count][which] for taken in rounds) for which in (0, 1))
            best[count] = full - bare
            print(f"with {count:6} pointers: run {bare:6.3f} ms, with an artifact {full:6.3f} ms,")
            print(
                f"  so the artifact {full - bare:6.3f} ms (bar: 1); dvc add {added[count]:9.1f} ms"
            )
        print(f"many over few: {best[POINTERS] / best[0]:.2f} x (bar: 1.3)")


if __name__ == "__main__":
    main()

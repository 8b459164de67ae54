"""What a running run costs, and asking what is done: ``python -m tests.benchmarks.spool [RUNS]``.

Times are of single calls, in microseconds or milliseconds; this disk's fsync is most of a flush.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import padre_git

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000


def times(work: Callable[[int], object], count: int) -> list[float]:
    """Returns the seconds that each call takes, sorted."""
    took = []
    for n in range(count):
        begin = time.perf_counter()
        work(n)
        took.append(time.perf_counter() - begin)
    return sorted(took)


def shown(name: str, took: list[float], unit: str, factor: float) -> None:
    """Prints median and 99th percentile."""
    last = took[int(0.99 * len(took))]
    median = statistics.median(took)
    print(f"{name:48s}{median * factor:9.2f} {unit}  (p99 {last * factor:.2f})")


def logging(store: padre_git.Store) -> None:
    """Measures a run that is running."""
    with store.start_run("bench/svm", {"C": 1}) as run:
        run.log_metric("loss", 0.0, step=0)
        (events,) = store.project_path("bench").glob(f".git/padre/spool/{run.id}/events.jsonl")
        before = events.stat().st_size
        shown("log_metric", times(lambda n: run.log_metric("loss", 1 / (n + 1), step=n), 50_000),
              "us", 1e6)  # fmt: skip
        print(f"{'bytes per event':48s}{(events.stat().st_size - before) / 50_000:9.1f}")
        shown("log_metrics, 10 of them", times(
            lambda n: run.log_metrics({f"m{k}": n / 7 for k in range(10)}, step=n), 5_000
        ), "us", 1e6)  # fmt: skip

        def durable(n: int) -> None:
            run.log_metric("loss", n, step=n)
            run.flush()

        shown("log_metric and flush", times(durable, 300), "ms", 1e3)
        with padre_git.open(store.root, policy="manual") as other:
            shown("runs.get from elsewhere, 56,000 events", times(
                lambda n: other.runs.get(run.key), 1
            ), "ms", 1e3)  # fmt: skip

            def watched(n: int) -> None:
                run.log_metric("loss", n)
                other.runs.get(run.key)

            shown("runs.get, after one more event", times(watched, 20), "ms", 1e3)


def finding(store: padre_git.Store) -> None:
    """Measures whether a point is done."""
    execution = store.executions.list("bench/svm")[0].key
    for start in range(0, RUNS, 1_000):
        with store.transaction("bench", "import"):
            for n in range(start, min(RUNS, start + 1_000)):
                values = {"C": n, "kernel": "rbf", "gamma": 0.1}
                store.runs.put(padre_git.Run(execution=execution, parameters=values))
    point = {"C": RUNS // 2, "kernel": "rbf", "gamma": 0.1}
    shown(f"find, the first time, {RUNS} runs", times(
        lambda n: store.runs.find("bench/svm", point), 1), "ms", 1e3)  # fmt: skip
    shown("find", times(lambda n: store.runs.find("bench/svm", point), 50), "ms", 1e3)
    shown("find, nothing", times(lambda n: store.runs.find("bench/svm", {"C": -1}), 50), "ms", 1e3)
    store.start_run("bench/svm", {"C": 7.5}).end()
    shown("find, after one more run", times(
        lambda n: store.runs.find("bench/svm", {"C": 7.5}), 1), "ms", 1e3)  # fmt: skip
    shown("count", times(lambda n: store.runs.count("bench"), 20), "ms", 1e3)
    where = {"parameters.C": 7}
    shown("list(where=…)", times(lambda n: store.runs.list(where=where), 3), "ms", 1e3)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place, padre_git.open(place, policy="manual") as opened:
        opened.start_run("bench/svm").end()
        logging(opened)
        finding(opened)

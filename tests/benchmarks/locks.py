"""For how long git's locks are held by a put: ``python -m tests.benchmarks.locks [PUTS]``.

Who is killed in that time leaves the lock to whoever comes next, and a ``git commit`` of a person
fails meanwhile. It is measured from the moment before a lock is made to the one before it goes.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import padre_git
from padre_git.model import Experiment

PUTS = 300


class Held:
    """Hears of every lock of git's that this process makes and takes away.

    Attributes:
        seconds: for which each was held, by its name.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self._since: dict[str, float] = {}
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.link" and str(arguments[1]).endswith(".lock"):
            self._since[str(arguments[1])] = time.perf_counter()
        elif event == "os.remove" and str(arguments[0]) in self._since:
            name = str(arguments[0])
            held = time.perf_counter() - self._since.pop(name)
            self.seconds.setdefault(Path(name).name, []).append(held)


def main() -> None:
    """Measures and prints."""
    puts = int(sys.argv[1]) if len(sys.argv) > 1 else PUTS
    took = []
    with tempfile.TemporaryDirectory() as root, padre_git.open(root) as store:
        store.ensure("bench/svm")
        held = Held()
        for n in range(puts):
            begin = time.perf_counter()
            store.experiments.put(Experiment(project="bench", name=f"e{n}"))
            took.append(time.perf_counter() - begin)
    put = statistics.median(took)
    print(f"a put: {1000 * put:.1f} ms")
    for name, seconds in sorted(held.seconds.items()):
        median = statistics.median(seconds)
        print(f"{name}: {1e6 * median:.0f} us, {100 * median / put:.2f} % of it")


if __name__ == "__main__":
    main()

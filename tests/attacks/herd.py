"""Writers that are killed at random: ``python -m tests.attacks.herd ROOT WRITERS KILLS SEED``.

Every writer records runs into one project until it is killed, and another takes its place. What a
writer was told is stored, it notes in a file of its own below ``ROOT/told``. It needs no step by
hand: a writer that fails in any other way than by being killed is counted.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import padre_git

__all__ = ["TOLD", "write_runs"]

TOLD = "told"


def write_runs(root: Path, count: int) -> None:
    """Records runs, and notes each when it is said to be stored."""
    note = os.open(root / TOLD / f"{os.getpid()}-{time.time_ns()}", os.O_WRONLY | os.O_CREAT)
    with padre_git.open(root / "store", policy="manual") as store:
        for n in range(count):
            with store.start_run("iris/svm", {"n": n, "writer": os.getpid()}) as run:
                for step in range(5):
                    run.log_metric("loss", 1 / (step + 1), step=step)
            os.write(note, f"{run.id}\n".encode())


def _fork(root: Path) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        write_runs(root, 1_000_000)
        code = 0
    finally:
        os._exit(code)


def _wait_for_news(root: Path) -> None:
    """Waits until somebody was told something, so that a slow machine is not only killed."""
    before, until = _told(root), time.monotonic() + 5
    while _told(root) == before and time.monotonic() < until:
        time.sleep(0.002)


def _told(root: Path) -> int:
    return sum(file.stat().st_size for file in (root / TOLD).iterdir())


def main() -> int:
    """Lets writers write and kills them; returns how many ended by themselves."""
    root, writers, kills, seed = Path(sys.argv[1]), *(int(word) for word in sys.argv[2:5])
    chance = random.Random(seed)
    (root / TOLD).mkdir(exist_ok=True)
    herd = [_fork(root) for _ in range(writers)]
    fallen = 0
    for _ in range(kills):
        _wait_for_news(root)
        time.sleep(chance.expovariate(1 / 0.03))
        place = chance.randrange(writers)
        os.kill(herd[place], signal.SIGKILL)
        fallen += os.waitstatus_to_exitcode(os.waitpid(herd[place], 0)[1]) != -signal.SIGKILL
        herd[place] = _fork(root)
    time.sleep(1.0)
    for child in herd:
        os.kill(child, signal.SIGKILL)
        fallen += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGKILL
    return fallen


if __name__ == "__main__":
    sys.exit(main())

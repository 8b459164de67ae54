"""A writer for the tests of power cuts: it says on its output what it was told is safe.

``python -m tests.faults.writer ROOT NAME [LIMIT]``: runs, every third with an artifact and every
third logged and flushed before it ends, until it is ended or the disk is gone.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import padre_git

__all__ = ["acknowledge", "main"]

_WHEN = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)


def acknowledge(*words: object) -> None:
    """Says that something is safe, at once and to somebody elsewhere."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def _put(store: padre_git.Store, name: str) -> None:
    execution = store.executions.list("iris/svm")[0].key
    run = store.runs.put(
        padre_git.Run(
            execution=execution,
            id=name,
            started=_WHEN,
            ended=_WHEN,
            status=padre_git.Status.FINISHED,
        )
    )
    acknowledge("run", run.id)


def _put_artifact(store: padre_git.Store, name: str, outside: Path) -> None:
    _put(store, name)
    content = hashlib.sha256(name.encode()).digest() * (1 + hash(name) % 4000)
    outside.write_bytes(content)
    store.artifacts.put(f"iris/svm/{name}", outside, "data.bin")
    acknowledge("artifact", name, hashlib.md5(content).hexdigest())


def _log(store: padre_git.Store, name: str) -> None:
    run = store.start_run("iris/svm", {"C": 1.0}, id=name)
    for step in range(3):
        run.log_metric("loss", 1 / (step + 1), step=step)
        run.flush()
        acknowledge("flushed", name, step)
    run.end()
    acknowledge("run", name)


def main() -> None:
    """Writes until it is ended."""
    root, who, outside = sys.argv[1:4]
    limit = int(sys.argv[4]) if len(sys.argv) > 4 else 1 << 30
    stamp = f"{time.time_ns() % 10**8:08}"
    file = Path(outside) / f"data-{who}"
    with padre_git.open(root) as store:
        acknowledge("ready")
        sys.stdin.readline()
        for number in range(limit):
            name = f"r-20261121t101500-{who}{stamp}{number:03}"
            if (number + ord(who)) % 3 == 0:
                _put_artifact(store, name, file)
            elif (number + ord(who)) % 3 == 1:
                _log(store, name)
            else:
                _put(store, name)
        acknowledge("done")
        sys.stdin.readline()


if __name__ == "__main__":
    main()

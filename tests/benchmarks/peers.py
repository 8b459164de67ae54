"""Other trackers, each in an environment of its own, for :mod:`tests.benchmarks.writers`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

__all__ = ["PEERS", "Peer", "measure"]

#: Environments are kept between runs: installing takes minutes.
_PLACE = Path(tempfile.gettempdir()) / "padre-git-peers"

_COMMON = """
import json, multiprocessing, resource, sys, time
PROCESSES, RUNS = int(sys.argv[1]), int(sys.argv[2])
fork = multiprocessing.get_context("fork")
def used():
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime
def together(prepare, record):
    gate, stored = fork.Barrier(PROCESSES + 1), fork.Array("i", PROCESSES)
    spent = fork.Array("d", PROCESSES)
    def one(number):
        prepare()
        gate.wait()
        before = used()
        for n in range(RUNS):
            try:
                record(number * RUNS + n)
                stored[number] += 1
            except Exception as error:
                print(type(error).__name__, str(error)[:200], file=sys.stderr)
        spent[number] = used() - before
    writers = [fork.Process(target=one, args=(number,)) for number in range(PROCESSES)]
    for writer in writers: writer.start()
    gate.wait()
    begin = time.perf_counter()
    for writer in writers: writer.join()
    return time.perf_counter() - begin, sum(stored), sum(spent)
"""

_MLFLOW = """
import logging, time
logging.disable(logging.CRITICAL)
import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
mlflow.set_tracking_uri("sqlite:///mlflow.db")
experiment = MlflowClient().create_experiment("bench")
client = None
def prepare():
    global client
    client = MlflowClient("sqlite:///mlflow.db")
def record(n):
    run = client.create_run(experiment).info.run_id
    params = [Param(f"p{k}", str(n + k / 10)) for k in range(10)]
    metrics = [Metric(f"m{k}", k / 7, 0, 0) for k in range(9)]
    metrics += [Metric("loss", 1 / (k + 1), 0, k) for k in range(100)]
    client.log_batch(run, metrics=metrics, params=params)
    client.set_terminated(run)
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
SqlAlchemyStore._engine_map = getattr(SqlAlchemyStore, "_engine_map", {})
for engine in list(SqlAlchemyStore._engine_map.values()): engine.dispose()
SqlAlchemyStore._engine_map.clear()
outcome = together(prepare, record)
import sqlite3
present = sqlite3.connect("mlflow.db").execute(
    "select count(*) from runs where status = 'FINISHED'").fetchone()[0]
print(json.dumps([*outcome, present]))
"""

_SACRED = """
import logging
logging.disable(logging.CRITICAL)
from sacred import Experiment
from sacred.observers import FileStorageObserver
def prepare(): pass
def record(n):
    ex = Experiment("bench", interactive=True, save_git_info=False)
    ex.captured_out_filter = lambda text: ""
    ex.observers.append(FileStorageObserver("sacred"))
    ex.add_config({f"p{k}": n + k / 10 for k in range(10)})
    @ex.main
    def main(_run):
        for k in range(100): _run.log_scalar("loss", 1 / (k + 1), k)
        for k in range(9): _run.log_scalar(f"m{k}", k / 7, 0)
    ex.run(options={"--capture": "no"})
import glob
outcome = together(prepare, record)
present = 0
for name in glob.glob("sacred/*/run.json"):
    try: present += json.load(open(name))["status"] == "COMPLETED"
    except ValueError: pass
print(json.dumps([*outcome, present]))
"""


class Peer(NamedTuple):
    """Is another tracker: its name, what to install, and the program that records with it."""

    name: str
    packages: tuple[str, ...]
    program: str


PEERS = (
    Peer("MLflow on SQLite", ("mlflow-skinny", "sqlalchemy", "alembic", "setuptools"), _MLFLOW),
    Peer("Sacred, FileStorage", ("sacred", "setuptools<81"), _SACRED),
)


def measure(peer: Peer, root: Path, processes: int, runs: int) -> list[float] | None:
    """Returns seconds, runs acknowledged, processor and runs present; None without the peer."""
    python = _environment(peer)
    if python is None:
        return None
    place = root / peer.name.split()[0].lower()
    place.mkdir()
    words = [str(python), "-c", _COMMON + peer.program, str(processes), str(runs)]
    done = subprocess.run(words, cwd=place, capture_output=True, text=True)
    kinds = {line.partition(" ")[0] for line in done.stderr.splitlines() if line}
    if done.returncode != 0:
        print(f"{peer.name}: {done.stderr.strip().splitlines()[-1:]}")
        return None
    if kinds:
        print(f"{peer.name}: its callers saw {sorted(kinds)[:5]}")
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _environment(peer: Peer) -> Path | None:
    place = _PLACE / peer.name.split()[0].lower()
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        words = [str(python), "-m", "pip", "install", "-q", *peer.packages]
        if subprocess.run(words, capture_output=True).returncode != 0:
            return None
        (place / "complete").touch()
    return python

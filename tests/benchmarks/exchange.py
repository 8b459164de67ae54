"""What sharing costs beside plain ``git push``: ``python -m tests.benchmarks.exchange [RUNS]``.

A project of RUNS runs (10,000) has one remote in a directory and one behind smart HTTP with a
password (nginx; left out where it cannot be started). Figures are medians; what is compared is
measured by turns, in the same minute on the same disk. Plain git pushes one commit with one new
run from a clone of its own to a remote of its own.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import padre_git
from padre_git.model import Code

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
FEW = RUNS // 10
SAMPLES = 15
MANY = 1_000
PROJECT = "bench"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Is where repositories are, and how git is told to get there.

    Attributes:
        name: what the table calls it.
        base: what a store is given.
        directory: where it is on this disk.
        bars: milliseconds that a sync of one run may take, and what git alone took once.
    """

    name: str
    base: str
    directory: Path
    bars: str


def took(work: Callable[[], object]) -> float:
    """Returns the milliseconds that a call took."""
    begun = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begun)


def git(*words: str | Path, cwd: Path) -> None:
    """Runs plain git."""
    subprocess.run(["git", *map(str, words)], cwd=cwd, check=True, capture_output=True)


def line(name: str, times: list[float], rest: str = "") -> None:
    """Prints one row."""
    times.sort()
    ninety = times[int(0.9 * len(times))]
    print(f"{name:58s}{statistics.median(times):9.1f} ms  (p90 {ninety:.0f}) {rest}", flush=True)


def opened(root: Path, place: Place, policy: str = "manual") -> padre_git.Store:
    """Opens a store at a place."""
    return padre_git.open(
        root, remote=place.base, artifacts=place.directory.parent / "data", policy=policy
    )


def execution() -> padre_git.Execution:
    """Returns what the runs are below."""
    experiment = padre_git.Experiment(project=PROJECT, name="svm")
    return padre_git.Execution(experiment=experiment.key, code=Code(content="ab" * 32))


def new_run(store: padre_git.Store, n: int) -> padre_git.Run:
    """Returns one ended run."""
    (stored,) = store.executions.list(f"{PROJECT}/svm")
    return padre_git.Run(
        execution=stored.key,
        parameters={f"p{k}": n + k / 10 for k in range(10)},
        metrics={f"m{k}": k / 7 for k in range(10)},
        seed=n,
    )


def fill(store: padre_git.Store, count: int) -> None:
    """Stores a project with so many runs."""
    with store.transaction(PROJECT, "the project"):
        store.projects.put(padre_git.Project(name=PROJECT))
        store.experiments.put(padre_git.Experiment(project=PROJECT, name="svm"))
        store.executions.put(execution())
    runs = (new_run(store, 0).replace(seed=n) for n in range(count))
    with store.transaction(PROJECT, "many runs"):
        for run in runs:
            store.runs.put(run)


def plain_commit(clone: Path, n: int) -> None:
    """Commits one more run with plain git."""
    shard = max((clone / "experiments/svm/runs").rglob("run.yaml")).parent.parent
    new = shard / f"r-20300101t000000-{n:012d}"
    new.mkdir()
    (new / "run.yaml").write_text(f"seed: {n}\n")
    git("add", new, cwd=clone)
    git("commit", "-qm", f"run {n}", cwd=clone)


def one_run(place: Place, work: Path, count: int) -> None:
    """Measures publishing one new run, and publishing nothing, beside plain git."""
    bare = place.directory / f"{PROJECT}.git"
    git("init", "-q", "--bare", "-b", "main", bare, cwd=place.directory)
    with opened(work / "ours", place) as store:
        fill(store, count)
        store.sync(PROJECT)
        shutil.copytree(bare, place.directory / "plain.git")
        plain = work / "plain"
        address = f"{place.base}/plain.git"
        git("clone", "-q", address, plain, cwd=work)
        ours, theirs, nothing, theirs_nothing = [], [], [], []
        for n in range(SAMPLES):
            store.runs.put(new_run(store, n))
            plain_commit(plain, n)
            ours.append(took(lambda: store.sync(PROJECT)))
            theirs.append(took(lambda: git("push", "-q", cwd=plain)))
            nothing.append(took(lambda: store.sync(PROJECT)))
            theirs_nothing.append(took(lambda: git("fetch", "-q", cwd=plain)))
        bars = place.bars if count == RUNS else ""
        line(f"{place.name}, {count} runs: sync of one new run", ours, bars)
        line("    git push of one new run", theirs, ratio(ours, theirs))
        line(f"{place.name}, {count} runs: sync of nothing", nothing)
        line("    git fetch of nothing", theirs_nothing, ratio(nothing, theirs_nothing))
        if count == RUNS:
            many(store, place)


def ratio(ours: list[float], theirs: list[float]) -> str:
    """Returns how many times as long ours took."""
    return f"ours is {statistics.median(ours) / statistics.median(theirs):.2f} times that"


def many(store: padre_git.Store, place: Place) -> None:
    """Measures one sync of many runs, each in a commit of its own and all in one."""
    for n in range(MANY):
        store.runs.put(new_run(store, n))
    each = took(lambda: store.sync(PROJECT)) / MANY
    print(f"{f'{place.name}: {MANY} runs in one sync, a commit each':58s}{each:9.2f} ms a run")
    with store.transaction(PROJECT, "many runs"):
        for n in range(MANY):
            store.runs.put(new_run(store, n))
    each = took(lambda: store.sync(PROJECT)) / MANY
    bar = "(bar: 1.5)"
    print(f"{f'{place.name}: {MANY} runs in one sync, one commit':58s}{each:9.2f} ms a run {bar}")


def recorder(place: Place, work: Path) -> None:
    """Measures what a recorder block costs with each policy, by turns."""
    with ExitStack() as stack:
        stores = {
            policy: stack.enter_context(opened(work / policy, place, policy))
            for policy in ("manual", "auto")
        }
        times: dict[str, list[float]] = {policy: [] for policy in stores}
        for store in stores.values():
            store.pull(PROJECT)
            block(store)
        for _ in range(4 * SAMPLES):
            for policy, store in stores.items():
                times[policy].append(took(lambda s=store: block(s)))  # type: ignore[misc]
        line(f"{place.name}: a recorder block, policy manual", times["manual"])
        line(
            f"{place.name}: a recorder block, policy auto",
            times["auto"],
            ratio(times["auto"], times["manual"]).replace("ours", "it"),
        )


def block(store: padre_git.Store) -> None:
    """Records one run."""
    with store.start_run(f"{PROJECT}/svm", {"C": 1.0}) as run:
        for step in range(20):
            run.log_metric("loss", 1 / (step + 1), step=step)


@contextmanager
def places(work: Path) -> Iterator[list[Place]]:
    """Starts what is needed, and yields where remotes can be."""
    directory = work / "lab"
    directory.mkdir()
    found = [Place(name="directory", base=str(directory), directory=directory, bars="(bar: 150)")]
    with ExitStack() as stack:
        try:
            from tests.servers import nginx

            (work / "served").mkdir()
            server = nginx.start(work / "served")
        except (pytest.skip.Exception, pytest.fail.Exception) as error:
            print(f"no smart HTTP: {error}")
        else:
            stack.callback(server.close)
            os.environ.update(server.environment)
            served = server.fresh("lab")
            found.append(
                Place(
                    name="smart HTTP",
                    base=served.base,
                    directory=served.directory,
                    bars="(bar: 350)",
                )
            )
        yield found


def own_home(work: Path) -> None:
    """Gives git and DVC a home of their own, and nobody's hooks and settings."""
    config = work / "gitconfig"
    config.write_text("[user]\n\tname = Bench\n\temail = bench@example.org\n")
    os.environ.update(
        HOME=str(work), GIT_CONFIG_GLOBAL=str(config), GIT_CONFIG_NOSYSTEM="1", DVC_NO_ANALYTICS="1"
    )
    os.chdir(work)


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name).resolve()
        own_home(work)
        with places(work) as found:
            for place in found:
                for count in (FEW, RUNS):
                    below = Place(
                        name=place.name,
                        base=f"{place.base}/of{count}",
                        directory=place.directory / f"of{count}",
                        bars=place.bars,
                    )
                    below.directory.mkdir()
                    of_place = work / f"{place.name.replace(' ', '-')}-{count}"
                    of_place.mkdir()
                    one_run(below, of_place, count)
                    if count == FEW:
                        recorder(below, of_place)


if __name__ == "__main__":
    main()

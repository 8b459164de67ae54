"""The main job on real data, from training to a colleague's clone; `make demo` runs it.

Two experiments train on the digits and the breast-cancer data that ship with scikit-learn, in a
repository of the researcher's own. What they record is published to a bare repository and a DVC
remote in a directory, cloned elsewhere, read back and compared value by value. Then the code
changes, and the store shows the second execution.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import padre_git

HERE = Path(__file__).parent
EXPERIMENTS = ("svm-digits", "svm-breast-cancer")
MARKER = ".made-by-make-demo"
started = time.monotonic()


def say(text: str) -> None:
    """Prints a headline with the seconds since the start."""
    print(f"\n[{time.monotonic() - started:5.1f} s] {text}", flush=True)


def call(*command: str | Path, cwd: Path | None = None, **variables: str) -> str:
    """Runs a program, its output shown as it comes."""
    environment = {**os.environ, **variables}
    print("  $", *command, flush=True)
    subprocess.run([*map(str, command)], cwd=cwd, env=environment, check=True)


def prepare(directory: Path) -> dict[str, Path]:
    """Makes an empty directory with the researcher's own repository in it."""
    if directory.exists() and not (directory / MARKER).exists():
        sys.exit(f"{directory} exists and was not made by this demo")
    shutil.rmtree(directory, ignore_errors=True)
    places = {name: directory / name for name in ("code", "lab", "alice", "bob")}
    for place in places.values():
        place.mkdir(parents=True)
    (directory / MARKER).touch()
    shutil.copy(HERE / "train.py", places["code"])
    commit(places["code"], "a first version", first=True)
    return places


def commit(code: Path, subject: str, *, first: bool = False) -> None:
    """Commits the researcher's code with an identity that stays in this repository."""
    if first:
        call("git", "init", "-q", cwd=code)
        call("git", "config", "user.name", "Alice", cwd=code)
        call("git", "config", "user.email", "alice@example.org", cwd=code)
    call("git", "add", "train.py", cwd=code)
    call("git", "commit", "-q", "-m", subject, cwd=code)


def train(places: dict[str, Path]) -> None:
    """Runs the researcher's script for both data sets."""
    for experiment in EXPERIMENTS:
        data = experiment.removeprefix("svm-")
        call(sys.executable, "train.py", data, cwd=places["code"], PADRE_ROOT=str(places["alice"]))


def everything(store: padre_git.Store) -> dict[str, object]:
    """Reads back all that the project holds, as values that can be compared."""
    found: dict[str, object] = {}
    for experiment in store.experiments.list("demo"):
        found[experiment.key.text] = experiment
        for execution in store.executions.list(experiment.key):
            found[execution.key.text] = execution
        for run in store.runs.list(experiment.key):
            found[run.key.text] = run
            found[f"{run.key} series"] = store.runs.series(run)
            found[f"{run.key} splits"] = store.splits.list(run)
            for artifact in store.artifacts.list(run):
                content = store.artifacts.get(run, artifact.name).read_bytes()
                found[f"{run.key} {artifact.name}"] = hashlib.sha256(content).hexdigest()
    return found


def compare(places: dict[str, Path], remote: Path) -> int:
    """Returns how many values a fresh clone gives back equal; stops if one differs."""
    with (
        padre_git.open(places["alice"]) as alice,
        padre_git.open(places["bob"], remote=str(remote)) as bob,
    ):
        ours, theirs = everything(alice), everything(bob)
    differing = sorted(k for k in ours.keys() | theirs.keys() if ours.get(k) != theirs.get(k))
    if differing:
        sys.exit(f"not equal in the clone: {differing}")
    return len(ours)


def main() -> None:
    """Runs the whole story."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--directory", type=Path, default=Path(".demo"))
    directory = arguments.parse_args().directory.resolve()
    places = prepare(directory)
    remote = places["lab"]
    padre = [sys.executable, "-m", "padre_git", "--root"]

    say(f"alice opens a store that is shared through the directory {remote}")
    with padre_git.open(places["alice"], remote=str(remote)) as store:
        store.projects.put(padre_git.Project(name="demo", title="Support vectors on real data"))
        for name in EXPERIMENTS:
            store.experiments.put(
                padre_git.Experiment(
                    project="demo", name=name, metrics={"accuracy": "max", "log_loss": "min"}
                )
            )

    say("her script trains 6 models on each of two data sets, 5 folds each")
    train(places)

    say("everything recorded is pushed: commits to lab/demo.git, models to lab/demo.dvc")
    call(*padre, places["alice"], "sync", "demo")

    say("bob clones it elsewhere and reads everything back")
    print(f"  {compare(places, remote)} records, series, splits and models are equal")

    say("alice changes her code; the same experiment gets a second execution")
    script = places["code"] / "train.py"
    script.write_text(script.read_text().replace('"gamma": ["scale", 0.01]', '"gamma": ["auto"]'))
    commit(places["code"], "try another gamma")
    call(sys.executable, "train.py", "digits", cwd=places["code"], PADRE_ROOT=str(places["alice"]))
    call(*padre, places["alice"], "list", "demo/svm-digits", "--kind", "execution")

    say("the best runs")
    for name in EXPERIMENTS:
        columns = "run,parameters,metrics.accuracy,metrics.f1_macro,started"
        options = ["--order-by=-metrics.accuracy", "--limit", "4", "--columns", columns]
        call(*padre, places["alice"], "list", f"demo/{name}", *options)

    say("what git says")
    clone = places["alice"] / "demo"
    call("git", "--no-pager", "log", "--oneline", "-8", cwd=clone)
    call("git", "status", "--short", "--branch", cwd=clone)

    say("done; look around:")
    print(f"  cd {clone} && git log -p -1 --stat && ls experiments/svm-digits/runs/*")
    print(f"  padre-git --root {places['alice']} show demo/svm-digits")
    print(f"  git clone {remote}/demo.git   # needs nothing of padre_git")


if __name__ == "__main__":
    main()

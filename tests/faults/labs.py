"""Labs: what is there before a deed; two stores that share a remote, and files of the user's."""

from __future__ import annotations

import contextlib
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import padre_git
from padre_git.errors import ConflictError, PadreGitError
from padre_git.model import Code, Dataset, Execution, Experiment, Key, Project, Run, Status

__all__ = ["IRIS", "NOW", "SVM", "add_run", "mine", "new_run", "opened", "prepare", "run_key"]

IRIS = Key.project_named("iris")
SVM = IRIS.experiment("svm")
_WHEN = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
#: What a run that was recorded just now has of its own every time.
NOW = SVM.run("r-20261122t101500-aaaaaaaaaaaa")


def run_key(number: int, experiment: Key = SVM) -> Key:
    """Returns the key of a run."""
    return experiment.run(f"r-20261121t101500-{number:012}")


def opened(lab: Path, name: str = "ada") -> padre_git.Store:
    """Opens one of the stores of a lab."""
    return padre_git.open(lab / name, remote=lab / "remote", policy="manual")


def new_run(store: padre_git.Store, number: int, experiment: Key = SVM) -> Run:
    """Returns a run that can be put."""
    executions = store.executions.list(experiment)
    if not executions:  # a list leaves out what cannot be read, and tells it by an event
        raise PadreGitError("the execution was left out")
    execution = executions[0]
    return Run(
        execution=execution.key, id=run_key(number).name, started=_WHEN, ended=_WHEN,
        status=Status.FINISHED, parameters={"C": number}, metrics={"accuracy": 0.5},
    )  # fmt: skip


def mine(lab: Path) -> Path:
    """Returns where the user's own files are."""
    return lab / "mine"


def prepare(lab: Path, template: str) -> None:
    """Makes a lab: two stores that share a remote, and each with something the other lacks."""
    (lab / "remote").mkdir()
    tree = mine(lab) / "tree"
    (tree / "deep").mkdir(parents=True)
    (mine(lab) / "model.bin").write_bytes(b"model" * 5000)
    (tree / "a.txt").write_bytes(b"a" * 2000)
    (tree / "deep" / "b.txt").write_bytes(b"b" * 3000)
    with opened(lab) as ada:
        _fill(ada, lab)
        ada.sync("iris")
    with opened(lab, "ben") as ben:
        ben.pull("iris")
        add_run(ben, lab, 3, b"ben's")
        ben.sync("iris")
    for name, number in () if template == "published" else (("ada", 4), ("ben", 5)):
        with opened(lab, name) as store:
            add_run(store, lab, number, name.encode())
    if template == "contested":
        _contest(lab)
    if template == "unpublished":
        _begin_another(lab)
    if template == "coded":
        _write_code(mine(lab) / "code")
    if template == "left-out":
        with opened(lab) as ada:
            ada.leave_out("iris")
    if template == "interrupted":
        store = opened(lab)  # and its process ends without a word
        run = store.start_run("iris/svm", {"C": 1.0}, id=NOW.name)
        run.log_metric("accuracy", 0.5, step=1)
        run.flush()
    if template == "damaged":
        index = lab / "ada/iris/.git/index"
        index.write_bytes(index.read_bytes()[:-30])


def _fill(ada: padre_git.Store, lab: Path) -> None:
    ada.projects.put(Project(name="iris"))
    for name in ("svm", "tree", "gone"):
        ada.experiments.put(Experiment(project="iris", name=name, title=name))
        code = Code(package=name, version="1.0")
        ada.executions.put(Execution(experiment=IRIS.experiment(name), code=code))
        ada.runs.put(new_run(ada, 1, IRIS.experiment(name)))
    ada.experiments.delete("iris/gone")
    add_run(ada, lab, 2, b"first")
    ada.datasets.put(Dataset(project="iris", name="flowers"), data=mine(lab) / "tree")
    cache = ada.artifacts.data_of(IRIS).cache
    for content in (b"needed by nobody", b"nor this"):
        os.utime(cache.path(cache.add_bytes(content).md5), (0, 0))


def add_run(store: padre_git.Store, lab: Path, number: int, content: bytes) -> None:
    """Puts a run with an artifact."""
    store.runs.put(new_run(store, number))
    file = lab / "data.bin"
    file.write_bytes(content * 1000)
    store.artifacts.put(run_key(number), file)
    file.unlink()


def _begin_another(lab: Path) -> None:
    with opened(lab) as ada:
        ada.projects.put(Project(name="lily"))
        ada.experiments.put(Experiment(project="lily", name="svm"))
        ada.datasets.put(Dataset(project="lily", name="flowers"), data=mine(lab) / "tree")


def _write_code(repository: Path) -> None:
    """Makes a repository of the user's with something committed, staged, changed and new."""
    repository.mkdir()

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=repository, check=True, stdout=subprocess.DEVNULL)

    git("init", "-q")
    for name in ("train.py", "staged.py", "changed.py"):
        (repository / name).write_text("print(1)\n")
    git("add", ".")
    git("commit", "-q", "-m", "begin")
    (repository / "staged.py").write_text("print(2)\n")
    git("add", "staged.py")
    (repository / "changed.py").write_text("print(3)\n")
    (repository / "new.py").write_text("print(4)\n")


def _contest(lab: Path) -> None:
    for name, title in (("ben", "Ben's"), ("ada", "Ada's")):
        with opened(lab, name) as store:
            store.experiments.put(store.experiments.get("iris/svm").replace(title=title))
            with contextlib.suppress(ConflictError):
                store.sync("iris")

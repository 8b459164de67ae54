"""The verbs over real git, and what can be had of the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import padre_git
from padre_git.api.opening import open_store
from padre_git.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
)
from padre_git.model import (
    Code,
    Dataset,
    Execution,
    Experiment,
    Key,
    Point,
    Project,
    Run,
    Split,
)
from tests.conftest import git

CODE = Code(package="sklearn", version="1.7.2")
SVM = Key.project_named("iris").experiment("svm")


# ----------------------------------------------------------------------------- over real git


def test_commits_say_what_was_done_and_by_whom(tmp_path: Path) -> None:
    store = open_store(tmp_path, author="Grace Hopper <grace@example.org>")
    store.projects.put(Project(name="iris", title="Iris flowers"))
    store.experiments.put(Experiment(project="iris", name="svm"))
    store.experiments.put(Experiment(project="iris", name="svm", title="RBF", seed=7))
    execution = store.executions.put(Execution(experiment=SVM, code=CODE))
    run = store.runs.put(
        Run(execution=execution.key, parameters={"C": 10}, metrics={"accuracy": 0.95331})
    )
    store.experiments.rename("iris/svm", "svm-rbf")
    store.runs.delete(f"iris/svm-rbf/{run.id}")
    store.projects.put(Project(name="iris"), message="less is more")
    log = git("log", "--format=%an: %s", "main", cwd=store.project_path("iris")).splitlines()
    short = run.id[-12:][:6] if run.id else ""
    assert log[:8] == [
        "Grace Hopper: less is more",
        f"Grace Hopper: delete run svm-rbf {short}",
        "Grace Hopper: rename experiment svm to svm-rbf",
        f"Grace Hopper: svm {short}: accuracy 0.9533, C=10",
        f"Grace Hopper: add execution svm {str(execution.id)[2:8]}",
        "Grace Hopper: change experiment svm: title, seed",
        "Grace Hopper: add experiment svm",
        "Grace Hopper: add project iris",
    ]
    assert git("status", "--porcelain", cwd=store.project_path("iris")) == ""


def test_history_and_the_past(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.projects.put(Project(name="iris"))
    for title in ("one", "two"):
        store.experiments.put(Experiment(project="iris", name="svm", title=title))
    store.datasets.put(Dataset(project="iris", name="data"))
    versions = store.experiments.history("iris/svm")
    assert [v.subject for v in versions] == ["change experiment svm: title", "add experiment svm"]
    assert store.experiments.get("iris/svm", at=versions[1].state).title == "one"
    assert store.datasets.list("iris", at=versions[0].state) == []
    assert len(store.experiments.history("iris/svm", limit=1)) == 1
    assert store.experiments.history("iris/svm", limit=0) == []
    for wrong in (3, versions[1].time, b"HEAD"):
        with pytest.raises(InvalidInputError, match="a state is text"):
            store.experiments.get("iris/svm", at=wrong)  # type: ignore[arg-type]


def test_what_people_do_by_hand_is_part_of_the_store(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.projects.put(Project(name="iris"))
    store.experiments.put(Experiment(project="iris", name="svm"))
    path = store.project_path("iris")
    document = path / "experiments" / "svm" / "experiment.yaml"
    document.write_text("schema: experiment/1\n# by hand\ntitle: mine\n")
    assert store.experiments.get("iris/svm").title is None, "not committed yet"
    with pytest.raises(ConflictError):
        store.experiments.put(Experiment(project="iris", name="svm", title="ours"))
    git("commit", "--quiet", "--all", "--message", "by hand", cwd=path)
    read = store.experiments.get("iris/svm")
    assert read.title == "mine"
    store.experiments.put(read.replace(seed=7))
    assert "# by hand\ntitle: mine\n" in document.read_text()


def test_parts_of_runs_come_back(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with store.start_run("iris/svm", {"C": 1.0}, seed=7) as recorder:
        recorder.log_metric("loss", 0.5, step=0)
        recorder.log_metric("loss", 0.25, step=1)
        recorder.log_text("log.txt", "hello\n")
    run = store.runs.get(recorder.key)
    points = store.runs.series(run)
    assert [(p.step, dict(p.values)) for p in points if isinstance(p, Point)] == [
        (0, {"loss": 0.5}),
        (1, {"loss": 0.25}),
    ]
    assert "hello" in store.runs.log(run)
    assert store.runs.environment(run).python.startswith("C")
    split = store.splits.put(Split(run=run.key, number=0, train=list(range(100)), test=[100]))
    assert open_store(tmp_path).splits.get(run.key, 0) == split
    assert store.runs.find("iris/svm", {"C": 1}, seed=7) == store.runs.get(run.key)


def test_series_too_large_for_git_are_read_from_the_artifacts(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.projects.put(Project(name="iris", settings={"inline": 100}))
    store.ensure("iris/svm")
    with store.start_run("iris/svm") as recorder:
        for step in range(50):
            recorder.log_metric("loss", 1 / (step + 1), step=step)
        recorder.put_split(0, train=range(500), test=range(500, 1000, 3))
    assert not list(store.project_path("iris").rglob("series.csv"))
    assert len(store.runs.series(recorder.key)) == 50
    assert list(store.splits.get(recorder.key, 0).test or ()) == list(range(500, 1000, 3))


def test_code_is_restored_as_it_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = tmp_path / "code"
    code.mkdir()
    git("init", "--quiet", cwd=code)
    (code / "train.py").write_text("print('first')\n")
    git("add", "train.py", cwd=code)
    git("commit", "--quiet", "--message", "first", cwd=code)
    (code / "train.py").write_text("print('second')\n")
    monkeypatch.chdir(code)
    store = open_store(tmp_path / "store")
    key = store.freeze("iris/svm", entry_point="train.py")
    (code / "train.py").write_text("print('third')\n")
    restored = store.executions.checkout(key, tmp_path / "restored")
    assert (restored / "train.py").read_text() == "print('second')\n"


HOSTILE = [
    *("..", "../x", "/etc/passwd", ".git", "iris/.git", "iris/../../x", "-rf", "--all", "con"),
    *(
        "",
        " ",
        "iris/",
        "//",
        "a" * 5000,
        "x\0y",
        "x\ny",
        "\u0131ris",
        "IRIS",
        "iris#x",
        "#",
        "iris\\x",
    ),
    *(
        "ext::sh -c touch% /x#y",
        "https://me:secret@host/x.git",
        "iris/experiments/..",
        "iris/runs/x",
    ),
    *(None, 3, b"iris", ["iris"], object()),
]


@pytest.mark.parametrize("reference", HOSTILE, ids=lambda value: ascii(value)[:20])
def test_hostile_references_are_typed_errors_and_touch_nothing(
    tmp_path: Path, reference: Any
) -> None:
    store = open_store(tmp_path / "store")
    store.projects.put(Project(name="iris"))
    before = sorted(path for path in tmp_path.rglob("*") if ".git" not in path.parts)
    for collection in (store.projects, store.datasets, store.experiments, store.runs):
        for verb in (collection.get, collection.delete, collection.history):
            with pytest.raises((InvalidInputError, NotFoundError)) as caught:
                verb(reference)
            assert "secret" not in str(caught.value)
    with pytest.raises((InvalidInputError, NotFoundError)):
        store.key(reference)
    with pytest.raises((InvalidInputError, NotFoundError)):
        store.experiments.rename("iris/svm", reference)
    if reference is not None:
        with pytest.raises((InvalidInputError, NotFoundError)):
            store.runs.list(reference)
    for verb in (store.project_path, store.ensure):
        with pytest.raises((InvalidInputError, NotFoundError)):
            verb(reference)
    after = sorted(path for path in tmp_path.rglob("*") if ".git" not in path.parts)
    assert after == before


_WRITER = """
import sys, padre_git
from padre_git import Code, Execution, Experiment, Project, Run
root, number = sys.argv[1], int(sys.argv[2])
store = padre_git.open(root)
store.ensure("iris/svm")
store.experiments.put(Experiment(project="iris", name="svm", title=f"by {number}"))
code = Code(package="sklearn", version="1.7.2")
execution = store.executions.put(Execution(experiment="iris/experiments/svm", code=code))
for seed in range(8):
    run = store.runs.put(Run(execution=execution.key, seed=100 * number + seed))
    store.runs.tag(run, "seen")
with store.transaction("iris", f"at once by {number}"):
    for seed in range(8, 12):
        store.runs.put(Run(execution=execution.key, seed=100 * number + seed))
"""


def test_processes_that_put_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, tmp_path / "store", str(number)])
        for number in range(4)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0, 0]
    store = open_store(tmp_path / "store")
    runs = store.runs.list("iris/svm")
    expected = {100 * number + seed for number in range(4) for seed in range(12)}
    assert {run.seed for run in runs} == expected
    assert sum("seen" in run.tags for run in runs) == 32
    assert len(store.executions.list("iris")) == 1
    path = store.project_path("iris")
    assert git("status", "--porcelain", cwd=path) == ""
    git("fsck", "--full", "--strict", cwd=path)


# ------------------------------------------------------------------------------- the package


def test_everything_public_can_be_had_from_the_top() -> None:
    assert padre_git.__all__ == sorted(
        padre_git.__all__, key=lambda n: (not n.isupper(), n[:1].islower(), n)
    )
    for name in padre_git.__all__:
        assert getattr(padre_git, name) is not None
    assert set(padre_git.__all__) <= set(dir(padre_git))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        padre_git.nothing  # noqa: B018


def test_every_error_can_be_had_from_the_top() -> None:
    from padre_git import errors

    assert set(errors.__all__) <= set(padre_git.__all__)


def test_importing_costs_little_and_brings_nothing_heavy() -> None:
    script = (
        "import sys, time; start = time.process_time(); import padre_git;"
        "spent = time.process_time() - start;"
        "print(spent, *({'git', 'dvc', 'yaml', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(5)
    ]
    assert all(len(words) == 1 for words in found), "something heavy was imported"
    assert min(float(words[0]) for words in found) < 0.06


def test_opening_brings_nothing_heavy_either(tmp_path: Path) -> None:
    script = (
        "import sys, padre_git; padre_git.open(sys.argv[1]).projects.list();"
        "print(*({'git', 'dvc', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_a_store_without_a_remote_cannot_push(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.projects.put(Project(name="iris"))
    with pytest.raises(UnsupportedError, match="has no remote"):
        store.push("iris")

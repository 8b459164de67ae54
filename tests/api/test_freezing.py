"""Executions are code versions: found, frozen for many processes, restored."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from padre_git.api.freezing import freeze
from padre_git.api.home import Home
from padre_git.api.opening import open_store
from padre_git.api.store import Store
from padre_git.errors import InvalidInputError, InvalidNameError, NotFoundError
from padre_git.model import Key
from tests.conftest import git
from tests.vcs.taking import commit_all

HOME = Path(__file__).parents[2]
TRAIN = """
import sys
from padre_git.api.opening import open_store
with open_store(sys.argv[1], policy="manual") as store:
    with store.start_run("iris/svm") as run:
        pass
    print(run.key)
"""


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "code"
    git("init", "-q", root, cwd=tmp_path)
    (root / "train.py").write_text(TRAIN)
    commit_all(root)
    monkeypatch.chdir(root)
    return root


def home(store: Store) -> Home:
    return Home(session=store.session, root=store.root)


def trained(code: Path, store: Store, **variables: str) -> Key:
    """Runs the program as a person would; returns the execution of its run."""
    done = subprocess.run(
        [sys.executable, "train.py", str(store.root)],
        cwd=code,
        env={**os.environ, "PYTHONPATH": str(HOME), **variables},
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    return store.runs.get(Key.parse(done.stdout.strip())).execution


def test_same_code_same_execution_changed_code_another_one(code: Path, store: Store) -> None:
    first, second = trained(code, store), trained(code, store)
    assert first == second
    (code / "train.py").write_text(TRAIN + "# changed\n")
    changed = trained(code, store)
    assert changed != first
    assert len(store.executions.list("iris/svm")) == 2
    assert len(store.runs.list(first)) == 2
    commit_all(code)
    assert trained(code, store) not in (first, changed)


def test_changed_code_can_be_restored_from_the_store(
    code: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code / "train.py").write_text(TRAIN + "# changed\n")
    (code / "helper.py").write_text("untracked = True\n")
    key = trained(code, store)
    git("checkout", "-q", "--", "train.py", cwd=code)
    (code / "helper.py").unlink()
    monkeypatch.chdir(tmp_path)
    target = store.executions.checkout(key, tmp_path / "target")
    assert (target / "train.py").read_text() == TRAIN + "# changed\n"
    assert (target / "helper.py").exists()
    assert store.executions.get(key).entry_point == "train.py"


def test_many_changes_are_data(code: Path, store: Store, tmp_path: Path) -> None:
    for n in range(3):
        (code / f"big{n}.py").write_text("".join(f"x{n} = {i}\n" for i in range(10_000)))
    key = trained(code, store)
    names = git("ls-tree", "-r", "--name-only", "HEAD", cwd=store.project_path("iris")).split()
    kept = sorted(name.rpartition("/")[2] for name in names if "/executions/" in name)
    assert kept == ["code.dvc", "execution.yaml"]
    target = store.executions.checkout(key, tmp_path / "target")
    assert (target / "big2.py").read_text().endswith("x2 = 9999\n")


def test_frozen_code_is_the_code_of_every_run(code: Path, store: Store) -> None:
    frozen = freeze(home(store), "iris/svm", entry_point="train.py")
    assert freeze(home(store), "iris/svm", entry_point="train.py") == frozen
    assert Key.parse(frozen) == trained(code, store)
    (code / "train.py").write_text(TRAIN + "# changed meanwhile\n")
    assert trained(code, store, PADRE_EXECUTION=frozen) == Key.parse(frozen)
    assert trained(code, store, PADRE_EXECUTION=Key.parse(frozen).name) == Key.parse(frozen)
    assert trained(code, store) != Key.parse(frozen)


def test_freezing_makes_what_is_missing_in_one_commit(code: Path, store: Store) -> None:
    (code / "train.py").write_text("changed")
    frozen = freeze(home(store), "iris/svm")
    log = git("log", "--format=%s", cwd=store.project_path("iris")).splitlines()
    assert log == [f"add execution svm {frozen[-12:-6]}"]
    assert store.executions.get(frozen).entry_point is None


def test_freezing_a_file_that_is_not_there_is_refused(code: Path, store: Store) -> None:
    with pytest.raises(InvalidInputError, match=r"no file 'trian\.py' to freeze"):
        freeze(home(store), "iris/svm", entry_point="trian.py")
    assert store.projects.list() == []


@pytest.mark.parametrize(
    ("named", "error"),
    [
        ("x-0123456789ab", NotFoundError),
        ("iris/experiments/other/executions/x-0123456789ab", InvalidInputError),
        ("iris/experiments/svm", InvalidInputError),
        ("nonsense", InvalidNameError),
    ],
)
def test_a_frozen_execution_that_is_not_there_is_said_before_the_run_begins(
    store: Store, monkeypatch: pytest.MonkeyPatch, named: str, error: type[Exception]
) -> None:
    monkeypatch.setenv("PADRE_EXECUTION", named)
    with pytest.raises(error):
        store.start_run("iris/svm")
    assert not list(store.root.rglob("events.jsonl")) if store.root else False


def test_a_command_s_run_is_of_the_command_s_code(code: Path, store: Store) -> None:
    with store.start_run("iris/svm", argv=["python", "train.py", "--lr", "1"]) as run:
        pass
    found = store.runs.get(run.key)
    assert found.argv == ("python", "train.py", "--lr", "1")
    execution = store.executions.get(found.execution)
    assert (execution.entry_point, bool(execution.code.commit)) == ("train.py", True)


def test_the_place_of_the_code_stays_on_this_machine(code: Path, store: Store) -> None:
    trained(code, store)
    project = store.project_path("iris")
    assert str(code) in "".join(p.read_text() for p in (project / ".git/padre/code").iterdir())
    assert not git("log", "-p", f"-S{code}", "--format=%H", cwd=project)


def test_another_store_over_the_same_directory_reads_it_all(code: Path, store: Store) -> None:
    key = trained(code, store)
    with open_store(store.root, policy="manual") as other:
        assert other.executions.get(key).code == store.executions.get(key).code

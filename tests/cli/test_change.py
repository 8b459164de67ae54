"""Changing: init, put, tag, note, delete, rename, and recording a command."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import padre_git
from tests.cli.conftest import Padre, start
from tests.conftest import git


def test_init_makes_a_repository_once(padre: Padre, root: Path) -> None:
    assert padre("init", "iris", "--title", "Flowers").stdout.strip() == str(root / "iris")
    assert git("status", "--porcelain", cwd=root / "iris") == ""
    assert "exists" in padre("init", "iris", code=1).stderr


@pytest.mark.parametrize("name", ["..", "a/b", ".git", "CON", "con", "Ünicode"])
def test_init_refuses_a_name_that_is_none(padre: Padre, root: Path, name: str) -> None:
    assert "error: invalid project name" in padre("init", name, code=1).stderr
    assert list(root.iterdir()) == []


def test_put_creates_and_changes_the_named_fields(padre: Padre, store: padre_git.Store) -> None:
    padre("init", "demo")
    padre("put", "demo/svm", "-p", "C=1.0", "-p", "kernel=rbf", "--metric", "accuracy=max")
    padre("put", "demo/svm", "-p", "C=2.0", "--title", "RBF")
    experiment = store.experiments.get("demo/svm")
    assert experiment.parameters == {"C": 2.0, "kernel": "rbf"}
    assert experiment.metrics == {"accuracy": "max"}
    assert experiment.title == "RBF"
    padre("put", "demo/digits", "--kind", "dataset", "--license", "CC0")
    assert store.datasets.get("demo/digits").license == "CC0"


def test_put_refuses_a_field_that_the_kind_does_not_have(padre: Padre) -> None:
    padre("init", "demo")
    assert "has no 'seed'" in padre("put", "demo", "--seed", "3", code=1).stderr
    assert "name=value" in padre("put", "demo/svm", "-p", "C", code=1).stderr


def test_tags_and_notes_are_added_to_an_ended_run(
    padre: Padre, store: padre_git.Store, runs: list[padre_git.Run]
) -> None:
    key = runs[0].key.text
    padre("tag", key, "candidate", "table=2")
    padre("note", key, stdin="diverged\n")
    run = store.runs.get(key)
    assert run.tags == {"sweep": "", "candidate": "", "table": "2"}
    assert [note.text.strip() for note in run.notes] == ["diverged"]
    padre("tag", "-d", key, "candidate")
    assert "candidate" not in store.runs.get(key).tags


def test_delete_leaves_a_tombstone_and_says_so(
    padre: Padre, store: padre_git.Store, runs: list[padre_git.Run]
) -> None:
    key = runs[0].key.text
    assert f"deleted {key}" in padre("delete", key).stderr
    assert "deleted" in padre("show", key, code=1).stderr
    assert len(store.runs.list("demo/svm")) == 2
    assert git("status", "--porcelain", cwd=store.project_path("demo")) == ""


def test_a_bulk_delete_is_not_done_unasked(
    padre: Padre, store: padre_git.Store, runs: list[padre_git.Run]
) -> None:
    assert "--yes" in padre("delete", "demo/svm", code=2).stderr
    assert store.experiments.exists("demo/svm")
    padre("delete", "demo/svm", "--yes")
    assert not store.experiments.exists("demo/svm")


def test_rename_leads_from_the_old_name_to_the_new(padre: Padre, runs: list[padre_git.Run]) -> None:
    assert padre("rename", "demo/svm", "rbf").stdout.strip() == "demo/experiments/rbf"
    assert padre("show", "demo/svm").stdout.startswith("demo/experiments/rbf")
    assert len(json.loads(padre("list", "demo/rbf", "--json").stdout)) == 3


def test_record_keeps_output_exit_code_metrics_and_artifacts(
    store: padre_git.Store, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(
        "import json, os, sys\n"
        "print('training with', os.environ['PADRE_PARAM_C'])\n"
        "json.dump({'accuracy': 0.75}, open('metrics.json', 'w'))\n"
        "open('model.bin', 'wb').write(b'weights')\n"
        "sys.exit(int(sys.argv[1]))\n"
    )
    for code in (0, 3):
        done = start("record", "-e", "demo/svm", "-p", "C=10", "--seed", "3", "-t", "sweep=1",
                     "--metrics", "metrics.json", "-a", "model.bin", "--",
                     sys.executable, "train.py", str(code), root=root, cwd=tmp_path)  # fmt: skip
        assert done.returncode == code, done.stderr
        assert "training with 10" in done.stdout
    good, bad = store.runs.list("demo/svm", order_by="started")
    assert (good.status, bad.status) == ("finished", "failed")
    assert good.parameters == {"C": 10}
    assert good.seed == 3
    assert good.metrics["accuracy"] == 0.75
    assert good.tags == {"sweep": "1"}
    assert good.argv[-2:] == ("train.py", "0")
    assert "training with 10" in store.runs.log(good)
    assert store.artifacts.get(good, "model.bin").read_bytes() == b"weights"


def test_record_of_a_command_that_does_not_exist_is_a_failed_run_and_a_clear_error(
    padre: Padre, store: padre_git.Store
) -> None:
    result = padre("record", "-e", "demo/svm", "--", "no-such-command", code=1)
    assert "cannot start 'no-such-command'" in result.stderr
    assert [run.status for run in store.runs.list("demo/svm")] == ["failed"]


def test_freeze_takes_the_code_version_once_for_many(
    padre: Padre, store: padre_git.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").write_text("print(1)\n")
    git("init", "-q", cwd=code)
    git("add", ".", cwd=code)
    git("commit", "-qm", "first", cwd=code)
    monkeypatch.chdir(code)
    frozen = padre("freeze", "demo/svm", "train.py").stdout.strip()
    (code / "train.py").write_text("print(2)\n")
    monkeypatch.setenv("PADRE_EXECUTION", frozen)
    for _ in range(2):
        padre("record", "-e", "demo/svm", "--", sys.executable, "-c", "pass")
    (execution,) = store.executions.list("demo/svm")
    assert execution.key.text == frozen
    assert execution.entry_point == "train.py"
    assert {run.execution for run in store.runs.list("demo/svm")} == {execution.key}

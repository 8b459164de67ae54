"""Deleting and taking it back on the command line: what is asked, said and shown."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

import padre_git
from tests.cli.conftest import Padre, record, start
from tests.conftest import git


def on_a_terminal(*command: str, root: Path, answer: str) -> tuple[int, str]:
    """Runs the command line on a terminal of its own and answers the first question."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "padre_git", "--root", str(root), *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([ours], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(ours, 4096)
        except OSError:  # the other side is closed: it has ended
            break
        if not data:
            break
        said += data
        if answer and said.rstrip().endswith(b"[y/N]:"):
            os.write(ours, answer.encode() + b"\n")
            answer = ""
    os.close(ours)
    return process.wait(timeout=60), said.decode()


def test_a_terminal_is_told_what_will_go_and_asked(
    root: Path, padre: Padre, runs: list[padre_git.Run]
) -> None:
    code, said = on_a_terminal("delete", "demo", root=root, answer="n")
    assert code == 1
    assert "demo with 1 experiment, 1 execution, 3 runs" in said
    assert "delete here and at the remote? [y/N]" in said
    assert "svm" in padre("list", "demo").stdout
    code, said = on_a_terminal("delete", "demo", root=root, answer="y")
    assert (code, "deleted demo (all)" in said) == (0, True)
    assert padre("list").stdout == ""


def test_what_is_nowhere_else_is_counted(
    root: Path, runs: list[padre_git.Run], tmp_path: Path
) -> None:
    (tmp_path / "lab").mkdir()
    with padre_git.open(root, remote=str(tmp_path / "lab")) as store:
        store.sync("demo")
    with padre_git.open(root, remote=str(tmp_path / "lab"), policy="manual") as store:
        record(store, {"C": 3.0})
    _, said = on_a_terminal("delete", "demo/svm", root=root, answer="n")
    assert "4 runs, 1 of them not published" in said


def test_one_run_is_deleted_unasked_and_restored(padre: Padre, runs: list[padre_git.Run]) -> None:
    ref = f"demo/svm/{str(runs[0].id)[-12:]}"
    padre("delete", ref)
    shown = padre("list", "demo", "--deleted").stdout
    assert runs[0].key.text in shown
    assert "Ada Lovelace" in shown
    assert padre("restore", ref).stdout == f"{runs[0].key}\n"
    assert "nothing deleted" in padre("list", "demo", "--deleted").stderr


def test_the_error_for_what_was_deleted_says_how_to_get_it_back(
    padre: Padre, runs: list[padre_git.Run]
) -> None:
    padre("delete", "demo/svm", "--yes")
    said = padre("show", "demo/svm", code=1).stderr
    assert "padre-git restore demo/svm" in said
    assert "delete experiment svm" in padre("log", "demo/svm").stdout
    assert "delete experiment svm" in padre("log", "demo/svm", "--only").stdout
    assert "padre-git restore" not in padre("log", "demo/none", code=1).stderr
    padre("restore", "demo/svm")
    assert len(padre("list", "demo/svm").stdout.splitlines()) == 4


def test_where_nobody_can_be_asked_bulk_and_force_need_yes(
    root: Path, padre: Padre, runs: list[padre_git.Run]
) -> None:
    done = start("delete", "demo/svm", root=root, stdin=subprocess.DEVNULL)
    assert (done.returncode, "--yes" in done.stderr) == (2, True)
    padre("delete", runs[0].key.text, runs[1].key.text, code=2)
    assert "--yes" in padre("delete", "demo", "--mode", "local", "--force", code=2).stderr
    assert len(padre("list", "demo/svm").stdout.splitlines()) == 4
    padre("delete", runs[0].key.text, runs[1].key.text, runs[0].key.text, "--yes")
    assert len(padre("list", "demo/svm").stdout.splitlines()) == 2
    assert git("log", "-1", "--format=%s", cwd=root / "demo") == "delete 2 records\n"
    padre("restore", runs[0].key.text, runs[1].key.text)
    padre("delete", runs[0].key.text, "demo/svm", "--yes")
    assert git("log", "-1", "--format=%s", cwd=root / "demo") == "delete experiment svm\n"


def test_force_is_for_local_only(padre: Padre, runs: list[padre_git.Run]) -> None:
    said = padre("delete", "demo", "--force", "--yes", code=1).stderr
    assert "force is for the mode 'local'" in said


def test_a_clone_with_unpublished_work_goes_only_with_force(
    root: Path, runs: list[padre_git.Run], store: padre_git.Store, tmp_path: Path
) -> None:
    (tmp_path / "lab").mkdir()
    with padre_git.open(root, remote=str(tmp_path / "lab")) as shared:
        shared.sync("demo")
    clone = store.project_path("demo")
    (clone / "idea.txt").write_text("not sure yet\n")
    said = start("delete", "demo", "--mode", "local", "--yes", root=root)
    assert (said.returncode, "idea.txt" in said.stderr) == (1, True)
    assert "--force" in said.stderr
    assert start("delete", "demo", "--mode", "local", "--force", "-y", root=root).returncode == 0
    assert not clone.exists()


def test_deleted_records_and_restored_ones_are_data_for_programs(
    padre: Padre, runs: list[padre_git.Run]
) -> None:
    padre("delete", "demo/svm", "--yes")
    (gone,) = json.loads(padre("list", "--deleted", "--json").stdout)
    assert gone["key"] == "demo/experiments/svm"
    assert json.loads(padre("restore", "demo/svm", "--json").stdout)[0]["key"] == gone["key"]
    assert padre("restore", "demo/svm", "--at", gone["state"], "-m", "as it was").stdout
    padre("list", "--deleted", "--limit", "3", code=2)


@pytest.mark.parametrize("ref", ["demo", "demo/svm"])
def test_the_log_of_what_holds_others_has_what_happened_below(
    root: Path, padre: Padre, runs: list[padre_git.Run], ref: str
) -> None:
    padre("put", "demo/svm", "--title", "RBF kernel")
    padre("delete", runs[0].key.text)
    shown = padre("log", ref).stdout
    assert "delete run svm" in shown
    assert "accuracy 0.92" in shown
    where = "." if ref == "demo" else "experiments/svm"
    said = git("log", "--format=%s", "--", where, cwd=root / "demo").splitlines()
    assert len(shown.splitlines()) - 1 == len(said)
    only = padre("log", ref, "--only").stdout
    assert "delete run svm" not in only
    assert len(padre("log", ref, "--limit", "2").stdout.splitlines()) == 3


def test_what_was_deleted_is_said_to_be_by_any_reference(
    padre: Padre, runs: list[padre_git.Run]
) -> None:
    short = runs[0].key.name.rpartition("-")[2][:6]
    padre("delete", f"demo/svm/{short}")
    for command in ("show", "delete", "get"):
        said = padre(command, f"demo/svm/{short}", code=1).stderr
        assert f"run '{runs[0].key}' was deleted" in said
        assert "padre-git restore" in said


def test_sync_of_all_publishes_and_brings_what_became_of_deleted_projects(
    root: Path, tmp_path: Path, padre: Padre
) -> None:
    (tmp_path / "lab").mkdir()
    padre("--remote", str(tmp_path / "lab"), "init", "demo")
    with padre_git.open(tmp_path / "ada", remote=tmp_path / "lab") as ada:
        ada.pull("demo")
        padre("--offline", "delete", "-y", "demo")
        assert "demo: in step" in padre("sync").stderr
        ada.sync("demo")
        assert ada.projects.list() == []
        ada.projects.restore("demo")
    assert "demo: in step" in padre("sync").stderr
    assert "demo" in padre("list").stdout


def test_checking_all_clones_clones_nothing(root: Path, tmp_path: Path, padre: Padre) -> None:
    (tmp_path / "lab").mkdir()
    padre("--remote", str(tmp_path / "lab"), "init", "demo")
    padre("delete", "demo", "--mode", "local")
    for command in (["verify"], ["repair"], ["gc", "--dry-run"]):
        padre(*command)
    assert not (root / "demo").exists()


def test_records_are_named_only_if_they_are_not_published(tmp_path: Path, padre: Padre) -> None:
    (tmp_path / "lab").mkdir()
    padre("--remote", str(tmp_path / "lab"), "init", "demo")
    padre("put", "demo/svm")
    quiet = padre("status", "demo", "--records")
    assert (quiet.stdout, quiet.stderr) == ("", "every record is published\n")
    padre("delete", "-y", "demo/svm", "--mode", "remote")
    assert [line.split() for line in padre("status", "demo", "--records").stdout.splitlines()] == [
        ["record", "state"],
        ["demo/experiments/svm", "kept"],
    ]

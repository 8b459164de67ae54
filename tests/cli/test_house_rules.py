"""Exit codes, streams, start-up, completion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import padre_git
from tests.cli.conftest import Padre, start
from tests.conftest import git


def test_wrong_usage_exits_with_2(padre: Padre) -> None:
    assert "No such command" in padre("frobnicate", code=2).stderr


def test_help_is_quick_and_imports_nothing_heavy(root: Path) -> None:
    code = (
        "import sys; from padre_git.cli.group import commands\n"
        "try: commands(['--help'], prog_name='padre-git')\n"
        "except SystemExit: pass\n"
        "print(sorted({'git', 'dvc', 'yaml', 'numpy', 'pandas', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "Examples:" in done.stdout


def test_no_line_of_the_list_of_commands_is_cut(padre: Padre) -> None:
    assert [
        line
        for line in padre("--help").stdout.splitlines()
        if line[:1] == " " and line.endswith("...")
    ] == []


def test_what_is_skipped_is_named(padre: Padre, store: padre_git.Store, runs: object) -> None:
    document = store.project_path("demo") / "experiments/svm/experiment.yaml"
    document.write_text("damaged")
    git("commit", "-qam", "mine", cwd=document.parent)
    assert "skipped the experiment 'demo/experiments/svm': " in padre("list", "demo").stderr


def test_a_state_before_everything_is_told_as_that(padre: Padre, runs: object) -> None:
    for verb in ("restore", "show", "list"):
        error = padre(verb, "demo/svm", "--at", "2001-01-01", code=1).stderr
        assert "demo' had no commit yet at '2001-01-01'" in error


def test_a_conflict_exits_with_3(padre: Padre, store: padre_git.Store, runs: object) -> None:
    clone = store.project_path("demo")
    document = clone / "experiments/svm/experiment.yaml"
    document.write_text(document.read_text() + "\ntitle: not committed yet\n")
    result = padre("put", "demo/svm", "--title", "from the command line", code=3)
    assert "experiment.yaml" in result.stderr
    assert "not committed yet" in document.read_text()


def test_an_unavailable_remote_exits_with_4(root: Path, tmp_path: Path) -> None:
    done = start("clone", str(tmp_path / "nowhere"), "demo", root=root)
    assert done.returncode == 4
    assert "\nerror: no directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_root_that_cannot_be_made_is_one_line_of_error(root: Path) -> None:
    (root / "file").touch()
    done = start("init", "demo", root=root / "file")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_cloning_everything_from_nowhere_is_an_error(root: Path, tmp_path: Path) -> None:
    done = start("clone", str(tmp_path / "nowhere"), root=root)
    assert done.returncode == 1
    assert "no projects at" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(padre: Padre, shell: str) -> None:
    assert "_PADRE_GIT_COMPLETE" in padre("completion", shell).stdout


def test_completion_completes_commands(root: Path) -> None:
    environment = {
        **os.environ,
        "_PADRE_GIT_COMPLETE": "bash_complete",
        "COMP_WORDS": "padre-git re",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "padre_git"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"plain,record", "plain,rename"} <= set(done.stdout.split())


def test_a_closed_pipe_is_no_error(root: Path, runs: list[padre_git.Run]) -> None:
    command = (
        f"{sys.executable} -m padre_git --root {root} show {runs[0].key} --requirements | head -1"
    )
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("# python")


def test_two_stores_meet_through_a_directory(
    padre: Padre, root: Path, tmp_path: Path, runs: list[padre_git.Run]
) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    with padre_git.open(root, remote=str(lab)) as store:
        store.sync("demo")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    done = start("clone", str(lab), "demo", root=theirs)
    assert done.stdout.strip() == str(theirs / "demo")
    done = start("list", "demo/svm", "--json", root=theirs)
    assert {run["id"] for run in json.loads(done.stdout)} == {run.id for run in runs}
    status = json.loads(start("status", "--json", root=theirs).stdout)
    assert (status[0]["ahead"], status[0]["behind"]) == (0, 0)


def test_the_table_fits_a_narrow_terminal(root: Path, runs: object) -> None:
    import pty

    pid, descriptor = pty.fork()
    if pid == 0:
        os.environ["COLUMNS"] = "40"
        os.execv(
            sys.executable,
            [sys.executable, "-m", "padre_git", "--root", str(root), "list", "demo/svm"],
        )
    chunks = []
    while True:
        try:
            chunk = os.read(descriptor, 4096)
        except OSError:
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.waitpid(pid, 0)
    lines = b"".join(chunks).decode().splitlines()
    assert len(lines) == 4
    assert all(len(line) <= 40 for line in lines)

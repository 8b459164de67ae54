"""The recipe of docs/deleting.rst for erasing: the bytes are nowhere, and work goes on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import padre_git
from tests.conftest import git
from tests.servers.processes import needs

SECRET = f"patient {47}{11}"  # put together, since the code that records is recorded, too


def contains(repository: Path, text: str) -> bool:
    """Returns whether any object of a repository has a text, reachable or not."""
    words = ["cat-file", "--batch", "--batch-all-objects"]
    return text in git(*words, cwd=repository, errors="replace")


@pytest.mark.parametrize("way", ["filter-repo", "fresh"])
def test_after_the_recipe_the_bytes_are_nowhere(tmp_path: Path, way: str) -> None:
    if way == "filter-repo":
        needs("git-filter-repo")
    lab = tmp_path / "lab"
    lab.mkdir()
    with padre_git.open(tmp_path / "ada", remote=str(lab)) as ada:
        for name, c in (("svm", 1.0), ("rbf", 2.0)):
            with ada.start_run(f"demo/{name}", {"C": c}) as run:
                if name == "svm":
                    run.log_text("answer.txt", SECRET)
                    run.log_param("who", SECRET)
        ada.flush()
        kept = ada.runs.list("demo/rbf")
        ada.experiments.delete("demo/svm")
        ada.sync("demo")
    assert contains(lab / "demo.git", SECRET)

    clean = tmp_path / "clean"
    git("clone", "-q", "--no-local", lab / "demo.git", clean, cwd=tmp_path)
    if way == "filter-repo":
        grave = git("show", "HEAD:experiments/svm/experiment.yaml", cwd=clean)
        words = ["--quiet", "--invert-paths", "--path", "experiments/svm"]
        blank = 'return b"erased" if b"/experiments/svm" in message else message'
        git("filter-repo", *words, "--message-callback", blank, cwd=clean)
        place = clean / "experiments/svm"
        place.mkdir()
        (place / "experiment.yaml").write_text(grave)
        (place / "runs").touch()
        (place / "executions").touch()
        git("add", "experiments/svm", cwd=clean)
        git("commit", "-q", "-m", "erase svm", cwd=clean)
    else:
        git("checkout", "-q", "--orphan", "fresh", cwd=clean)
        git("commit", "-q", "-m", "begin anew", cwd=clean)
        git("branch", "-q", "-M", "main", cwd=clean)

    shutil.rmtree(lab / "demo.git")
    git("init", "-q", "--bare", "--initial-branch=main", lab / "demo.git", cwd=lab)
    git("push", "-q", lab / "demo.git", "main", cwd=clean)
    with padre_git.open(tmp_path / "ada", remote=str(lab)) as ada:
        ada.projects.delete("demo", mode="local", force=True)
    shutil.rmtree(clean)
    assert not contains(lab / "demo.git", SECRET)

    with padre_git.open(tmp_path / "ada", remote=str(lab)) as ada:
        assert ada.runs.list("demo/rbf") == kept
        assert not ada.experiments.exists("demo/svm")
        assert not contains(ada.project_path("demo"), SECRET)
        with ada.start_run("demo/rbf", {"C": 3.0}):
            pass
        ada.sync("demo")


def test_the_data_goes_with_dvc_in_a_new_clone(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    with padre_git.open(tmp_path / "ada", remote=str(lab)) as ada:
        for name, text in (("svm", SECRET), ("rbf", "nothing to hide")):
            with ada.start_run(f"demo/{name}") as run:
                run.log_text("answer.txt", text)
        ada.flush()
    texts = [path.read_text() for path in (lab / "demo.dvc").rglob("*") if path.is_file()]
    assert SECRET in texts
    clean = tmp_path / "clean"
    git("clone", "-q", lab / "demo.git", clean, cwd=tmp_path)
    git("rm", "-q", "-r", "experiments/svm", cwd=clean)
    git("checkout", "-q", "--orphan", "fresh", cwd=clean)
    git("commit", "-q", "-m", "begin anew", cwd=clean)
    git("branch", "-q", "-M", "main", cwd=clean)
    shutil.rmtree(lab / "demo.git")
    git("clone", "-q", "--bare", "--single-branch", "--no-local", clean, lab / "demo.git", cwd=lab)
    shutil.rmtree(clean)
    git("clone", "-q", lab / "demo.git", clean, cwd=tmp_path)
    words = [sys.executable, "-m", "dvc", "gc", "--all-commits", "--cloud", "--force", "--quiet"]
    config = [
        sys.executable,
        "-m",
        "dvc",
        "remote",
        "add",
        "--local",
        "--default",
        "lab",
        str(lab / "demo.dvc"),
    ]
    subprocess.run(config, cwd=clean, check=True, capture_output=True)
    subprocess.run(words, cwd=clean, check=True, capture_output=True)
    texts = [path.read_text() for path in (lab / "demo.dvc").rglob("*") if path.is_file()]
    assert SECRET not in texts
    assert "nothing to hide" in texts

"""The first files of a project do what they are for, as git and dvc see it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from padre_git.format.scaffold import scaffold
from tests.conftest import git

RUN = "experiments/svm/runs/2026-11/r-20261121t101500-k3v9x2m7q4tz"
DEEP = "experiments/svm/runs/2026-11/21/k/3/r-20261121t101500-k3v9x2m7q4tz"
EXECUTION = "experiments/svm/executions/x-3f9c2a71b0de"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Returns a repository that consists of the scaffold, committed."""
    root = tmp_path / "iris"
    git("init", "-q", "-b", "main", root, cwd=tmp_path)
    for path, content in scaffold().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    git("add", ".", cwd=root)
    git("commit", "-qm", "scaffold", cwd=root)
    return root


def attributes(root: Path, path: str) -> dict[str, str]:
    lines = git("check-attr", "-a", "--", path, cwd=root).splitlines()
    return dict(line.rsplit(": ", 2)[1:] for line in lines)


def test_it_has_these_files_and_gives_a_new_mapping_each_time() -> None:
    assert sorted(scaffold()) == [
        ".dvc/.gitignore",
        ".dvc/config",
        ".dvcignore",
        ".gitattributes",
        ".gitignore",
        ".padre/format.yaml",
    ]
    scaffold().clear()
    assert scaffold()


@pytest.mark.parametrize(
    "path",
    [
        "project.yaml",
        ".padre/format.yaml",
        "datasets/a/dataset.yaml",
        "experiments/svm/experiment.yaml",
        f"{EXECUTION}/execution.yaml",
        f"{RUN}/run.yaml",
        f"{DEEP}/metrics.yaml",
    ],
)
def test_documents_end_their_lines_with_lf_everywhere_and_are_diffed(
    project: Path, path: str
) -> None:
    assert attributes(project, path) == {"text": "set", "eol": "lf"}


@pytest.mark.parametrize("name", ["series.csv", "results.csv"])
def test_tables_keep_their_bytes_and_are_neither_diffed_nor_counted(
    project: Path, name: str
) -> None:
    for run in (RUN, DEEP):
        assert attributes(project, f"{run}/{name}") == {
            "text": "unset",
            "diff": "unset",
            "linguist-generated": "set",
        }


@pytest.mark.parametrize(
    "path",
    [
        "environments/e-41c09be2d7f3.yaml",
        "datasets/a/data.dvc",
        f"{EXECUTION}/code.dvc",
        f"{DEEP}/artifacts.dvc",
    ],
)
def test_environments_and_pointers_are_not_shown_in_reviews(project: Path, path: str) -> None:
    assert attributes(project, path) == {
        "text": "set",
        "eol": "lf",
        "diff": "unset",
        "linguist-generated": "set",
    }


@pytest.mark.parametrize("name", ["log.txt", "error.txt", "notes/20261122t0911-f3k2.md"])
def test_what_programs_and_people_wrote_keeps_its_bytes(project: Path, name: str) -> None:
    assert attributes(project, f"{RUN}/{name}")["text"] == "unset"


@pytest.mark.parametrize(
    "path", ["README.md", "src/run.yaml", "experiments/svm/notes.yaml", "data.dvc", "series.csv"]
)
def test_the_users_own_files_are_left_alone(project: Path, path: str) -> None:
    assert attributes(project, path) == {}


def test_windows_line_ends_reach_no_document_and_leave_the_tree_clean(project: Path) -> None:
    run = project / RUN
    run.mkdir(parents=True)
    (run / "run.yaml").write_bytes(b"schema: run/1\r\n")
    (run / "log.txt").write_bytes(b"one\r\n")
    git("add", ".", cwd=project)
    git("commit", "-qm", "run", cwd=project)
    shown = subprocess.run(
        ["git", "cat-file", "blob", f"HEAD:{RUN}/run.yaml"], cwd=project, capture_output=True
    )
    assert shown.stdout == b"schema: run/1\n"
    assert git("status", "--porcelain", cwd=project) == ""
    size = git("cat-file", "-s", f"HEAD:{RUN}/log.txt", cwd=project)
    assert int(size) == len("one\r\n")


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        (f"{RUN}/artifacts/model.bin", True),
        (f"{DEEP}/artifacts/a/b", True),
        ("datasets/a/data/x.csv", True),
        ("datasets/a/data", True),
        (f"{EXECUTION}/code/new.py", True),
        (".dvc/tmp/lock", True),
        (".dvc/config.local", True),
        (".dvc/cache/files", True),
        (f"{RUN}/artifacts.dvc", False),
        (f"{RUN}/run.yaml", False),
        (f"{EXECUTION}/code.patch", False),
        ("datasets/a/data.dvc", False),
        ("artifacts/mine.bin", False),
        ("data/mine.csv", False),
        ("src/artifacts", False),
        (".dvc/config", False),
    ],
)
def test_git_ignores_what_dvc_keeps_and_nothing_else(
    project: Path, path: str, ignored: bool
) -> None:
    done = subprocess.run(["git", "check-ignore", "-q", path], cwd=project)
    assert (done.returncode == 0) is ignored


def dvc(project: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=project, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_dvc_works_in_it_and_keeps_its_cache_inside_the_git_directory(project: Path) -> None:
    assert dvc(project, "status").startswith("There are no data or pipelines tracked")
    assert (project / dvc(project, "cache", "dir")).resolve() == (
        project / ".git/padre/cache"
    ).resolve()
    run = project / DEEP
    (run / "artifacts").mkdir(parents=True)
    (run / "artifacts/model.bin").write_bytes(b"model")
    dvc(project, "add", f"{DEEP}/artifacts")
    assert (run / "artifacts.dvc").is_file()
    assert list((project / ".git/padre/cache").rglob("*.dir"))
    git("add", ".", cwd=project)
    assert git("diff", "--cached", "--name-only", cwd=project).split() == [f"{DEEP}/artifacts.dvc"]
    assert "up to date" in dvc(project, "status")


def test_dvc_passes_over_the_emptied_pointers_of_deleted_records(
    project: Path, tmp_path: Path
) -> None:
    run = project / RUN
    (run / "artifacts").mkdir(parents=True)
    (run / "artifacts/model.bin").write_bytes(b"model")
    dvc(project, "add", f"{RUN}/artifacts")
    grave = project / "datasets/gone/data.dvc"
    grave.parent.mkdir(parents=True)
    grave.write_bytes(b"")
    dvc(project, "remote", "add", "--local", "-d", "store", str(tmp_path / "store"))
    assert "pushed" in dvc(project, "push")
    assert "up to date" in dvc(project, "status")
    dvc(project, "gc", "-w", "-f")
    assert "in sync" in dvc(project, "status", "--cloud")
    dvc(project, "checkout")
    assert grave.read_bytes() == b""

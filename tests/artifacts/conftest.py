"""A clone as padre_git makes it, and its cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.artifacts import Cache, ProjectData
from padre_git.format import scaffold
from tests.conftest import git


def make_project(path: Path) -> Path:
    """Makes a git repository with the scaffold as its first commit."""
    for name, content in scaffold().items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    git("init", "-q", "-b", "main", path, cwd=path)
    commit(path, "a project")
    return path


def commit(project: Path, text: str) -> str:
    """Commits everything as a user would and returns the commit."""
    git("add", "-A", cwd=project)
    git("commit", "-q", "-m", text, cwd=project)
    return git("rev-parse", "HEAD", cwd=project).strip()


def write(path: Path, content: bytes) -> Path:
    """Writes a file below directories that may not exist yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def damage(path: Path, content: bytes) -> None:
    """Changes a read-only object behind everybody's back."""
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "iris")


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def data(project: Path) -> ProjectData:
    return ProjectData(project, project / ".git")


RUN = "experiments/svm/runs/2026-11/r-20261121t101500-k3v9x2m7q4tz"

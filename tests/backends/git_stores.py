"""Git backends for tests, with a project in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.backends import GitBackend
from padre_git.testing.documents import EXECUTION, EXPERIMENT, IRIS, store
from padre_git.testing.storing import RUN
from tests.conftest import git

RUN_DIRECTORY = f"experiments/svm/runs/2026-11/{RUN.name}"


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[GitBackend]:
    """An empty store."""
    with GitBackend(tmp_path / "store") as backend:
        yield backend


@pytest.fixture
def iris(backend: GitBackend) -> Path:
    """The directory of a project with an experiment and an execution, in two commits."""
    store(backend, IRIS)
    store(backend, EXPERIMENT, EXECUTION)
    return backend.root / "iris"


def commits(project: Path, *arguments: str) -> list[str]:
    """Returns the subjects of the commits, the newest first."""
    return git("log", "--format=%s", *arguments, cwd=project).splitlines()

"""A store with a few runs, and the command line in this process or in one of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import padre_git
from padre_git.cli.group import commands

Padre = Callable[..., Result]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty root, outside any repository."""
    root = tmp_path / "research"
    root.mkdir()
    monkeypatch.chdir(tmp_path)
    return root


@pytest.fixture
def padre(root: Path) -> Padre:
    """Runs one command in this process; fails on an unexpected exit code."""

    def call(*arguments: str, code: int = 0, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(
            commands, ["--root", str(root), *arguments], input=stdin, prog_name="padre-git"
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return call


@pytest.fixture
def store(root: Path) -> Iterator[padre_git.Store]:
    """The store that the commands see."""
    with padre_git.open(root) as store:
        yield store


def record(store: padre_git.Store, parameters: dict[str, object]) -> None:
    """Records a run that does nothing.

    A test tool's code version is that of the file that calls, at the first call from there.
    """
    with store.start_run("demo/svm", parameters):
        pass


@pytest.fixture
def runs(store: padre_git.Store) -> list[padre_git.Run]:
    """Three runs of an experiment, the best last."""
    for n, c in enumerate((0.1, 1.0, 10.0)):
        with store.start_run("demo/svm", {"C": c, "kernel": "rbf"}, seed=7) as run:
            run.log_metric("loss", 1.0 - n / 10, step=0)
            run.log_metric("accuracy", 0.9 + n / 100)
            run.set_tag("sweep")
    return store.runs.list("demo/svm", order_by="metrics.accuracy")


def start(*command: str, root: Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "padre_git", "--root", str(root), *command],
        capture_output=True,
        text=True,
        **options,
    )

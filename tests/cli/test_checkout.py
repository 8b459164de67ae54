"""Runs in the work tree and out of it, on the command line."""

from __future__ import annotations

import padre_git
from tests.cli.conftest import Padre
from tests.conftest import git


def test_runs_are_left_out_and_brought(
    padre: Padre, store: padre_git.Store, runs: list[padre_git.Run]
) -> None:
    project = store.project_path("demo")

    def there() -> set[str]:
        return {path.name for path in project.glob("experiments/*/runs/*/r-*")}

    assert "left out" in padre("checkout", "demo", "--no-runs").stderr
    assert there() == set()
    assert len(runs) == 3
    first = str(runs[0].id)
    assert first in padre("checkout", f"demo/svm/{first}").stderr
    assert there() == {first}
    listed = padre("list", "demo/svm").stdout
    assert all(str(run.id).rpartition("-")[2][:6] in listed for run in runs)
    padre("checkout", "demo/svm")
    assert there() == {run.id for run in runs}
    padre("checkout", "demo")
    assert git("ls-files", "-t", cwd=project).count("S ") == 0


def test_only_projects_leave_runs_out_and_only_what_is_there_is_brought(
    padre: Padre, runs: list[padre_git.Run]
) -> None:
    assert "whole project" in padre("checkout", "demo/svm", "--no-runs", code=2).stderr
    assert "no experiment" in padre("checkout", "demo/forest", code=1).stderr

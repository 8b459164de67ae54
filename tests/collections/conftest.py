"""A store with two projects in it, over memory, plain directories and git."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.api.store import Store
from padre_git.backends import Backend, FileBackend, GitBackend, MemoryBackend
from padre_git.model import Code, Dataset, Execution, Experiment, Project, Run, Status

CODE = Code(package="sklearn", version="1.7.2")


@pytest.fixture(params=["memory", "file", "git"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    backend: Backend = {
        "memory": MemoryBackend,
        "file": lambda: FileBackend(tmp_path / "store"),
        "git": lambda: GitBackend(tmp_path / "store"),
    }[request.param]()
    store = Store(backend)
    for project in ("iris", "digits"):
        store.projects.put(Project(name=project))
        store.datasets.put(Dataset(project=project, name=f"{project}-data"))
        store.experiments.put(
            Experiment(project=project, name="svm", parameters={"C": 1, "kernel": "rbf"})
        )
        experiment = store.experiments.get(f"{project}/svm")
        execution = store.executions.put(Execution(experiment=experiment.key, code=CODE))
        for n, tail in enumerate(("abcabcabcabc", "k3v9x2m7q4tz")):
            store.runs.put(
                Run(
                    execution=execution.key,
                    id=f"r-2026112{n}t101500-{tail[:-1]}{project[0] if project != 'iris' else 'z'}",
                    parameters={"C": 10**n, "model": {"lr": 0.1}},
                    defaults={"C": 1, "kernel": "rbf"},
                    metrics={"accuracy": 0.9 + n / 20},
                    status=[Status.FINISHED, Status.FAILED][n],
                    seed=n,
                    tags={"candidate": ""} if n else {},
                )
            )
    return store

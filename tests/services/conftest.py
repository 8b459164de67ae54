"""A bus with every service on it, over memory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from padre_git.backends import MemoryBackend
from padre_git.bus import Bus
from padre_git.messages import Command, Event, Put
from padre_git.model import Code, Dataset, Execution, Experiment, Key, Kind, Project, Run
from padre_git.services import connect

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
CODE = Code(package="sklearn", version="1.7.2")
IRIS = Key.project_named("iris")
SVM = IRIS.experiment("svm")


class Desk:
    """Sends commands and remembers events."""

    def __init__(self, backend: MemoryBackend) -> None:
        self.backend = backend
        self.bus = Bus()
        self.heard: list[Event] = []
        self.bus.subscribe(Event, self.heard.append)
        connect(backend, self.bus, clock=lambda: NOW)

    def send(self, command: Command[Any]) -> Any:
        return self.bus.send(command)

    def put(self, value: Any, message: str | None = None) -> Any:
        subjects = {Project: Kind.PROJECT, Experiment: Kind.EXPERIMENT, Dataset: Kind.DATASET}
        subjects |= {Execution: Kind.EXECUTION, Run: Kind.RUN}
        return self.send(Put(subject=subjects[type(value)], value=value, message=message))

    def states(self, project: str = "iris") -> int:
        return len(self.backend.memory.projects.get(project, []))


@pytest.fixture
def desk() -> Desk:
    return Desk(MemoryBackend())


@pytest.fixture
def stocked(desk: Desk) -> Desk:
    """A project with a dataset, an experiment, an execution and three runs."""
    desk.put(Project(name="iris", title="Iris flowers"))
    desk.put(Dataset(project="iris", name="iris-data"))
    desk.put(Experiment(project="iris", name="svm", metrics={"accuracy": "max"}))
    execution = desk.put(Execution(experiment=SVM, code=CODE))
    for n, accuracy in enumerate([0.9, 0.95, 0.7]):
        desk.put(
            Run(
                execution=execution.key,
                id=f"r-20261121t10150{n}-{'abc'[n] * 12}",
                parameters={"C": 10**n},
                metrics={"accuracy": accuracy},
                seed=n,
            )
        )
    desk.heard.clear()
    return desk

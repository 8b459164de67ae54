"""Small stores for tests: keys, entities and change sets that are quick to write down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from padre_git.backends import Backend
from padre_git.format import encode, identify
from padre_git.messages import Message, Op
from padre_git.model import (
    DOCUMENTS,
    Change,
    ChangeSet,
    Code,
    Dataset,
    Entity,
    Environment,
    Execution,
    Experiment,
    Key,
    Project,
    Run,
)
from padre_git.model.ids import ALPHABET

__all__ = [
    "ENVIRONMENT",
    "EXECUTION",
    "EXPERIMENT",
    "IRIS",
    "document",
    "files_of",
    "message",
    "put",
    "remove",
    "run_key",
    "store",
]

IRIS = Key.project_named("iris")
EXPERIMENT = IRIS.experiment("svm")
_CODE = Code(package="lab", version="1.0")
EXECUTION = identify(Execution(experiment=EXPERIMENT, code=_CODE)).key
ENVIRONMENT = identify(Environment(project="iris", python="3.11.7", platform="linux")).key
_WHEN = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
_NO_FILES: Mapping[str, bytes] = MappingProxyType({})


def run_key(number: int, experiment: Key = EXPERIMENT, *, day: int = 21) -> Key:
    """Returns the key of a run: the same for the same number, with random parts well spread."""
    mixed, letters = number * 0x9E3779B97F4A7C15 % 32**12, ""
    for _ in range(12):
        mixed, digit = divmod(mixed, 32)
        letters += ALPHABET[digit]
    return experiment.run(f"r-202611{day:02}t101500-{letters}")


def entity_of(key: Key, **fields: Any) -> Entity:
    """Returns an entity that can be stored under ``key``."""
    parent: Any = key.parent
    builders: dict[str, Callable[[], Entity]] = {
        "project": lambda: Project(name=key.name, **fields),
        "dataset": lambda: Dataset(project=key.project, name=key.name, **fields),
        "environment": lambda: Environment(
            project=key.project, python="3.11.7", platform="linux", id=key.name, **fields
        ),
        "experiment": lambda: Experiment(project=key.project, name=key.name, **fields),
        "execution": lambda: Execution(experiment=parent, code=_CODE, id=key.name, **fields),
        "run": lambda: Run(
            execution=parent.execution(EXECUTION.name),
            id=key.name,
            **{"started": _WHEN, "ended": _WHEN, **fields},
        ),
    }
    return builders[key.kind]()


def document(key: Key, **fields: Any) -> bytes:
    """Returns the canonical document of a record with these fields."""
    return encode(entity_of(key, **fields))[DOCUMENTS[key.kind]]


def files_of(key: Key, parts: Mapping[str, bytes] = _NO_FILES, **fields: Any) -> dict[str, bytes]:
    """Returns the files of a record: its document and these parts."""
    return {DOCUMENTS[key.kind]: document(key, **fields), **parts}


def message(subject: str = "a test writes", op: Op = Op.PUT) -> Message:
    """Returns what the log shall say."""
    return Message(op=op, subject=subject)


def put(
    backend: Backend,
    key: Key,
    parts: Mapping[str, bytes] = _NO_FILES,
    *,
    expected: str | None = None,
    **fields: Any,
) -> str:
    """Stores one record and returns its revision."""
    change = Change(key=key, files=files_of(key, parts, **fields), expected=expected)
    revision = backend.apply(ChangeSet(changes=(change,)), message(f"put {key.name}"))[key]
    assert revision is not None
    return revision


def store(backend: Backend, *keys: Key) -> None:
    """Stores one plain record under each of these keys, all in one set."""
    changes = tuple(Change(key=key, files=files_of(key)) for key in keys)
    backend.apply(ChangeSet(changes=changes), message())


def remove(backend: Backend, key: Key, *, expected: str | None = None) -> None:
    """Deletes one record."""
    change = Change(key=key, files=None, expected=expected)
    backend.apply(ChangeSet(changes=(change,)), message(f"delete {key.name}", Op.DELETE))

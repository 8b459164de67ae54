"""Subjects: the first lines of commits, which say the result."""

from __future__ import annotations

import dataclasses
from typing import Any

from padre_git.errors import InvalidInputError
from padre_git.format.commits import LONGEST_SUBJECT
from padre_git.model import Entity, Key, Kind, Run, Status
from padre_git.model.ids import short_id
from padre_git.model.values import flatten

__all__ = ["named", "run_subject", "subject_of", "subject_text"]

_SHORT = 6
#: How many metrics and parameters to try to say, the best first.
_SHARES = ((2, 3), (1, 3), (2, 2), (1, 2), (1, 1), (1, 0), (0, 0))
_SILENT = frozenset(["revision", "url", "name", "project", "id"])


def named(key: Key) -> str:
    """Returns a record's name as people say it below its project: ``svm-baseline k3v9x2``."""
    if key.kind in (Kind.RUN, Kind.EXECUTION):
        above = f"{key.parent.name} " if key.parent else ""
        return f"{above}{short_id(key.name)[:_SHORT]}"
    return key.name


def subject_text(message: object, otherwise: str) -> str:
    """Returns the caller's subject, or the one that we make.

    Raises:
        InvalidInputError: if the caller's is not text.
    """
    if message is None:
        return otherwise
    if not isinstance(message, str) or not message.strip():
        raise InvalidInputError("a commit message is text that says something")
    return message


def subject_of(entity: Entity, before: Entity | None) -> str:
    """Returns what the log says of an entity that is stored.

    Args:
        entity: as it will be.
        before: as it was; None if there was none.
    """
    key = entity.key
    if isinstance(entity, Run) and before is None:
        return run_subject(entity)
    if before is None:
        return f"add {key.kind} {named(key)}"
    changed = [
        field.name
        for field in dataclasses.fields(entity)
        if field.name not in _SILENT and getattr(entity, field.name) != getattr(before, field.name)
    ]
    return f"change {key.kind} {named(key)}: {', '.join(changed) or 'nothing that counts'}"


def run_subject(run: Run) -> str:
    """Returns what the log says of a run: ``svm-baseline k3v9x2: accuracy 0.9533, C=10``.

    It says the first metrics and the first parameters, as many of both as fit.
    """
    metrics = [f"{name} {_short(value)}" for name, value in run.metrics.items()]
    parameters = [f"{name}={_short(value)}" for name, value in flatten(run.parameters).items()]
    status = [] if run.status is Status.FINISHED else [run.status.value]
    texts = (
        ", ".join([*status, *metrics[:some], *parameters[:others]]) for some, others in _SHARES
    )
    name = named(run.key)
    said = ""
    for text in texts:  # one after the other: most are short enough at once
        said = f"{name}: {text or run.status.value}"
        if len(said) <= LONGEST_SUBJECT:
            break
    return said


def _short(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 20 else f"{text[:19]}…"

"""Kinds: the one table row that a kind of record needs to have a service."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from padre_git.format import identify
from padre_git.format.annotations import new_note_name
from padre_git.model import (
    Dataset,
    Entity,
    Environment,
    Execution,
    Experiment,
    Key,
    Kind,
    Note,
    Project,
    Run,
)
from padre_git.model.ids import new_run_id

__all__ = ["KINDS", "Row"]

Clock = Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class Row:
    """Is what a service has to know about its kind.

    Attributes:
        type: of its entities.
        named: returns an entity with the id it is stored under.
        bare: returns an entity without fields, for parents that are made on the way; None if
            there is no such thing.
        renamed: returns an entity under another name; None if names of this kind do not change.
        carried: returns an entity with what it takes over from the stored one, given that and the
            names of the files that stay.
    """

    type: type[Entity]
    named: Callable[[Any, Clock], Any] = lambda entity, clock: entity
    bare: Callable[[Key], Entity] | None = None
    renamed: Callable[[Any, str], Any] | None = None
    carried: Callable[[Any, Any, Set[str]], Any] = lambda entity, known, kept: entity


def _identified(entity: Any, clock: Clock) -> Any:
    return identify(entity) if entity.id is None else entity


def _minted(run: Run, clock: Clock) -> Run:
    if run.id is None:
        run = run.stamped(id=new_run_id(run.started or clock()))
    if all(note.name is not None for note in run.notes):
        return run
    taken: list[str] = [note.name for note in run.notes if note.name is not None]
    notes = []
    for note in run.notes:
        if note.name is None:
            note = Note(text=note.text, name=new_note_name(clock(), taken=taken))
            taken.append(str(note.name))
        notes.append(note)
    return dataclasses.replace(run, notes=tuple(notes))


def _with_version(dataset: Dataset, known: Dataset, kept: Set[str]) -> Dataset:
    """Returns a dataset that says the version of the data it still has."""
    if dataset.version is not None or "data.dvc" not in kept:
        return dataset
    return dataclasses.replace(dataset, version=known.version)


def _renamed(entity: Any, new: str) -> Any:
    return dataclasses.replace(entity, name=new, url=None, revision=None)


#: What services are made from.
KINDS: Mapping[Kind, Row] = {
    Kind.PROJECT: Row(type=Project, bare=lambda key: Project(name=key.name)),
    Kind.DATASET: Row(
        type=Dataset,
        bare=lambda key: Dataset(project=key.project, name=key.name),
        renamed=_renamed,
        carried=_with_version,
    ),
    Kind.ENVIRONMENT: Row(type=Environment, named=_identified),
    Kind.EXPERIMENT: Row(
        type=Experiment,
        bare=lambda key: Experiment(project=key.project, name=key.name),
        renamed=_renamed,
    ),
    Kind.EXECUTION: Row(type=Execution, named=_identified),
    Kind.RUN: Row(type=Run, named=_minted),
}

"""Continuing: finding the run that a process goes on with, instead of beginning another one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from padre_git.api import provenance
from padre_git.api.committing import Circumstances
from padre_git.api.home import Home
from padre_git.api.output import add_output
from padre_git.api.overflow import inline_of
from padre_git.api.owners import Job, owner_of
from padre_git.api.replaying import Replayed, replay
from padre_git.api.spool import EVENTS, is_settled, read_file
from padre_git.api.spooling import Former, in_use
from padre_git.errors import (
    UNSAID,
    AlreadyExistsError,
    DamagedError,
    NotFoundError,
    PadreGitError,
    RepositoryError,
)
from padre_git.format import decode
from padre_git.format.spools import CODE
from padre_git.messages import Get
from padre_git.model import (
    Entity,
    Environment,
    Execution,
    Experiment,
    Key,
    Kind,
    Project,
    Record,
    Run,
    Status,
)
from padre_git.model.ids import check_id
from padre_git.model.parts import frozen_parameters
from padre_git.model.values import flatten

__all__ = ["circumstances_of", "former_run", "inline_here", "replayed", "requeued_run"]


def former_run(home: Home, experiment: Key, run_id: str) -> Former | None:
    """Returns the run with an id if it can be continued; None if there is none of this id.

    Raises:
        AlreadyExistsError: if it has ended.
        DamagedError: if nothing says how it began.
        LockedError: if another process has it.
    """
    key = experiment.run(check_id(run_id, "run"))
    directory = home.spool(key)
    if directory is None or not directory.is_dir():
        _check_unknown(home, key)
        return None
    owner = owner_of(directory)
    is_over = owner.records or is_settled(directory) or owner.is_lost(provenance.job())
    if not is_over:
        raise in_use(key, owner)
    try:
        found = replayed(home, directory, key.project)
    except OSError as error:
        raise _unread(key, directory, error) from error
    except DamagedError:
        if (directory / EVENTS).stat().st_size:
            raise
        raise AlreadyExistsError(
            f"a run '{key}' was begun, and nothing is known of it",
            key=key,
            hint=f"remove '{directory}' to begin it anew",
        ) from None
    _check_open(key, found)
    return Former(replayed=found, directory=directory, owner=owner)


def requeued_run(
    home: Home, experiment: Key, parameters: Mapping[str, Any], like: Mapping[str, Any]
) -> Former | None:
    """Returns the run that this batch task had begun when it was stopped; None if there is none.

    Args:
        home: where it is recorded to.
        experiment: of the run.
        parameters: that the run begins with.
        like: further fields with which it begins.
    """
    job = provenance.job()
    if job is None or not job.attempt:
        return None
    given = flatten(frozen_parameters(parameters))
    for directory in home.spools(experiment.project):
        found = _left_by(home, directory, experiment.project, job)
        if (
            found is not None
            and found.replayed.run.experiment == experiment
            and flatten(found.replayed.given or {}) == given
            and all(getattr(found.replayed.run, name) == value for name, value in like.items())
            and not _has_ended(found.replayed)
        ):
            return found
    return None


def replayed(home: Home, directory: Path, project: str) -> Replayed:
    """Returns the run of a spool; see :func:`padre_git.api.replaying.replay`."""
    found = replay(directory, project, partial(home.cache, project))
    add_output(found, directory)
    return found


def circumstances_of(home: Home, found: Replayed, directory: Path) -> Circumstances:
    """Returns what a run began with; what its spool does not have is read from the store.

    Raises:
        DamagedError: if neither has it.
    """
    run = found.run
    experiment = cast("Experiment", _entity(home, found, run.experiment))
    if found.is_bare:
        with suppress(NotFoundError):
            experiment = home.session.bus.send(Get(subject=Kind.EXPERIMENT, key=run.experiment))
        seed = experiment.seed if run.seed is None else run.seed
        run = run.replace(defaults=experiment.parameters, seed=seed)
    execution = _entity(home, found, run.execution)
    environment = _entity(home, found, _environment_key(run))
    patch: bytes | None = None
    try:
        patch = read_file(directory / CODE)
    except OSError as error:
        # without it the run would be recorded as of code that was not changed
        if error.errno in UNSAID:
            raise _unread(run.key, directory, error) from error
    return Circumstances(
        run=run,
        experiment=experiment,
        execution=cast("Execution", execution),
        environment=cast("Environment", environment),
        patch=patch,
        inline=inline_here(home, run.key.project),
    )


def _unread(key: Key, directory: Path, error: OSError) -> RepositoryError:
    reason = (error.strerror or str(error)).lower()
    return RepositoryError(
        f"run '{key}' could not be continued: {reason}",
        key=key,
        hint=f"its log stands in '{directory}'",
    )


def inline_here(home: Home, project: str) -> int:
    """Returns how many bytes a part of a project's runs may have in git."""
    stored = Project(name=project)
    if not provenance.has_git():
        return inline_of(stored)
    with suppress(NotFoundError):
        stored = home.session.bus.send(Get(subject=Kind.PROJECT, key=stored.key))
    return inline_of(stored)


def _check_unknown(home: Home, key: Key) -> None:
    if not provenance.has_git():
        return
    try:
        stored: Run = home.session.bus.send(Get(subject=Kind.RUN, key=key))
    except NotFoundError:
        return
    raise _over(key, stored.status)


def _check_open(key: Key, found: Replayed) -> None:
    if found.ending is not None and _has_ended(found):
        raise _over(key, found.ending.status)


def _has_ended(found: Replayed) -> bool:
    return found.ending is not None and found.ending.status is not Status.ABORTED


def _over(key: Key, status: Status) -> AlreadyExistsError:
    why = "what it logged is not kept here any more: " if status is Status.ABORTED else ""
    return AlreadyExistsError(
        f"a run '{key}' exists: it is {status}",
        key=key,
        hint=f"{why}begin another run, with parent= if it goes on where this one ended",
    )


def _left_by(home: Home, directory: Path, project: str, job: Job) -> Former | None:
    """Returns the run that a former attempt of a job has left in a spool; None for others."""
    try:
        owner = owner_of(directory)
        is_of_job = owner.job is not None and owner.job.name == job.name
        if not is_of_job or owner.job == job or not owner.is_dead(job):
            return None
        found = replayed(home, directory, project)
    except (PadreGitError, OSError):  # reconcile tells
        return None
    return Former(replayed=found, directory=directory, owner=owner)


def _environment_key(run: Run) -> Key:
    return Key.project_named(run.key.project).environment(str(run.environment))


def _entity(home: Home, found: Replayed, key: Key) -> Entity:
    texts = found.documents.get(key.text)
    if texts is not None:
        files = {name: text.encode() for name, text in texts.items()}
        return decode(Record(key=key, files=files)).stamped(revision=None)
    try:
        return home.session.bus.send(Get(subject=key.kind, key=key))
    except NotFoundError as error:
        raise DamagedError(
            f"run '{found.run.key}' cannot be recorded: nothing has the {key.kind} '{key}'",
            key=found.run.key,
            hint=error.hint,
        ) from error

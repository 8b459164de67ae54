"""Starting: what a run begins with — experiment, code, environment, seed — and its recorder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from padre_git.api import provenance
from padre_git.api.committing import Circumstances
from padre_git.api.home import Home
from padre_git.api.overflow import INLINE, inline_of
from padre_git.api.provenance import CodeVersion
from padre_git.api.recorder import Recorder
from padre_git.bus import Bus
from padre_git.collections.session import Ref
from padre_git.errors import (
    AlreadyExistsError,
    InvalidInputError,
    InvalidNameError,
    NotFoundError,
)
from padre_git.format import encode, identify
from padre_git.messages import Exists, Get, Notice
from padre_git.model import Dataset, Execution, Experiment, Key, Kind, Project, Run, Status
from padre_git.model.ids import check_id, new_run_id

__all__ = ["experiment_of", "start_run"]

_said: WeakKeyDictionary[Bus, set[str]] = WeakKeyDictionary()


def start_run(
    home: Home,
    experiment: Ref,
    parameters: Mapping[str, Any] | None = None,
    *,
    seed: int | None = None,
    title: str | None = None,
    id: str | None = None,
    parent: Recorder | Run | str | None = None,
    argv: Sequence[str] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Recorder:
    """Begins a run and returns its recorder; nothing is committed before it ends.

    A missing project, experiment, execution and environment are stored with the run. The code
    version is that of this process, or the execution that PADRE_EXECUTION names.

    Args:
        home: where it is recorded to.
        experiment: name path, key, url or entity; need not exist. An entity that does not exist
            is stored as it is.
        parameters: the values tried; the experiment's are the defaults.
        seed: what random numbers begin with; the experiment's if not given.
        title: one line for people.
        id: a run id to use; minted if not given.
        parent: the run that starts this one.
        argv: a command that is run instead of this process's own program.
        attributes: whatever else is worth keeping.

    Raises:
        AlreadyExistsError: if the id is taken.
        InvalidInputError: for what cannot be stored; nothing was begun.
        NotFoundError: if the execution that PADRE_EXECUTION names does not exist.
    """
    found = _found(home, experiment)
    parent_run = _parent_id(home, parent)
    with home.locally():
        execution, code = _execution(home, found.key, argv)
        environment = provenance.environment(found.project)
        run = Run(
            execution=execution.key,
            id=None if id is None else _unused(home, found.key, id),
            title=title,
            status=Status.RUNNING,
            started=datetime.now(UTC),
            seed=found.seed if seed is None else seed,
            defaults=found.parameters,
            argv=provenance.arguments() if argv is None else tuple(map(str, argv)),
            environment=environment.id,
            parent_run=parent_run,
            attributes=attributes or {},
        )
        begun = Circumstances(
            run=_storable(run),
            experiment=found,
            execution=execution,
            environment=environment,
            patch=None if code is None else code.patch,
            inline=_inline(home, found.project),
        )
        return _recorder(home, begun, parameters or {}, code)


def _recorder(
    home: Home, begun: Circumstances, parameters: Mapping[str, Any], code: CodeVersion | None
) -> Recorder:
    recorder = Recorder(home, begun, parameters, code)
    _remark(home, begun.experiment.project, () if code is None else code.remarks)
    _use_declared_dataset(home, begun.experiment, recorder)
    return recorder


def _found(home: Home, experiment: Ref) -> Experiment:
    """Returns an experiment; the remote is not asked for one that is here."""
    with suppress(NotFoundError), home.locally():
        found = experiment_of(home, experiment)
        if found.revision is not None:
            return found
    return experiment_of(home, experiment)


def _unused(home: Home, experiment: Key, run_id: str) -> str:
    """Returns an id that was given if it is one and no run has it."""
    key = experiment.run(check_id(run_id, "run"))
    if home.session.bus.send(Exists(subject=Kind.RUN, key=key)):
        raise AlreadyExistsError(f"a run '{key}' exists", key=key)
    return run_id


def _storable(run: Run) -> Run:
    """Returns a run with an id; refuses now what could not be stored at the end."""
    if run.id is None and run.started is not None:
        run = replace(run, id=new_run_id(run.started))
    encode(run)
    return run


def _remark(home: Home, project: str, remarks: Sequence[str]) -> None:
    """Tells what a person should know about the code version, once in a process and store."""
    said = _said.setdefault(home.session.bus, set())
    for remark in remarks:
        if remark not in said:
            said.add(remark)
            home.session.bus.publish(Notice(text=remark, project=project))


def experiment_of(home: Home, experiment: Ref) -> Experiment:
    """Returns an experiment as stored or, if it is not, as it would be stored.

    Raises:
        InvalidInputError: if it can be no experiment.
        NotFoundError: if it does not exist and its name does not say in which project.
    """
    session = home.session
    key = _key_that_is_said(experiment)
    if key is None:
        try:
            key = session.resolve(experiment, [Kind.EXPERIMENT])
        except NotFoundError:
            project, slash, name = str(experiment).partition("/")
            if slash:  # a name that nothing can have is the better answer
                Key.project_named(project).experiment(name)
            raise
    try:
        return session.bus.send(Get(subject=Kind.EXPERIMENT, key=key))
    except NotFoundError:
        if isinstance(experiment, Experiment):
            return experiment
        return Experiment(project=key.project, name=key.name)


def _key_that_is_said(reference: Ref) -> Key | None:
    """Returns the key of a reference that has it in full; None for others."""
    if isinstance(reference, Experiment):
        return reference.key
    if isinstance(reference, Key):
        return reference if reference.kind is Kind.EXPERIMENT else None
    names = str(reference).split("/")
    try:
        if len(names) == 2:
            return Key.project_named(names[0]).experiment(names[1])
        key = Key.parse(str(reference))
    except InvalidNameError:
        return None
    return key if key.kind is Kind.EXPERIMENT else None


def _execution(
    home: Home, experiment: Key, argv: Sequence[str] | None
) -> tuple[Execution, CodeVersion | None]:
    named = provenance.forced()
    if named is not None:
        return _named_execution(home, experiment, named), None
    code = (
        provenance.code_version() if argv is None else provenance.command_version(argv, Path.cwd())
    )
    execution = Execution(experiment=experiment, code=code.code, entry_point=code.entry_point)
    return identify(execution), code


def _named_execution(home: Home, experiment: Key, named: str) -> Execution:
    """Returns the execution that PADRE_EXECUTION names, by key or by id."""
    key = Key.parse(named) if "/" in named else experiment.execution(named)
    if key.kind is not Kind.EXECUTION or key.parent != experiment:
        raise InvalidInputError(
            f"PADRE_EXECUTION names '{named}', which is no execution of '{experiment}'",
            key=experiment,
            hint="freeze the code for this experiment: padre-git freeze EXPERIMENT",
        )
    try:
        return home.session.bus.send(Get(subject=Kind.EXECUTION, key=key))
    except NotFoundError as error:
        raise NotFoundError(
            f"PADRE_EXECUTION names '{named}', which does not exist",
            key=key,
            hint="freeze the code once more: padre-git freeze EXPERIMENT",
        ) from error


def _parent_id(home: Home, parent: Recorder | Run | str | None) -> str | None:
    if parent is None or isinstance(parent, Recorder):
        return None if parent is None else parent.id
    try:
        return home.first_here(partial(home.session.resolve, parent, [Kind.RUN])).name
    except NotFoundError:
        with suppress(InvalidNameError):  # it may go on in another process, and is not stored yet
            return check_id(str(parent).rpartition("/")[2], "run")
        raise


def _inline(home: Home, project: str) -> int:
    key = Key.project_named(project)
    try:
        stored: Project = home.session.bus.send(Get(subject=Kind.PROJECT, key=key))
    except NotFoundError:
        return INLINE
    return inline_of(stored)


def _use_declared_dataset(home: Home, experiment: Experiment, recorder: Recorder) -> None:
    if experiment.dataset is None:
        return
    dataset = Dataset(project=experiment.project, name=experiment.dataset)
    if home.session.bus.send(Exists(subject=Kind.DATASET, key=dataset.key)):
        recorder.use_dataset(dataset.key)

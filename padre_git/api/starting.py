"""Starting: what a run begins with — experiment, code, environment, seed — and its recorder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from padre_git.api import provenance
from padre_git.api.committing import Circumstances, take_as_known
from padre_git.api.continuing import circumstances_of, former_run, inline_here, requeued_run
from padre_git.api.home import Home
from padre_git.api.provenance import CodeVersion
from padre_git.api.recorder import Recorder
from padre_git.api.spooling import Former
from padre_git.bus import Bus
from padre_git.collections.session import Ref
from padre_git.errors import (
    AlreadyExistsError,
    InvalidInputError,
    InvalidNameError,
    NotFoundError,
    RemoteError,
)
from padre_git.format import encode, identify
from padre_git.messages import Exists, Get, Notice
from padre_git.model import Code, Dataset, Execution, Experiment, Key, Kind, Run, Status
from padre_git.model.ids import check_id, new_run_id

__all__ = ["experiment_of", "start_run"]

#: The ids of the runs of this process, so that PADRE_RUN_ID is that of one.
_begun: set[str] = set()
#: What the last runs have said when they began, and was found to be storable.
_storables: set[tuple[Any, ...]] = set()
_SAID = (
    "execution",
    "environment",
    "title",
    "argv",
    "defaults",
    "parent_run",
    "attributes",
)
_MOST = 256
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

    A batch task that the scheduler has started again goes on with the run that it had begun with
    the same parameters, seed and arguments. PADRE_RUN_ID is the id of the first run of a process
    that has no parent.

    Args:
        home: where it is recorded to.
        experiment: name path, key, url or entity; need not exist. An entity that does not exist
            is stored as it is.
        parameters: the values tried; the experiment's are the defaults.
        seed: what random numbers begin with; the experiment's if not given.
        title: one line for people.
        id: of a run, which goes on if another process has begun it and did not finish it;
            minted if not given.
        parent: the run that starts this one.
        argv: a command that is run instead of this process's own program.
        attributes: whatever else is worth keeping.

    Raises:
        AlreadyExistsError: if the run of this id has ended, or had other parameters.
        LockedError: if another process has it.
        InvalidInputError: for what cannot be stored; nothing was begun.
        NotFoundError: if the execution that PADRE_EXECUTION names does not exist.
    """
    found = _found(home, experiment)
    parent_run = _parent_id(home, parent)
    with home.locally():
        execution, code = _execution(home, found.key, argv)
        run = Run(
            execution=execution.key,
            title=title,
            status=Status.RUNNING,
            started=datetime.now(UTC),
            seed=found.seed if seed is None else seed,
            defaults=found.parameters,
            argv=provenance.arguments() if argv is None else tuple(map(str, argv)),
            environment=provenance.environment(found.project).id,
            parent_run=parent_run,
            attributes=attributes or {},
        )
        former = _former(home, run, id, parameters or {})
        if former is not None:
            return _continued(home, former, run, parameters or {})
        begun = Circumstances(
            run=_storable(run, id or _named_run(run)),
            experiment=found,
            execution=execution,
            environment=provenance.environment(found.project),
            patch=None if code is None else code.patch,
            inline=inline_here(home, found.project),
        )
        return _recorder(home, begun, parameters or {}, code)


def _former(
    home: Home, run: Run, run_id: str | None, parameters: Mapping[str, Any]
) -> Former | None:
    """Returns the run to go on with: that of an id, or that of this batch task."""
    run_id = run_id or _named_run(run)
    if run_id is not None:
        return former_run(home, run.experiment, run_id)
    like = {name: getattr(run, name) for name in ("seed", "title", "parent_run", "argv")}
    return requeued_run(home, run.experiment, parameters, like)


def _named_run(run: Run) -> str | None:
    """Returns the id that PADRE_RUN_ID has for this run: the first one that no other starts."""
    named = provenance.run_id()
    return None if run.parent_run is not None or named in _begun else named


def _continued(home: Home, former: Former, run: Run, parameters: Mapping[str, Any]) -> Recorder:
    """Returns a recorder that goes on with a run that another process has begun."""
    before = former.replayed.run
    if run.seed != before.seed:
        raise AlreadyExistsError(
            f"run '{before.key}' has the seed {before.seed} already, not {run.seed}",
            key=before.key,
            hint="begin another run for another seed",
        )
    begun = circumstances_of(home, former.replayed, former.directory)
    recorder = Recorder(home, begun, parameters, None, former)
    _begun.add(recorder.id)
    remarks = []
    if run.execution != before.execution:
        remarks.append(
            f"run '{before.key}' goes on with other code than it began with:"
            f" '{run.execution.name}', recorded as '{before.execution.name}'"
        )
    _remark(home, before.key.project, remarks)
    return recorder


def _recorder(
    home: Home, begun: Circumstances, parameters: Mapping[str, Any], code: CodeVersion | None
) -> Recorder:
    recorder = Recorder(home, begun, parameters, code)
    _begun.add(recorder.id)
    _remark(home, begun.experiment.project, () if code is None else code.remarks)
    _use_declared_dataset(home, begun.experiment, recorder)
    return recorder


def _found(home: Home, experiment: Ref) -> Experiment:
    """Returns an experiment; the remote is not asked for one that is here."""
    if not provenance.has_git():
        return _as_said(experiment)
    with suppress(NotFoundError), home.locally():
        found = experiment_of(home, experiment)
        if found.revision is not None:
            return found
    return experiment_of(home, experiment)


def _storable(run: Run, run_id: str | None) -> Run:
    """Returns a run with an id; refuses now what could not be stored at the end."""
    if run.started is not None:
        run = run.stamped(id=run_id or new_run_id(run.started))
    said = run.key.parent, *(getattr(run, name) for name in _SAID)
    if said not in _storables:  # the next run says the same, and is begun in less time
        encode(run)
        if len(_storables) >= _MOST:
            _storables.clear()
        _storables.add(said)
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


def _as_said(experiment: Ref) -> Experiment:
    """Returns an experiment of which nothing can be read."""
    key = _key_that_is_said(experiment)
    if key is None:
        raise InvalidInputError(
            f"cannot look for '{experiment}': git is not installed here",
            hint="say it in full: project/experiment",
        )
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
    if not provenance.has_git():  # whoever commits the run will look
        take_as_known(home, key)
        return Execution(experiment=experiment, code=Code(content="0" * 64), id=key.name)
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
    if not provenance.has_git():
        return parent.key.name if isinstance(parent, Run) else _id_in(parent)
    try:
        return home.first_here(partial(home.session.resolve, parent, [Kind.RUN])).name
    except (NotFoundError, RemoteError):
        with suppress(InvalidNameError):  # it may go on in another process, and is not stored yet
            return _id_in(str(parent))
        raise


def _id_in(reference: str) -> str:
    return check_id(reference.rpartition("/")[2], "run")


def _use_declared_dataset(home: Home, experiment: Experiment, recorder: Recorder) -> None:
    if experiment.dataset is None or not provenance.has_git():
        return
    dataset = Dataset(project=experiment.project, name=experiment.dataset)
    if home.session.bus.send(Exists(subject=Kind.DATASET, key=dataset.key)):
        recorder.use_dataset(dataset.key)

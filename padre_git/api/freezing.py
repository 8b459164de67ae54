"""Freezing: taking the code version once, for many runs that other processes will record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from padre_git.api import provenance
from padre_git.api.committing import execution_parts, remember_code
from padre_git.api.home import Home
from padre_git.api.starting import experiment_of
from padre_git.collections.session import Ref
from padre_git.errors import InvalidInputError
from padre_git.format import identify
from padre_git.messages import Commit, Exists, Message, Notice, Op, Prepare
from padre_git.model import ABSENT, Entity, Execution, Kind, Project
from padre_git.model.names import quoted

__all__ = ["freeze"]


def freeze(home: Home, experiment: Ref, *, entry_point: str | None = None) -> str:
    """Stores the code around the current directory as an execution and returns its key.

    With the key in PADRE_EXECUTION, runs of the experiment belong to this execution whatever
    happens to the code meanwhile, and none of them looks at the repository.

    Args:
        home: where it is stored.
        experiment: made if it does not exist.
        entry_point: the file that will be started, as a path from here; None for no one file.

    Raises:
        InvalidInputError: for what can be no experiment; if ``entry_point`` is no file.
        PadreGitError: if it cannot be stored.
    """
    found = experiment_of(home, experiment)
    command = [] if entry_point is None else [entry_point]
    if entry_point is not None and not Path(entry_point).is_file():
        raise InvalidInputError(
            f"no file {quoted(entry_point)} to freeze", hint="name it as a path from here"
        )
    code = provenance.command_version(command, Path.cwd())
    text = code.entry_point or entry_point
    execution = identify(Execution(experiment=found.key, code=code.code, entry_point=text))
    bus = home.session.bus
    project = execution.key.project
    above: list[Entity] = [Project(name=project), found]
    missing = [
        entity
        for entity in [*above, execution]
        if not bus.send(Exists(subject=entity.key.kind, key=entity.key))
    ]
    changes = []
    for entity in missing:
        parts = execution_parts(home, project, code.patch) if entity is execution else {}
        new = replace(entity, revision=ABSENT)
        changes.append(bus.send(Prepare(subject=entity.key.kind, entity=new, parts=parts)))
    if changes:
        subject = f"add execution {found.name} {execution.key.name[2:8]}"
        message = Message(op=Op.PUT, subject=subject)
        bus.send(Commit(subject=Kind.EXECUTION, changes=changes, message=message))
    remember_code(home, project, code)
    for remark in code.remarks:
        bus.publish(Notice(text=remark, project=project))
    return execution.key.text

"""Committing: a run that has ended becomes records, all of them in one commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from weakref import WeakKeyDictionary

from padre_git.api.added import with_added
from padre_git.api.attachments import RESERVED, Attachments
from padre_git.api.draft import Draft
from padre_git.api.home import Home
from padre_git.api.provenance import CodeVersion
from padre_git.bus import Bus
from padre_git.errors import ConflictError, NotFoundError, UnsupportedError
from padre_git.format import encode_rows, encode_splits
from padre_git.messages import Commit, Exists, Get, Message, Op, Prepare
from padre_git.model import (
    ABSENT,
    Change,
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
from padre_git.services.subjects import run_subject

__all__ = [
    "Circumstances",
    "commit_run",
    "execution_parts",
    "is_known",
    "parts_of",
    "remember_code",
    "run_of",
    "take_as_known",
]

#: Bytes of code changes that stay in git; more of them are data.
_PATCH = 100_000
_ATTEMPTS = 5
#: Records that are known to exist, so that a second run need not ask.
_known: WeakKeyDictionary[Bus, set[Key]] = WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """Is what a run begins with.

    Attributes:
        run: with what is known at its start.
        experiment: as stored, or as it will be stored with the run.
        execution: with its id.
        environment: with its id.
        patch: what is kept of the code; None for nothing.
        inline: bytes up to which parts of the record stay in git.
    """

    run: Run
    experiment: Experiment
    execution: Execution
    environment: Environment
    patch: bytes | None = None
    inline: int = 100_000

    def above(self) -> Iterator[Entity]:
        """Yields the entities that must exist for the run, parents first."""
        yield Project(name=self.run.key.project)
        yield self.experiment
        yield self.environment
        yield self.execution


def is_known(home: Home, key: Key) -> bool:
    """Returns whether a record was seen to exist by this process."""
    return key in _known.get(home.session.bus, ())


def take_as_known(home: Home, key: Key) -> None:
    """Notes that a record exists, without having seen it."""
    _known.setdefault(home.session.bus, set()).add(key)


def run_of(begun: Run, draft: Draft, status: Status, ended: datetime) -> Run:
    """Returns a run as it ended."""
    return begun.replace(
        status=status,
        ended=max(ended, begun.started or ended),
        parameters=draft.parameters,
        metrics=draft.metrics,
        tags=draft.tags,
        notes=tuple(draft.notes),
        datasets=tuple(draft.datasets),
        computations=tuple(draft.computations.values()),
    )


def parts_of(draft: Draft, attachments: Attachments, inline: int) -> dict[str, bytes]:
    """Returns the parts of a run's record beside its document.

    Parts of more than ``inline`` bytes become artifacts under the same name, where artifacts can
    be kept.
    """
    parts = {name: text.encode() for name, text in draft.texts.items()}
    if rows := draft.series():
        parts["series.csv"] = encode_rows(rows)
    if draft.splits:
        parts |= encode_splits(list(draft.splits.values()))
    for name in [name for name, data in parts.items() if len(data) > inline]:
        try:
            attachments.move(name, parts[name])
        except UnsupportedError:  # nowhere else to go
            continue
        del parts[name]
    if pointer := attachments.pointer():
        parts["artifacts.dvc"] = pointer
    return parts


def execution_parts(home: Home, project: str, patch: bytes | None) -> dict[str, bytes]:
    """Returns the parts of an execution's record: what is kept of its code."""
    if patch is None:
        return {}
    if len(patch) > _PATCH and home.root is not None:
        from padre_git.artifacts import pointer_to, write_pointer

        cache = home.cache(project)
        pointer = pointer_to(cache, "code", {"": cache.add_bytes(patch)})
        return {"code.dvc": write_pointer(pointer)}
    return {"code.patch": patch}


def commit_run(
    home: Home, begun: Circumstances, run: Run, draft: Draft, kept: Attachments
) -> Record:
    """Stores a run with whatever of its parents is missing, in one commit; returns its record.

    Args:
        home: where it is recorded to.
        begun: what it began with.
        run: as it ended.
        draft: what it has logged.
        kept: its artifacts.

    Raises:
        ConflictError: if others were faster every time, or the run's id is taken.
        PadreGitError: whatever keeps a commit from being made; nothing was stored.
    """
    bus = home.session.bus
    parts = parts_of(draft, kept, begun.inline)
    files: dict[str, bytes | None] = dict(parts)
    message = Message(op=Op.RECORD, subject=_subject(run, begun.experiment), time=run.ended)
    new = run.stamped(revision=ABSENT)
    for attempt in range(_ATTEMPTS):
        changes = _missing(home, begun)
        change = bus.send(Prepare(subject=Kind.RUN, entity=new, parts=files))
        changes.append(change)
        try:
            revisions = bus.send(Commit(subject=Kind.RUN, changes=changes, message=message))
        except (ConflictError, NotFoundError):  # a parent came, or went, since we looked
            _known.pop(bus, None)
            if attempt == _ATTEMPTS - 1:
                raise
            if (edit := _stored_before(home, run)) is not None:
                together = {**parts, **with_added(home, run.key, kept)}
                new, files = edit, {**dict.fromkeys(RESERVED), **together}
            continue
        _known.setdefault(bus, set()).update(entity.key for entity in begun.above())
        return Record(key=run.key, files=change.files or {}, revision=str(revisions[run.key]))
    raise AssertionError("unreachable")


def _stored_before(home: Home, run: Run) -> Run | None:
    """Returns the run as an edit of what is stored, if that is this run.

    A commit that failed when it was durable already is finished by the next call: the run is
    stored then, although it has been said that it is not. And a run that was taken for lost is
    stored as aborted when its process returns; what people have added since stays.
    """
    try:
        stored: Run = home.session.bus.send(Get(subject=Kind.RUN, key=run.key))
    except NotFoundError:
        return None
    if stored.started != run.started or stored.status in (Status.RUNNING, Status.LOST):
        return None
    texts = [note.text for note in stored.notes]
    notes = [note for note in run.notes if note.text not in texts]
    return replace(
        run,
        revision=stored.revision,
        tags={**stored.tags, **run.tags},
        notes=(*stored.notes, *notes),
    )


def remember_code(home: Home, project: str, code: CodeVersion) -> None:
    """Notes where the code's repository is on this machine, for restoring."""
    private = home.private(project)
    if private is None or code.root is None or code.code.repository is None:
        return
    from padre_git.vcs.restore import remember

    with suppress(OSError):  # what matters is stored; this is a convenience
        remember(private / "code", code.code.repository, code.root)


def _missing(home: Home, begun: Circumstances) -> list[Change]:
    bus = home.session.bus
    known = _known.setdefault(bus, set())
    changes = []
    for entity in begun.above():
        key = entity.key
        if key in known or bus.send(Exists(subject=key.kind, key=key)):
            known.add(key)
            continue
        parts: Mapping[str, bytes] = {}
        if isinstance(entity, Execution):
            parts = execution_parts(home, key.project, begun.patch)
        new = replace(entity, revision=ABSENT)
        changes.append(bus.send(Prepare(subject=key.kind, entity=new, parts=parts)))
    return changes


def _subject(run: Run, experiment: Experiment) -> str:
    """Returns the subject with the metrics first that the experiment declares."""
    declared = [name for name in experiment.metrics if name in run.metrics]
    if not declared:
        return run_subject(run)
    others = [name for name in run.metrics if name not in experiment.metrics]
    metrics = {name: run.metrics[name] for name in [*declared, *others]}
    return run_subject(replace(run, metrics=metrics))

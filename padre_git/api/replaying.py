"""Replaying: from what a spool says back to the run that logged it.

Every event goes through the checks that logging it went through, since a spool may be damaged or
from somebody else; what does not pass is left out and told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from padre_git.api.attachments import Attachments
from padre_git.api.draft import Draft
from padre_git.api.events import SPOOL
from padre_git.api.spool import read_events
from padre_git.errors import DamagedError, PadreGitError, UnsupportedFormatError
from padre_git.format import read_time
from padre_git.format.spools import Logged
from padre_git.model import Array, Computation, Key, Results, Run, Split, Status

if TYPE_CHECKING:
    from padre_git.artifacts import Cache

__all__ = ["Ending", "Replayed", "go_on", "replay"]

_BROKEN = (PadreGitError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Is how a run ended that was not committed.

    Attributes:
        status: finished, failed or aborted.
        ended: when.
        error: its traceback; None without.
    """

    status: Status
    ended: datetime
    error: str | None


@dataclass(kw_only=True)
class Replayed:
    """Is a run as its spool tells it.

    Attributes:
        run: as it began.
        documents: of what may have to be stored with it: text by file name, by key.
        draft: what it logged.
        attachments: its artifacts.
        given: the parameters that it began with.
        ending: how it ended; None if it did not.
        damage: what cannot be read, one line of text each.
        is_bare: whether it began where nothing of its experiment could be read.
    """

    run: Run
    documents: Mapping[str, Mapping[str, str]]
    draft: Draft
    attachments: Attachments
    given: Mapping[str, Any] | None = None
    ending: Ending | None = None
    damage: list[str]
    is_bare: bool


def replay(directory: Path, project: str, cache: Callable[[], Cache]) -> Replayed:
    """Returns the run that a spool is of.

    Args:
        directory: of the spool, called by the id of the run.
        project: that the run must be of.
        cache: returns the cache of the project's clone, for what the run keeps from now on.

    Raises:
        DamagedError: if what the run began with cannot be read, or it is another run.
        OSError: if the spool cannot be read.
        UnsupportedFormatError: if a later version wrote it.
    """
    logged = read_events(directory)
    found = _begun(directory, logged, cache)
    if (found.run.key.project, found.run.id) != (project, directory.name):
        raise DamagedError(f"spool '{directory}' is of another run: '{found.run.key}'")
    go_on(found, logged.events[1:])
    return found


def go_on(found: Replayed, events: Iterable[list[Any]]) -> None:
    """Adds what a run has logged since it was replayed."""
    for event in events:
        try:
            _EVENTS[event[0]](found, *event[1:])
        except _BROKEN as error:
            found.damage.append(f"event '{event[0]}': {error}")
        found.ending = found.ending if event[0] == "end" else None


def _begun(directory: Path, logged: Logged, cache: Callable[[], Cache]) -> Replayed:
    damage = [f"line {one.line}: {one.reason}" for one in logged.damage]
    try:
        _check_version(directory, *logged.events[0][:2])
        known, documents = logged.events[0][2:]
        run = _run(known)
        texts = {key: dict(files) for key, files in documents.items()}
    except UnsupportedFormatError:
        raise
    except _BROKEN as error:
        raise DamagedError(
            f"spool '{directory}' does not say how its run began",
            hint=f"what can be read of it: {len(logged.events)} events",
        ) from error
    return Replayed(
        run=run,
        documents=texts,
        draft=Draft(run=run.key),
        attachments=Attachments(cache),
        damage=damage,
        is_bare=known["defaults"] is None,
    )


def _check_version(directory: Path, name: str, version: Any) -> None:
    if name != "start" or not isinstance(version, int):
        raise ValueError("the first event is not a run's start")
    if version > SPOOL:
        raise UnsupportedFormatError(
            f"spool '{directory}' was written by a later version",
            hint="update padre_git to read it",
        )


def _run(known: Mapping[str, Any]) -> Run:
    key = Key.parse(known["key"])
    run = Run(
        execution=known["execution"],
        id=key.name,
        title=known["title"],
        status=Status.RUNNING,
        started=read_time(known["started"]),
        seed=known["seed"],
        defaults=known["defaults"] or {},
        argv=tuple(map(str, known["argv"])),
        environment=known["environment"],
        parent_run=known["parent_run"],
        attributes=known["attributes"],
    )
    if run.key != key:
        raise ValueError("run and execution are of two experiments")
    return run


def _parameters(found: Replayed, values: Mapping[str, Any]) -> None:
    new = found.draft.add_parameters(values)
    if found.given is None:
        found.given = new


def _split(found: Replayed, values: Mapping[str, Any]) -> None:
    results = values["results"]
    split = Split(
        run=found.run.key,
        number=values["number"],
        metrics=values["metrics"],
        train=_array(values["train"]),
        test=_array(values["test"]),
        validation=_array(values["validation"]),
        results=None if results is None else _results(results),
    )
    found.draft.put_split(split)


def _results(values: Mapping[str, Any]) -> Results:
    return Results(
        truth=_array(values["truth"]),
        predicted=_array(values["predicted"]),
        probabilities=_array(values["probabilities"]),
        index=_array(values["index"]),
    )


def _array(values: Mapping[str, Any] | None) -> Any:
    if values is None:
        return None
    return Array(values["values"], dtype=values["dtype"], width=values["width"])


def _dataset(found: Replayed, used: str) -> None:
    if used not in found.draft.datasets:
        found.draft.datasets.append(str(used))


def _computation(
    found: Replayed, name: str, before: Any, parameters: Any, metrics: Any, *times: Any
) -> None:
    started, ended = (None if text is None else datetime.fromisoformat(text) for text in times)
    found.draft.add_computation(
        Computation(
            run=found.run.key,
            name=name,
            predecessor=before,
            parameters=parameters,
            metrics=metrics,
            started=started,
            ended=ended,
        )
    )


def _artifact(found: Replayed, name: str, items: Mapping[str, Any]) -> None:
    from padre_git.artifacts import Item
    from padre_git.artifacts.hashes import is_hash

    new = {}
    for member, (md5, size, executable) in items.items():
        if not is_hash(md5) or type(size) is not int:
            raise ValueError(f"no artifact: '{member}'")
        new[member] = Item(md5=md5, size=size, executable=executable is True)
    found.attachments.again(name, new)


def _again(found: Replayed, *_: object) -> None:
    found.draft.begin_session()
    found.attachments.begin_session()


def _end(found: Replayed, status: str, ended: str, error: str | None) -> None:
    if Status(status) in (Status.RUNNING, Status.LOST):
        raise ValueError(f"no end: '{status}'")
    moment = datetime.fromisoformat(ended)
    found.ending = Ending(status=Status(status), ended=moment, error=error)


#: What each event means; the first one is not among them.
_EVENTS: Mapping[str, Callable[..., object]] = {
    "again": _again,
    "artifact": _artifact,
    "computation": _computation,
    "dataset": _dataset,
    "end": _end,
    "metrics": lambda found, *row: found.draft.add_row(*row),
    "note": lambda found, text: found.draft.add_note(text),
    "parameters": _parameters,
    "split": _split,
    "tags": lambda found, values: found.draft.add_tags(values),
    "text": lambda found, name, text: found.draft.set_text(name, text),
}

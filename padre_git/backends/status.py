"""How a clone and its remote stand, counted in commits and told record by record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from padre_git.backends.exchange import Side
from padre_git.backends.records import Records
from padre_git.format import locate
from padre_git.model import DOCUMENTS, Key
from padre_git.vcs.advance import PENDING

__all__ = ["ProjectStatus", "State", "status_of"]


class State(StrEnum):
    """How one record, or a whole project, stands."""

    #: The remote has it as it is here.
    PUBLISHED = "published"
    #: The remote never had it.
    LOCAL_ONLY = "local only"
    #: Only this side has changed it.
    AHEAD = "ahead"
    #: Only the remote's side has changed it.
    BEHIND = "behind"
    #: Both sides have changed it.
    DIVERGED = "diverged"
    #: It is at the remote and not here.
    REMOTE_ONLY = "remote only"
    #: It is here, left out of the work tree.
    EVICTED = "evicted"
    #: It was deleted from the remote; this clone keeps a copy.
    KEPT = "kept"
    #: It waits for the user to finish something before it reaches the branch.
    PENDING = "pending"


@dataclass(frozen=True, kw_only=True)
class ProjectStatus:
    """Is how a project's clone and its remote stand.

    Attributes:
        project: its name.
        state: how the project stands as a whole.
        url: where it is published, or would be; None without a place at the remote.
        ahead: commits that the remote does not have.
        behind: commits that this clone does not have.
        pending: commits that wait for the user to finish something.
        problem: why the remote did not answer, so that this is what was known before; None if it
            did.
        records: the state of every record that is not simply published.
    """

    project: str
    state: State
    url: str | None
    ahead: int = 0
    behind: int = 0
    pending: int = 0
    problem: str | None = None
    records: Mapping[Key, State] = field(default_factory=dict)


def status_of(side: Side, *, url: str | None, problem: str | None) -> ProjectStatus:
    """Returns how a clone stands to what its remote had when it was seen last."""
    repository = side.repository
    tip, seen = repository.tip(), side.seen
    ahead = len(side.between(seen, tip)) if tip else 0
    behind = len(side.between(tip, seen)) if seen else 0
    waiting = repository.read_ref(PENDING)
    branch = repository.read_ref(f"refs/heads/{repository.branch}")
    states = _differing(side, tip, seen) if tip else {}
    pending = 0
    if waiting is not None:
        pending = len(side.between(branch, waiting))
        states.update(dict.fromkeys(_changed(side, branch, waiting), State.PENDING))
    states.update(dict.fromkeys(side.kept.tops(), State.KEPT))
    states.update(dict.fromkeys(_evicted(side), State.EVICTED))
    return ProjectStatus(
        project=side.project,
        state=_whole(seen, ahead, behind),
        url=url,
        ahead=ahead,
        behind=behind,
        pending=pending,
        problem=problem,
        records=dict(sorted(states.items())),
    )


def _whole(seen: str | None, ahead: int, behind: int) -> State:
    if seen is None:
        return State.LOCAL_ONLY
    if ahead and behind:
        return State.DIVERGED
    if ahead:
        return State.AHEAD
    return State.BEHIND if behind else State.PUBLISHED


def _differing(side: Side, tip: str, seen: str | None) -> dict[Key, State]:
    base = side.repository.merge_base(tip, seen) if seen else None
    here = Records(side.project, side.repository.snapshot(tip))
    if seen is None:
        return dict.fromkeys(here.scan(None, None), State.LOCAL_ONLY)
    there = Records(side.project, side.repository.snapshot(seen))
    ours, theirs = _changed(side, base, tip), _changed(side, base, seen)
    alive_here, alive_there = here.alive(ours | theirs), there.alive(ours | theirs)
    states = {}
    for key in alive_here | alive_there:
        if key in ours and key in theirs:
            states[key] = State.DIVERGED
        elif key in theirs:
            states[key] = State.BEHIND if key in alive_here else State.REMOTE_ONLY
        else:
            states[key] = State.AHEAD if key in alive_there else State.LOCAL_ONLY
    return states


def _changed(side: Side, start: str | None, end: str) -> set[Key]:
    places = (locate(path, side.project) for path in side.repository.diff_paths(start, end))
    return {place[0] for place in places if place is not None}


def _evicted(side: Side) -> set[Key]:
    """Returns the records that are left out of the work tree, without what lies below them."""
    records = Records(side.project, side.repository.snapshot())
    return records.alive(filter(None, (_key(p, side.project) for p in side.repository.evicted())))


def _key(path: str, project: str) -> Key | None:
    """Returns the record whose directory, or only file, this is."""
    for document in (f"{path}/{name}" for name in DOCUMENTS.values()):
        place = locate(document, project)
        if place is not None and document.endswith(f"/{place[1]}"):
            return place[0]
    place = locate(path, project)
    return place[0] if place is not None else None

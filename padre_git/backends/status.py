"""How a clone and its remote stand, counted in commits and told record by record."""

from __future__ import annotations

from collections.abc import Iterable

from padre_git.backends.comparing import contents, touched
from padre_git.backends.contained import have_had
from padre_git.backends.exchange import Side
from padre_git.backends.records import Records
from padre_git.backends.rewriting import loss
from padre_git.backends.states import ProjectStatus, State
from padre_git.backends.urls import HAVE_URL
from padre_git.format import locate
from padre_git.model import DOCUMENTS, Key, Record
from padre_git.vcs.advance import PENDING

__all__ = ["ProjectStatus", "State", "status_of"]


def status_of(side: Side, *, url: str | None, problem: str | None) -> ProjectStatus:
    """Returns how a clone stands to what its remote had when it was seen last."""
    repository = side.repository
    tip, seen = repository.tip(), side.seen
    ahead = len(side.between(seen, tip)) if tip else 0
    behind = len(side.between(tip, seen)) if seen else 0
    base = _beginning(side, tip, seen, ahead and behind)
    if base == tip:
        ahead = 0
    states = _differing(side, base, tip, seen) if tip else {}
    branch = repository.read_ref(f"refs/heads/{repository.branch}")
    waiting, pending = repository.read_ref(PENDING), 0
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
        problem=problem or loss(side),
        records=dict(sorted(states.items())),
    )


def _beginning(side: Side, tip: str | None, seen: str | None, both: int) -> str | None:
    """Returns since when the two differ; our own commit if it adds nothing to theirs."""
    if tip is None or seen is None:
        return None
    if both and have_had(side.repository, tip, seen):
        return tip
    return side.repository.merge_base(tip, seen)


def _whole(seen: str | None, ahead: int, behind: int) -> State:
    if seen is None:
        return State.LOCAL_ONLY
    if ahead and behind:
        return State.DIVERGED
    if ahead:
        return State.AHEAD
    return State.BEHIND if behind else State.PUBLISHED


def _differing(side: Side, base: str | None, tip: str, seen: str | None) -> dict[Key, State]:
    """Returns the state of the records that are not on both sides as they are here."""
    if seen is None:
        records = Records(side.project, side.repository.snapshot(tip))
        return dict.fromkeys(records.scan(None, None), State.LOCAL_ONLY)
    paths = side.repository.diff_paths(tip, seen)
    if not paths:
        return {}
    here, there = (Records(side.project, side.repository.snapshot(c)) for c in (tip, seen))
    keys = touched(side.project, paths, here, there)
    ours, theirs = _contents(here, keys), _contents(there, keys)
    known = {None: {}, tip: ours, seen: theirs}
    before = known.get(base)
    if before is None:
        before = _contents(Records(side.project, side.repository.snapshot(base)), keys)
    found = {k: _state(before.get(k), ours.get(k), theirs.get(k)) for k in {*ours, *theirs}}
    return {key: state for key, state in found.items() if state is not State.PUBLISHED}


def _contents(records: Records, keys: Iterable[Key]) -> dict[Key, object]:
    """Returns what tells whether living records are equal; a url does not count."""
    keys = set(keys)
    with_url = {key for key in keys if key.kind in HAVE_URL}
    found: dict[Key, object] = {
        key: record.revision
        for key, record in records.find(with_url).items()
        if isinstance(record, Record)
    }
    return found | contents(records, keys - with_url)


def _state(before: object, ours: object, theirs: object) -> State:
    """Returns the state of a record by its contents; None is a record that is not there."""
    if ours == theirs:
        return State.PUBLISHED
    if before not in (ours, theirs):
        return State.DIVERGED
    if ours == before:
        return State.REMOTE_ONLY if ours is None else State.BEHIND
    return State.LOCAL_ONLY if theirs is None else State.AHEAD


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

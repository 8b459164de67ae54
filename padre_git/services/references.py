"""References: what people type to mean a record, and what it means.

A reference is a key's text, a path of names, or a url: ``iris``, ``iris/svm-baseline``,
``iris/svm-baseline/k3v9x2``, ``iris/experiments/svm-baseline/runs/r-…``,
``https://host/lab/iris.git#experiments/svm-baseline``. Names in front may be left out as long as
what remains is unique; of the ids of runs and executions, and of their random parts, any unique
prefix is enough.
"""

from __future__ import annotations

from contextlib import suppress

from padre_git.backends.base import Backend
from padre_git.errors import (
    AmbiguousReferenceError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
)
from padre_git.format import decode
from padre_git.model import Entity, Key, Kind, Record, Tombstone
from padre_git.model.names import quoted
from padre_git.services.spelling import (
    Target,
    candidates,
    name_path,
    of_kind,
    parse_url,
    pieces_of,
    spelled_out,
    that_fit,
    what_is_near,
)
from padre_git.vcs.remotes import RemoteLocation, without_user

__all__ = ["destination", "find", "follow", "recall", "resolve"]


def resolve(
    backend: Backend, kind: Kind, reference: str | Key | Entity, at: str | None = None
) -> Key:
    """Returns the key of the living record of ``kind`` that a reference means.

    An experiment of which there is only what lies below it, its document having gone or not come
    yet, is one that can be looked into.

    Raises:
        AmbiguousReferenceError: if it fits several; the hint lists them.
        NotFoundError: if it fits none; the hint has names that are near.
        InvalidInputError: if no record of this kind can have such a reference.
    """
    key = _spelled(backend, kind, reference)
    if key is None:
        return _search(backend, kind, str(reference), at)
    try:
        return follow(backend, key, at).key
    except NotFoundError as error:
        if error.key == key.text and _has_children(backend, key, at):
            return key
        if error.key in {key.text, key.project} and _has_runs(backend, key, at):
            return key
        raise


def _has_children(backend: Backend, key: Key, at: str | None) -> bool:
    """Returns whether something is left below an experiment."""
    return key.kind is Kind.EXPERIMENT and any(True for _ in backend.scan(key, at=at, limit=1))


def _has_runs(backend: Backend, key: Key, at: str | None) -> bool:
    """Returns whether an experiment has runs, those that are running included."""
    with suppress(NotFoundError):
        below = backend.scan(key, kind=Kind.RUN, at=at, limit=1)
        return key.kind is Kind.EXPERIMENT and any(True for _ in below)
    return False


def find(
    backend: Backend, kind: Kind, reference: str | Key | Entity, at: str | None = None
) -> Record:
    """Returns the living record of ``kind`` that a reference means, read once.

    Raises:
        AmbiguousReferenceError, NotFoundError, InvalidInputError: as :func:`resolve`.
    """
    key = _spelled(backend, kind, reference)
    return follow(backend, key or _search(backend, kind, str(reference), at), at)


def _spelled(backend: Backend, kind: Kind, reference: object) -> Key | None:
    """Returns the key that a reference gives in full, whether it exists or not."""
    if isinstance(reference, Entity):
        reference = reference.key
    if isinstance(reference, Key):
        return of_kind(reference, kind)
    if not isinstance(reference, str):
        raise InvalidInputError(f"a reference is text, a key or an entity, not {quoted(reference)}")
    target = parse_url(reference)
    return (
        spelled_out(reference, kind)
        if target is None
        else of_kind(_published(backend, target), kind)
    )


def _published(backend: Backend, target: Target) -> Key:
    """Returns the key of the record with a url, if its project is one of this store."""
    place = without_user(target.remote.rstrip("/"))
    if place.startswith(("/", ".", "~")):
        location = RemoteLocation.parse(place)
        place = location.public_url(str(location.only)) or place
    key = backend.key_of(f"{place}#{target.path}" if target.path else place)
    if key is not None:
        return key
    key = Key.parse(target.reference)
    found = backend.read([Key.project_named(key.project)]).get(Key.project_named(key.project))
    url = getattr(decode(found), "url", None) if isinstance(found, Record) else None
    if url == place:
        return key
    raise NotFoundError(
        f"no project of this store is published at {quoted(place)}",
        hint="open the store with the remote that has it: padre_git.open(remote=…)",
    )


def follow(backend: Backend, key: Key, at: str | None = None) -> Record:
    """Returns the record of this key, wherever it is now after any number of renames.

    Raises:
        NotFoundError: if it does not exist or was deleted, or if renames lead in a circle.
    """
    seen: set[Key] = set()
    start = key
    while key not in seen:
        seen.add(key)
        found = backend.read([key], at=at)
        record = found.get(key)
        if isinstance(record, Record):
            return record
        line = [*reversed(key.ancestors()), key]
        found |= backend.read(line[:-1], at=at)
        moved = next((t for k in line if isinstance(t := found.get(k), Tombstone)), None)
        if moved is None or moved.moved_to is None:
            gone = next(k for k in line if not isinstance(found.get(k), Record))
            raise _missing(backend, gone, moved is not None, at)
        key = Key.parse(moved.moved_to.text + key.text.removeprefix(moved.key.text))
    raise NotFoundError(f"renames of '{start}' lead in a circle", key=start)


def destination(backend: Backend, key: Key) -> Key:
    """Returns where renames lead from a key, whether something is alive there or not.

    Raises:
        NotFoundError: if it lies below a deleted record, or if renames lead in a circle.
    """
    seen: set[Key] = set()
    start = key
    while key not in seen:
        seen.add(key)
        line = [*reversed(key.ancestors()), key]
        found = backend.read(line)
        grave = next((t for k in line if isinstance(t := found.get(k), Tombstone)), None)
        if grave is None or (grave.moved_to is None and grave.key == key):
            return key
        if grave.moved_to is None:
            raise NotFoundError(
                f"'{key}' lay below the {grave.key.kind} '{grave.key}', which was deleted",
                key=key,
                hint=f"restore '{grave.key}'; what lay below comes with it",
            )
        key = Key.parse(grave.moved_to.text + key.text.removeprefix(grave.key.text))
    raise NotFoundError(f"renames of '{start}' lead in a circle", key=start)


def recall(backend: Backend, kind: Kind, reference: str | Key | Entity) -> Key:
    """Returns the key of the deleted record of ``kind`` that a reference means.

    A key or a path of names that is spelled out is taken as it is. Otherwise deleted records are
    looked at first, then living ones: what was evicted is restored by the same references.

    Raises:
        AmbiguousReferenceError, NotFoundError, InvalidInputError: as :func:`resolve`.
    """
    key = _spelled(backend, kind, reference)
    if key is not None:
        _check_remembered(backend, destination(backend, key))
        return key
    text = str(reference)
    pieces, _ = pieces_of(text, kind)
    prefix = _above_deleted(backend, kind, pieces)
    gone = [deletion.key for deletion in backend.deletions(prefix, kind=kind)]
    fitting = that_fit(gone, pieces)
    if len(fitting) > 1:
        raise AmbiguousReferenceError(
            f"{quoted(text)} may be any of {len(fitting)} deleted {kind}s",
            hint=candidates(fitting),
        )
    return fitting[0] if fitting else _search(backend, kind, text, None)


def _check_remembered(backend: Backend, key: Key) -> None:
    """Makes sure that something is or was under a key; history is asked if nothing is left.

    Raises:
        NotFoundError: if nothing ever was.
    """
    if key not in backend.read([*key.ancestors(), key]):  # one alone would be brought back
        next(backend.history(key, limit=1))


def _above_deleted(backend: Backend, kind: Kind, pieces: list[str]) -> Key | None:
    """Returns the living record above that a reference spells out; None if it does not."""
    above = {Kind.RUN: Kind.EXPERIMENT, Kind.EXECUTION: Kind.EXPERIMENT}.get(kind, Kind.PROJECT)
    if len(pieces) == 1 or kind is Kind.PROJECT:
        return None
    try:
        return destination(backend, recall(backend, above, "/".join(pieces[:-1])))
    except NotFoundError:
        return None


def _search(backend: Backend, kind: Kind, text: str, at: str | None) -> Key:
    """Returns the only key that fits names of which some are left out or shortened."""
    pieces, deepest = pieces_of(text, kind)
    prefix = _start(backend, pieces, deepest, at)
    keys = list(backend.scan(prefix, kind=kind, at=at))
    fitting = that_fit(keys, pieces)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise AmbiguousReferenceError(
            f"{quoted(text)} may be any of {len(fitting)} {kind}s", hint=candidates(fitting)
        )
    if prefix is not None and at is None:
        _check_not_deleted(backend, kind, prefix, pieces)
    raise NotFoundError(f"no {kind} {quoted(text)}", hint=what_is_near(text, keys, kind))


def _check_not_deleted(backend: Backend, kind: Kind, prefix: Key, pieces: list[str]) -> None:
    """Makes sure that names do not fit one deleted record; where no history is, none is known."""
    with suppress(UnsupportedError):
        gone = [deletion.key for deletion in backend.deletions(prefix, kind=kind)]
        if len(fitting := that_fit(gone, pieces)) == 1:
            raise _missing(backend, fitting[0], True, None)


def _start(backend: Backend, pieces: list[str], deepest: int, at: str | None) -> Key | None:
    """Returns the record to search below, if the reference spells it out."""
    if len(pieces) < deepest or len(pieces) == 1:
        return None
    above = Kind.PROJECT if deepest == 2 else Kind.EXPERIMENT
    return resolve(backend, above, "/".join(pieces[:-1]), at)


def _missing(backend: Backend, key: Key, deleted: bool, at: str | None) -> NotFoundError:
    if deleted:
        return NotFoundError(
            f"{key.kind} '{key}' was deleted",
            key=key,
            hint=f"to bring it back: padre-git restore {name_path(key)}",
        )
    if _has_children(backend, key, at):
        return NotFoundError(
            f"the document of {key.kind} '{key}' is missing",
            key=key,
            hint=f"what lies below is there; to restore it: padre-git repair {key.project}",
        )
    siblings = [one for one in backend.scan(key.parent, kind=key.kind, at=at) if one != key]
    if key.kind is Kind.PROJECT:
        siblings += backend.elsewhere()
    return NotFoundError(
        f"no {key.kind} '{key}'", key=key, hint=what_is_near(key.name, siblings, key.kind)
    )

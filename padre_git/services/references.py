"""References: what people type to mean a record, and what it means.

A reference is a key's text, a path of names, or a url: ``iris``, ``iris/svm-baseline``,
``iris/svm-baseline/k3v9x2``, ``iris/experiments/svm-baseline/runs/r-…``,
``https://host/lab/iris.git#experiments/svm-baseline``. Names in front may be left out as long as
what remains is unique; of the ids of runs and executions, and of their random parts, any unique
prefix is enough.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from padre_git.backends.base import Backend
from padre_git.errors import (
    AmbiguousReferenceError,
    InvalidInputError,
    InvalidNameError,
    NotFoundError,
)
from padre_git.format import decode
from padre_git.model import Entity, Key, Kind, Record, Tombstone
from padre_git.model.ids import short_id
from padre_git.model.names import quoted
from padre_git.services.loading import living_keys
from padre_git.vcs.remotes import RemoteLocation, without_user

__all__ = [
    "Target",
    "destination",
    "find",
    "follow",
    "parse_url",
    "recall",
    "resolve",
    "short_names",
]

_PIECE = re.compile(r"[\w.@+-]{1,250}")
_SHOWN = 8
_SHORTEST = 6
_IDS = (Kind.RUN, Kind.EXECUTION, Kind.ENVIRONMENT)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Is what a url names.

    Attributes:
        remote: the url of the project's repository.
        project: its name.
        path: the record's key below the project; empty for the project itself.
    """

    remote: str
    project: str
    path: str

    @property
    def reference(self) -> str:
        """The same record for the store that has the project."""
        return f"{self.project}/{self.path}" if self.path else self.project


def parse_url(text: str) -> Target | None:
    """Returns what a url names; None for a text that is no url."""
    remote, _, path = text.partition("#")
    if "://" not in remote and not (path and "/" in remote) and not remote.endswith(".git"):
        return None
    name = re.split(r"[/:]", remote.rstrip("/"))[-1].removesuffix(".git")
    return Target(remote=remote, project=name, path=path.strip("/"))


def resolve(
    backend: Backend, kind: Kind, reference: str | Key | Entity, at: str | None = None
) -> Key:
    """Returns the key of the living record of ``kind`` that a reference means.

    Raises:
        AmbiguousReferenceError: if it fits several; the hint lists them.
        NotFoundError: if it fits none; the hint has names that are near.
        InvalidInputError: if no record of this kind can have such a reference.
    """
    key = _spelled(backend, kind, reference)
    if key is not None:
        return follow(backend, key, at).key
    return _search(backend, kind, str(reference), at)


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
        return _of_kind(reference, kind)
    if not isinstance(reference, str):
        raise InvalidInputError(f"a reference is text, a key or an entity, not {quoted(reference)}")
    target = parse_url(reference)
    return (
        _exact(reference, kind) if target is None else _of_kind(_published(backend, target), kind)
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
    pieces, _ = _pieces(text, kind)
    prefix = _above_deleted(backend, kind, pieces)
    gone = [deletion.key for deletion in backend.deletions(prefix, kind=kind)]
    fitting = _fitting(gone, pieces)
    if len(fitting) > 1:
        raise AmbiguousReferenceError(
            f"{quoted(text)} may be any of {len(fitting)} deleted {kind}s",
            hint=_candidates(fitting),
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


def short_names(keys: Iterable[Key], siblings: Iterable[Key]) -> dict[Key, str]:
    """Returns the shortest part of each id, of at least 6 characters, that no sibling's id has.

    Args:
        keys: of one kind below one parent; for kinds that have names, those are returned.
        siblings: all keys of that kind and parent.
    """
    keys = list(keys)
    tails = sorted({_tail(key) for key in (*keys, *siblings)})
    return {key: key.name if key.kind not in _IDS else _short(_tail(key), tails) for key in keys}


def _short(own: str, tails: list[str]) -> str:
    at = bisect_left(tails, own)
    near = tails[max(0, at - 1) : at] + tails[at + 1 : at + 2]
    return own[: max(_SHORTEST, 1 + max((_common(own, other) for other in near), default=0))]


def _common(one: str, other: str) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def _of_kind(key: Key, kind: Kind) -> Key:
    if key.kind is kind:
        return key
    raise InvalidInputError(f"'{key}' is {key.kind.noun}, not {kind.noun}", key=key)


def _exact(text: str, kind: Kind) -> Key | None:
    """Returns the key that the text spells out in full, as a key or as names."""
    names = text.split("/")
    try:
        if len(names) % 2 and len(names) > 1 and names[1] in {k.directory for k in Kind}:
            return _of_kind(Key.parse(text), kind)
        if len(names) == 1 and kind is Kind.PROJECT:
            return Key.project_named(text)
        if len(names) == 2 and kind in (Kind.DATASET, Kind.EXPERIMENT, Kind.ENVIRONMENT):
            return Key.project_named(names[0]).child(kind, names[1])
        if len(names) == 3 and kind in (Kind.RUN, Kind.EXECUTION):
            return Key.project_named(names[0]).experiment(names[1]).child(kind, names[2])
    except InvalidNameError:
        return None
    return None


def _search(backend: Backend, kind: Kind, text: str, at: str | None) -> Key:
    """Returns the only key that fits names of which some are left out or shortened."""
    pieces, deepest = _pieces(text, kind)
    prefix = _start(backend, pieces, deepest, at)
    keys = list(backend.scan(prefix, kind=kind, at=at))
    fitting = _fitting(keys, pieces)
    if not fitting and prefix is None:  # it may be in a project that is not here yet
        keys = list(living_keys(backend, kind, below=None, at=at, skip=lambda skipped: None))
        fitting = _fitting(keys, pieces)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise AmbiguousReferenceError(
            f"{quoted(text)} may be any of {len(fitting)} {kind}s", hint=_candidates(fitting)
        )
    raise NotFoundError(f"no {kind} {quoted(text)}", hint=_near(text, keys, kind))


def _pieces(text: str, kind: Kind) -> tuple[list[str], int]:
    """Returns the names of a reference, and how many one of this kind has at most.

    Raises:
        InvalidInputError: if no record of this kind can have such a reference.
    """
    pieces = text.split("/")
    deepest = {Kind.PROJECT: 1, Kind.RUN: 3, Kind.EXECUTION: 3}.get(kind, 2)
    if not all(map(_PIECE.fullmatch, pieces)) or ".." in pieces:
        raise InvalidInputError(f"not a reference: {quoted(text)}", hint=_how(kind))
    if len(pieces) > deepest:
        raise InvalidInputError(f"not a reference to {kind.noun}: {quoted(text)}", hint=_how(kind))
    return pieces, deepest


def _start(backend: Backend, pieces: list[str], deepest: int, at: str | None) -> Key | None:
    """Returns the record to search below, if the reference spells it out."""
    if len(pieces) < deepest or len(pieces) == 1:
        return None
    above = Kind.PROJECT if deepest == 2 else Kind.EXPERIMENT
    return resolve(backend, above, "/".join(pieces[:-1]), at)


def _fitting(keys: list[Key], pieces: list[str]) -> list[Key]:
    """Returns the keys that fit; those of which the last piece is the whole name go first."""
    fitting = [key for key in keys if _fits(key, pieces)]
    return [key for key in fitting if pieces[-1] in (key.name, _tail(key))] or fitting


def _tail(key: Key) -> str:
    return short_id(key.name) if key.kind in _IDS else key.name


def _fits(key: Key, pieces: list[str]) -> bool:
    tail = pieces[-1]
    if key.kind in _IDS:
        if not (key.name.startswith(tail) or _tail(key).startswith(tail)):
            return False
    elif key.name != tail:
        return False
    above = [a.name for a in reversed(key.ancestors())]
    # a full path was followed to its start already, so that renamed experiments are found
    return len(pieces) > len(above) or all(piece in above for piece in pieces[:-1])


def _missing(backend: Backend, key: Key, deleted: bool, at: str | None) -> NotFoundError:
    if deleted:
        return NotFoundError(
            f"{key.kind} '{key}' was deleted",
            key=key,
            hint=f"to bring it back: padre-git restore {_name_path(key)}",
        )
    siblings = backend.scan(key.parent, kind=key.kind, at=at)
    return NotFoundError(
        f"no {key.kind} '{key}'", key=key, hint=_near(key.name, list(siblings), key.kind)
    )


def _near(text: str, keys: list[Key], kind: Kind) -> str:
    if not keys:
        return f"there are no {kind}s"
    names = {_name_path(key): _name_path(key) for key in keys}
    names |= {_tail(key): _name_path(key) for key in keys}
    near = difflib.get_close_matches(text.lower(), list(names), n=5, cutoff=0.5)
    if near:
        return f"is it {' or '.join(dict.fromkeys(repr(names[n]) for n in near))}?"
    if len(keys) == 1:
        return f"the only {kind} is '{_name_path(keys[0])}'"
    return f"there are {len(keys)} {kind}s, such as '{_name_path(keys[0])}'"


def _name_path(key: Key) -> str:
    return "/".join(k.name for k in [*reversed(key.ancestors()), key])


def _candidates(keys: list[Key]) -> str:
    shown = [f"'{_name_path(key)}'" for key in keys[:_SHOWN]]
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return f"is it {', '.join(shown)}{more}?"


def _how(kind: Kind) -> str:
    examples: dict[Any, str] = {
        Kind.PROJECT: "iris",
        Kind.DATASET: "iris/iris-data",
        Kind.EXPERIMENT: "iris/svm-baseline",
        Kind.EXECUTION: "iris/svm-baseline/x-3f9c2a71b0de",
        Kind.RUN: "iris/svm-baseline/k3v9x2",
        Kind.ENVIRONMENT: "iris/e-41c09be2d7f3",
    }
    return f"{kind.noun} is meant by its name, id, key or url, such as '{examples[kind]}'"

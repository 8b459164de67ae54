"""Spelling: the texts by which people mean records, for themselves; nothing is looked up.

What a text says in full, which keys it fits, the shortest text for a key, and what is near to a
text that fits none. :mod:`.references` finds records by them.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from padre_git.errors import InvalidInputError, InvalidNameError
from padre_git.model import Key, Kind
from padre_git.model.ids import short_id
from padre_git.model.names import quoted

__all__ = [
    "Target",
    "candidates",
    "name_path",
    "of_kind",
    "parse_url",
    "pieces_of",
    "short_names",
    "spelled_out",
    "that_fit",
    "what_is_near",
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


def of_kind(key: Key, kind: Kind) -> Key:
    """Returns a key if it is one of this kind.

    Raises:
        InvalidInputError: if it is not.
    """
    if key.kind is kind:
        return key
    raise InvalidInputError(f"'{key}' is {key.kind.noun}, not {kind.noun}", key=key)


def spelled_out(text: str, kind: Kind) -> Key | None:
    """Returns the key that the text spells out in full, as a key or as names."""
    names = text.split("/")
    try:
        if len(names) % 2 and len(names) > 1 and names[1] in {k.directory for k in Kind}:
            return of_kind(Key.parse(text), kind)
        if len(names) == 1 and kind is Kind.PROJECT:
            return Key.project_named(text)
        if len(names) == 2 and kind in (Kind.DATASET, Kind.EXPERIMENT, Kind.ENVIRONMENT):
            return Key.project_named(names[0]).child(kind, names[1])
        if len(names) == 3 and kind in (Kind.RUN, Kind.EXECUTION):
            return Key.project_named(names[0]).experiment(names[1]).child(kind, names[2])
    except InvalidNameError:
        return None
    return None


def pieces_of(text: str, kind: Kind) -> tuple[list[str], int]:
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


def that_fit(keys: list[Key], pieces: list[str]) -> list[Key]:
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


def what_is_near(text: str, keys: list[Key], kind: Kind) -> str:
    """Returns a hint for a text that fits none of these keys."""
    if not keys:
        return f"there are no {kind}s"
    names = {name_path(key): name_path(key) for key in keys}
    names |= {_tail(key): name_path(key) for key in keys}
    near = difflib.get_close_matches(text.lower(), list(names), n=5, cutoff=0.5)
    if near:
        return f"is it {' or '.join(dict.fromkeys(repr(names[n]) for n in near))}?"
    if len(keys) == 1:
        return f"the only {kind} is '{name_path(keys[0])}'"
    return f"there are {len(keys)} {kind}s, such as '{name_path(keys[0])}'"


def name_path(key: Key) -> str:
    """Returns the names from the project down to a record, as people type them."""
    return "/".join(k.name for k in [*reversed(key.ancestors()), key])


def candidates(keys: list[Key]) -> str:
    """Returns a hint for a text that fits all of these keys."""
    shown = [f"'{name_path(key)}'" for key in keys[:_SHOWN]]
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

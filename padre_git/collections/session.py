"""The session: what the collections of one store share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, Protocol, TypeVar

from padre_git.bus import Bus
from padre_git.errors import (
    AmbiguousReferenceError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
)
from padre_git.messages import Recall, Resolve, Seek
from padre_git.model import Entity, Key, Kind, Record
from padre_git.model.values import FrozenMapping
from padre_git.services.spelling import parse_url

__all__ = ["Ref", "Session", "Unit"]

#: What means a record: what people type, a key, or an entity that was read.
Ref = str | Key | Entity

T = TypeVar("T")
_NONE: Mapping[str, bytes | None] = FrozenMapping()
_DEPTHS = {Kind.PROJECT: 1, Kind.RUN: 3, Kind.EXECUTION: 3}
_DIRECTORIES = frozenset(kind.directory for kind in Kind)


class Unit(Protocol):
    """Collects what will be written together."""

    def put(self, entity: Any, parts: Mapping[str, bytes | None] = _NONE) -> Any:
        """Will store an entity and further files of its record; returns it with its id."""

    def pending(self, key: Key) -> tuple[Any, Record] | None:
        """Returns what will be stored under a key; None if that is not changed."""

    def data(self, make: Callable[[], AbstractContextManager[T]]) -> T:
        """Returns the project's data; what ``make`` gives first is left before the commit."""

    def afterwards(self, do: Callable[[], None]) -> None:
        """Will do something that nothing can take back, when everything is committed."""

    def delete(self, ref: Ref) -> None:
        """Will delete a record."""


class Session:
    """Holds the bus, and the transaction that this thread has open.

    Args:
        bus: where commands go.
        locally: returns a block in which nothing waits for a network.
    """

    def __init__(
        self, bus: Bus, *, locally: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        self.bus = bus
        self.locally = locally
        self._open = threading.local()

    @property
    def unit(self) -> Unit | None:
        """The transaction that is open in this thread; None if there is none."""
        return getattr(self._open, "unit", None)

    @unit.setter
    def unit(self, unit: Unit | None) -> None:
        self._open.unit = unit

    def check_no_unit(self, what: str) -> None:
        """Makes sure that what would be written at once is not written in a transaction.

        Raises:
            InvalidInputError: if this thread has one open.
        """
        if self.unit is not None:
            raise InvalidInputError(
                f"cannot {what} in a transaction", hint="do it before or after the block"
            )

    def resolve(
        self,
        ref: Ref,
        kinds: Sequence[Kind],
        *,
        at: str | None = None,
        by: type[Resolve | Recall] = Resolve,
    ) -> Key:
        """Returns the key that a reference means; its depth says the kind.

        Args:
            ref: what somebody typed, a key or an entity.
            kinds: what it may be; of several kinds of one depth only one may fit.
            at: a state.
            by: the command that looks: among living records, or deleted ones.

        Raises:
            AmbiguousReferenceError, InvalidInputError, NotFoundError: see
                :func:`padre_git.services.references.resolve`.
            RemoteError: see :meth:`insist`.
        """
        return self.insist(lambda: self._resolve(ref, kinds, at, by))

    def insist(self, look: Callable[[], T]) -> T:
        """Returns what a read finds; the remote is asked once more for a project that is not here.

        Raises:
            NotFoundError: if there is no such thing.
            RemoteError: if that cannot be said, since the remote cannot be asked.
        """
        begun = time.monotonic()
        try:
            return look()
        except NotFoundError as error:
            if error.key is None:
                raise
            project = error.key.partition("/")[0]
            if not self.bus.send(Seek(subject=Kind.PROJECT, project=project, since=begun)):
                raise
        return look()

    def _resolve(
        self, ref: Ref, kinds: Sequence[Kind], at: str | None, by: type[Resolve | Recall]
    ) -> Key:
        failures: list[NotFoundError] = []
        for group in _candidates(ref, kinds):
            found, missing = self._fitting(ref, group, at, by)
            failures += missing
            if found:
                break
        if len(found) > 1:
            names = " or ".join(f"the {key.kind} '{key}'" for key in found)
            raise AmbiguousReferenceError(f"'{ref}' may be several things", hint=f"is it {names}?")
        if not found:
            raise failures[0]
        return found[0]

    def recollect(self, ref: Ref, kinds: Sequence[Kind]) -> Key:
        """Returns the key that a reference means, of a deleted record if no living one fits.

        Raises:
            AmbiguousReferenceError, InvalidInputError, NotFoundError: as :meth:`resolve`.
        """
        try:
            return self.resolve(ref, kinds)
        except NotFoundError as error:
            with suppress(NotFoundError, UnsupportedError):
                return self.resolve(ref, kinds, by=Recall)
            raise error from None

    def _fitting(
        self, ref: Ref, kinds: Sequence[Kind], at: str | None, by: type[Resolve | Recall]
    ) -> tuple[list[Key], list[NotFoundError]]:
        found, failures = [], []
        for kind in kinds:
            try:
                found.append(self.bus.send(by(subject=kind, reference=ref, at=at)))
            except NotFoundError as error:
                failures.append(error)
        return found, failures


def _candidates(ref: Ref, kinds: Sequence[Kind]) -> list[list[Kind]]:
    """Returns the kinds that a reference fits by its depth, then those it may be short for."""
    if not isinstance(ref, str):
        key = ref.key if isinstance(ref, Entity) else ref
        return [_only(getattr(key, "kind", None), ref, kinds)]
    target = parse_url(ref)
    names = (target.reference if target else ref).split("/")
    if len(names) % 2 and len(names) > 1 and names[1] in _DIRECTORIES:
        return [_only(Key.parse("/".join(names)).kind, ref, kinds)]
    depths = range(len(names), max(_DEPTHS.values()) + 1)
    groups = [[kind for kind in kinds if _DEPTHS.get(kind, 2) == depth] for depth in depths]
    if not any(groups):
        what = " or ".join(kinds)
        raise InvalidInputError(
            f"not a reference to a {what}: '{ref}'", hint=f"it is too deep: name the {what} alone"
        )
    return [group for group in groups if group]


def _only(kind: Kind | None, ref: object, kinds: Sequence[Kind]) -> list[Kind]:
    if kind is None or kind not in kinds:
        what = f"{kind.noun}" if kind else type(ref).__name__
        raise InvalidInputError(f"'{ref}' is {what}, not a {' or '.join(kinds)}")
    return [kind]

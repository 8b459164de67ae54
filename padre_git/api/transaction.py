"""Transactions: many puts and deletes of one project, one commit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

from padre_git.collections.session import Ref, Session
from padre_git.errors import ConflictError, InvalidInputError, NotFoundError
from padre_git.messages import Commit, Exists, Message, Op, Prepare
from padre_git.model import ABSENT, Change, Entity, Key, Kind, Record, Run
from padre_git.model.values import FrozenMapping
from padre_git.services.subjects import subject_text

__all__ = ["Transaction"]

T = TypeVar("T")
_ATTEMPTS = 5
_NONE: Mapping[str, bytes | None] = FrozenMapping()
_KINDS = (Kind.PROJECT, Kind.DATASET, Kind.EXPERIMENT, Kind.EXECUTION, Kind.RUN)


class Transaction:
    """Collects puts and deletes and writes all of them, or none, when its block ends.

    Inside the block the store's own ``put`` and ``delete`` join it, in this thread. Reads inside
    the block see the store as it was before. An exception that leaves the block drops everything.

    Args:
        session: of the store.
        project: the only project that it may change.
        message: the subject of the commit.
    """

    def __init__(self, session: Session, project: Key, message: object) -> None:
        self._session = session
        self._project = project
        if message is None:
            raise InvalidInputError("a transaction has a message that says what it is for")
        self._message = Message(op=Op.PUT, subject=subject_text(message, ""))
        self._entities: dict[Key, Entity] = {}
        self._changes: dict[Key, Change] = {}
        self._known: set[Key] = set()
        self._parts: dict[Key, Mapping[str, bytes | None]] = {}
        self._shared = ExitStack()
        self._data: Any = None
        self._after: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        if self._session.unit is not None:
            raise InvalidInputError("a transaction inside a transaction")
        self._session.unit = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._session.unit = None
        self._shared.__exit__(kind, error, tb)
        if kind is None and self._changes:
            self._commit()
            for do in self._after:
                do()

    def put(self, entity: Any, parts: Mapping[str, bytes | None] = _NONE) -> Any:
        """Will store an entity; returns it with its id, and without a revision.

        Args:
            entity: to store.
            parts: further files of its record by name; None takes one away.

        Raises:
            InvalidInputError: if it cannot be stored, or is of another project.
            NotFoundError: if it is a run without execution.
        """
        kind = _kind_of(entity)
        known = getattr(entity, "id", "") is not None
        parts = {**(self._parts.get(entity.key, _NONE) if known else _NONE), **parts}
        change = self._session.bus.send(Prepare(subject=kind, entity=entity, parts=parts))
        self._check(change.key)
        if kind is Kind.RUN:
            self._check_execution(entity)
        entity = _with_id(entity, change.key)
        before = self._changes.get(change.key)
        if before is not None:
            change = dataclasses.replace(change, expected=before.expected)
        self._changes[change.key] = change
        self._entities[change.key] = entity
        self._parts[change.key] = parts
        return entity.stamped(revision=None)

    def pending(self, key: Key) -> tuple[Any, Record] | None:
        """Returns what will be stored under a key; None if that is not changed."""
        change = self._changes.get(key)
        if change is None or change.files is None:
            return None
        return self._entities[key], Record(key=key, files=change.files)

    def data(self, make: Callable[[], AbstractContextManager[T]]) -> T:
        """Returns the project's data; what ``make`` gives first is left before the commit."""
        if self._data is None:
            self._data = self._shared.enter_context(make())
        found: T = self._data
        return found

    def afterwards(self, do: Callable[[], None]) -> None:
        """Will do something that nothing can take back, when everything is committed."""
        self._after.append(do)

    def delete(self, ref: Ref) -> None:
        """Will delete a record of the store with what lies below it, here and on the remote.

        Raises:
            InvalidInputError: if it is of another project.
            NotFoundError: if the store has no such record.
        """
        key = self._session.resolve(ref, _KINDS)
        self._check(key)
        if key.kind is Kind.EXECUTION:
            raise InvalidInputError(
                f"cannot delete '{key}' in a transaction", key=key, hint="delete it by itself"
            )
        for below in [k for k in self._changes if key.contains(k)]:
            del self._changes[below]
            self._entities.pop(below, None)
            self._parts.pop(below, None)
        self._changes[key] = Change(key=key, files=None)

    def _check(self, key: Key) -> None:
        if key.project != self._project.name:
            raise InvalidInputError(
                f"'{key}' is not of the project '{self._project}'",
                key=key,
                hint="a transaction writes to one project; open one for each",
            )

    def _check_execution(self, run: Run) -> None:
        key = run.execution
        if key in self._changes or key in self._known:
            return
        if not self._session.bus.send(Exists(subject=key.kind, key=key)):
            raise NotFoundError(f"no execution '{key}'", key=key, hint="put the execution first")
        self._known.add(key)

    def _commit(self) -> None:
        """Writes everything; what has no revision is prepared anew if somebody was faster."""
        for _ in range(_ATTEMPTS - 1):
            try:
                self._send()
            except ConflictError:
                if not self._renew():
                    raise
            else:
                return
        self._send()

    def _send(self) -> None:
        changes = list(self._changes.values())
        command = Commit(subject=changes[0].key.kind, changes=changes, message=self._message)
        self._session.bus.send(command)

    def _renew(self) -> bool:
        """Prepares what may be stored over anything again; returns whether that could help."""
        renewed = False
        for key, entity in self._entities.items():
            if entity.revision is None:
                again = Prepare(subject=key.kind, entity=entity, parts=self._parts[key])
                change = self._session.bus.send(again)
                renewed |= change != self._changes[key]
                self._changes[key] = change
        return renewed


def _kind_of(entity: object) -> Kind:
    if isinstance(entity, Entity):
        for kind in Kind:
            if type(entity).__name__.lower() == kind.value:
                return kind
    raise InvalidInputError(f"not an entity: {type(entity).__name__}")


def _with_id(entity: Any, key: Key) -> Any:
    if getattr(entity, "id", key.name) is not None:
        return entity
    # nobody else can have an id that was just minted
    revision = ABSENT if key.kind is Kind.RUN else None
    return entity.stamped(id=key.name, revision=revision)

"""Pointing: which data a record has, changed however many others change it at the same time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from padre_git.collections import Session
from padre_git.errors import ConflictError
from padre_git.format import decode
from padre_git.messages import Commit, Message, Op, Prepare, Read
from padre_git.model import Dataset, Key, Kind, Record

if TYPE_CHECKING:
    from padre_git.artifacts import Pointer, ProjectData

__all__ = ["DIRECTORIES", "Edit", "Pointing", "pointer_of"]

#: The directory (or file) that the pointer of a record stands for.
DIRECTORIES = {Kind.RUN: "artifacts", Kind.DATASET: "data", Kind.EXECUTION: "code"}
#: Returns the pointer of a record after a change; None takes it away.
Edit = Callable[["ProjectData", "Pointer | None"], "Pointer | None"]
_ATTEMPTS = 12
_PAUSE = 0.01
_LONGEST_PAUSE = 0.5


def pointer_of(record: Record) -> Pointer | None:
    """Returns what stands for the data of a record; None for a record without."""
    from padre_git.artifacts import read_pointer

    part = f"{DIRECTORIES[record.key.kind]}.dvc"
    text = record.files.get(part)
    return None if text is None else read_pointer(text, file=f"{record.key}/{part}")


class Pointing:
    """Changes the pointers of records.

    Args:
        session: of the store.
        data_of: returns what keeps the data of a record's project.
    """

    def __init__(self, session: Session, data_of: Callable[[Key], ProjectData]) -> None:
        self._session = session
        self._data_of = data_of

    def edit(self, key: Key, edit: Edit, subject: str) -> None:
        """Stores what an edit makes of a record's pointer, again while others are quicker.

        Args:
            key: the record.
            edit: may be called several times.
            subject: of the commit.

        Raises:
            ConflictError: if others changed the record all the while.
        """
        if self._session.unit is not None:
            entity, record = self._session.unit.pending(key) or self._read(key)
            self._session.unit.put(*self._edited(key, entity, record, edit))
            return
        for attempt in range(_ATTEMPTS):
            try:
                self._commit(key, edit, subject)
            except ConflictError:
                if attempt == _ATTEMPTS - 1:
                    raise
                # others add something meanwhile; who waits a random while meets them less often
                time.sleep(random.uniform(0, min(_PAUSE * 2**attempt, _LONGEST_PAUSE)))  # noqa: S311
            else:
                return

    def _commit(self, key: Key, edit: Edit, subject: str) -> None:
        entity, parts = self._edited(key, *self._read(key), edit)
        bus = self._session.bus
        change = bus.send(Prepare(subject=key.kind, entity=entity, parts=parts))
        message = Message(op=Op.PUT, subject=subject)
        bus.send(Commit(subject=key.kind, changes=[change], message=message))

    def _read(self, key: Key) -> tuple[Any, Record]:
        record = self._session.bus.send(Read(subject=key.kind, key=key))
        return decode(record), record

    def _edited(
        self, key: Key, entity: Any, record: Record, edit: Edit
    ) -> tuple[Any, dict[str, bytes | None]]:
        from padre_git.artifacts import write_pointer

        pointer = edit(self._data_of(key), pointer_of(record))
        if isinstance(entity, Dataset):
            entity = entity.replace(version=None if pointer is None else f"md5:{pointer.md5}")
        part = f"{DIRECTORIES[key.kind]}.dvc"
        return entity, {part: None if pointer is None else write_pointer(pointer)}

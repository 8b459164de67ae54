"""Handing over: a change set and what became of it as bytes, for another process to write it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from padre_git.backends.checks import check_files
from padre_git.backends.records import Records
from padre_git.backends.urls import keep_urls
from padre_git.messages import Author, Message, Op
from padre_git.model import Change, ChangeSet, Key

__all__ = ["ALONE", "Amend", "Write", "answer_of", "as_they_are", "read_answer", "read_request"]

#: Completes a change set by the records that it goes on.
Amend = Callable[[ChangeSet, Records], ChangeSet]
#: The answer that says: write it yourself, and learn what is wrong with it.
ALONE = b""


def as_they_are(changes: ChangeSet, records: Records) -> ChangeSet:
    """Returns a change set as it is."""
    return changes


#: What a request can ask for besides what it says.
_AMENDS: Mapping[str, Amend] = {"as they are": as_they_are, "keep urls": keep_urls}


@dataclass(frozen=True, kw_only=True)
class Write:
    """Is one change set to be written.

    Attributes:
        changes: what changes.
        message: what the log shall say.
        amend: completes it.
    """

    changes: ChangeSet
    message: Message
    amend: Amend = as_they_are

    @property
    def can_be_shared(self) -> bool:
        """Whether others may write it, with writes of their own; a record that moves is alone."""
        moves = any(change.moved_from is not None for change in self.changes)
        return not moves and self.amend in _AMENDS.values()

    def request(self, author: Author, now: datetime) -> bytes:
        """Returns it as bytes, for :func:`read_request`.

        Args:
            author: by whom it is if the message does not say.
            now: when it is done if the message does not say.
        """
        author = self.message.author or author
        contents = [data for c in self.changes for data in (c.files or {}).values()]
        head = {
            "amend": next(name for name, amend in _AMENDS.items() if amend is self.amend),
            "op": self.message.op,
            "subject": self.message.subject,
            "author": [author.name, author.email],
            "time": (self.message.time or now).isoformat(),
            "changes": [_plain(change) for change in self.changes],
        }
        return json.dumps(head).encode() + b"\n" + b"".join(contents)


def _plain(change: Change) -> list[Any]:
    sizes = None if change.files is None else {n: len(data) for n, data in change.files.items()}
    moved_to = None if change.moved_to is None else str(change.moved_to)
    return [str(change.key), change.expected, moved_to, sizes]


def read_request(content: bytes) -> Write:
    """Returns what :meth:`Write.request` said, checked as if it came from a stranger.

    Raises:
        Exception: of some kind, if it cannot be understood or may not be stored.
    """
    text, _, rest = content.partition(b"\n")
    head = json.loads(text)
    changes, at = [], 0
    for key, expected, moved_to, sizes in head["changes"]:
        files: dict[str, bytes] | None = None if sizes is None else {}
        for name, size in (sizes or {}).items():
            assert files is not None  # noqa: S101 - there are sizes
            files[name] = rest[at : at + size]
            at += size
        changes.append(
            Change(
                key=Key.parse(key),
                files=files,
                expected=expected,
                moved_to=None if moved_to is None else Key.parse(moved_to),
            )
        )
    name, email = head["author"]
    message = Message(
        op=Op(head["op"]),
        subject=str(head["subject"]),
        author=Author(name=str(name), email=str(email)),
        time=datetime.fromisoformat(head["time"]),
    )
    found = ChangeSet(changes=tuple(changes))
    check_files(found)
    return Write(changes=found, message=message, amend=_AMENDS[head["amend"]])


def answer_of(revisions: Mapping[Key, str | None]) -> bytes:
    """Returns what became of a write as bytes."""
    return json.dumps({str(key): revision for key, revision in revisions.items()}).encode()


def read_answer(content: bytes) -> dict[Key, str | None]:
    """Returns what :func:`answer_of` said."""
    return {Key.parse(key): revision for key, revision in json.loads(content).items()}

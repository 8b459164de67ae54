"""Annotating: tags and notes of runs that have ended, beside their documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import cast

from padre_git.backends.base import Backend
from padre_git.bus import Bus
from padre_git.errors import InvalidInputError, NotFoundError
from padre_git.format import decode
from padre_git.format.annotations import decode_tag, encode_tag, is_tag_part, new_note_name
from padre_git.messages import Annotate, Message, Op
from padre_git.model import Kind, Record, Run
from padre_git.services.applying import Applier
from padre_git.services.subjects import named

__all__ = ["Annotating"]


class Annotating:
    """Answers :class:`Annotate`, without touching or reading any run's document.

    Args:
        backend: where runs are.
        bus: what it listens to and reports on.
        clock: returns the time, with zone.
    """

    def __init__(self, backend: Backend, bus: Bus, clock: Callable[[], datetime]) -> None:
        self._applier = Applier(backend, bus)
        self._clock = clock
        bus.handle(Annotate, Kind.RUN, self.annotate)

    def annotate(self, command: Annotate[Run]) -> Run:
        """Handles :class:`Annotate`."""
        tags = dict(command.tags)
        if not all(map(_says_something, command.notes)):
            raise InvalidInputError("a note is text that says something", key=command.key)

        def files(record: Record) -> Mapping[str, bytes]:
            found = dict(record.files)
            for name, value in tags.items():
                _untag(found, name, record, must=value is None)
                if value is not None:
                    part, content = encode_tag(name, value)
                    found[part] = content
            for text in command.notes:
                taken = [name.removeprefix("notes/") for name in found]
                found[f"notes/{new_note_name(self._clock(), taken=taken)}"] = text.encode()
            return found

        subject = f"{named(command.key)}: {_said(command)}"
        record = self._applier.edit(command.key, files, Message(op=Op.PUT, subject=subject))
        return cast("Run", decode(record))


def _untag(files: dict[str, bytes], name: str, record: Record, *, must: bool) -> None:
    parts = [p for p in files if is_tag_part(p) and decode_tag(p, files[p])[0] == name]
    if must and not parts:
        raise NotFoundError(f"no tag '{name}' on '{record.key}'", key=record.key)
    for part in parts:
        del files[part]


def _says_something(note: object) -> bool:
    return isinstance(note, str) and bool(note.strip())


def _said(command: Annotate[Run]) -> str:
    said = [f"untag {name}" for name, value in command.tags.items() if value is None]
    said += [
        f"tag {name}={value}" if value else f"tag {name}"
        for name, value in command.tags.items()
        if value is not None
    ]
    return ", ".join([*said, *("note" for _ in command.notes)]) or "nothing"

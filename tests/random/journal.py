"""What a person says about each deed: before it begins, and how it went."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

__all__ = ["ALL", "Deed", "Journal", "Outcome", "Trace", "Write", "read_journal"]


#: Stands for every field of a thing.
ALL = "*"


class Outcome(StrEnum):
    """How a deed went, as far as the person knows."""

    #: It returned: what it promised must be true.
    DONE = "done"
    #: It raised: it may have happened, but not twice.
    FAILED = "failed"
    #: The process was killed: the same.
    UNKNOWN = "unknown"
    #: It ended in something that no deed may end in.
    BROKEN = "broken"


class Trace(StrEnum):
    """By what the commit of a deed is found in the history."""

    #: Its subject has the deed's name in it.
    SUBJECT = "subject"
    #: It names the deed's operation and key, and the person is its author.
    TRAILERS = "trailers"
    #: It leaves none.
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Write:
    """Is one value that a deed gives to one field of one thing.

    Attributes:
        thing: what the record is called whatever its name is at the moment: the origin of an
            experiment, the id of a run, the path of a file.
        field: a field; ``exists`` for the record itself, ``tag x`` and ``note x`` for what is
            beside a document.
        value: what it is given.
        below: the experiment that it lies in, if it is a run.
    """

    thing: str
    field: str
    value: Any
    below: str | None = None


@dataclass(kw_only=True)
class Deed:
    """Is one thing that a person did.

    Attributes:
        who: the person.
        name: unique among all deeds, such as ``ada-17``.
        what: such as ``put run``.
        trace: see :class:`Trace`.
        op: the operation that its commit names.
        key: the key that its commit names.
        ending: how the subject of its commit ends.
        writes: what becomes true.
        outcome: see :class:`Outcome`.
        error: the class and the text of what was raised.
        took: seconds.
    """

    who: str
    name: str
    what: str
    trace: Trace = Trace.NOTHING
    op: str = ""
    key: str = ""
    ending: str = ""
    writes: list[Write] = field(default_factory=list)
    outcome: Outcome = Outcome.UNKNOWN
    error: str = ""
    took: float = 0.0


class Journal:
    """Is written line by line, so that it says everything up to where its process was killed."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def write(self, deed: Deed) -> None:
        """Writes a deed as it stands: once before it begins, once when it is over."""
        self._file.write(json.dumps(asdict(deed)) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Ends the journal."""
        self._file.close()


def read_journal(path: Path) -> Iterator[Deed]:
    """Yields the deeds of a journal in their order, each with what was said of it last."""
    last: dict[str, Deed] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        writes = [Write(**write) for write in entry.pop("writes")]
        entry["trace"], entry["outcome"] = Trace(entry["trace"]), Outcome(entry["outcome"])
        deed = Deed(writes=writes, **entry)
        last[deed.name] = deed
    yield from last.values()

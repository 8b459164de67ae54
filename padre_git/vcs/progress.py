"""Progress: what git says of a transfer while it runs, as numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Step", "Watch", "step_of"]

_LINE = re.compile(
    r"(?:remote: )?(?P<what>[A-Z][A-Za-z -]{2,40}): +"
    r"(?:(?P<percent>\d{1,3})% \((?P<done>\d{1,15})/(?P<total>\d{1,15})\)|(?P<count>\d{1,15}))"
    r"(?:, (?P<detail>[\d.]+ (?:bytes|[KMGT]iB)(?: \| [\d.]+ (?:bytes|[KMGT]iB)/s)?))?"
    r"(?:, done\.)?\s*"
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """Is how far one part of a transfer is.

    Attributes:
        what: its name in git's words, such as ``Receiving objects``.
        done: how many are done.
        total: of how many; None if nobody knows.
        detail: size and speed in git's words; empty if it says none.
    """

    what: str
    done: int
    total: int | None
    detail: str = ""


#: Hears of every step.
Watch = Callable[[Step], None]


def step_of(line: str) -> Step | None:
    """Returns the step that a line of git's standard error tells; None for any other line."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    return Step(
        what=found["what"],
        done=int(found["done"] or found["count"]),
        total=int(found["total"]) if found["total"] else None,
        detail=found["detail"] or "",
    )

"""Times as text: RFC 3339 in UTC, with microseconds only where there are any."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from padre_git.errors import InvalidValueError

__all__ = ["read_time", "write_time"]

_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"([Zz]|[-+][0-9]{2}:[0-9]{2})"
)


def write_time(at: datetime) -> str:
    """Returns ``at`` as ``2026-11-21T10:15:00Z`` or ``2026-11-21T10:15:00.250000Z``.

    Raises:
        InvalidValueError: if it has no time zone.
    """
    if at.tzinfo is None:
        raise InvalidValueError(
            f"cannot write the time '{at}': it has no time zone",
            hint="use datetime.now(timezone.utc)",
        )
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


def read_time(text: str) -> datetime:
    """Returns the time that an RFC 3339 text with an offset names, in UTC.

    Raises:
        ValueError: if it is no such text.
    """
    if not _TIME.fullmatch(text):
        raise ValueError("is not a time like '2026-11-21T10:15:00Z'")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"is not a time: {error}") from error

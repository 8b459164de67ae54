"""Ids: minted for runs, computed from content for executions and environments."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime

from padre_git.errors import InvalidNameError
from padre_git.model.names import quoted

__all__ = ["check_id", "content_id", "is_id", "new_run_id", "run_month", "short_id"]

#: Crockford's base 32 in lower case: no i, l, o, u, so that ids can be read aloud.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM = 12
_PATTERNS = {
    "run": re.compile(
        r"r-([0-9]{4})(0[1-9]|1[0-2])([0-2][0-9]|3[01])t[0-9]{6}-[0-9abcdefghjkmnp-tv-z]{12}"
    ),
    "execution": re.compile(r"x-[0-9a-f]{12}"),
    "environment": re.compile(r"e-[0-9a-f]{12}"),
}
_FORMS = {
    "run": "it is 'r-', a time and 12 digits or letters, as in r-20261121t101500-k3v9x2m7q4tz",
    "execution": "it is 'x-' and 12 digits of a hash, as in x-3f9c2a71b0de",
    "environment": "it is 'e-' and 12 digits of a hash, as in e-41c09be2d7f3",
}


def new_run_id(at: datetime) -> str:
    """Returns a fresh run id: the UTC time ``at`` and 60 random bits."""
    stamp = at.astimezone(UTC).strftime("%Y%m%dt%H%M%S")
    bits = secrets.randbits(5 * _RANDOM)
    return f"r-{stamp}-" + "".join(ALPHABET[bits >> 5 * n & 31] for n in range(_RANDOM))


def content_id(prefix: str, document: bytes) -> str:
    """Returns ``prefix`` and the first 12 hex digits of the SHA-256 of ``document``."""
    return f"{prefix}-{hashlib.sha256(document).hexdigest()[:12]}"


def check_id(text: object, what: str) -> str:
    """Returns ``text`` if it is an id of ``what``: "run", "execution" or "environment".

    Raises:
        InvalidNameError: if it is not.
    """
    if isinstance(text, str) and is_id(text, what):
        return text
    raise InvalidNameError(f"invalid {what} id: {quoted(text)}", hint=_FORMS[what])


def is_id(text: str, what: str) -> bool:
    """Returns whether ``text`` is an id of ``what``."""
    return _PATTERNS[what].fullmatch(text) is not None


def run_month(run_id: str) -> tuple[str, str, str]:
    """Returns year-month, day and random part of a run id, from which its shard is chosen."""
    return f"{run_id[2:6]}-{run_id[6:8]}", run_id[8:10], run_id[18:]


def short_id(record_id: str) -> str:
    """Returns the part of an id that people type: the random or the hashed one."""
    return record_id.rpartition("-")[2]

"""Calls: a request sent until there is an answer, through redirects and as servers ask for."""

from __future__ import annotations

import time

from padre_git.errors import RemoteError, RemoteUnavailableError
from padre_git.hosts.redirects import MOST, redirected
from padre_git.hosts.wire import Bounds, Request, Response, send

__all__ = ["call"]

_REPEATABLE = frozenset(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
_TRIES = 4
_LONGEST_WAIT = 30.0


def call(request: Request, bounds: Bounds) -> Response:
    """Returns the answer to a request after redirects and, where a server asks for it, waiting.

    Args:
        request: what to send.
        bounds: what all of it may take.

    Raises:
        RemoteUnavailableError: if nobody answers in time.
        RemoteError: if a redirect is not to be followed, or the answer is too large.
    """
    ends = time.monotonic() + bounds.total
    for _ in range(_TRIES):
        response = _followed(request, bounds, ends)
        wait = _wait(request, response)
        if wait is None or wait > min(_LONGEST_WAIT, ends - time.monotonic()):
            break
        time.sleep(wait)
    return response


def _followed(request: Request, bounds: Bounds, ends: float) -> Response:
    for _ in range(MOST + 1):
        left = ends - time.monotonic()
        if left <= 0:
            raise RemoteUnavailableError(f"no answer within {bounds.total:g} seconds")
        response = send(request, bounds, left)
        onward = redirected(request, response)
        if onward is None:
            return response
        request = onward
    raise RemoteError(f"sent on more than {MOST} times", hint="give the address of the host itself")


def _wait(request: Request, response: Response) -> float | None:
    """Returns after how many seconds to ask again; None if that is not to be done."""
    if response.status != 429 and not (response.status == 503 and request.method in _REPEATABLE):
        return None
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    try:
        return max(0.0, Retry().parse_retry_after(response.headers.get("retry-after", "")))
    except (InvalidHeader, ValueError, OverflowError):
        return None

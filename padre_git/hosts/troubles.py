"""Troubles: what failed on the wire, and what a status means, as our own errors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from padre_git.errors import (
    AlreadyExistsError,
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    PadreGitError,
    RemoteError,
    RemoteUnavailableError,
    RemoteUntrustedError,
)
from padre_git.hosts.wire import Response
from padre_git.vcs.network import readable

__all__ = ["check", "explain", "words_of"]

_LONGEST = 300
_SHORTEST_SECRET = 4
_CERTIFICATES = (
    "for a certificate of your own set SSL_CERT_FILE (and GIT_SSL_CAINFO for git) to its file"
)
_TRY_LATER = "what is here stands; try again later"
_HINTS: dict[int, str] = {
    401: "the password is wrong or the token has expired: authenticate again",
    403: "this account may not do that: a token may lack a scope, a project a role",
}
_ERRORS: dict[int, type[PadreGitError]] = {
    400: InvalidInputError,
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    407: AuthenticationError,
    408: RemoteUnavailableError,
    409: AlreadyExistsError,
    410: NotFoundError,
    422: InvalidInputError,
    429: RemoteUnavailableError,
}


def explain(error: BaseException, url: str) -> PadreGitError:
    """Returns a new error for what happened on the wire; it knows nothing of the old one."""
    import ssl

    from urllib3 import exceptions as http

    host = urlsplit(url).netloc
    if isinstance(error, PadreGitError):
        return error.with_traceback(None)
    chain = list(_chain(error))
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            text = f"'{host}' cannot prove who it is: {readable(cause.verify_message)}"
            return RemoteUntrustedError(text, hint=_CERTIFICATES)
    if any(isinstance(cause, http.ProxyError) for cause in chain):
        return RemoteUnavailableError(f"the proxy does not get through to '{host}'")
    if any(isinstance(cause, http.ReadTimeoutError | http.ConnectTimeoutError) for cause in chain):
        return RemoteUnavailableError(f"'{host}' did not answer in time", hint=_TRY_LATER)
    if any(isinstance(cause, http.NameResolutionError) for cause in chain):
        return RemoteUnavailableError(f"no host '{host}' is known", hint=_TRY_LATER)
    if isinstance(error, http.HTTPError | OSError):
        text = f"the connection to '{host}' failed: {_kind(chain)}"
        return RemoteUnavailableError(text, hint=_TRY_LATER)
    return RemoteError(f"asking '{host}' failed: {type(error).__name__}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            return
        yield seen
        inner = next((a for a in seen.args if isinstance(a, BaseException)), None)
        seen = inner or seen.__cause__ or seen.__context__


def _kind(chain: list[BaseException]) -> str:
    for error in chain:
        if isinstance(error, OSError) and error.strerror:
            return error.strerror.lower()
    return "it broke off"


def check(response: Response, *, secrets: Iterable[str] = ()) -> Response:
    """Returns an answer that is good, and raises what any other one means.

    Args:
        response: the answer.
        secrets: texts that are not repeated, even if the server does.

    Raises:
        AuthenticationError, NotFoundError, AlreadyExistsError, InvalidInputError,
        RemoteUnavailableError, RemoteError: as docs/http.rst has it in a table.
    """
    status = response.status
    if 200 <= status < 300:
        return response
    host = urlsplit(response.url).netloc
    kind = _ERRORS.get(status, RemoteUnavailableError if status >= 500 else RemoteError)
    hint = _HINTS.get(status)
    wait = response.headers.get("retry-after")
    if wait is not None and kind in {RemoteUnavailableError, AuthenticationError}:
        kind, hint = RemoteUnavailableError, f"it wants to be left alone: {readable(wait[:40])}"
    elif kind is RemoteUnavailableError:
        hint = _TRY_LATER
    words = words_of(response, secrets=secrets)
    raise kind(f"'{host}' answered {status}{words and ': '}{words}", hint=hint)


def words_of(response: Response, *, secrets: Iterable[str] = ()) -> str:
    """Returns what a server says of a failure, fit for one line; empty if it says nothing to us."""
    kind = response.headers.get("content-type", "")
    text = ""
    if "json" in kind:
        with suppress(ValueError, RecursionError):
            text = _said(json.loads(response.body))
    elif kind.startswith("text/plain"):
        text = response.text[: 4 * _LONGEST]
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "…")
    return "; ".join(filter(None, map(readable, text.splitlines())))[:_LONGEST]


def _said(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    for name in ("message", "error_description", "error", "errors", "detail"):
        if value.get(name):
            found = value[name]
            return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    return ""

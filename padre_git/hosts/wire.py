"""The wire: one HTTP request and its answer, bounded in time and in bytes.

Nothing is followed, kept or tried again here. A request runs in a thread of its own, because
nothing else bounds a name server that is silent or a server that drips. Errors are made new on
this side of it: what they are raised from would have the headers in its tracebacks.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from padre_git.errors import PadreGitError, RemoteError, RemoteUnavailableError
from padre_git.vcs.credentials import origin_of

if TYPE_CHECKING:
    import urllib3

__all__ = ["Bounds", "Request", "Response", "send"]

_CHUNK = 65_536


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Is what one call may take.

    Attributes:
        connect: seconds until a connection stands.
        read: seconds of silence.
        total: seconds for all of it, with redirects and waiting.
        size: bytes of the answer, unpacked.
    """

    connect: float = 10.0
    read: float = 30.0
    total: float = 120.0
    size: int = 64 * 2**20


@dataclass(frozen=True, kw_only=True)
class Request:
    """Is one request.

    Attributes:
        method: the verb.
        url: where to.
        headers: by name; values that are secret are ``Secret``.
        body: bytes to send; None for none.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Response:
    """Is what a server answered.

    Attributes:
        status: its number.
        headers: by name in lower case.
        body: all of it, unpacked.
        url: who answered, after redirects.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str

    @property
    def text(self) -> str:
        """The body as UTF-8; what is not is shown as a replacement character."""
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:
        """Returns the body as JSON.

        Raises:
            RemoteError: if it is none.
        """
        with suppress(ValueError, RecursionError):
            return json.loads(self.body)
        raise RemoteError(f"the answer of '{urlsplit(self.url).netloc}' is not JSON")


class _Call:
    """Is one request on its way, which can be given up."""

    def __init__(self, request: Request, bounds: Bounds, seconds: float) -> None:
        self.request = request
        self.bounds = bounds
        self.ends = time.monotonic() + seconds
        self.connections: list[Any] = []
        self.response: Response | None = None
        self.error: PadreGitError | None = None

    def run(self) -> None:
        from padre_git.hosts.troubles import explain

        try:
            self.response = self._answer()
        except BaseException as error:  # noqa: BLE001 - all of them are told on the other side
            self.error = explain(error, self.request.url)

    def give_up(self) -> None:
        for connection in self.connections:
            with suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _answer(self) -> Response:
        import urllib3

        timeout = urllib3.Timeout(connect=self.bounds.connect, read=self.bounds.read)
        with self._manager() as manager:
            answer = manager.urlopen(
                self.request.method,
                self.request.url,
                body=self.request.body,
                headers=dict(self.request.headers),
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=timeout,
            )
            body = b"".join(self._chunks(answer))
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(status=answer.status, headers=headers, body=body, url=self.request.url)

    def _chunks(self, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        length = 0
        while chunk := answer.read1(_CHUNK, decode_content=True):
            length += len(chunk)
            if length > self.bounds.size:
                answer.close()
                raise RemoteError(f"the answer is larger than {self.bounds.size} bytes")
            if time.monotonic() > self.ends:
                answer.close()
                return
            yield chunk

    def _manager(self) -> urllib3.PoolManager:
        """Returns what connects, through the proxy that the environment names, and remembers it."""
        import urllib3
        from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

        from padre_git.hosts.proxies import proxy_for

        proxy = proxy_for(self.request.url)
        manager = (
            urllib3.PoolManager()
            if proxy is None
            else urllib3.ProxyManager(proxy.url, proxy_headers=proxy.headers)
        )
        manager.pool_classes_by_scheme = {
            "http": self._watched(HTTPConnectionPool),
            "https": self._watched(HTTPSConnectionPool),
        }
        return manager

    def _watched(self, pool: type[Any]) -> type[Any]:
        """Returns a kind of pool whose connections this call knows."""
        seen = self.connections

        class Watched(pool.ConnectionCls):  # type: ignore[name-defined,misc]
            def connect(self) -> None:
                seen.append(self)
                super().connect()

        return type("Pool", (pool,), {"ConnectionCls": Watched})


def _is_read_alike(url: str) -> bool:
    """Returns whether what connects and what decides who may know a secret see the same host."""
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    try:
        seen = parse_url(url)
    except LocationParseError:
        return False
    port = "" if seen.port is None else f":{seen.port}"
    origin = origin_of(url)
    return origin is not None and origin == origin_of(f"{seen.scheme}://{seen.host}{port}")


def send(request: Request, bounds: Bounds, seconds: float) -> Response:
    """Sends a request and returns the answer, whatever its status is.

    Args:
        request: what to send.
        bounds: what the call may take.
        seconds: how much of ``bounds.total`` is left.

    Raises:
        RemoteUnavailableError: if nobody answers in time.
        RemoteError: if the answer is too large or the other side cannot prove who it is, or an
            address does not say clearly where it leads.
    """
    if not _is_read_alike(request.url):
        raise RemoteError("an address whose host can be read in two ways is not asked")
    call = _Call(request, bounds, seconds)
    thread = threading.Thread(target=call.run, name="padre-git-http", daemon=True)
    thread.start()
    try:
        thread.join(max(0.0, seconds))
    finally:
        if thread.is_alive():
            call.give_up()
    if call.error is not None:
        raise call.error
    if call.response is None or time.monotonic() > call.ends:
        raise RemoteUnavailableError(
            f"'{urlsplit(request.url).netloc}' did not answer within {seconds:.3g} seconds"
        )
    return call.response

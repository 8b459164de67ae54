"""Git hosts: whatever a server answers, we say what it means, in time, and tell no secret."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from functools import cache

from padre_git.errors import PadreGitError
from padre_git.hosts.client import Client
from padre_git.hosts.finding import Named
from padre_git.hosts.repositories import Repositories
from padre_git.hosts.wire import Bounds
from padre_git.vcs.credentials import Secret
from padre_git.vcs.remotes import RemoteLocation
from tests.fuzz.draw import Draw

__all__ = ["check_host", "host_seeds"]

_SECRET = "hunter2-s3cret"
_BOUNDS = Bounds(connect=2, read=0.5, total=2, size=100_000)
_NO_MEANING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STATUS = (200, 201, 204, 301, 302, 307, 401, 403, 404, 409, 422, 429, 500, 503, 200, 200)
_KINDS = ("application/json", "text/plain", "text/html", "application/x-git-receive-pack-result")
_HEADS = (
    "", "Location: {other}/x", "Location: /api/v1/user", "Retry-After: 9{number}",
    "Location: {number}", 'WWW-Authenticate: Bearer realm="{number}"', "Content-Encoding: gzip",
    "Transfer-Encoding: chunked", "Content-Length: 9{number}", "Location: //{number}@127.0.0.1:1/",
)  # fmt: skip


_NONE = b"\x08\0\0\0\0"


class _Server:
    """Is a host that answers what it is told to, byte by byte, and remembers what it was asked.

    Attributes:
        answers: what it says, one after the other; the last one again and again.
        asked: the heads of all requests.
    """

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.asked: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.settimeout(2)
                head = connection.recv(65_536)
                self.asked.append(head)
                left = self.answers
                connection.sendall(left.pop(0) if len(left) > 1 else left[0] if left else b"")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):
                    pass
            except OSError:
                pass


@cache
def _servers(_: int) -> tuple[_Server, _Server]:
    return _Server(), _Server()


def host_seeds() -> Iterator[bytes]:
    """Yields answers of the hosts that we know, and of others."""
    said = json.dumps({"version": "1.2", "installed_version": "3.1", "login": "ada", "sha1": "t0"})
    listed = json.dumps([{"full_name": "lab/iris", "path_with_namespace": "lab/iris", "id": 7}])
    for others in range(4):  # before the one whose API it is
        yield _seed(7, *[_NONE] * others, *[_drawn(said)] * 3, _drawn(listed), _drawn("[]"))
    told = json.dumps({"message": f"{_SECRET} \x1b[31m"})
    for text in (told, "[" * 3000, '{"a": 1e999}', "{", '"\\ud800"', ""):
        yield _seed(7, _drawn(said), _drawn(text))
        yield _seed(1, _drawn(said), *(bytes([how]) + _drawn(text)[1:] for how in range(6, 10)))
    for head in range(1, len(_HEADS)):
        answers = (bytes([how, 0, head]) + _drawn(said)[3:] for how in (0, 3, 5, 10, 13))
        yield _seed(3, _drawn(said), *answers)
    for raw in (b"HTTP/1.1 200 OK\r\n\r\n{}", b"HTTP/1.1 999 \x1b[31m\r\n\r\n", b"", b"\xff" * 90):
        yield _seed(7, _drawn(said), b"\xff" + bytes([len(raw)]) + raw)


def _seed(asked: int, *answers: bytes) -> bytes:
    return bytes([asked, len(answers) - 1]) + b"".join(answers)


def _drawn(text: str) -> bytes:
    body = text.encode()
    return b"\0\0\0" + len(body).to_bytes(2, "big") + body


def _answered(draw: Draw, other: str) -> bytes:
    how = draw.number(256)
    if how > 250:  # anything at all
        return draw.piece(200)
    status = _STATUS[how % len(_STATUS)]
    kind, head = _KINDS[draw.number(4) % len(_KINDS)], _HEADS[draw.number(len(_HEADS))]
    body = draw.piece(60_000)
    lines = [f"HTTP/1.1 {status} Said", f"Content-Type: {kind}", "Connection: close"]
    lines += [head.format(other=other, number=body[:1].hex())] if head else []
    return "\r\n".join([*lines, "", ""]).encode() + body


def check_host(data: bytes) -> None:
    """A host says something to every question: nothing but an error of ours, and no secret.

    Neither another host nor an error, nor what is shown of the client, has the secret.
    """
    draw = Draw(data)
    server, other = _servers(os.getpid())
    asked = draw.number(8)
    server.answers = [_answered(draw, other.url) for _ in range(draw.number(8) + 1)]
    other.answers = [_answered(draw, other.url)]
    server.asked.clear()
    other.asked.clear()
    named = Named(user="ada", secret=Secret(_SECRET))
    with Client(f"{server.url}/lab", bounds=_BOUNDS, named=lambda _: named) as client:
        _says(lambda: client.server, client)
        _says(client.authenticate, client)
        if asked & 1:
            _says(client.account, client)
        place = RemoteLocation.parse(f"{server.url}/lab")
        if asked & 2:
            _says(lambda: Repositories(client).projects(place, "main", "project.yaml"), client)
        if asked & 4:
            _says(lambda: Repositories(client).create(place, "iris", "main"), client)
    assert not any(b"authorization" in head.lower() for head in other.asked), other.asked


def _says(ask: Callable[[], object], client: Client) -> None:
    assert _SECRET not in repr(client)
    told = PadreGitError("")
    try:
        ask()
    except PadreGitError as error:
        told = error
    text = f"{told} {told!r} {told.hint}"
    assert _SECRET not in text, text
    assert _NO_MEANING.search(told.message) is None, told.message
    assert len(told.message) < 3000

"""git over smart HTTP with tokens, as forges serve it: they are made, expire and are revoked.

nginx serves git and asks a small endpoint of this process whether it may, for every request.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import secrets
import threading
import time
from dataclasses import dataclass, field, fields
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.servers import Server
from tests.servers.nginx import run_nginx
from tests.servers.processes import HOST, needs, workshop

__all__ = ["Right", "TokenServer", "Tokens", "start"]

_RULE = "auth_request /.permitted;"
_ASK = """
    location = /.permitted {{
      internal;
      proxy_pass http://{host}:{port}/;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header X-Original-URI $request_uri;
    }}
"""


class Right(StrEnum):
    """What the holder of a token may do."""

    READ = "read"
    WRITE = "write"


class Tokens:
    """Knows which tokens are good, until when, and for what."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Right]] = {}

    def issue(self, *, seconds: float = 3600.0, right: Right = Right.WRITE) -> str:
        """Makes a token that is good for some seconds."""
        token = f"tok_{secrets.token_hex(16)}"
        self._known[token] = (time.monotonic() + seconds, right)
        return token

    def revoke(self, token: str) -> None:
        """Makes a token worthless from the next request on."""
        self._known.pop(token, None)

    def answer(self, authorization: str, uri: str) -> int:
        """Returns the status of a request: 200, 401 without a good token, 403 without the right."""
        until, right = self._known.get(_token(authorization), (0.0, Right.READ))
        if time.monotonic() >= until:
            return 401
        return 403 if "git-receive-pack" in uri and right is not Right.WRITE else 200


@dataclass(frozen=True, kw_only=True)
class TokenServer(Server):
    """Is a place on a server that wants a token: with any user name, or as ``Bearer``.

    Attributes:
        tokens: those that it accepts; ``secret`` is one of them.
    """

    tokens: Tokens = field(repr=False)


def start(directory: Path) -> TokenServer:
    """Starts nginx, which serves the repositories below a directory to holders of a token."""
    needs("nginx")
    ends, tokens = contextlib.ExitStack(), Tokens()
    port = _permitting(ends, tokens)
    secret = tokens.issue(seconds=1e9)
    more = _ASK.format(host=HOST, port=port)
    server = run_nginx(ends, directory, folder=workshop(ends), rule=_RULE, secret=secret, more=more)
    return TokenServer(**{f.name: getattr(server, f.name) for f in fields(server)}, tokens=tokens)


def _token(authorization: str) -> str:
    kind, _, value = authorization.partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() != "basic":
        return ""
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password if user and colon else ""


def _permitting(ends: contextlib.ExitStack, tokens: Tokens) -> int:
    class Permission(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            uri = self.headers.get("X-Original-URI", "")
            status = tokens.answer(self.headers.get("Authorization", ""), uri)
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_POST = do_PUT = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Permission)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    ends.callback(thread.join)
    ends.callback(server.server_close)
    ends.callback(server.shutdown)
    return server.server_port

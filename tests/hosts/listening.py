"""A real HTTP server of the tests, which answers as it is told and remembers what it was asked."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["Asked", "Handler", "Listener", "certificate", "listening", "say_nothing"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Is one request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    listener: Listener
    asked: Asked

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked = Asked(method=self.command, path=self.path, headers=headers, body=body)
        self.listener.asked.append(self.asked)
        page = self.path.partition("?")[0]
        self.listener.answers.get(page, self.listener.otherwise)(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer

    def say(self, status: int, value: Any = None, **headers: str) -> None:
        """Sends an answer; a value that is no bytes is sent as JSON."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        if not isinstance(value, bytes):
            self.send_header("Content-Type", "application/json; charset=utf-8")
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@dataclass
class Listener:
    """Is the server: what it answers at which page, what it was asked, and whether it has ended."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    otherwise: Answer = lambda handler: handler.say(404, b"")
    over: threading.Event = field(default_factory=threading.Event)

    def on(self, page: str, status: int, value: Any = None, **headers: str) -> None:
        """Answers a page always alike."""
        self.answers[page] = lambda handler: handler.say(status, value, **headers)

    def in_turn(self, page: str, *answers: Answer) -> None:
        """Answers a page differently each time, and at the end as the last time."""
        left = list(answers)
        self.answers[page] = lambda handler: (left.pop(0) if len(left) > 1 else left[0])(handler)

    def heard(self, name: str) -> list[str]:
        """Returns the values of a header in everything that was asked."""
        return [asked.headers[name] for asked in self.asked if name in asked.headers]


def say_nothing(handler: Handler) -> None:
    """Answers nothing until the server ends."""
    handler.listener.over.wait()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that goes away in the middle is what some tests are about


@contextmanager
def listening(tls: Path | None = None, host: str = "127.0.0.1") -> Iterator[Listener]:
    """Runs a server on a free port; with TLS if it gets a certificate with its key."""
    listener = Listener()
    server = _Server((host, 0), type("Handler", (Handler,), {"listener": listener}))
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    listener.url = f"{'http' if tls is None else 'https'}://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield listener
    finally:
        listener.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(directory: Path) -> Path:
    """Makes a certificate of its own for this machine, with its key in the same file."""
    path = directory / "host.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", path, "-out", directory / "only.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + (directory / "only.crt").read_bytes())
    return path

"""Hosts that answer something else than git, and small clones to talk to them from."""

from __future__ import annotations

import contextlib
import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from padre_git.vcs.transport import Terms
from tests.conftest import git

__all__ = ["SHORT", "TRACKING", "Odd", "certificate", "commit", "new_clone", "odd_host", "proxied"]

TRACKING = "refs/remotes/origin/main"
SHORT = Terms(ask=2, silence=2)


class Odd:
    """Is what an odd host answers, whatever it is asked.

    Attributes:
        status: of every answer.
        headers: besides the length.
        body: the text.
        asked: the requests so far, ``GET /path``.
    """

    def __init__(
        self, status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.body = body
        self.headers = dict(headers or {})
        self.asked: list[str] = []


@contextlib.contextmanager
def odd_host(odd: Odd, *, certificate: Path | None = None) -> Iterator[str]:
    """Gives the address of a repository at a host that answers what it is told to."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            odd.asked.append(f"{self.command} {self.path}")
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(odd.status)
            for name, value in {"Content-Length": str(len(odd.body)), **odd.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(odd.body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    scheme = "http"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{scheme}://127.0.0.1:{server.server_port}/iris.git"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(directory: Path, name: str = "127.0.0.1") -> Path:
    """Makes a certificate that nobody has signed, with its key in the same file."""
    key, cert, both = (directory / f"{n}.pem" for n in ("key", "cert", "both"))
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]
    subprocess.run(
        ["openssl", *words, f"/CN={name}", "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


def new_clone(directory: Path) -> Path:
    """Makes a repository for a person."""
    git("init", "-q", "-b", "main", directory, cwd=directory.parent)
    return directory


def commit(clone: Path, text: str, content: bytes = b"") -> str:
    """Commits a file, and returns the commit."""
    (clone / f"{text}.txt").write_bytes(content or text.encode())
    git("add", "-A", cwd=clone)
    git("commit", "-qm", text, cwd=clone)
    return git("rev-parse", "HEAD", cwd=clone).strip()


def proxied(url: str, port: int, proxy: int) -> str:
    """Returns an address with the proxy's port in place of the server's."""
    assert f":{port}/" in url, url
    return url.replace(f":{port}/", f":{proxy}/")

"""What nginx and apache share: git's own HTTP program behind a socket, and credentials for it."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import time
from pathlib import Path

from tests.servers import Server
from tests.servers.processes import HOST, needs, started

__all__ = ["BACKEND", "USER", "credentials", "fastcgi", "passwords", "web_server"]

BACKEND = Path("/usr/lib/git-core/git-http-backend")
USER = "alice"
_GIT = """\
[safe]
\tdirectory = *
[http]
\treceivepack = true
"""


def fastcgi(ends: contextlib.ExitStack, folder: Path, log: Path) -> Path:
    """Starts the program that runs git for a web server, and returns the socket it listens on."""
    needs("fcgiwrap", "setpriv", BACKEND)
    path = folder / "git.sock"
    (folder / "gitconfig").write_text(_GIT)
    process = started(ends, ["fcgiwrap", "-f", "-c", "8", "-s", f"unix:{path}"], log)
    limit = time.monotonic() + 60
    while not path.is_socket():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < limit, "no socket"
        time.sleep(0.01)
    path.chmod(0o666)
    return path


def passwords(folder: Path) -> tuple[Path, str]:
    """Writes the file with the password of the one user, and returns it and the password."""
    needs("htpasswd")
    path, secret = folder / "passwords", secrets.token_hex(12)
    words = ["htpasswd", "-i", "-c", str(path), USER]
    subprocess.run(words, input=secret.encode(), check=True, capture_output=True)
    path.chmod(0o644)
    return path, secret


def credentials(port: int, secret: str) -> dict[str, str]:
    """Returns the environment in which git finds user and secret for one server."""
    helper = (
        '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n"'
        ' "$PADRE_TEST_USER" "$PADRE_TEST_SECRET"; :; }; f'
    )
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"credential.http://{HOST}:{port}.helper",
        "GIT_CONFIG_VALUE_0": helper,
        "PADRE_TEST_USER": USER,
        "PADRE_TEST_SECRET": secret,
    }


def web_server(
    ends: contextlib.ExitStack, repositories: Path, *, port: int, secret: str, log: Path
) -> Server:
    """Returns the server that listens on a port and serves the repositories of a directory."""
    return Server(
        base=f"http://{HOST}:{port}",
        directory=repositories,
        user=USER,
        secret=secret,
        environment=credentials(port, secret),
        host=HOST,
        port=port,
        log=log,
        ends=ends,
    )

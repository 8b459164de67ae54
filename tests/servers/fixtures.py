"""Fixtures: a fresh place on a real server for every test; servers start once, when asked."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import Server, apache, nginx, tokens
from tests.servers import sshd as ssh
from tests.servers.tokens import TokenServer

Running = Callable[[str], Server]
_STARTS: dict[str, Callable[[Path], Server]] = {
    "sshd": ssh.start,
    "nginx": nginx.start,
    "apache": apache.start,
    "tokens": tokens.start,
}
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Returns what gives a server by its name, started at the first call and ended at the end."""
    servers: dict[str, Server] = {}
    with contextlib.ExitStack() as ends:

        def running(name: str) -> Server:
            if name not in servers:
                servers[name] = _STARTS[name](tmp_path_factory.mktemp(name))
                ends.callback(servers[name].close)
            return servers[name]

        yield running


def _fresh(running: Running, name: str) -> Server:
    return running(name).fresh(f"lab{next(_numbers)}")


@pytest.fixture
def sshd(running_server: Running) -> Server:
    """Is a fresh place on an ssh server where the user has a shell."""
    return _fresh(running_server, "sshd")


@pytest.fixture
def sshd_kept(sshd: Server) -> Server:
    """Is the place of ``sshd`` over a connection that is kept, for tests that use it much."""
    return ssh.kept(sshd)


@pytest.fixture
def sshd_without_shell(sshd: Server) -> Server:
    """Is the place of ``sshd`` for somebody who may do nothing but git there."""
    return ssh.without_shell(sshd)


@pytest.fixture(name="nginx")
def nginx_server(running_server: Running) -> Server:
    """Is a fresh place on nginx, with a password."""
    return _fresh(running_server, "nginx")


@pytest.fixture(name="apache")
def apache_server(running_server: Running) -> Server:
    """Is a fresh place on apache, with a password."""
    return _fresh(running_server, "apache")


@pytest.fixture(params=["nginx", "apache"])
def http_server(running_server: Running, request: pytest.FixtureRequest) -> Server:
    """Is a fresh place on each web server, with a password."""
    return _fresh(running_server, request.param)


@pytest.fixture
def token_server(running_server: Running) -> TokenServer:
    """Is a fresh place on a web server that wants a token."""
    server = _fresh(running_server, "tokens")
    assert isinstance(server, TokenServer)
    return server

"""The dual layer does what every backend does over smart HTTP with a password, too.

The server's administrator makes repositories as projects come, as the API of a host would.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.backends import Backend
from padre_git.backends.git import GitBackend
from padre_git.backends.policy import Policy
from padre_git.hosts import Client
from padre_git.vcs.credentials import Login, Secret
from padre_git.vcs.remotes import RemoteLocation
from padre_git.vcs.transport import Terms
from tests.backends.dual_stores import Plain, fsck
from tests.backends.test_dual_conformance import DualSuite
from tests.servers import Server


class Administrator:
    """Lists and makes the repositories of a server on its own disk."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def projects(
        self, location: RemoteLocation, branch: str, document: str
    ) -> dict[str, bytes | None]:
        return dict.fromkeys(path.stem for path in self.server.directory.glob("*.git"))

    def create(self, location: RemoteLocation, project: str, branch: str) -> bool:
        if not self.server.bare(project).exists():
            self.server.create(project)
        return True


class OverHttp:
    """Makes dual layers over a web server; reopening is cloning everything from it elsewhere."""

    server: Server

    def opened(self, root: Path) -> Plain:
        client = Client(self.server.base)
        client._given = Login(
            origin=client.origin, user=self.server.user, secret=Secret(self.server.secret)
        )
        return Plain(
            GitBackend(root),
            client.location,
            policy=Policy.ALWAYS,
            terms=Terms(login=client.login),
            catalogue=Administrator(self.server),
        )

    def make_backend(self, directory: Path) -> Plain:
        return self.opened(directory / "clones")

    def another(self, backend: Backend) -> Plain:
        assert isinstance(backend, Plain)
        return self.opened(backend.local.root)

    def reopened(self, backend: Backend, directory: Path) -> Plain:
        assert isinstance(backend, Plain)
        backend.flush()
        other = self.opened(directory)
        for path in self.server.directory.glob("*.git"):
            fsck(path)
            other.pull(path.stem)
        return other


class TestOverNginx(OverHttp, DualSuite):
    scheme = "http"

    @pytest.fixture(autouse=True)
    def _start(self, nginx: Server, tmp_path: Path) -> Iterator[None]:
        self.server = nginx
        yield
        for config in tmp_path.rglob(".git/config"):
            assert self.server.secret not in config.read_text()


@pytest.mark.nightly
class TestOverApache(OverHttp, DualSuite):
    scheme = "http"

    @pytest.fixture(autouse=True)
    def _start(self, apache: Server) -> None:
        self.server = apache

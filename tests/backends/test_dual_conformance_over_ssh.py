"""The dual layer does what every backend does over ssh, where it makes its repositories itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.backends import Backend
from padre_git.vcs.remotes import RemoteLocation
from tests.backends.dual_stores import Plain, fsck
from tests.backends.test_dual_conformance import DualSuite, opened
from tests.servers import Server


@pytest.mark.nightly
class TestOverSsh(DualSuite):
    scheme = "ssh"
    server: Server

    @pytest.fixture(autouse=True)
    def _start(self, sshd_kept: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        sshd_kept.lend(monkeypatch)
        self.server = sshd_kept

    def make_backend(self, directory: Path) -> Plain:
        return opened(directory / "clones", RemoteLocation.parse(self.server.base))

    def another(self, backend: Backend) -> Plain:
        assert isinstance(backend, Plain)
        return opened(backend.local.root, backend.remote)

    def reopened(self, backend: Backend, directory: Path) -> Plain:
        assert isinstance(backend, Plain)
        backend.flush()
        other = opened(directory, backend.remote)
        for key in other.elsewhere():
            other.pull(key.project)
        for path in self.server.directory.glob("*.git"):
            fsck(path)
        return other

"""Real servers on a free port of this machine, for tests: sshd, nginx and apache serve plain git.

``start`` of each module returns a ``Server``; a test gets a fresh place on it from the fixtures of
``tests.servers.fixtures``. Everything lies in folders of the test run, and ends with it.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.conftest import git

__all__ = ["Server"]


@dataclass(frozen=True, kw_only=True)
class Server:
    """Is a place on a server where bare repositories are.

    Attributes:
        base: the URL of the place, without a user and without a secret.
        directory: the place on disk.
        user: who logs in.
        secret: the password or token; empty for ssh.
        environment: what a process needs in ``os.environ`` so that its git may talk to the server.
        host: the address that it listens on.
        port: the port that it listens on.
        short: the place in git's short form ``host:path``; empty unless it is ssh.
        log: the file with the server's own words.
    """

    base: str
    directory: Path
    user: str
    secret: str
    environment: dict[str, str] = field(repr=False)
    host: str
    port: int
    log: Path
    short: str = ""
    ends: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)

    def fresh(self, name: str) -> Server:
        """Returns a new empty place on the same server."""
        directory = self.directory / name
        directory.mkdir(mode=0o700)
        return replace(
            self,
            base=f"{self.base}/{name}",
            directory=directory,
            short=self.short and f"{self.short}/{name}",
            ends=contextlib.ExitStack(),
        )

    def lend(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lets git of this process, and of those that it starts, talk to the server."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)

    def url(self, project: str) -> str:
        """Returns the address of a project's repository."""
        return f"{self.base}/{project}.git"

    def bare(self, project: str) -> Path:
        """Returns the directory of a project's repository."""
        return self.directory / f"{project}.git"

    def create(self, project: str) -> Path:
        """Makes an empty repository as somebody who looks after the server does."""
        path = self.bare(project)
        git("init", "--quiet", "--bare", "--initial-branch=main", path, cwd=self.directory)
        return path

    def hook(self, project: str, name: str, script: str) -> Path:
        """Writes a hook of a project's repository, a script for ``sh``, and returns its path."""
        path = self.bare(project) / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        return path

    def close(self) -> None:
        """Ends the server; a place on one that others use, too, is left as it is."""
        self.ends.close()

"""The git backend passes the suite, and what is special about repositories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from padre_git.backends.git import GitBackend
from padre_git.testing import BackendSuite
from tests.backends.on_disk import OnDisk
from tests.conftest import git


class TestGit(BackendSuite, OnDisk):
    def make_backend(self, directory: Path) -> GitBackend:
        return GitBackend(directory)

    def another(self, backend: GitBackend) -> GitBackend:
        return GitBackend(backend.root)

    def reopened(self, backend: GitBackend, directory: Path) -> GitBackend:
        for project in sorted(backend.root.iterdir()):
            git("clone", "--quiet", project.as_uri(), directory / project.name, cwd=backend.root)
        return GitBackend(directory)

    def by_hand(self, backend: GitBackend, edit: Callable[[Path], None]) -> None:
        project = backend.root / "iris"
        edit(project)
        git("add", "--all", cwd=project)
        git("commit", "--quiet", "--message=by hand", cwd=project)

"""The file backend passes the suite, and what is special about plain directories."""

from __future__ import annotations

import shutil
from pathlib import Path

from padre_git.backends.file import FileBackend
from padre_git.testing import PresentSuite


class TestFile(PresentSuite):
    def make_backend(self, directory: Path) -> FileBackend:
        return FileBackend(directory)

    def another(self, backend: FileBackend) -> FileBackend:
        return FileBackend(backend.root)

    def reopened(self, backend: FileBackend, directory: Path) -> FileBackend:
        shutil.copytree(backend.root, directory)
        return FileBackend(directory)

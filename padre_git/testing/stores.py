"""What a suite needs to know of a backend, and the stores its tests begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.backends import Backend
from padre_git.model import Key
from padre_git.testing.documents import EXPERIMENT, IRIS, store

__all__ = ["Stores"]


class Stores:
    """Supplies backends to the tests of a suite; a suite for a backend overrides three methods."""

    def make_backend(self, directory: Path) -> Backend:
        """Returns an empty backend that keeps what it needs below ``directory``."""
        raise NotImplementedError

    def another(self, backend: Backend) -> Backend:
        """Returns a second backend on the same store, as another process would open it."""
        raise NotImplementedError

    def reopened(self, backend: Backend, directory: Path) -> Backend:
        """Returns a backend that sees only what ``backend`` made durable, read from outside.

        Args:
            backend: what was written to.
            directory: empty, for a copy.
        """
        raise NotImplementedError

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[Backend]:
        """An empty backend."""
        with self.make_backend(tmp_path / "store") as backend:
            yield backend

    @pytest.fixture
    def iris(self, backend: Backend) -> Key:
        """A project."""
        store(backend, IRIS)
        return IRIS

    @pytest.fixture
    def svm(self, backend: Backend, iris: Key) -> Key:
        """An experiment in the project."""
        store(backend, EXPERIMENT)
        return EXPERIMENT

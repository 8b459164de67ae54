"""A store over git repositories, without a remote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.api.opening import open_store
from padre_git.api.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store", policy="manual") as store:
        yield store


@pytest.fixture
def reopened(tmp_path: Path, store: Store) -> Iterator[Store]:
    """Another store over the same directory, which has seen nothing of the first."""
    with open_store(tmp_path / "store", policy="manual") as other:
        yield other

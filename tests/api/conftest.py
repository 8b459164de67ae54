"""A store over git repositories, without a remote."""

from __future__ import annotations

import os
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


@pytest.fixture(autouse=True)
def _no_batch_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgets the batch job that the tests may be running in."""
    for name in [n for n in os.environ if n.startswith(("SLURM_", "PBS_", "LSB_"))]:
        monkeypatch.delenv(name)

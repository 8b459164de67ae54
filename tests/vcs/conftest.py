"""What the tests of the git engine begin with, if a module has nothing else of that name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.vcs import Repository
from tests.vcs.clones import create


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Repository]:
    with create(tmp_path / "iris") as repository:
        yield repository

"""What the tests of backends share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.dual_stores import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Gives a directory of bare repositories, and checks at the end that none was damaged."""
    made = Lab(tmp_path)
    yield made
    made.close()

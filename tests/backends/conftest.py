"""What the tests of backends share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.dual_stores import Lab

#: Of what every backend does, so much is shown over the web before the night, too.
_SAMPLE = 4


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves most of the conformance over nginx to the night: only the way there is another."""
    over = [item for item in items if "::TestOverNginx::" in item.nodeid]
    for number, item in enumerate(over):
        if number % _SAMPLE:
            item.add_marker(pytest.mark.nightly)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Gives a directory of bare repositories, and checks at the end that none was damaged."""
    made = Lab(tmp_path)
    yield made
    made.close()

"""What the tests of backends share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.backends.policy import Policy
from padre_git.testing.documents import EXECUTION, EXPERIMENT, IRIS, store
from tests.backends.dual_stores import Lab
from tests.backends.settling import FLOWERS, RUN

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


@pytest.fixture
def ada(lab: Lab) -> DualLayer:
    """Has put a project with a run, and publishes at once."""
    opened = lab.store("ada")
    store(opened, IRIS, EXPERIMENT, EXECUTION, FLOWERS, RUN)
    return opened


@pytest.fixture
def ben(lab: Lab, ada: DualLayer) -> DualLayer:
    """Has a clone of it, and publishes when told to."""
    opened = lab.store("ben", policy=Policy.MANUAL)
    opened.pull("iris")
    return opened

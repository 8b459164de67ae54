"""Three clones, one remote, and something going wrong between the steps: nothing is lost."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.random.machine import ClonesMachine

#: How many stories the nightly run tells.
_EXAMPLES = int(os.environ.get("PADRE_TEST_EXAMPLES", "500"))


def told(examples: int, steps: int) -> settings:
    """Returns settings for so many stories of so many steps."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        verbosity=Verbosity.normal,
    )


def test_nothing_is_lost_whatever_goes_wrong_in_between() -> None:
    run_state_machine_as_test(ClonesMachine, settings=settings(told(8, 40), derandomize=True))


@pytest.mark.nightly
@pytest.mark.timeout(4 * 3600)
def test_nothing_is_lost_in_many_long_stories() -> None:
    run_state_machine_as_test(ClonesMachine, settings=told(_EXAMPLES, 60))

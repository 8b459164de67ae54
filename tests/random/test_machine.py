"""Three clones, one remote, and something going wrong between the steps: nothing is lost.

The long stories come in parts. ``make nightly ARGS="-k 'long_stories and 17'"`` tells one of them
again, as far as processes permit.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.random.machine import ClonesMachine

#: How many stories the nightly run tells, in so many parts of which each can be told again alone.
_EXAMPLES = int(os.environ.get("PADRE_TEST_EXAMPLES", "500"))
_PARTS = 50


def told(examples: int, steps: int) -> settings:
    """Returns settings for so many stories of so many steps."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


def test_nothing_is_lost_whatever_goes_wrong_in_between() -> None:
    run_state_machine_as_test(ClonesMachine, settings=settings(told(8, 40), derandomize=True))


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(_PARTS))
def test_nothing_is_lost_in_many_long_stories(part: int) -> None:
    machine = seed(part)(type("Part", (ClonesMachine,), {}))
    run_state_machine_as_test(machine, settings=told(_EXAMPLES // _PARTS, 60))

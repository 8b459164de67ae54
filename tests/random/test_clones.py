"""Six clones, one server, a bad network: whatever was acknowledged is there once in the end.

``PADRE_SEED=7 pytest tests/random -m ""`` tells one story again, as far as processes permit.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import git
from tests.random.journal import Deed
from tests.random.lab import Lab, Plan
from tests.random.verdict import complaints, read_final, read_history
from tests.servers import Server

_GIVEN = os.environ.get("PADRE_SEED")
SEEDS = [int(_GIVEN)] if _GIVEN else list(range(1, 21))


def tell(directory: Path, plan: Plan, server: Server | None, limit: float) -> None:
    """Lets people live, and judges what they leave behind."""
    print(f"\nPADRE_SEED={plan.seed} {plan}")
    begun = time.monotonic()
    lab = Lab(directory, plan, server)
    try:
        lab.found()
        lab.live(limit)
        lived = time.monotonic()
        lab.settle()
        deeds = list(lab.deeds())
        print(f"lived {lived - begun:.0f} s, settled {time.monotonic() - lived:.0f} s")
        print(summary(deeds))
        check_repositories(lab)
        final, twice = read_final(lab.bare, directory / "stranger")
        wrong = complaints(deeds, read_history(lab.bare), final, twice)
        assert not wrong, "\n".join(wrong)
        print(f"took {time.monotonic() - begun:.0f} s")
    finally:
        lab.close()


def summary(deeds: list[Deed]) -> str:
    """Returns how often what happened."""
    counted = Counter(f"{deed.outcome} {deed.error.partition(':')[0]}".strip() for deed in deeds)
    return ", ".join(f"{n} {what}" for what, n in counted.most_common())


def check_repositories(lab: Lab) -> None:
    """Makes sure that no push went backwards, and that every repository is sound and clean."""
    moves = git("reflog", "show", "--format=%H", "main", cwd=lab.bare).split()
    for new, old in itertools.pairwise(moves):
        assert git("merge-base", old, new, cwd=lab.bare).strip() == old, "a push went backwards"
    assert git("for-each-ref", "--format=%(refname)", cwd=lab.bare).split() == ["refs/heads/main"]
    for path in (lab.bare, *map(lab.clone, lab.people)):
        assert git("fsck", "--full", "--strict", "--no-dangling", cwd=path) == ""
    for name in lab.people:
        clone = lab.clone(name)
        assert git("status", "--porcelain", cwd=clone) == "", name
        assert git("symbolic-ref", "HEAD", cwd=clone).strip() == "refs/heads/main"
        assert not list((clone / ".git").rglob("*.lock")), name


def test_after_a_short_story_everything_is_there_once(tmp_path: Path, nginx: Server) -> None:
    seed = int(_GIVEN or 3)
    tell(tmp_path, Plan(seed=seed, people=3, steps=12), nginx, limit=90)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", SEEDS)
def test_after_a_long_story_everything_is_there_once(
    tmp_path: Path, request: pytest.FixtureRequest, seed: int
) -> None:
    server = request.getfixturevalue("nginx" if seed % 2 else "apache")
    tell(tmp_path, Plan(seed=seed, people=6, steps=50), server, limit=1500)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", SEEDS[:6])
def test_after_a_long_story_in_a_directory_everything_is_there_once(
    tmp_path: Path, seed: int
) -> None:
    tell(tmp_path, Plan(seed=seed, people=6, steps=50), None, limit=1500)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", SEEDS[:4])
def test_after_a_long_story_over_ssh_everything_is_there_once(
    tmp_path: Path, sshd: Server, seed: int
) -> None:
    tell(tmp_path, Plan(seed=seed, people=6, steps=50), sshd, limit=1500)

"""Every target holds for what was ever found to be interesting, and for what is like it."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.mutating import mutated
from tests.fuzz.targets import CORPUS, TARGETS

#: Thousandths of a second that each target may look around for.
_WHILE = 500


@pytest.mark.parametrize("name", TARGETS)
def test_it_holds_for_the_corpus(name: str) -> None:
    target = TARGETS[name]
    for seed in target.seeds():
        target.check(seed)
    for path in sorted((CORPUS / name).glob("*")):
        target.check(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_it_holds_around_the_corpus(name: str) -> None:
    _look_around(name, int(_WHILE / TARGETS[name].cost), random.Random(7))


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", TARGETS)
def test_it_holds_far_around_the_corpus(name: str) -> None:
    _look_around(name, int(60 * _WHILE / TARGETS[name].cost), random.Random())


def _look_around(name: str, count: int, chance: random.Random) -> None:
    target = TARGETS[name]
    known = [*target.seeds(), *(p.read_bytes() for p in sorted((CORPUS / name).glob("*")))]
    for _ in range(count):
        data = mutated(chance.choice(known), chance)
        try:
            target.check(data)
        except Exception as error:
            error.add_note(f"{name}: {data!r}")
            raise

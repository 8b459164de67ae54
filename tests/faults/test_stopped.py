"""Processes that stand still while they hold a lock: the others wait, and nobody loses anything."""

from __future__ import annotations

import random
import time
from pathlib import Path

import padre_git
from tests.conftest import git
from tests.faults.test_power_cuts import begin, check, writers

_RUNS = 15


def test_writers_that_are_stopped_and_go_on_lose_nothing_and_cost_nobody_a_run(
    tmp_path: Path,
) -> None:
    root = tmp_path / "store"
    begin(root)
    chance = random.Random(7)
    with writers(root, tmp_path, "abcd", str(_RUNS)) as four:
        for writer in four:
            writer.goes()
        for _ in range(8):
            time.sleep(chance.uniform(0.02, 0.15))
            stopped = chance.choice(four)
            stopped.stops()
            time.sleep(chance.uniform(0.2, 0.6))
            stopped.goes_on()
        acknowledged = [line for writer in four for line in writer.hears_all()]
    assert [line[0] for line in acknowledged].count("done") == 4
    assert [line[0] for line in acknowledged].count("run") == 4 * _RUNS
    check(root, acknowledged)
    with padre_git.open(root) as store:
        assert len(store.runs.list("iris/svm")) == 4 * _RUNS
    assert len(set(git("log", "--format=%H", cwd=root / "iris").split())) > 4 * _RUNS


def test_who_reads_does_not_wait_for_a_writer_that_stands_still(tmp_path: Path) -> None:
    root = tmp_path / "store"
    begin(root)
    with writers(root, tmp_path, "a", "1000000") as (one,):
        one.goes()
        assert one.hears()
        one.stops()
        with padre_git.open(root) as store:
            assert store.experiments.list()
        one.goes_on()
        assert one.hears()

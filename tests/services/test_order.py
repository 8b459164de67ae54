"""The order in which runs are listed."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from padre_git.messages import List
from padre_git.model import Execution, Key, Kind, Run
from tests.services.conftest import CODE, NOW, SVM, Desk

#: Ends of ids, and the microsecond in which each run was started.
SAME_SECOND = [("zzz", 1), ("000", 2), ("abc", 3)]


def put_run(desk: Desk, end: str, microsecond: int | None, second: int = 60) -> Key:
    at = NOW + timedelta(seconds=second)
    execution = Execution(experiment=SVM, code=CODE)
    (known,) = desk.send(List(subject=Kind.EXECUTION, parent=SVM)) or [desk.put(execution)]
    started = None if microsecond is None else at + timedelta(microseconds=microsecond)
    name = f"r-{at:%Y%m%dt%H%M%S}-{end * 4}"
    run: Run = desk.put(Run(execution=known.key, id=name, started=started))
    return run.key


def listed(desk: Desk, **query: object) -> list[Key]:
    return [run.key for run in desk.send(List(subject=Kind.RUN, **query))]  # type: ignore[arg-type]


@pytest.mark.parametrize("put_in", list(permutations(SAME_SECOND)))
def test_runs_of_one_second_are_listed_as_they_were_started(
    stocked: Desk, put_in: tuple[tuple[str, int], ...]
) -> None:
    before = listed(stocked)
    keys = {end: put_run(stocked, end, at) for end, at in put_in}
    in_order = [*before, keys["zzz"], keys["000"], keys["abc"]]
    assert listed(stocked) == listed(stocked, parent=SVM) == in_order
    assert listed(stocked, order_by="-status") == in_order  # all the same


def test_a_page_ends_where_it_should_even_within_a_second(stocked: Desk) -> None:
    for end, at in SAME_SECOND:
        put_run(stocked, end, at)
    everything = listed(stocked)
    for offset in range(6):
        for limit in range(7):
            page = listed(stocked, limit=limit, offset=offset)
            assert page == everything[offset : offset + limit]


def test_runs_that_do_not_say_when_they_began_come_last_by_their_ids(stocked: Desk) -> None:
    keys = [put_run(stocked, end, at) for end, at in (("abc", None), ("000", None), ("zzz", 5))]
    assert listed(stocked)[3:] == [keys[2], keys[1], keys[0]]


def test_a_run_given_a_later_id_is_listed_by_its_id(stocked: Desk) -> None:
    first = put_run(stocked, "abc", 10_000_000, second=60)
    second = put_run(stocked, "000", 0, second=61)
    assert listed(stocked)[3:] == [first, second]

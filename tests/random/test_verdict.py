"""The oracle sees what it is there to see: made-up stories in which one thing is wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.random.journal import Deed, Outcome, Trace, Write
from tests.random.verdict import Commit, History, complaints


def deed(name: str, outcome: Outcome = Outcome.DONE, **values: Any) -> Deed:
    """Returns a deed about one thing, ``x``."""
    writes = [Write(thing="x", field=field, value=value) for field, value in values.items()]
    who = name.partition("-")[0]
    return Deed(who=who, name=name, what="put", trace=Trace.SUBJECT, writes=writes, outcome=outcome)


def history(*commits: tuple[str, tuple[int, ...]]) -> History:
    """Returns a history of subjects and the numbers of their parents."""
    made: list[Commit] = []
    known: list[int] = []
    for number, (subject, parents) in enumerate(commits):
        bits = 1 << number
        for parent in parents:
            bits |= known[parent]
        known.append(bits)
        made.append(
            Commit(number=number, author="ada", subject=subject, op="put", keys=frozenset())
        )
    return History(made, known)


FIRST = deed("ada-1", exists=True, title="one")
SECOND = deed("ben-2", exists=True, title="two")
ONE_AFTER_THE_OTHER = history(("ada-1", ()), ("ben-2", (0,)))
SIDE_BY_SIDE = history(("base", ()), ("ada-1", (0,)), ("ben-2", (0,)), ("merge", (1, 2)))


def wrong(deeds: list[Deed], past: History, title: str | None) -> str:
    final = {} if title is None else {"x": {"exists": True, "title": title, "at": "x"}}
    return "\n".join(complaints(deeds, past, final, {}))


def test_what_was_done_and_is_there_is_right() -> None:
    assert wrong([FIRST, SECOND], ONE_AFTER_THE_OTHER, "two") == ""
    assert wrong([FIRST, SECOND], SIDE_BY_SIDE, "one") == ""
    assert wrong([FIRST, SECOND], SIDE_BY_SIDE, "two") == ""


def test_what_was_done_and_is_not_there_is_lost() -> None:
    assert "0 commits for ben-2" in wrong([FIRST, SECOND], history(("ada-1", ())), "one")


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNKNOWN])
def test_what_failed_may_be_there_or_not(outcome: Outcome) -> None:
    second = deed("ben-2", outcome, exists=True, title="two")
    assert wrong([FIRST, second], history(("ada-1", ())), "one") == ""
    assert wrong([FIRST, second], ONE_AFTER_THE_OTHER, "two") == ""


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.FAILED, Outcome.UNKNOWN])
def test_nothing_may_be_there_twice(outcome: Outcome) -> None:
    first = deed("ada-1", outcome, exists=True, title="one")
    assert "2 commits for ada-1" in wrong([first], history(("ada-1", ()), ("ada-1", (0,))), "one")


def test_a_value_that_somebody_who_knew_it_has_overwritten_must_not_come_back() -> None:
    assert "'x' has title: one" in wrong([FIRST, SECOND], ONE_AFTER_THE_OTHER, "one")


def test_a_value_that_nobody_gave_is_wrong() -> None:
    assert "'x' has title: three" in wrong([FIRST, SECOND], SIDE_BY_SIDE, "three")


def test_what_exists_must_not_go_and_what_was_deleted_must_not_come_back() -> None:
    away = deed("ben-2", exists=False)
    assert "'x' exists: False" in wrong([FIRST], history(("ada-1", ())), None)
    assert "'x' exists: True" in wrong([FIRST, away], ONE_AFTER_THE_OTHER, "one")
    assert wrong([FIRST, away], ONE_AFTER_THE_OTHER, None) == ""


def test_what_one_deleted_while_another_changed_it_may_be_either_way() -> None:
    away, changed = deed("ben-2", exists=False), deed("cleo-3", exists=True, title="three")
    past = history(("ada-1", ()), ("ben-2", (0,)), ("cleo-3", (0,)), ("merge", (1, 2)))
    for title in ("three", None):
        assert wrong([FIRST, away, changed], past, title) == ""


def test_what_adds_nothing_may_be_left_out_but_only_then() -> None:
    again = deed("ben-2", exists=True, title="one")
    assert wrong([FIRST, again], history(("ada-1", ())), "one") == ""
    later = deed("ben-3", exists=True, title="one")
    assert wrong([FIRST, SECOND, later], history(("ada-1", ())), "one") == ""
    assert "0 commits for ben-2" in wrong([SECOND, FIRST], history(("ada-1", ())), "one")


def test_a_deed_that_broke_is_told() -> None:
    broken = deed("ada-1", Outcome.BROKEN, exists=True, title="one")
    broken.error = "Traceback"
    assert "ada-1 (put): Traceback" in wrong([broken], history(("ada-1", ())), "one")


def test_what_was_left_uncommitted_must_not_be_lost() -> None:
    left = deed("ada-1", work="mine")
    left.trace = Trace.NOTHING
    final = {"x": {"exists": True, "content": "mine"}}
    committed = deed("ada-2", exists=True, content="mine")
    assert complaints([left, committed], history(("ada-2", ())), final, {}) == []
    final["x"]["content"] = "other"
    assert any("not {'mine'}" in text for text in complaints([left], history(), final, {}))


def test_what_somebody_decided_in_a_merge_may_be_either_side() -> None:
    past = history(("ada-1", ()), ("ben-2", (0,)), ("merge", (0, 1)))
    assert "x" in wrong([FIRST, SECOND], past, "one")
    merge = dataclasses.replace(past.commits[2], decided=frozenset(["iris/experiments/x"]))
    settled = History([*past.commits[:2], merge], [1, 3, 7])
    assert wrong([FIRST, SECOND], settled, "one") == ""
    assert wrong([FIRST, SECOND], settled, "two") == ""
    assert "x" in wrong([FIRST, SECOND], settled, "three")

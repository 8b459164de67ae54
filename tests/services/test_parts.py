"""Computations, splits, tags and notes."""

from __future__ import annotations

from typing import Any

import pytest

from padre_git.errors import InvalidInputError, NotFoundError, UnsupportedError
from padre_git.messages import (
    Annotate,
    Delete,
    DeleteMode,
    Get,
    List,
    Message,
    Op,
    Part,
    Put,
    Read,
    Skipped,
    Stored,
)
from padre_git.model import Change, ChangeSet, Computation, Key, Kind, Results, Split
from tests.services.conftest import IRIS, SVM, Desk

RUN = SVM.run("r-20261121t101500-aaaaaaaaaaaa")


def annotate(desk: Desk, **what: Any) -> Any:
    return desk.send(Annotate(subject=Kind.RUN, key=RUN, **what))


def split(number: int = 0, **fields: Any) -> Split:
    return Split(run=RUN, number=number, train=[0, 1, 2], test=[3, 4], **fields)


def put_split(desk: Desk, value: Split) -> Any:
    return desk.send(Put(subject=Part.SPLIT, value=value))


def put_computation(desk: Desk, name: str, **fields: Any) -> Any:
    value = Computation(run=RUN, name=name, **fields)
    return desk.send(Put(subject=Part.COMPUTATION, value=value))


def test_a_split_comes_back_with_its_results(stocked: Desk) -> None:
    results = Results(truth=[1, 0], predicted=[1, 1], probabilities=[[0.1, 0.9], [0.4, 0.6]])
    given = split(metrics={"accuracy": 0.5}, results=results)
    assert put_split(stocked, given) == given
    assert stocked.send(Get(subject=Part.SPLIT, key=RUN, name=0)) == given
    assert [type(event) for event in stocked.heard] == [Stored]


def test_splits_are_kept_in_the_order_of_their_numbers_and_replaced_by_number(
    stocked: Desk,
) -> None:
    put_split(stocked, split(1))
    put_split(stocked, split(0))
    put_split(stocked, split(1, metrics={"f1": 1}))
    found = stocked.send(List(subject=Part.SPLIT, parent=RUN))
    assert [(s.number, dict(s.metrics)) for s in found] == [(0, {}), (1, {"f1": 1})]


def test_splits_can_be_listed_for_everything_with_a_query(stocked: Desk) -> None:
    put_split(stocked, split(0, metrics={"f1": 0.5}))
    put_split(stocked, split(1, metrics={"f1": 0.9}))
    for parent in (None, IRIS, SVM):
        found = stocked.send(List(subject=Part.SPLIT, parent=parent, where="metrics.f1 > 0.6"))
        assert [s.number for s in found] == [1]
    ordered = stocked.send(List(subject=Part.SPLIT, order_by="-metrics.f1", limit=1))
    assert [s.number for s in ordered] == [1]


def test_corrupt_splits_of_one_run_do_not_hide_the_others(stocked: Desk) -> None:
    put_split(stocked, split(0))
    other = SVM.run("r-20261121t101501-bbbbbbbbbbbb")
    record = stocked.send(Read(subject=Kind.RUN, key=other))
    bad = Change(key=other, files={**record.files, "splits.yaml": b"schema: splits/1\n: x\n"})
    stocked.backend.apply(ChangeSet(changes=(bad,)), Message(op=Op.PUT, subject="oops"))
    stocked.heard.clear()
    assert len(stocked.send(List(subject=Part.SPLIT))) == 1
    assert [type(event) for event in stocked.heard] == [Skipped]


def test_a_deleted_split_is_gone_and_the_last_one_takes_its_files_along(stocked: Desk) -> None:
    before = stocked.send(Read(subject=Kind.RUN, key=RUN)).files
    put_split(stocked, split(0, results=Results(truth=[1, 0], predicted=[1, 0])))
    put_split(stocked, split(1))
    stocked.send(Delete(subject=Part.SPLIT, key=RUN, name=0))
    files = stocked.send(Read(subject=Kind.RUN, key=RUN)).files
    assert "results.csv" not in files
    stocked.send(Delete(subject=Part.SPLIT, key=RUN, name=1))
    assert stocked.send(Read(subject=Kind.RUN, key=RUN)).files == before
    with pytest.raises(NotFoundError, match="no split '1'") as caught:
        stocked.send(Get(subject=Part.SPLIT, key=RUN, name=1))
    assert "has no splits" in str(caught.value.hint)


def test_parts_are_deleted_everywhere_or_not_at_all(stocked: Desk) -> None:
    put_split(stocked, split(0))
    with pytest.raises(UnsupportedError, match="one side only"):
        stocked.send(Delete(subject=Part.SPLIT, key=RUN, name=0, mode=DeleteMode.LOCAL))


def test_computations_have_predecessors_in_the_same_run(stocked: Desk) -> None:
    put_computation(stocked, "prepare")
    stored = put_computation(stocked, "fit", predecessor="prepare", metrics={"loss": 0.5})
    assert stocked.send(Get(subject=Part.COMPUTATION, key=RUN, name="fit")) == stored  # D4
    with pytest.raises(InvalidInputError, match="no predecessor 'clean'"):
        put_computation(stocked, "test", predecessor="clean")
    with pytest.raises(InvalidInputError, match="no predecessor 'test'"):
        put_computation(stocked, "test", predecessor="test")
    with pytest.raises(InvalidInputError, match="no predecessor 'prepare'"):
        stocked.send(Delete(subject=Part.COMPUTATION, key=RUN, name="prepare"))
    found = stocked.send(List(subject=Part.COMPUTATION, where="metrics.loss < 1"))
    assert [c.name for c in found] == ["fit"]


def test_a_part_needs_its_run(stocked: Desk) -> None:
    nowhere = SVM.run("r-20261121t101500-zzzzzzzzzzzz")
    with pytest.raises(NotFoundError):
        put_split(stocked, Split(run=nowhere, number=0))
    with pytest.raises(InvalidInputError, match="not a split: dict"):
        stocked.send(Put(subject=Part.SPLIT, value={}))


def test_tags_and_notes_leave_the_document_alone(stocked: Desk) -> None:
    before = stocked.send(Read(subject=Kind.RUN, key=RUN)).files
    run = annotate(stocked, tags={"candidate": "", "table": "2"}, notes=["looks good"])
    assert dict(run.tags) == {"candidate": "", "table": "2"}
    assert [note.text for note in run.notes] == ["looks good"]
    after = stocked.send(Read(subject=Kind.RUN, key=RUN)).files
    assert {name: after[name] for name in before} == before
    assert dict(annotate(stocked, tags={"table": "3"}).tags) == {"candidate": "", "table": "3"}
    assert dict(annotate(stocked, tags={"candidate": None}).tags) == {"table": "3"}


@pytest.mark.parametrize(
    "what", [{"tags": {"a\nb": ""}}, {"tags": {"a": "\n"}}, {"notes": ["  "]}, {"notes": [3]}]
)
def test_bad_tags_and_notes_are_refused(stocked: Desk, what: dict[str, Any]) -> None:
    states = stocked.states()
    with pytest.raises(InvalidInputError):
        annotate(stocked, **what)
    assert stocked.states() == states


def test_a_tag_that_is_not_there_cannot_be_taken_away(stocked: Desk) -> None:
    with pytest.raises(NotFoundError, match="no tag 'best'"):
        annotate(stocked, tags={"best": None})


def test_two_people_tagging_at_once_both_succeed(stocked: Desk) -> None:
    backend, plain = stocked.backend, stocked.backend.apply
    others = iter([{"hers": ""}])

    def slow(changes: ChangeSet, message: Message) -> Any:
        backend.apply = plain  # type: ignore[method-assign]
        annotate(stocked, tags=next(others))
        return plain(changes, message)

    backend.apply = slow  # type: ignore[method-assign]
    assert dict(annotate(stocked, tags={"his": ""}).tags) == {"hers": "", "his": ""}


def test_keys_of_runs_only(stocked: Desk) -> None:
    with pytest.raises(InvalidInputError):
        Split(run=Key.project_named("iris"), number=0)

"""Inside one document: the order of names whichever side is which, and where doubt is."""

from __future__ import annotations

from typing import Any

import pytest

from padre_git.format import encode, write_document
from padre_git.format.fields import EVERYTHING, differs_in_url_only, merge_document
from padre_git.model import Experiment, Key, Kind

RUN = Key.parse("iris/experiments/svm/runs/r-20261121t101500-k3v9x2m7q4tz")
PLACE = (RUN, "metrics.yaml")


def metrics(**values: float) -> bytes:
    return write_document(values)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        # what one side put between others stays there
        ({"b": 1, "d": 1}, {"b": 1, "c": 2, "d": 1}, {"b": 1, "d": 3}, {"b": 1, "c": 2, "d": 3}),
        ({"b": 1, "d": 1}, {"a": 2, "b": 1, "d": 1}, {"b": 4, "d": 3}, {"a": 2, "b": 4, "d": 3}),
        # what both put there comes behind what was there, and no side is the first
        (
            {"b": 1, "d": 1},
            {"z": 1, "b": 1, "d": 1},
            {"b": 1, "c": 2, "d": 1},
            {"b": 1, "d": 1, "c": 2, "z": 1},
        ),
        # without anything new, everything stays where it was
        ({"b": 1, "a": 1}, {"b": 2, "a": 1}, {"b": 1, "a": 3}, {"b": 2, "a": 3}),
    ],
)
def test_the_order_is_the_same_whichever_side_is_which(
    base: dict[str, float],
    ours: dict[str, float],
    theirs: dict[str, float],
    merged: dict[str, float],
) -> None:
    expected: tuple[bytes | None, list[Any]] = (metrics(**merged), [])
    found = merge_document(PLACE, metrics(**base), metrics(**ours), metrics(**theirs))
    assert found == expected
    found = merge_document(PLACE, metrics(**base), metrics(**theirs), metrics(**ours))
    assert found == expected


def test_without_a_known_ancestor_every_difference_is_told() -> None:
    sides = (metrics(a=1, b=2), metrics(a=1, b=3))
    merged, found = merge_document(PLACE, metrics(a=1, b=2), *sides, doubt=EVERYTHING)
    assert [(field, c.field, c.base, c.ours, c.theirs) for field, c in found] == [
        ("b", "metrics.b", None, 2, 3)
    ]
    assert merged == sides[0]


SVM = Experiment(project="iris", name="svm", parameters={"C": 1, "kernel": {"name": "rbf"}})


@pytest.mark.parametrize(
    ("ours", "theirs", "doubt", "field"),
    [
        ({"C": 1, "kernel": {"name": "rbf"}}, {"C": 2, "kernel": {"name": "rbf"}}, "C", "C"),
        (
            {"C": 1, "kernel": {"name": "rbf"}},
            {"C": 1, "kernel": {"name": "poly"}},
            "kernel.name",
            "kernel.name",
        ),
        ({"C": 1, "kernel": "rbf"}, {"C": 1, "kernel": {"name": "rbf"}}, "kernel.name", "kernel"),
        ({"C": 1, "kernel": {"name": "rbf"}}, {"C": 1, "kernel": "rbf"}, "kernel.name", "kernel"),
    ],
)
def test_a_doubt_deep_inside_is_found_there(
    ours: dict[str, Any], theirs: dict[str, Any], doubt: str, field: str
) -> None:
    base, one, other = (
        encode(SVM.replace(parameters=values))["experiment.yaml"]
        for values in (SVM.parameters, ours, theirs)
    )
    place = (SVM.key, "experiment.yaml")
    assert merge_document(place, base, one, other)[1] == []
    merged, found = merge_document(
        place, base, one, other, doubt=frozenset([f"parameters.{doubt}"])
    )
    assert [field for field, _ in found] == [f"parameters.{field}"]
    assert merged == one


def test_comments_of_both_are_kept_whichever_side_is_which() -> None:
    base, one, other = (f"a: 1\n# {text}\nb: 2\n".encode() for text in ("old", "zebra", "ant"))
    merged, found = merge_document(PLACE, base, one, other)
    assert (merged, found) == merge_document(PLACE, base, other, one)
    assert merged == b"a: 1\n\n# ant\n# zebra\nb: 2\n"
    assert found == []


def test_only_a_document_differs_in_its_url_only() -> None:
    there, elsewhere = (b"schema: project/1\n\nurl: https://%s/x\n" % h for h in (b"a", b"b"))
    project = (Kind.PROJECT, "project.yaml")
    assert differs_in_url_only(*project, there, elsewhere) is True
    assert differs_in_url_only(*project, there, elsewhere + b"title: X\n") is False
    assert differs_in_url_only(*project, None, elsewhere) is False
    assert differs_in_url_only(*project, there, None) is False
    assert differs_in_url_only(*project, there, b"<<<<<<<\n") is False
    assert differs_in_url_only(Kind.RUN, "metrics.yaml", b"url: 1\n", b"url: 2\n") is False

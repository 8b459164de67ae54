"""Deleted records leave a document that says so, and where they went."""

from __future__ import annotations

import pytest

from padre_git.errors import DocumentError, UnsupportedFormatError
from padre_git.format import check_tombstone, encode, read_tombstone, tombstone
from padre_git.model import Experiment, Key, Project, Tombstone

EXPERIMENT = Key.parse("iris/experiments/svm")


@pytest.mark.parametrize(
    ("key", "target"),
    [
        ("iris/experiments/svm", "iris/experiments/svm-tuned"),
        ("iris/datasets/a", "iris/datasets/b"),
        (
            "iris/experiments/svm/runs/r-20261121t101500-k3v9x2m7q4tz",
            "iris/experiments/forest/runs/r-20261121t101500-k3v9x2m7q4tz",
        ),
        ("iris", "flowers"),
    ],
)
def test_a_tombstone_says_where_the_record_went(key: str, target: str) -> None:
    found = read_tombstone(tombstone(Key.parse(target)), Key.parse(key))
    assert found == Tombstone(key=Key.parse(key), moved_to=Key.parse(target))


def test_a_tombstone_looks_like_this() -> None:
    assert tombstone(None) == b"schema: deleted/1\n"
    assert tombstone(EXPERIMENT) == b"schema: deleted/1\n\nmoved_to: experiments/svm\n"
    assert tombstone(Key.parse("flowers")) == b"schema: deleted/1\n\nmoved_to: flowers\n"
    assert read_tombstone(tombstone(None), EXPERIMENT) == Tombstone(key=EXPERIMENT)


def test_it_survives_that_the_project_is_called_otherwise_elsewhere() -> None:
    found = read_tombstone(
        tombstone(Key.parse("iris/experiments/b")), Key.parse("copy/experiments/a")
    )
    assert found is not None
    assert found.moved_to == Key.parse("copy/experiments/b")


@pytest.mark.parametrize(
    "data",
    [
        encode(Experiment(project="iris", name="svm"))["experiment.yaml"],
        encode(Project(name="iris", title="deleted/1"))["project.yaml"],
        encode(Project(name="iris", description="a\nschema: deleted/1\n"))["project.yaml"],
        b"schema: run/1\n\ntitle: schema deleted/1\n",
    ],
)
def test_a_living_document_is_no_tombstone(data: bytes) -> None:
    assert read_tombstone(data, EXPERIMENT) is None


@pytest.mark.parametrize(
    "data", [b"", b"\xff\n", b"[[[[\n", b"<<<<<<< deleted/1\n", b"a: deleted/1"]
)
def test_what_is_no_document_at_all_is_for_the_reader_of_the_record(data: bytes) -> None:
    assert read_tombstone(data, EXPERIMENT) is None


def test_any_way_to_write_it_is_understood() -> None:
    for data in (b"{schema: deleted/1}\n", b"# gone\nmoved_to:\n\nschema: 'deleted/1'\n"):
        assert read_tombstone(data, EXPERIMENT) == Tombstone(key=EXPERIMENT)


WRONG = [
    ("moved_to: ../../etc\n", "invalid"),
    ("moved_to: experiments/svm/../x\n", "invalid"),
    ("moved_to: experiments/Con\n", "invalid"),
    ("moved_to: datasets/svm\n", "cannot move to a dataset"),
    ("moved_to: 5\n", "not text"),
    ("moved_to: [a]\n", "a list, not text"),
    ("why: no\n", "not a known key"),
]


@pytest.mark.parametrize(("body", "said"), WRONG)
def test_a_damaged_tombstone_is_reported_with_its_place(body: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said) as caught:
        check_tombstone(f"schema: deleted/1\n{body}".encode(), EXPERIMENT)
    assert caught.value.key == EXPERIMENT.text
    assert caught.value.file == "experiment.yaml"
    assert caught.value.line == 2


@pytest.mark.parametrize(("body", "said"), WRONG)
def test_a_damaged_tombstone_does_not_bring_the_record_back(body: str, said: str) -> None:
    data = f"schema: deleted/1\n{body}".encode()
    assert read_tombstone(data, EXPERIMENT) == Tombstone(key=EXPERIMENT)


def test_a_later_tombstone_is_one_and_is_reported_with_advice() -> None:
    data = b"schema: deleted/2\n\nwhen: now\n"
    assert read_tombstone(data, EXPERIMENT) == Tombstone(key=EXPERIMENT)
    with pytest.raises(UnsupportedFormatError, match="deleted/2"):
        check_tombstone(data, EXPERIMENT)


def test_a_good_tombstone_passes_the_check() -> None:
    check_tombstone(tombstone(None), EXPERIMENT)
    check_tombstone(tombstone(Key.parse("iris/experiments/b")), EXPERIMENT)
    with pytest.raises(DocumentError, match="not valid YAML"):
        check_tombstone(b"schema: deleted/1\n moved_to: x\n", EXPERIMENT)

"""What is kept of a record that is put again, and which records say the same."""

from __future__ import annotations

import pytest

from padre_git.errors import (
    UnsupportedFormatError,
)
from padre_git.format import decode, encode, same
from padre_git.model import (
    Experiment,
    Key,
    Kind,
    Note,
    Record,
)
from tests.format.test_codec import _record, _run

# ------------------------------------------------------------------------------ what is kept


def test_parts_that_an_entity_does_not_hold_are_kept() -> None:
    others = {
        "series.csv": b"step,time,loss\n",
        "artifacts.dvc": b"outs: []\n",
        "splits.yaml": b"schema: splits/1\n",
        "log.txt": b"\xff",
    }
    record = _record(_run(metrics={"a": 1}), **others)
    files = encode(_run(metrics={"a": 2}, title="new"), previous=record)
    assert {name: files[name] for name in others} == others
    assert files["metrics.yaml"] == b"a: 2\n"


def test_metrics_that_are_the_same_keep_their_bytes() -> None:
    by_hand = b"# after the fix\nb: 2.0\na: .NaN\n"
    record = _record(_run(), **{"metrics.yaml": by_hand})
    found = decode(record)
    assert encode(found.replace(title="x"), previous=record)["metrics.yaml"] is by_hand
    changed = encode(found.replace(metrics={"a": 1, "b": 2.0}), previous=record)
    assert changed["metrics.yaml"] == b"a: 1\n\n# after the fix\nb: 2.0\n"


def test_metrics_tags_and_notes_that_are_gone_go() -> None:
    full = _run(metrics={"a": 1}, tags={"t": "", "u": "1"}, notes=(Note(text="x", name="1.md"),))
    files = encode(_run(tags={"t": ""}), previous=_record(full))
    assert set(files) == {"run.yaml", "tags/t"}


def test_a_changed_tag_replaces_its_file() -> None:
    files = encode(_run(tags={"u": "2"}), previous=_record(_run(tags={"u": "1"})))
    assert set(files) == {"run.yaml", "tags/u=2"}


def test_a_tag_that_two_people_set_stays_two_files_until_somebody_decides() -> None:
    record = _record(_run(), **{"tags/u=1": b"", "tags/u=2": b"", "tags/v": b""})
    found = decode(record)
    assert found.tags == {"u": "1, 2", "v": ""}  # type: ignore[attr-defined]
    assert encode(found.replace(title="x"), previous=record).keys() == record.files.keys()
    decided = encode(found.replace(tags={"u": "3"}), previous=record)
    assert set(decided) == {"run.yaml", "tags/u=3"}


BY_HAND = b"""\
# what is it?
schema: 'experiment/1'
seed: 7
parameters: {C: 1.0, gamma: scale}  # defaults
# for the paper
title: "SVM"
# the end
"""


def test_a_document_whose_values_are_the_same_keeps_its_bytes() -> None:
    key = Key.parse("iris/experiments/svm")
    record = Record(key=key, files={"experiment.yaml": BY_HAND})
    found = decode(record)
    assert encode(found, previous=record)["experiment.yaml"] is record.files["experiment.yaml"]
    assert same(Kind.EXPERIMENT, record.files, encode(found))


def test_a_changed_document_is_written_anew_and_keeps_its_comments() -> None:
    key = Key.parse("iris/experiments/svm")
    record = Record(key=key, files={"experiment.yaml": BY_HAND})
    files = encode(decode(record).replace(seed=8), previous=record)
    assert (
        files["experiment.yaml"]
        == b"""\
# what is it?
schema: experiment/1

# for the paper
title: SVM

seed: 8

parameters:
  C: 1.0
  gamma: scale

# the end
"""
    )


def test_publishing_leaves_the_revision_as_it_was() -> None:
    key = Key.parse("iris/experiments/svm")
    for files in (
        {"experiment.yaml": BY_HAND},
        encode(Experiment(project="iris", name="svm", title="x", attributes={"a": 1})),
    ):
        record = Record(key=key, files=files)
        url = "https://example.org/iris.git#experiments/svm"
        for address in (url, url + "2"):
            published = Record(
                key=key, files=encode(decode(record).replace(url=address), previous=record)
            )
            assert published.revision == record.revision
            assert decode(published).url == address  # type: ignore[attr-defined]
            assert not same(Kind.EXPERIMENT, record.files, published.files)
            withdrawn = encode(decode(published).replace(url=None), previous=published)
            assert withdrawn == dict(record.files)


def test_publishing_what_no_line_can_be_added_to_writes_it_anew() -> None:
    key = Key.parse("iris/experiments/svm")
    record = Record(key=key, files={"experiment.yaml": b"{schema: experiment/1, seed: 7}\n"})
    published = decode(record).replace(url="https://example.org/iris.git#experiments/svm")
    assert encode(published, previous=record) == encode(published)


def test_publishing_writes_a_canonical_document_canonically() -> None:
    plain = Experiment(project="iris", name="svm", attributes={"a": 1})
    published = plain.replace(url="https://example.org/iris.git#experiments/svm")
    assert encode(published, previous=_record(plain)) == encode(published)


def test_a_broken_document_is_replaced() -> None:
    record = _record(_run(), **{"run.yaml": b"<<<<<<< HEAD\n"})
    assert encode(_run(), previous=record) == encode(_run())


def test_a_document_of_a_later_version_is_not_replaced() -> None:
    record = _record(_run(), **{"run.yaml": b"schema: run/2\n"})
    with pytest.raises(UnsupportedFormatError):
        encode(_run(), previous=record)


# ------------------------------------------------------------------------------ the same


def _experiment_document(body: str) -> dict[str, bytes]:
    return {"experiment.yaml": b"schema: experiment/1\n" + body.encode()}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("seed: 1\n", "seed: 0x1\n", True),
        ("parameters: {a: 1, b: 2}\n", "parameters:\n  b: 2\n  a: 1\n", True),
        ("parameters: {a: 1}\n", "parameters: {a: 1.0}\n", False),
        ("parameters: {a: 0.0}\n", "parameters: {a: -0.0}\n", False),
        ("parameters: {a: 1}\n", "parameters: {a: true}\n", False),
        ("parameters: {a: [1, 2]}\n", "parameters: {a: [2, 1]}\n", False),
        ("parameters: {a: null}\n", "parameters: {}\n", False),
        ("parameters: {a: {}}\n", "parameters: {a: []}\n", False),
        ("parameters: {}\n", "", True),
        ("title: null\n", "# nothing\n", True),
        ('title: ""\n', "", False),
        ("title: a\n", "title: 'a'\n", True),
        ("url: https://a\n", "url: https://b\n", False),
        ("url: https://a\n", "", False),
        ("seed: x\n", "seed: 'x'\n", False),
        ("seed: [\n", "seed: [ \n", False),
        ("seed: [\n", "seed: [\n", True),
    ],
)
def test_the_same_means_equal_values(one: str, other: str, expected: bool) -> None:
    a, b = _experiment_document(one), _experiment_document(other)
    assert same(Kind.EXPERIMENT, a, b) is expected
    assert same(Kind.EXPERIMENT, b, a) is expected


def test_parts_that_are_no_documents_are_compared_by_bytes() -> None:
    run = encode(_run(metrics={"a": float("nan")}))
    assert same(Kind.RUN, run | {"series.csv": b"1"}, run | {"series.csv": b"1"})
    assert not same(Kind.RUN, run | {"series.csv": b"1"}, run | {"series.csv": b"2"})
    assert not same(Kind.RUN, run, run | {"tags/a": b""})
    assert same(Kind.RUN, run, run | {"metrics.yaml": b"# by hand\na: .NaN\n"})
    for other in (b"a: 1\n", b"a: 1.0\n", b"a: .inf\n"):
        assert not same(Kind.RUN, run, run | {"metrics.yaml": other})
        assert not same(Kind.RUN, run | {"metrics.yaml": other}, run)

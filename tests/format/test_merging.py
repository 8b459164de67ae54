"""Our merge: by path, documents by field, deletions by record; never silently wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padre_git.errors import Conflict
from padre_git.format import decode, encode, write_document
from padre_git.format.layout import part_path, record_directories
from padre_git.format.merging import merge_files
from padre_git.model import Entity, Experiment, Project, Record, Run

PROJECT = Project(name="iris")
SVM = Experiment(
    project="iris",
    name="svm",
    title="SVM",
    seed=1,
    parameters={"C": 1.0, "kernel": {"name": "rbf"}},
)
EXECUTION = SVM.key.execution("x-3f9c2a71b0de")
RUN = Run(
    execution=EXECUTION,
    id="r-20261121t101500-k3v9x2m7q4tz",
    parameters={"C": 2},
    metrics={"accuracy": 0.9},
)
OTHER = RUN.replace(id="r-20261121t101501-aaaaaaaaaaaa")

Files = dict[str, bytes]
DOCUMENT = "experiments/svm/experiment.yaml"
HOME = "experiments/svm/runs/2026-11"


def files(*entities: Entity, **more: bytes) -> Files:
    """Returns entities as files of a project."""
    found = {
        part_path(entity.key, record_directories(entity.key)[0], part): data
        for entity in entities
        for part, data in encode(entity).items()
    }
    return found | more


def merged(base: Files, ours: Files, theirs: Files) -> Files:
    """Returns what a merge without conflicts leaves."""
    result = merge_files(base, ours, theirs, "iris")
    assert result.conflicts == ()
    return {path: data for path, data in result.files.items() if data is not None}


def conflicts(base: Files, ours: Files, theirs: Files) -> list[tuple[str, str | None]]:
    """Returns where a merge fails; the other way round it must fail at the same places."""
    found = merge_files(base, ours, theirs, "iris").conflicts
    mirrored = merge_files(base, theirs, ours, "iris").conflicts
    assert [(c.key, c.field, c.ours, c.theirs) for c in found] == [
        (c.key, c.field, c.theirs, c.ours) for c in mirrored
    ]
    return [(c.key, c.field) for c in found]


def entity(found: Mapping[str, bytes], like: Entity) -> Any:
    directory = record_directories(like.key)[0]
    parts = {
        path.removeprefix(f"{directory}/"): data
        for path, data in found.items()
        if path.startswith(f"{directory}/") and path.count("/runs/") == directory.count("/runs/")
    }
    return decode(Record(key=like.key, files=parts))


# -- documents -------------------------------------------------------------------------------


def test_different_fields_of_a_document_merge() -> None:
    found = merged(
        files(SVM),
        files(SVM.replace(title="Support vectors")),
        files(SVM.replace(seed=2, description="long")),
    )
    assert entity(found, SVM) == SVM.replace(title="Support vectors", seed=2, description="long")


def test_different_parameters_merge_at_any_depth() -> None:
    ours = SVM.replace(parameters={"C": 1.0, "kernel": {"name": "poly"}})
    theirs = SVM.replace(parameters={"C": 1.0, "kernel": {"name": "rbf", "degree": 3}, "tol": 1e-3})
    found = entity(merged(files(SVM), files(ours), files(theirs)), SVM)
    assert found.parameters == {"C": 1.0, "kernel": {"name": "poly", "degree": 3}, "tol": 1e-3}


def test_the_same_field_is_a_conflict_that_says_all_three_values() -> None:
    base, ours, theirs = (files(SVM.replace(parameters={"C": c})) for c in (1.0, 10, 100))
    assert merge_files(base, ours, theirs, "iris").conflicts == (
        Conflict(key="iris/experiments/svm", field="parameters.C", base=1.0, ours=10, theirs=100),
    )


def test_every_conflict_of_a_document_is_told() -> None:
    ours = SVM.replace(title="a", seed=2, description="same")
    theirs = SVM.replace(title="b", seed=3, description="same")
    assert conflicts(files(SVM), files(ours), files(theirs)) == [
        ("iris/experiments/svm", "seed"),
        ("iris/experiments/svm", "title"),
    ]


def test_removing_a_field_against_changing_it_is_a_conflict_and_both_removing_is_none() -> None:
    gone = files(SVM.replace(seed=None))
    assert conflicts(files(SVM), gone, files(SVM.replace(seed=5))) == [
        ("iris/experiments/svm", "seed")
    ]
    assert entity(merged(files(SVM), gone, files(SVM.replace(seed=None, title="T"))), SVM) == (
        SVM.replace(seed=None, title="T")
    )


def test_the_same_value_in_other_bytes_is_no_conflict() -> None:
    theirs = {DOCUMENT: files(SVM)[DOCUMENT].replace(b"title: SVM", b"title:   'SVM'")}
    found = merged(files(SVM), files(SVM.replace(seed=2)), theirs)
    assert entity(found, SVM) == SVM.replace(seed=2)


def test_an_integer_against_the_equal_float_is_a_conflict() -> None:
    base, ours, theirs = (files(SVM.replace(parameters={"C": c})) for c in (2, 1, 1.0))
    assert conflicts(base, ours, theirs) == [("iris/experiments/svm", "parameters.C")]


def test_lists_are_merged_as_a_whole() -> None:
    base, ours, theirs = (
        files(SVM.replace(attributes={"grid": grid})) for grid in ([1, 2], [1, 2, 3], [0, 1, 2])
    )
    assert conflicts(base, ours, theirs) == [("iris/experiments/svm", "attributes.grid")]
    assert merged(base, ours, ours) == ours


def test_what_both_added_alike_is_added_once_and_otherwise_a_conflict() -> None:
    assert merged({}, files(SVM), files(SVM)) == files(SVM)
    assert conflicts({}, files(SVM), files(SVM.replace(title="other"))) == [
        ("iris/experiments/svm", "title")
    ]


def test_the_result_is_canonical_and_keeps_the_comments_of_both() -> None:
    ours = {DOCUMENT: files(SVM.replace(title="T"))[DOCUMENT].replace(b"title", b"# on top\ntitle")}
    theirs = {DOCUMENT: files(SVM.replace(seed=9))[DOCUMENT].replace(b"seed", b"# lucky\nseed")}
    found = merged(files(SVM), ours, theirs)[DOCUMENT]
    plain = found.replace(b"# on top\n", b"").replace(b"# lucky\n", b"")
    assert plain == files(SVM.replace(title="T", seed=9))[DOCUMENT]
    assert found.count(b"# ") == 2


def test_a_comment_alone_is_not_lost() -> None:
    theirs = {DOCUMENT: files(SVM)[DOCUMENT].replace(b"seed", b"# lucky\nseed")}
    found = merged(files(SVM), files(SVM.replace(title="T")), theirs)[DOCUMENT]
    assert b"# lucky\nseed" in found


def commented(text: str, **changes: Any) -> Files:
    """Returns the experiment with a comment above its seed."""
    data = files(SVM.replace(**changes))[DOCUMENT]
    return {DOCUMENT: data.replace(b"seed", f"{text}\nseed".encode() if text else b"seed")}


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged_"),
    [
        ("# a", "# a", "", ""),
        ("# a", "", "# a", ""),
        ("# a", "# b", "# a", "# b"),
        ("# a", "# a", "# b", "# b"),
        ("# a", "# b", "# b", "# b"),
        ("# a", "# b", "# c", "# b\n# c"),
        ("# a", "", "# c", "# c"),
        ("", "# b", "# c", "# b\n# c"),
    ],
)
def test_comments_are_merged_like_values_and_nothing_is_lost(
    base: str, ours: str, theirs: str, merged_: str
) -> None:
    found = merged(
        commented(base), commented(ours, title="T"), commented(theirs, description="long")
    )
    assert found == commented(merged_, title="T", description="long")


def test_the_bytes_of_a_side_that_says_all_are_kept() -> None:
    ours = {DOCUMENT: files(SVM.replace(title="T"))[DOCUMENT].replace(b"seed: 1", b"seed:   2")}
    theirs = files(SVM.replace(title="T"))
    assert merged(files(SVM), ours, theirs) == ours
    assert merged(files(SVM), theirs, ours) == ours


def test_a_value_that_is_not_there_is_none_in_a_conflict() -> None:
    ours, theirs = (files(SVM.replace(description=text)) for text in ("a", "b"))
    (found,) = merge_files(files(SVM), ours, theirs, "iris").conflicts
    assert found == Conflict(
        key="iris/experiments/svm", field="description", base=None, ours="a", theirs="b"
    )


def test_where_it_is_published_is_the_remotes_word() -> None:
    ours = SVM.replace(url="ssh://a/iris.git#experiments/svm", title="T")
    theirs = SVM.replace(url="https://a/iris.git#experiments/svm")
    found = entity(merged(files(SVM), files(ours), files(theirs)), SVM)
    assert (found.url, found.title) == (theirs.url, "T")
    assert entity(merged(files(SVM), files(ours), files(SVM)), SVM).url == ours.url


@pytest.mark.parametrize(
    "damaged", [b"title: [\n", b"<<<<<<< ours\n", b"\xff", b"schema: experiment/9\n\ntitle: x\n"]
)
def test_a_document_that_cannot_be_understood_is_in_conflict_as_a_whole(damaged: bytes) -> None:
    assert conflicts(files(SVM), {DOCUMENT: damaged}, files(SVM.replace(seed=2))) == [
        ("iris/experiments/svm", "experiment.yaml")
    ]
    assert merged(files(SVM), {DOCUMENT: damaged}, files(SVM)) == {DOCUMENT: damaged}


def test_what_is_sound_on_each_side_but_not_together_is_a_conflict() -> None:
    ours = SVM.replace(parameters={"a.b": 1})
    theirs = SVM.replace(parameters={"a": {"b": 1}})
    assert conflicts(files(SVM.replace(parameters={})), files(ours), files(theirs)) == [
        ("iris/experiments/svm", "experiment.yaml")
    ]


def test_metrics_merge_by_name() -> None:
    path = f"{HOME}/{RUN.id}/metrics.yaml"

    def metrics(**values: float) -> Files:
        return {path: write_document(values)}

    base = metrics(a=1, b=2)
    assert merged(base, metrics(a=3, b=2), metrics(a=1, b=2, c=4)) == metrics(a=3, b=2, c=4)
    assert conflicts(base, metrics(a=3, b=2), metrics(a=4, b=2)) == [(RUN.key.text, "metrics.a")]
    assert merged(base, metrics(a=1), metrics(b=2)) == {}
    assert conflicts(base, {path: b"a: x\n"}, metrics(a=4, b=2)) == [(RUN.key.text, "metrics.yaml")]


values = st.none() | st.integers(0, 2) | st.sampled_from([1.0, -0.0, "x", True])
trees = st.dictionaries(
    st.sampled_from("abc"), values | st.dictionaries(st.sampled_from("ab"), values), max_size=3
)


@given(trees, trees, trees)
def test_a_merge_takes_each_change_once_or_tells_a_conflict(b: Any, o: Any, t: Any) -> None:
    base, ours, theirs = (files(SVM.replace(attributes=tree)) for tree in (b, o, t))
    result = merge_files(base, ours, theirs, "iris")
    mirrored = merge_files(base, theirs, ours, "iris")
    assert [c.field for c in result.conflicts] == [c.field for c in mirrored.conflicts]
    if result.conflicts:
        return
    found = decode(Record(key=SVM.key, files={"experiment.yaml": result.files[DOCUMENT] or b""}))
    assert isinstance(found, Experiment)
    missing = object()

    def leaf(tree: Any, *names: str) -> str:
        for name in names:
            tree = tree.get(name, missing) if isinstance(tree, Mapping) else missing
        return "missing" if tree is missing else repr(tree)

    for names in [(x,) for x in "abc"] + [(x, y) for x in "abc" for y in "ab"]:
        was, here, there, now = (leaf(x, *names) for x in (b, o, t, found.attributes))
        if "{" in was + here + there + now:
            continue
        assert now in {here, there}
        assert now == (there if here == was else here) or here == there


@given(trees, trees)
def test_what_one_side_left_alone_is_taken_from_the_other(b: Any, t: Any) -> None:
    base, theirs = (files(SVM.replace(attributes=tree)) for tree in (b, t))
    assert merged(base, base, theirs) == theirs
    assert merged(base, theirs, base) == theirs
    assert merged(base, theirs, theirs) == theirs


# -- paths -----------------------------------------------------------------------------------


def test_runs_tags_and_notes_of_two_people_merge() -> None:
    home = f"{HOME}/{RUN.id}"
    base = files(SVM, RUN)
    ours = (
        base | files(OTHER) | {f"{home}/tags/a": b"", f"{home}/notes/20261121t1015-aaaa.md": b"x"}
    )
    theirs = base | {f"{home}/tags/b": b"", f"{home}/tags/a": b""}
    assert merged(base, ours, theirs) == ours | theirs


@pytest.mark.parametrize("name", ["README.md", "src/train.py", f"{HOME}/{RUN.id}/series.csv"])
def test_a_file_without_fields_merges_only_if_one_side_left_it_alone(name: str) -> None:
    base, ours, theirs = ({name: data} for data in (b"base\n", b"ours\n", b"theirs\n"))
    assert merged(base, ours, base) == ours
    assert merged(base, base, {}) == {}
    place = (RUN.key.text, "series.csv") if "runs" in name else (name, None)
    assert conflicts(base, ours, theirs) == [place]
    assert conflicts(base, {}, theirs) == [place]
    assert conflicts({}, ours, theirs) == [place]


def test_conflicts_show_text_as_text_and_other_bytes_as_they_are() -> None:
    (found,) = merge_files({"a": b"\xff"}, {"a": "ä".encode()}, {}, "iris").conflicts
    assert (found.base, found.ours, found.theirs) == (b"\xff", "ä", None)


def test_a_file_against_a_directory_is_a_conflict() -> None:
    assert conflicts({}, {"data": b""}, {"data/a/b": b""}) == [("data", None)]

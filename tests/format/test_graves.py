"""What stands at the place of a deleted record."""

from __future__ import annotations

import pytest

from padre_git.format import is_part, locate, record_directories, tombstone
from padre_git.format.graves import edit_mark, grave_files, seals
from padre_git.model import Key, Kind

IRIS = Key.project_named("iris")
SVM = IRIS.experiment("svm")
RUN = SVM.run("r-20261121t101500-k3v9x2m7q4tz")
HOME = record_directories(RUN)[0]


@pytest.mark.parametrize(
    ("key", "parts", "paths"),
    [
        (IRIS, ["project.yaml"], {"project.yaml", "datasets", "experiments"}),
        (
            IRIS.dataset("a"),
            ["dataset.yaml"],
            {"datasets/a/dataset.yaml", "datasets/a/data.dvc"},
        ),
        (
            IRIS.environment("e-41c09be2d7f3"),
            ["environment.yaml"],
            {"environments/e-41c09be2d7f3.yaml"},
        ),
        (
            SVM,
            ["experiment.yaml"],
            {f"experiments/svm/{name}" for name in ("experiment.yaml", "executions", "runs")},
        ),
        (
            SVM.execution("x-3f9c2a71b0de"),
            ["execution.yaml", "code.patch", "code.dvc"],
            {
                "experiments/svm/executions/x-3f9c2a71b0de/execution.yaml",
                "experiments/svm/executions/x-3f9c2a71b0de/code.dvc",
            },
        ),
        (
            RUN,
            ["run.yaml", "metrics.yaml", "artifacts.dvc", "tags/a", "notes/b.md"],
            {f"{HOME}/{name}" for name in ("run.yaml", "artifacts.dvc", "edits", "notes", "tags")},
        ),
    ],
    ids=[kind.value for kind in (Kind.PROJECT, Kind.DATASET, Kind.ENVIRONMENT, Kind.EXPERIMENT,
                                 Kind.EXECUTION, Kind.RUN)],
)  # fmt: skip
def test_a_grave_is_a_tombstone_seals_and_emptied_pointers(
    key: Key, parts: list[str], paths: set[str]
) -> None:
    found = grave_files(key, record_directories(key)[0], parts=parts)
    assert set(found) == paths
    assert sorted(data for data in found.values() if data) == [tombstone(None)]
    assert set(seals(key, record_directories(key)[0])) <= paths


def test_the_tombstone_says_where_the_record_went() -> None:
    target = IRIS.experiment("kernels")
    found = grave_files(SVM, "experiments/svm", moved_to=target)
    assert found["experiments/svm/experiment.yaml"] == tombstone(target)


def test_seals_and_marks_are_no_parts() -> None:
    mark = edit_mark({}, {"run.yaml": b"x"})
    assert mark is not None
    assert not is_part(Kind.RUN, mark)
    assert locate(f"{HOME}/{mark}", "iris") is None
    assert f"{HOME}/{mark}".startswith(seals(RUN, HOME))
    for key in (IRIS, SVM, RUN):
        for path in seals(key, record_directories(key)[0]):
            assert locate(path, "iris") is None


def test_a_mark_is_the_same_for_the_same_change_and_another_for_others() -> None:
    old = {"a": b"0", "b": b"0", "c": b"0"}
    mark = edit_mark(old, {"a": b"1", "b": b"2"})
    assert mark == edit_mark({"b": b"7"}, {"b": b"2", "a": b"1"})
    assert len({mark, edit_mark(old, {"a": b"1"}), edit_mark(old, {"a": b"2", "b": b"1"})}) == 3


def test_all_versions_of_padre_git_leave_the_same_mark() -> None:
    assert edit_mark({}, {"run.yaml": b"a: 1\n", "log.txt": b"x"}) == "edits/abd81b916469"


@pytest.mark.parametrize(
    ("new", "marked"),
    [
        ({"run.yaml": b"1"}, False),
        ({}, False),
        ({"run.yaml": b"1", "tags/a": b"", "notes/b.md": b"x"}, False),
        ({"run.yaml": b"2"}, True),
        ({"run.yaml": b"1", "artifacts.dvc": b"x"}, True),
        ({"run.yaml": b"1", "tags/a": b"", "artifacts.dvc": b"x"}, True),
    ],
)
def test_tags_notes_and_removals_need_no_mark(new: dict[str, bytes], marked: bool) -> None:
    assert (edit_mark({"run.yaml": b"1"}, new) is not None) is marked

"""Our merge when a side deleted, renamed or brought back a record."""

from __future__ import annotations

import pytest

from padre_git.format import tombstone
from padre_git.format.fields import shown
from padre_git.format.merging import Merged, merge_files
from padre_git.model import Entity, Execution, Key
from tests.format.test_merging import (
    DOCUMENT,
    HOME,
    OTHER,
    PROJECT,
    RUN,
    SVM,
    Files,
    conflicts,
    files,
    merged,
)

GRAVE = {DOCUMENT: tombstone(None)}


def test_deleting_what_the_other_side_left_alone_deletes_it() -> None:
    base = files(SVM, RUN) | {f"{HOME}/{RUN.id}/tags/a": b"", "experiments/svm/README.md": b"x"}
    assert merged(base, GRAVE, base) == GRAVE
    assert merged(base, base, GRAVE) == GRAVE
    assert merged(base, GRAVE, GRAVE) == GRAVE


def test_deleting_against_an_edit_is_a_conflict() -> None:
    edit = files(SVM.replace(title="better"), RUN)
    assert conflicts(files(SVM, RUN), GRAVE, edit) == [(SVM.key.text, None)]


def test_deleting_an_experiment_against_a_new_run_in_it_is_a_conflict() -> None:
    base = files(SVM, RUN)
    assert conflicts(base, GRAVE, base | files(OTHER)) == [(OTHER.key.text, None)]
    (found,) = merge_files(base, GRAVE, base | files(OTHER), "iris").conflicts
    assert found.ours is None
    assert found.theirs == {
        "execution": OTHER.execution.name, "status": "finished", "parameters": OTHER.parameters
    }  # fmt: skip


@pytest.mark.parametrize("part", ["tags/a", "notes/20261121t1015-aaaa.md", "artifacts.dvc"])
def test_deleting_a_run_against_something_added_to_it_is_a_conflict(part: str) -> None:
    base = files(SVM, RUN)
    home = f"{HOME}/{RUN.id}"
    ours = files(SVM) | {f"{home}/run.yaml": tombstone(None)}
    theirs = base | {f"{home}/{part}": b"", f"{home}/tags/z": b""}
    assert conflicts(base, ours, theirs) == [(RUN.key.text, None)]
    (found,) = merge_files(base, ours, theirs, "iris").conflicts
    document = shown((RUN.key, "run.yaml"), base[f"{home}/run.yaml"])
    assert (found.base, found.ours, found.theirs) == (document, None, document)


def test_deleting_a_run_inside_a_deleted_experiment_is_no_conflict() -> None:
    base = files(SVM, RUN, OTHER)
    theirs = files(SVM, OTHER) | {f"{HOME}/{RUN.id}/run.yaml": tombstone(None)}
    assert merged(base, GRAVE, theirs) == GRAVE
    assert merged(base, theirs, GRAVE) == GRAVE


def test_deleting_against_publishing_deletes() -> None:
    base = files(SVM, RUN)
    theirs = files(SVM.replace(url="https://a/iris.git#experiments/svm"), RUN)
    assert merged(base, GRAVE, theirs) == GRAVE


def test_deleting_a_project_against_a_new_experiment_is_a_conflict() -> None:
    base = files(PROJECT, SVM)
    mlp = SVM.replace(name="mlp")
    grave = {"project.yaml": tombstone(None)}
    assert conflicts(base, grave, base | files(mlp)) == [(mlp.key.text, None)]
    assert merged(base, grave, base) == grave


def test_removing_the_files_by_hand_counts_as_deleting() -> None:
    base = files(SVM, RUN)
    assert merged(base, {}, base) == {}
    assert merged(base, {}, GRAVE) == GRAVE
    assert conflicts(base, {}, base | files(OTHER)) == [(OTHER.key.text, None)]


def moved(name: str, *entities: Entity) -> Files:
    """Returns the experiment renamed, with its records."""
    text = {
        path.replace("experiments/svm/", f"experiments/{name}/"): data
        for path, data in files(SVM, *entities).items()
    }
    return text | {DOCUMENT: tombstone(Key.parse(f"iris/experiments/{name}"))}


def test_renaming_what_the_other_side_left_alone_renames_it() -> None:
    base = files(SVM, RUN)
    assert merged(base, moved("svc", RUN), base) == moved("svc", RUN)
    assert merged(base, moved("svc", RUN), moved("svc", RUN)) == moved("svc", RUN)


def test_renaming_against_an_edit_or_a_new_run_is_a_conflict() -> None:
    base = files(SVM, RUN)
    edit = files(SVM.replace(title="better"), RUN)
    assert conflicts(base, moved("svc", RUN), edit) == [(SVM.key.text, None)]
    assert conflicts(base, moved("svc", RUN), base | files(OTHER)) == [(OTHER.key.text, None)]


def test_renaming_against_deleting_a_run_is_a_conflict_since_the_copy_has_it() -> None:
    base = files(SVM, RUN)
    theirs = files(SVM) | {f"{HOME}/{RUN.id}/run.yaml": tombstone(None)}
    assert conflicts(base, moved("svc", RUN), theirs) == [(RUN.key.text, None)]


def test_two_new_names_are_a_conflict_and_so_are_a_new_name_and_a_deletion() -> None:
    base = files(SVM)
    assert conflicts(base, moved("svc"), moved("machine")) == [(SVM.key.text, "moved_to")]
    assert conflicts(base, moved("svc"), GRAVE) == [(SVM.key.text, "moved_to")]


def test_what_two_people_did_to_what_they_renamed_alike_merges() -> None:
    base = files(SVM, RUN, OTHER) | {f"{HOME}/{RUN.id}/tags/a": b""}
    ours = moved("svc", RUN.replace(title="best"), OTHER)
    tag = f"{HOME}/{RUN.id}/tags/b".replace("/svm/", "/svc/")
    theirs = moved("svc", RUN.replace(seed=3), OTHER) | {tag: b""}
    found = merged(base, ours, theirs)
    assert found == moved("svc", RUN.replace(title="best", seed=3), OTHER) | {tag: b""}
    assert found == merged(base, theirs, ours)


def test_what_one_deleted_from_what_both_renamed_alike_stays_deleted() -> None:
    base = files(SVM, RUN, OTHER) | {f"{HOME}/{RUN.id}/tags/a": b""}
    tags = {f"{HOME}/{RUN.id}/tags/a".replace("/svm/", "/svc/"): b""}
    grave = f"{HOME}/{OTHER.id}/run.yaml".replace("/svm/", "/svc/")
    ours = moved("svc", RUN) | {grave: tombstone(None)}
    theirs = moved("svc", RUN, OTHER) | tags
    assert merged(base, ours, theirs) == ours
    edit = moved("svc", RUN, OTHER.replace(title="best")) | tags
    assert [key.rpartition("/")[2] for key, _ in conflicts(base, ours, edit)] == [OTHER.id]


def test_a_copy_that_one_side_has_not_is_kept() -> None:
    base = files(SVM, RUN)
    ours = moved("svc", RUN)
    assert merged(base, ours, {DOCUMENT: ours[DOCUMENT]}) == ours


def test_a_record_put_back_over_an_old_tombstone_stays() -> None:
    new = files(SVM.replace(title="again"))
    assert merged(GRAVE, new, GRAVE) == new
    assert conflicts(GRAVE, new, {DOCUMENT: tombstone(Key.parse("iris/experiments/mlp"))}) == [
        (SVM.key.text, "experiment.yaml")
    ]


def test_a_record_that_both_put_back_is_merged_by_field() -> None:
    one, other = (files(SVM.replace(title=title)) for title in ("one", "other"))
    published = files(SVM.replace(title="one", url="https://a/iris.git#experiments/svm"))
    assert merged(GRAVE, one, published) == published
    assert merged(GRAVE, published, one) == published
    assert conflicts(GRAVE, one, other) == [(SVM.key.text, "title")]


def test_a_merge_of_nothing_is_nothing() -> None:
    assert merge_files({}, {}, {}, "iris") == Merged(files={})


def test_an_execution_from_two_clones_is_one() -> None:
    from padre_git.format import identify
    from padre_git.model import Code

    execution = identify(Execution(experiment=SVM.key, code=Code(package="lab", version="1")))
    assert merged({}, files(execution), files(execution)) == files(execution)

"""Records that are deleted or renamed."""

from __future__ import annotations

import dataclasses

import pytest

from padre_git.errors import (
    AlreadyExistsError,
    InvalidInputError,
    InvalidNameError,
    InvalidValueError,
    NotFoundError,
    UnsupportedError,
)
from padre_git.messages import (
    Delete,
    Deleted,
    DeleteMode,
    Exists,
    Message,
    Op,
    Rename,
    Stored,
)
from padre_git.model import (
    Change,
    ChangeSet,
    Experiment,
    Kind,
    Project,
)
from tests.services.conftest import IRIS, SVM, Desk
from tests.services.test_records import get, listed

# -------------------------------------------------------------------------------- delete, rename


def test_deleting_takes_what_lies_below_along(stocked: Desk) -> None:
    stocked.send(Delete(subject=Kind.EXPERIMENT, key=SVM))
    assert listed(stocked, Kind.RUN) == []
    assert stocked.heard == [Deleted(key=SVM, mode=DeleteMode.ALL)]
    with pytest.raises(NotFoundError, match="was deleted"):
        get(stocked, SVM)
    stocked.put(Experiment(project="iris", name="svm", title="again"))
    assert get(stocked, SVM).title == "again"


def test_deleting_what_is_not_there_is_an_error(stocked: Desk) -> None:  # D16
    with pytest.raises(NotFoundError):
        stocked.send(Delete(subject=Kind.EXPERIMENT, key=IRIS.experiment("nothing")))


def test_an_execution_with_runs_stays(stocked: Desk) -> None:
    execution = listed(stocked, Kind.EXECUTION)[0]
    with pytest.raises(InvalidInputError, match="3 runs belong to it"):
        stocked.send(Delete(subject=Kind.EXECUTION, key=execution.key))
    for run in listed(stocked, Kind.RUN):
        stocked.send(Delete(subject=Kind.RUN, key=run.key))
    stocked.send(Delete(subject=Kind.EXECUTION, key=execution.key))
    assert listed(stocked, Kind.EXECUTION) == []


@pytest.mark.parametrize("mode", [DeleteMode.LOCAL, DeleteMode.REMOTE])
def test_a_store_of_one_side_cannot_delete_from_the_other(stocked: Desk, mode: DeleteMode) -> None:
    with pytest.raises(UnsupportedError):
        stocked.send(Delete(subject=Kind.EXPERIMENT, key=SVM, mode=mode))
    assert stocked.send(Exists(subject=Kind.EXPERIMENT, key=SVM))


def test_a_renamed_experiment_is_found_under_both_names(stocked: Desk) -> None:
    renamed = stocked.send(Rename(subject=Kind.EXPERIMENT, key=SVM, new="svc"))
    new = IRIS.experiment("svc")
    assert renamed.key == new
    assert get(stocked, SVM) == get(stocked, new) == renamed
    run = listed(stocked, Kind.RUN, parent=new)[0]
    assert get(stocked, SVM.run(run.id)) == run
    assert stocked.heard == [
        Stored(key=new, revision=renamed.revision),
        Deleted(key=SVM, mode=DeleteMode.ALL, moved_to=new),
    ]
    assert not stocked.send(Exists(subject=Kind.EXPERIMENT, key=SVM))


def test_renames_may_follow_each_other_and_lead_back(stocked: Desk) -> None:
    for old, new in (("svm", "svc"), ("svc", "svd"), ("svd", "svm")):
        stocked.send(Rename(subject=Kind.EXPERIMENT, key=IRIS.experiment(old), new=new))
        assert get(stocked, SVM).name == new
    assert get(stocked, IRIS.experiment("svd")).name == "svm"
    assert len(listed(stocked, Kind.RUN, parent=SVM)) == 3


def test_renames_in_a_circle_end_in_an_error(stocked: Desk) -> None:
    stocked.send(Rename(subject=Kind.EXPERIMENT, key=SVM, new="svc"))
    svc = IRIS.experiment("svc")
    circle = Change(key=svc, files=None, moved_to=SVM)
    stocked.backend.apply(ChangeSet(changes=(circle,)), Message(op=Op.DELETE, subject="by hand"))
    with pytest.raises(NotFoundError, match="circle"):
        get(stocked, SVM)


@pytest.mark.parametrize("kind", [Kind.EXPERIMENT, Kind.DATASET])
def test_a_name_that_is_taken_stays_taken(stocked: Desk, kind: Kind) -> None:
    entity = listed(stocked, kind)[0]
    stocked.put(dataclasses.replace(entity, name="taken", revision=None))
    with pytest.raises(AlreadyExistsError):
        stocked.send(Rename(subject=kind, key=entity.key, new="taken"))
    with pytest.raises(InvalidNameError):
        stocked.send(Rename(subject=kind, key=entity.key, new="../taken"))
    assert stocked.send(Rename(subject=kind, key=entity.key, new=entity.name)) == entity


@pytest.mark.parametrize("kind", [Kind.PROJECT, Kind.RUN, Kind.EXECUTION])
def test_what_has_no_name_of_its_own_keeps_it(stocked: Desk, kind: Kind) -> None:
    with pytest.raises(UnsupportedError, match="keeps its name"):
        stocked.send(Rename(subject=kind, key=listed(stocked, kind)[0].key, new="other"))


def test_nothing_is_written_for_bad_values(stocked: Desk) -> None:
    states = stocked.states()
    with pytest.raises(InvalidValueError):
        stocked.put(Project(name="iris", settings={"inline": "many"}))
    assert stocked.states() == states

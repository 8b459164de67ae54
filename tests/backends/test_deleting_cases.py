"""Deleting where things cross: twice, renamed meanwhile, never published, during a run."""

from __future__ import annotations

from pathlib import Path

import pytest

import padre_git
from padre_git import ConflictError, NotFoundError, Notice
from padre_git.backends.dual import DualLayer
from padre_git.backends.policy import Policy
from padre_git.backends.status import State
from padre_git.backends.urls import stored_url
from padre_git.messages import DeleteMode, Message, Op
from padre_git.model import Change, ChangeSet, Key, Record, Tombstone
from padre_git.testing.documents import EXECUTION, EXPERIMENT, IRIS, files_of, put, run_key, store
from tests.backends.dual_stores import Lab, delete, documents
from tests.conftest import git

RUN = run_key(1)
RBF = IRIS.experiment("rbf")
ALL, REMOTE, LOCAL = DeleteMode.ALL, DeleteMode.REMOTE, DeleteMode.LOCAL


@pytest.fixture
def ada(lab: Lab) -> DualLayer:
    opened = lab.store("ada")
    store(opened, IRIS, EXPERIMENT, EXECUTION, RUN, run_key(2))
    return opened


@pytest.fixture
def ben(lab: Lab, ada: DualLayer) -> DualLayer:
    """The second clone, which meets the remote when it is told to."""
    opened = lab.store("ben", policy=Policy.MANUAL)
    opened.pull("iris")
    return opened


def restore(backend: DualLayer, *keys: Key) -> None:
    backend.restore(keys, Message(op=Op.RESTORE, subject=f"restore {keys[0].name}"))


def rename(backend: DualLayer, old: Key, new: Key) -> None:
    changes = (
        Change(key=new, files=files_of(new), moved_from=old),
        Change(key=old, files=None, moved_to=new),
    )
    backend.apply(ChangeSet(changes=changes), Message(op=Op.RENAME, subject=f"rename {old.name}"))


@pytest.mark.parametrize("second", [ALL, REMOTE])
@pytest.mark.parametrize("first", [ALL, REMOTE])
def test_deleted_in_two_clones_it_is_deleted_once(
    lab: Lab, ada: DualLayer, ben: DualLayer, first: DeleteMode, second: DeleteMode
) -> None:
    delete(ada, EXPERIMENT, mode=first)
    if second is ALL:
        delete(ben, EXPERIMENT, mode=ALL)
        ben.sync("iris")
    else:
        with pytest.raises(NotFoundError, match="not at the remote"):
            delete(ben, EXPERIMENT, mode=REMOTE)
    ada.sync("iris")
    assert lab.store("fresh").read([EXPERIMENT]) == {EXPERIMENT: Tombstone(key=EXPERIMENT)}
    assert isinstance(ada.read([EXPERIMENT])[EXPERIMENT], Record) is (first is REMOTE)


def test_renamed_by_one_and_deleted_by_another_is_a_conflict_that_loses_nothing(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    rename(ben, EXPERIMENT, RBF)
    delete(ada, EXPERIMENT, mode=ALL)
    with pytest.raises(ConflictError) as caught:
        ben.sync("iris")
    assert str(EXPERIMENT) in {conflict.key for conflict in caught.value.conflicts}
    assert run_key(1, RBF) in set(ben.scan(RBF))
    assert lab.store("fresh").read([EXPERIMENT]) == {EXPERIMENT: Tombstone(key=EXPERIMENT)}


def test_a_record_that_was_never_published_can_be_deleted_and_restored(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ben, run_key(3))
    delete(ben, run_key(3), mode=ALL)
    ben.sync("iris")
    assert ada.read([run_key(3)]) == {run_key(3): Tombstone(key=run_key(3))}
    restore(ada, run_key(3))
    assert run_key(3) in set(lab.store("fresh").scan(EXPERIMENT))


def test_a_project_that_was_never_published_can_be_deleted_and_restored(lab: Lab) -> None:
    mine = lab.store("ada", policy=Policy.MANUAL)
    store(mine, IRIS, EXPERIMENT)
    delete(mine, IRIS, mode=ALL)
    assert list(mine.scan()) == []
    restore(mine, IRIS)
    assert list(mine.scan()) == [IRIS, EXPERIMENT]
    mine.sync("iris")
    lab.store("ben").pull("iris")
    assert list(lab.store("ben").scan()) == [IRIS, EXPERIMENT]


def test_what_was_never_published_cannot_be_deleted_from_the_remote(lab: Lab) -> None:
    mine = lab.store("ada", policy=Policy.MANUAL)
    store(mine, IRIS)
    with pytest.raises(NotFoundError, match="'iris' is not at the remote"):
        delete(mine, IRIS, mode=REMOTE)
    assert list(mine.scan()) == [IRIS]


def test_restored_offline_it_has_no_url_until_it_is_published(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    delete(ada, IRIS, mode=ALL)
    ben.sync("iris")
    restore(ben, IRIS)
    for key in (IRIS, EXPERIMENT):
        record = ben.read([key])[key]
        assert isinstance(record, Record)
        assert stored_url(record) is None
    ben.sync("iris")
    for key in (IRIS, EXPERIMENT):
        record = ada.read([key])[key]
        assert isinstance(record, Record)
        assert stored_url(record) is not None
    assert set(ada.scan()) == {IRIS, EXPERIMENT, EXECUTION, RUN, run_key(2)}


def test_a_deletion_and_a_restore_that_were_both_away_meet(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    delete(ada, EXPERIMENT, mode=ALL)
    restore(ada, EXPERIMENT)
    put(ben, run_key(3))
    ben.sync("iris")
    assert run_key(3) in set(ada.scan(EXPERIMENT))


def test_a_kept_run_answers_under_the_new_name_of_its_experiment(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    moved = run_key(1, RBF)
    delete(ada, RUN, mode=REMOTE)
    before = documents(ada, RUN)
    rename(ada, EXPERIMENT, RBF)
    assert documents(ada, moved) == before
    assert set(ada.scan(RBF)) >= {moved, run_key(2, RBF)}
    assert list(ada.scan(EXPERIMENT)) == []
    assert ada.status("iris").records == {moved: State.KEPT}
    restore(ada, moved)
    assert documents(lab.store("fresh"), moved) == before
    assert git("for-each-ref", "refs/padre/kept", cwd=lab.clone("ada")) == ""


def test_a_kept_experiment_is_published_again_when_it_is_renamed(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    delete(ada, EXPERIMENT, mode=REMOTE)
    rename(ada, EXPERIMENT, RBF)
    ben.sync("iris")
    assert {run_key(1, RBF), run_key(2, RBF)} <= set(ben.scan(RBF))
    assert "so it is published again" in lab.heard(Notice)[-1].text


@pytest.mark.parametrize("key", [EXPERIMENT, run_key(3)])
def test_what_is_written_to_a_kept_experiment_brings_it_back_with_its_runs(
    lab: Lab, ada: DualLayer, ben: DualLayer, key: Key
) -> None:
    delete(ada, EXPERIMENT, mode=REMOTE)
    put(ada, key, title="more")
    ben.sync("iris")
    assert {EXPERIMENT, RUN, run_key(2), key} <= set(ben.scan())
    assert ada.status("iris").records == {}


def test_a_change_above_a_kept_run_does_not_drop_it(lab: Lab, ada: DualLayer) -> None:
    delete(ada, RUN, mode=REMOTE)
    put(ada, EXPERIMENT, title="more")
    put(ada, IRIS, title="more")
    assert RUN in set(ada.scan(EXPERIMENT))
    delete(ada, EXPERIMENT, mode=REMOTE)
    restore(ada, EXPERIMENT)
    assert ada.status("iris").records == {RUN: State.KEPT}
    delete(ada, EXPERIMENT, mode=ALL)
    assert git("for-each-ref", "refs/padre/kept", cwd=lab.clone("ada")) == ""


def test_one_run_of_a_kept_experiment_is_deleted_and_the_others_stay(
    lab: Lab, ada: DualLayer
) -> None:
    delete(ada, EXPERIMENT, mode=REMOTE)
    head = lab.head()
    delete(ada, RUN, mode=ALL)
    assert set(ada.scan(EXPERIMENT)) == {EXECUTION, run_key(2)}
    assert lab.head() == head
    restore(ada, EXPERIMENT)
    assert set(lab.store("fresh").scan(EXPERIMENT)) == {EXECUTION, run_key(2)}


def test_a_run_that_is_recorded_in_a_kept_experiment_is_not_lost(
    lab: Lab, ada: DualLayer, tmp_path: Path
) -> None:
    delete(ada, EXPERIMENT, mode=REMOTE)
    with padre_git.open(tmp_path / "ada", remote=str(lab.remote), max_age=0) as mine:
        with mine.start_run("iris/svm", {"C": 1.0}):
            pass
        assert len(mine.runs.list("iris/svm")) == 3
    assert len([k for k in lab.store("fresh").scan(EXPERIMENT) if k.kind == "run"]) == 3


def test_many_are_deleted_and_restored_in_one_commit(lab: Lab, ada: DualLayer) -> None:
    keys = [run_key(number) for number in range(1, 121)]
    store(ada, *keys[2:])
    count = int(git("rev-list", "--count", "main", cwd=lab.bare()))
    delete(ada, *keys, mode=ALL)
    assert [gone.key for gone in ada.deletions(EXPERIMENT)] == sorted(keys)
    assert len({gone.state for gone in ada.deletions(EXPERIMENT)}) == 1
    restore(ada, *keys)
    assert int(git("rev-list", "--count", "main", cwd=lab.bare())) == count + 2
    assert ada.deletions() == []


def test_a_url_of_a_record_that_is_not_cloned_is_enough(
    lab: Lab, ada: DualLayer, tmp_path: Path
) -> None:
    url = ada.urls([EXPERIMENT])[EXPERIMENT]
    with padre_git.open(tmp_path / "cleo", remote=str(lab.remote)) as cleo:
        cleo.experiments.delete(url)
    assert ada.read([EXPERIMENT]) == {EXPERIMENT: Tombstone(key=EXPERIMENT)}
    with padre_git.open(tmp_path / "dora", remote=str(lab.remote)) as dora:
        assert dora.experiments.restore(url).name == "svm"
    assert set(ada.scan(EXPERIMENT)) == {EXECUTION, RUN, run_key(2)}


def test_a_run_that_is_being_recorded_survives_the_deletion_of_its_experiment(
    lab: Lab, ada: DualLayer, tmp_path: Path
) -> None:
    with padre_git.open(tmp_path / "ada", remote=str(lab.remote), max_age=0) as mine:
        with mine.start_run("iris/svm", {"C": 1.0}) as run:
            mine.experiments.delete("iris/svm")
            run.log_metric("accuracy", 0.5)
        mine.flush()
        (left,) = mine.runs.list("iris/svm")
        assert left.metrics["accuracy"] == 0.5
    assert [key for key in lab.store("fresh").scan(EXPERIMENT) if key.kind == "run"] == [left.key]


def test_an_execution_deleted_while_another_clone_recorded_with_it_is_back_with_a_restore(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    delete(ada, RUN, run_key(2), EXECUTION, mode=ALL)
    put(ben, run_key(3))
    ben.sync("iris")
    assert run_key(3) in set(ada.scan(EXPERIMENT))
    assert ada.read([EXECUTION]) == {EXECUTION: Tombstone(key=EXECUTION)}
    restore(ada, EXECUTION)
    assert EXECUTION in set(lab.store("fresh").scan(EXPERIMENT))


def test_a_stale_clone_may_evict_what_was_deleted_meanwhile(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    delete(ada, EXPERIMENT, mode=ALL)
    delete(ben, EXPERIMENT, mode=LOCAL)
    ben.sync("iris")
    assert ben.read([EXPERIMENT]) == {EXPERIMENT: Tombstone(key=EXPERIMENT)}
    assert ben.status("iris").records == {}
    assert git("status", "--porcelain", cwd=lab.clone("ben")) == ""
    restore(ben, EXPERIMENT)
    assert (lab.clone("ben") / "experiments/svm/experiment.yaml").exists()
    assert git("status", "--porcelain", cwd=lab.clone("ben")) == ""


def test_a_project_whose_clone_was_removed_is_restored_by_cloning_it(
    lab: Lab, ada: DualLayer
) -> None:
    delete(ada, IRIS, mode=LOCAL)
    ada.close()
    with padre_git.open(lab.directory / "ada", remote=str(lab.remote), max_age=0) as mine:
        assert mine.projects.restore("iris").name == "iris"
    assert lab.clone("ada").exists()


def test_a_copy_does_not_answer_again_after_others_have_restored_and_deleted_the_record(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    delete(ada, EXPERIMENT, mode=REMOTE)
    ben.sync("iris")
    restore(ben, EXPERIMENT)
    ben.sync("iris")
    later = lab.store("ada")
    later.sync("iris")
    assert later.status("iris").records == {}
    delete(ben, EXPERIMENT, mode=ALL)
    ben.sync("iris")
    later.sync("iris")
    assert later.read([EXPERIMENT]) == {EXPERIMENT: Tombstone(key=EXPERIMENT)}

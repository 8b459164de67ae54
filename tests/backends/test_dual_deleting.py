"""Deleting everywhere, from the remote, or from this clone: each does that and nothing more."""

from __future__ import annotations

import shutil

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.backends.policy import Policy
from padre_git.backends.status import State
from padre_git.errors import (
    ConflictError,
    NotFoundError,
    RejectedError,
    RemoteUnavailableError,
    UnpublishedError,
)
from padre_git.messages import DeleteMode
from padre_git.model import Kind, Tombstone
from padre_git.testing.documents import EXECUTION, EXPERIMENT, IRIS, document, put, run_key, store
from tests.backends.dual_stores import Lab, delete, documents
from tests.conftest import git

RUN = run_key(1)
LOCK = IRIS.experiment("lock")


@pytest.fixture
def ada(lab: Lab) -> DualLayer:
    opened = lab.store("ada")
    store(opened, IRIS, EXPERIMENT, EXECUTION, RUN, run_key(2))
    return opened


@pytest.fixture
def ben(lab: Lab, ada: DualLayer) -> DualLayer:
    opened = lab.store("ben")
    opened.pull("iris")
    return opened


# -- everywhere ---------------------------------------------------------------------------------


def test_deleted_everywhere_it_is_nowhere_and_nothing_is_kept(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    delete(ada, RUN, mode=DeleteMode.ALL)
    for one in (ada, ben, lab.store("cleo")):
        assert one.read([RUN]) == {RUN: Tombstone(key=RUN)}
        assert RUN not in set(one.scan(IRIS))
    assert git("for-each-ref", "refs/padre/kept", cwd=lab.clone("ada")) == ""


def test_deleted_offline_it_goes_from_the_remote_with_the_next_sync(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    lab.go_offline()
    delete(ada, RUN, mode=DeleteMode.ALL)
    lab.go_online()
    assert documents(ben, RUN)
    ada.sync("iris")
    assert ben.read([RUN]) == {RUN: Tombstone(key=RUN)}


def test_a_stale_clone_does_not_bring_it_back(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    stale = lab.store("ben", policy=Policy.MANUAL)
    delete(ada, EXPERIMENT, mode=DeleteMode.ALL)
    put(stale, IRIS.dataset("flowers"))
    stale.sync("iris")
    assert stale.read([EXPERIMENT]) == {EXPERIMENT: Tombstone(key=EXPERIMENT)}
    assert list(ada.scan(IRIS)) == [IRIS.dataset("flowers")]


def test_a_change_of_what_was_deleted_elsewhere_is_a_conflict_and_lost_by_nobody(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    stale = lab.store("ben", policy=Policy.MANUAL)
    delete(ada, EXPERIMENT, mode=DeleteMode.ALL)
    put(stale, run_key(3))
    with pytest.raises(ConflictError) as caught:
        stale.sync("iris")
    assert str(run_key(3)) in {conflict.key for conflict in caught.value.conflicts}
    assert run_key(3) in stale.read([run_key(3)])
    assert ada.read([EXPERIMENT]) == {EXPERIMENT: Tombstone(key=EXPERIMENT)}


def test_a_deleted_project_is_gone_for_everybody_and_its_name_is_free(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    delete(ada, IRIS, mode=DeleteMode.ALL)
    cleo = lab.store("cleo")
    for one in (ada, ben, cleo):
        assert list(one.scan()) == []
        assert one.read([IRIS]) == {IRIS: Tombstone(key=IRIS)}
    put(cleo, IRIS, title="once more")
    assert list(ada.scan()) == [IRIS]


# -- from the remote ----------------------------------------------------------------------------


def test_withdrawn_it_is_gone_for_the_others_and_answers_here(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    before = documents(ada, EXPERIMENT), documents(ada, RUN)
    delete(ada, EXPERIMENT, mode=DeleteMode.REMOTE)
    assert ben.read([EXPERIMENT]) == {EXPERIMENT: Tombstone(key=EXPERIMENT)}
    assert list(ben.scan(IRIS)) == []
    assert b"url" in before[0]["experiment.yaml"]
    assert documents(ada, EXPERIMENT)["experiment.yaml"] == document(EXPERIMENT)
    assert documents(ada, RUN) == before[1]
    assert set(ada.scan(IRIS)) == {EXPERIMENT, EXECUTION, RUN, run_key(2)}
    assert list(ada.scan(EXPERIMENT, kind=Kind.RUN)) == sorted([RUN, run_key(2)])
    assert list(ada.scan(IRIS, kind=Kind.EXPERIMENT)) == [EXPERIMENT]
    assert ada.urls([EXPERIMENT, RUN]) == {}
    assert ada.status("iris").records == {EXPERIMENT: State.KEPT}
    assert git("status", "--porcelain", cwd=lab.clone("ada")) == ""


def test_a_kept_copy_stays_here_whatever_is_pulled_pushed_and_cleaned_up(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    delete(ada, EXPERIMENT, mode=DeleteMode.REMOTE)
    clone = lab.clone("ada")
    put(ben, IRIS.dataset("flowers"))
    git("pull", "-q", cwd=clone)
    git("push", "-q", cwd=clone)
    git("pack-refs", "--all", "--prune", cwd=clone)
    git("gc", "--prune=now", "--quiet", cwd=clone)
    ada.sync("iris")
    again = lab.store("ada")
    assert RUN in again.read([RUN])
    assert ben.read([EXPERIMENT]) == {EXPERIMENT: Tombstone(key=EXPERIMENT)}
    assert git("for-each-ref", "refs/padre/kept", cwd=lab.bare()) == ""


def test_one_run_can_be_withdrawn(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    delete(ada, RUN, mode=DeleteMode.REMOTE)
    assert documents(ada, RUN)
    assert list(ben.scan(EXPERIMENT, kind=Kind.RUN)) == [run_key(2)]
    assert list(ada.scan(EXPERIMENT, kind=Kind.RUN)) == sorted([RUN, run_key(2)])


def test_an_experiment_named_like_a_lock_can_be_withdrawn(lab: Lab, ada: DualLayer) -> None:
    put(ada, LOCK)
    delete(ada, LOCK, mode=DeleteMode.REMOTE)
    assert LOCK in lab.store("ada").read([LOCK])


def test_put_again_a_withdrawn_record_is_published_like_any_other(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    delete(ada, RUN, mode=DeleteMode.REMOTE)
    put(ada, RUN, seed=9)
    assert documents(ben, RUN)["run.yaml"] == document(RUN, seed=9)
    delete(ada, RUN, mode=DeleteMode.ALL)
    assert ada.read([RUN]) == {RUN: Tombstone(key=RUN)}


def test_changing_a_kept_copy_publishes_it_anew_and_deleting_it_drops_it(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    for key in (EXPERIMENT, RUN):
        delete(ada, key, mode=DeleteMode.REMOTE)
        kept = ada.read([key])[key]
        put(ada, key, expected=kept.revision)
        assert key in ben.read([key])
        put(ada, RUN, seed=1)
    delete(ada, RUN, mode=DeleteMode.REMOTE)
    head = lab.head()
    delete(ada, RUN, mode=DeleteMode.ALL)
    assert ada.read([RUN]) == {RUN: Tombstone(key=RUN)}
    assert lab.head() == head


def test_a_work_tree_that_cannot_follow_loses_neither_edit_nor_copy(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    edited = lab.clone("ada") / "experiments/svm/experiment.yaml"
    edited.write_text(edited.read_text() + "# not sure yet\n")
    with pytest.raises(ConflictError, match=r"experiment\.yaml"):
        delete(ada, EXPERIMENT, mode=DeleteMode.REMOTE)
    assert edited.read_text().endswith("# not sure yet\n")
    assert ben.read([EXPERIMENT]) == {EXPERIMENT: Tombstone(key=EXPERIMENT)}
    assert documents(ada, RUN)
    git("checkout", "-q", ".", cwd=lab.clone("ada"))
    ada.sync("iris")
    assert documents(ada, EXPERIMENT)["experiment.yaml"] == document(EXPERIMENT)
    assert ada.status("iris").records == {EXPERIMENT: State.KEPT}


def test_offline_nothing_is_withdrawn(lab: Lab, ada: DualLayer) -> None:
    tip = git("rev-parse", "main", cwd=lab.clone("ada"))
    lab.go_offline()
    with pytest.raises(RemoteUnavailableError):
        delete(ada, RUN, mode=DeleteMode.REMOTE)
    assert git("rev-parse", "main", cwd=lab.clone("ada")) == tip
    assert git("for-each-ref", "refs/padre/kept", cwd=lab.clone("ada")) == ""
    lab.go_online()


def test_a_remote_that_refuses_leaves_everything_as_it_was(lab: Lab, ada: DualLayer) -> None:
    hook = lab.bare() / "hooks" / "pre-receive"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    before = documents(ada, RUN), git("rev-parse", "main", cwd=lab.clone("ada"))
    with pytest.raises(RejectedError):
        delete(ada, RUN, mode=DeleteMode.REMOTE)
    assert (documents(ada, RUN), git("rev-parse", "main", cwd=lab.clone("ada"))) == before
    assert ada.status("iris").state is State.PUBLISHED


def test_what_the_remote_does_not_have_cannot_be_withdrawn(lab: Lab, ada: DualLayer) -> None:
    mine = lab.store("ada", policy=Policy.MANUAL)
    put(mine, run_key(3))
    with pytest.raises(NotFoundError):
        delete(mine, run_key(3), mode=DeleteMode.REMOTE)
    assert run_key(3) in mine.read([run_key(3)])


# -- from this clone ----------------------------------------------------------------------------


def test_evicted_its_files_are_gone_and_come_back_with_a_read(lab: Lab, ada: DualLayer) -> None:
    directory = lab.clone("ada") / "experiments/svm/runs/2026-11" / RUN.name
    before = documents(ada, RUN)
    assert directory.exists()
    delete(ada, RUN, mode=DeleteMode.LOCAL)
    assert not directory.exists()
    assert git("status", "--porcelain", cwd=lab.clone("ada")) == ""
    assert RUN in set(ada.scan(EXPERIMENT))
    assert ada.status("iris").records == {RUN: State.EVICTED}
    assert len(ada.read([RUN, run_key(2)])) == 2
    assert not directory.exists(), "a list answers from git's objects"
    assert documents(ada, RUN) == before
    assert (directory / "run.yaml").read_bytes() == before["run.yaml"]
    assert ada.status("iris").records == {}
    assert RUN in lab.store("ben").read([RUN])


def test_an_evicted_experiment_goes_on_to_be_pulled_and_pushed(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    delete(ada, EXPERIMENT, mode=DeleteMode.LOCAL)
    put(ben, RUN, seed=5)
    put(ada, IRIS, title="still at work")
    ada.sync("iris")
    assert not (lab.clone("ada") / "experiments/svm/experiment.yaml").exists()
    assert git("status", "--porcelain", cwd=lab.clone("ada")) == ""
    assert documents(ada, RUN)["run.yaml"] == document(RUN, seed=5)
    assert set(ben.scan(IRIS)) == {EXPERIMENT, EXECUTION, RUN, run_key(2)}


def test_a_whole_clone_goes_and_the_next_read_gets_it_again(lab: Lab, ada: DualLayer) -> None:
    delete(ada, IRIS, mode=DeleteMode.LOCAL)
    assert list((lab.directory / "ada").iterdir()) == []
    assert list(ada.elsewhere()) == [IRIS]
    assert ada.status("iris").state is State.REMOTE_ONLY
    assert documents(ada, RUN)
    assert lab.clone("ada").exists()


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("commit", "say more"),
        ("branch", "an idea"),
        ("stash", "WIP"),
        ("file", "notes.txt"),
        ("kept", "the kept copy of"),
        ("spool", "the running run 'r-1'"),
        ("spool beside", "the running run 'r-1'"),
    ],
)
def test_a_clone_with_unpublished_work_stays_unless_forced(
    lab: Lab, ada: DualLayer, what: str, named: str
) -> None:
    clone = lab.clone("ada")
    one = lab.store("ada", policy=Policy.MANUAL)
    if what == "kept":
        delete(ada, RUN, mode=DeleteMode.REMOTE)
    elif what == "spool":
        (clone / ".git/padre/spool/r-1").mkdir(parents=True)
    elif what == "spool beside":
        (clone.parent / ".padre/spool/iris/r-1").mkdir(parents=True)
    elif what == "commit":
        git("commit", "-q", "--allow-empty", "-m", "say more", cwd=clone)
    else:
        (clone / "notes.txt").write_text("an idea\n")
        if what == "stash":
            git("stash", "-q", "--include-untracked", cwd=clone)
        if what == "branch":
            git("checkout", "-q", "-b", "idea", cwd=clone)
            git("add", "notes.txt", cwd=clone)
            git("commit", "-q", "-m", "an idea", cwd=clone)
            git("checkout", "-q", "main", cwd=clone)
    with pytest.raises(UnpublishedError, match=named):
        delete(one, IRIS, mode=DeleteMode.LOCAL)
    assert clone.exists()
    delete(one, IRIS, mode=DeleteMode.LOCAL, force=True)
    assert not clone.exists()


def test_whether_all_is_published_cannot_be_known_offline(lab: Lab, ada: DualLayer) -> None:
    lab.go_offline()
    with pytest.raises(RemoteUnavailableError):
        delete(ada, IRIS, mode=DeleteMode.LOCAL)
    assert lab.clone("ada").exists()
    lab.go_online()


def test_a_clone_whose_repository_is_gone_stays(lab: Lab, ada: DualLayer) -> None:
    shutil.rmtree(lab.bare())
    with pytest.raises(Exception, match="gone"):
        delete(ada, IRIS, mode=DeleteMode.LOCAL)
    assert lab.clone("ada").exists()

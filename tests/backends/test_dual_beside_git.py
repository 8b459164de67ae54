"""The dual layer beside plain git, and what it says of where records stand."""

from __future__ import annotations

import pytest

from padre_git.backends.policy import Policy
from padre_git.backends.status import State
from padre_git.errors import (
    ConflictError,
    NotFoundError,
)
from padre_git.messages import Notice, Pulled, Pushed
from padre_git.testing.documents import (
    EXPERIMENT,
    IRIS,
    put,
    run_key,
    store,
)
from tests.backends.dual_stores import Lab, documents
from tests.backends.test_dual import RUN
from tests.conftest import git

# -- beside plain git ---------------------------------------------------------------------------


def test_the_users_own_pull_and_push_are_part_of_the_game(lab: Lab) -> None:
    ada, ben = lab.store("ada"), lab.store("ben")
    store(ada, IRIS, EXPERIMENT)
    ben.pull("iris")
    clone = lab.clone("ben")
    (clone / "README.md").write_text("iris, the flowers\n")
    git("add", "README.md", cwd=clone)
    git("commit", "-qm", "say what it is", cwd=clone)
    put(ada, RUN)
    git("pull", "-q", "--no-rebase", "--no-edit", cwd=clone)
    git("push", "-q", cwd=clone)
    assert RUN in lab.store("ben", policy=Policy.MANUAL).read([RUN])
    ada.sync("iris")
    assert (lab.clone("ada") / "README.md").read_text() == "iris, the flowers\n"
    put(ada, run_key(2))
    git("pull", "-q", cwd=clone)
    assert set(ben.read([RUN, run_key(2)])) == {RUN, run_key(2)}
    assert git("status", "--porcelain", cwd=clone) == ""


def test_what_plain_git_published_without_url_has_one_after_a_sync(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS)
    offline = lab.store("ada", policy=Policy.MANUAL)
    put(offline, EXPERIMENT)
    git("push", "-q", cwd=lab.clone("ada"))
    assert b"url" not in documents(offline, EXPERIMENT)["experiment.yaml"]
    offline.sync("iris")
    assert b"url" in documents(offline, EXPERIMENT)["experiment.yaml"]


def test_uncommitted_work_of_the_user_is_never_overwritten(lab: Lab) -> None:
    ada, ben = lab.store("ada"), lab.store("ben")
    store(ada, IRIS, EXPERIMENT)
    ben.pull("iris")
    edited = lab.clone("ben") / "experiments/svm/experiment.yaml"
    edited.write_text(edited.read_text() + "# not sure yet\n")
    put(ada, EXPERIMENT, title="new")
    put(ada, RUN)
    assert RUN in ben.read([RUN]), "what is at the remote can be read all the same"
    assert any("experiment.yaml" in notice.text for notice in lab.heard(Notice))
    with pytest.raises(ConflictError, match=r"experiment\.yaml"):
        ben.pull("iris")
    assert edited.read_text().endswith("# not sure yet\n")
    git("checkout", "-q", "experiments", cwd=lab.clone("ben"))
    ben.read([RUN])
    assert "title: new" in edited.read_text()


def test_a_push_that_the_clone_cannot_follow_says_that_it_is_published(lab: Lab) -> None:
    ada = lab.store("ada", policy=Policy.MANUAL)
    store(ada, IRIS, EXPERIMENT)
    edited = lab.clone("ada") / "experiments/svm/experiment.yaml"
    stored = edited.read_text()
    edited.write_text(stored + "# not sure yet\n")
    with pytest.raises(ConflictError, match=r"'iris' is published, but .*experiment\.yaml"):
        ada.push("iris")
    assert EXPERIMENT in lab.store("ben").read([EXPERIMENT])
    edited.write_text(stored)
    ada.push("iris")
    assert b"url" in documents(ada, EXPERIMENT)["experiment.yaml"]
    assert git("status", "--porcelain", cwd=lab.clone("ada")) == ""


def test_a_push_takes_along_what_waits_for_the_user(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS, EXPERIMENT)
    (lab.clone("ada") / ".git" / "MERGE_HEAD").write_text(lab.head() + "\n")
    put(ada, RUN)
    assert ada.status("iris").pending == 1
    assert ada.status("iris").records == {RUN: State.PENDING}
    assert RUN in lab.store("ben").read([RUN])
    (lab.clone("ada") / ".git" / "MERGE_HEAD").unlink()
    ada.sync("iris")
    assert ada.status("iris").pending == 0
    assert git("status", "--porcelain", cwd=lab.clone("ada")) == ""


# -- status -------------------------------------------------------------------------------------


def test_status_says_where_each_record_stands(lab: Lab) -> None:
    ada, ben = lab.store("ada"), lab.store("ben", policy=Policy.MANUAL)
    flowers = IRIS.dataset("flowers")
    store(ada, IRIS, EXPERIMENT, flowers, RUN)
    ben.pull("iris")
    put(ben, run_key(2))
    put(ben, flowers, title="mine")
    put(ben, EXPERIMENT, title="mine")
    put(ada, run_key(3))
    put(ada, RUN, seed=3)
    put(ada, EXPERIMENT, description="theirs")
    found = ben.status("iris")
    assert found.state is State.DIVERGED
    assert (found.ahead, found.behind, found.problem) == (3, 3, None)
    assert found.records == {
        flowers: State.AHEAD,
        EXPERIMENT: State.DIVERGED,
        RUN: State.BEHIND,
        run_key(2): State.LOCAL_ONLY,
        run_key(3): State.REMOTE_ONLY,
    }
    ben.sync("iris")
    assert ben.status("iris").state is State.PUBLISHED
    assert ben.status("iris").records == {}
    assert lab.store("cleo").status("iris").state is State.REMOTE_ONLY
    with pytest.raises(NotFoundError):
        ben.status("nowhere")


def test_events_tell_what_came_and_went(lab: Lab) -> None:
    ada, ben = lab.store("ada"), lab.store("ben")
    store(ada, IRIS)
    ben.pull("iris")
    lab.events.clear()
    put(ada, EXPERIMENT)
    assert [e.commits for e in lab.heard(Pushed)] == [2]
    ben.read([EXPERIMENT])
    assert [(e.commits, e.head) for e in lab.heard(Pulled)] == [(2, lab.head())]

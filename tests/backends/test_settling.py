"""What two people did that only a person can put together: shown, decided, merged, published."""

from __future__ import annotations

import dataclasses

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.backends.git import GitBackend
from padre_git.backends.policy import Policy
from padre_git.errors import (
    ConflictError,
    InvalidInputError,
    InvalidValueError,
)
from padre_git.messages import Choice, Decision
from padre_git.testing.documents import (
    EXPERIMENT,
    put,
    run_key,
)
from tests.backends.dual_stores import Lab, documents
from tests.backends.settling import FLOWERS, agreed, stuck
from tests.conftest import git

# -- fields --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "title"), [(Choice.OURS, "ours"), (Choice.THEIRS, "theirs")], ids=str
)
def test_a_side_is_chosen_and_one_merge_commit_says_so(
    lab: Lab, ada: DualLayer, ben: DualLayer, choice: Choice, title: str
) -> None:
    put(ada, EXPERIMENT, title="theirs")
    put(ben, EXPERIMENT, title="ours")
    put(ben, run_key(2))
    (conflict,) = stuck(ben)
    assert (conflict.base, conflict.ours, conflict.theirs) == (None, "ours", "theirs")
    before = git("rev-parse", "main", cwd=lab.clone("ben")).strip()
    assert ben.settle("iris", [Decision(conflict, choice)]) == ()
    parents = git("log", "-1", "--format=%P", cwd=lab.clone("ben")).split()
    assert parents == [before, lab.head()]
    text = git("log", "-1", "--format=%B", cwd=lab.clone("ben"))
    assert f"* iris/experiments/svm title: {choice.value}" in text
    assert "Padre-Op: merge" in text
    agreed(lab, ada, ben)
    assert f"title: {title}" in documents(ada, EXPERIMENT)["experiment.yaml"].decode()
    assert run_key(2) in ada.read([run_key(2)])


def test_a_value_of_ones_own_is_chosen(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    put(ada, EXPERIMENT, parameters={"C": 1.0, "kernel": {"name": "rbf"}})
    put(ben, EXPERIMENT, parameters={"C": 2.0, "kernel": {"name": "poly"}})
    found = {c.field: c for c in stuck(ben)}
    assert set(found) == {"parameters.C", "parameters.kernel.name"}
    decisions = [
        Decision(found["parameters.C"], Choice.VALUE, 1.5),
        Decision(found["parameters.kernel.name"], Choice.THEIRS),
    ]
    assert ben.settle("iris", decisions) == ()
    agreed(lab, ada, ben)
    text = documents(ada, EXPERIMENT)["experiment.yaml"].decode()
    assert "C: 1.5" in text
    assert "name: rbf" in text


def test_a_value_that_the_document_cannot_hold_is_refused_and_nothing_is_remembered(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, EXPERIMENT, seed=1)
    put(ben, EXPERIMENT, seed=2)
    (conflict,) = stuck(ben)
    with pytest.raises(InvalidValueError, match="seed"):
        ben.settle("iris", [Decision(conflict, Choice.VALUE, "three")])
    assert ben.conflicts("iris") == (conflict,)
    with pytest.raises(InvalidInputError):
        Decision(conflict, Choice.VALUE, {1, 2})
    with pytest.raises(InvalidInputError):
        Decision(conflict, Choice.OURS, 3)


def test_decisions_are_remembered_by_other_processes_until_all_are_made(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, EXPERIMENT, title="theirs", seed=1)
    put(ada, FLOWERS, title="theirs")
    put(ben, EXPERIMENT, title="ours", seed=2)
    put(ben, FLOWERS, title="ours")
    found = stuck(ben)
    assert len(found) == 3
    tip = git("rev-parse", "main", cwd=lab.clone("ben"))
    left = ben.settle("iris", [Decision(found[0], Choice.OURS)])
    assert left == found[1:]
    assert git("rev-parse", "main", cwd=lab.clone("ben")) == tip, "nothing is half-merged"
    again = DualLayer(GitBackend(ben.local.root), ben.remote, policy=Policy.MANUAL)
    assert again.conflicts("iris") == found[1:]
    assert again.settle("iris", [], Choice.THEIRS) == ()
    again.close()
    agreed(lab, ada, ben)
    assert b"title: ours" in documents(ada, FLOWERS)["dataset.yaml"]
    assert b"title: theirs" in documents(ada, EXPERIMENT)["experiment.yaml"]


def test_a_sync_makes_the_merge_that_was_decided_before(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, EXPERIMENT, title="theirs")
    put(ben, EXPERIMENT, title="ours")
    (conflict,) = stuck(ben)
    dirty = lab.clone("ben") / "experiments/svm/experiment.yaml"
    stored = dirty.read_bytes()
    dirty.write_bytes(stored + b"# thinking\n")
    with pytest.raises(ConflictError, match=r"experiment\.yaml"):
        ben.settle("iris", [Decision(conflict, Choice.THEIRS)])
    assert dirty.read_bytes() == stored + b"# thinking\n", "uncommitted work is safe"
    dirty.write_bytes(stored)
    agreed(lab, ada, ben)
    assert b"title: theirs" in documents(ben, EXPERIMENT)["experiment.yaml"]


def test_a_decision_about_something_else_by_now_does_not_count(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, EXPERIMENT, title="theirs", seed=1)
    put(ben, EXPERIMENT, title="ours", seed=2)
    seed, title = stuck(ben)
    ben.settle("iris", [Decision(title, Choice.OURS)])
    put(ada, EXPERIMENT, title="newer", seed=1)
    with pytest.raises(ConflictError):
        ben.pull("iris")
    seed, newer = ben.conflicts("iris")
    assert newer == dataclasses.replace(title, theirs="newer")
    with pytest.raises(ConflictError, match="not what it was") as caught:
        ben.settle("iris", [Decision(title, Choice.OURS)])
    assert caught.value.conflicts == (newer,)
    assert ben.settle("iris", [Decision(seed, Choice.OURS), Decision(newer, Choice.THEIRS)]) == ()
    agreed(lab, ada, ben)
    assert b"title: newer" in documents(ben, EXPERIMENT)["experiment.yaml"]


def test_what_is_settled_already_is_no_place_to_decide(ada: DualLayer, ben: DualLayer) -> None:
    put(ada, EXPERIMENT, title="theirs")
    put(ben, EXPERIMENT, title="ours")
    (conflict,) = stuck(ben)
    other = dataclasses.replace(conflict, field="seed")
    with pytest.raises(InvalidInputError, match="nothing is open"):
        ben.settle("iris", [Decision(other, Choice.OURS)])
    assert ben.settle("iris", [], Choice.OURS) == ()
    assert ben.settle("iris", [], Choice.OURS) == ()
    with pytest.raises(InvalidInputError, match="nothing is open"):
        ben.settle("iris", [Decision(conflict, Choice.OURS)])


def test_choosing_theirs_everywhere_keeps_our_commits_in_history(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, EXPERIMENT, title="theirs")
    put(ben, EXPERIMENT, title="ours")
    ours = git("rev-parse", "main", cwd=lab.clone("ben")).strip()
    stuck(ben)
    ben.settle("iris", [], Choice.THEIRS)
    agreed(lab, ada, ben)
    git("merge-base", "--is-ancestor", ours, "main", cwd=lab.bare())


def test_with_a_policy_that_publishes_the_merge_is_published(lab: Lab, ada: DualLayer) -> None:
    cleo = lab.store("cleo")
    cleo.pull("iris")
    lab.go_offline()
    put(cleo, EXPERIMENT, title="ours")
    lab.go_online()
    put(ada, EXPERIMENT, title="theirs")
    (conflict,) = cleo.conflicts("iris")
    cleo.settle("iris", [Decision(conflict, Choice.OURS)])
    assert git("rev-parse", "main", cwd=lab.clone("cleo")).strip() == lab.head()
    assert b"title: ours" in documents(ada, EXPERIMENT)["experiment.yaml"]


def test_out_of_reach_what_was_seen_last_is_settled_and_published_later(
    lab: Lab, ada: DualLayer
) -> None:
    cleo = lab.store("cleo", max_age=3600)
    cleo.pull("iris")
    lab.go_offline()
    put(cleo, EXPERIMENT, title="ours")
    lab.go_online()
    put(ada, EXPERIMENT, title="theirs")
    with pytest.raises(ConflictError):
        cleo.pull("iris")
    lab.go_offline()
    (conflict,) = cleo.conflicts("iris")
    assert cleo.settle("iris", [Decision(conflict, Choice.OURS)]) == ()
    lab.go_online()
    cleo.sync("iris")
    assert b"title: ours" in documents(ada, EXPERIMENT)["experiment.yaml"]


def test_a_decision_that_was_not_needed_is_forgotten(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, EXPERIMENT, title="theirs", seed=1)
    put(ben, EXPERIMENT, title="ours", seed=2)
    _, title = stuck(ben)
    ben.settle("iris", [Decision(title, Choice.OURS)])
    put(ben, EXPERIMENT, title="theirs", seed=1)
    agreed(lab, ada, ben)

"""What two people did that only a person can put together: shown, decided, merged, published."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.backends.git import GitBackend
from padre_git.backends.policy import Policy
from padre_git.errors import (
    Conflict,
    ConflictError,
    InvalidInputError,
    InvalidValueError,
    LockedError,
)
from padre_git.messages import Choice, Decision, Message, Op
from padre_git.model import Change, ChangeSet, Key, Record, Tombstone
from padre_git.model.values import FrozenMapping
from padre_git.testing.documents import (
    EXECUTION,
    EXPERIMENT,
    IRIS,
    put,
    remove,
    run_key,
    store,
)
from tests.backends.dual_stores import Lab, documents
from tests.conftest import git

RUN = run_key(1)
FLOWERS = IRIS.dataset("flowers")
DECISIONS = ".git/padre/decisions.json"


@pytest.fixture
def ada(lab: Lab) -> DualLayer:
    opened = lab.store("ada")
    store(opened, IRIS, EXPERIMENT, EXECUTION, FLOWERS, RUN)
    return opened


@pytest.fixture
def ben(lab: Lab, ada: DualLayer) -> DualLayer:
    opened = lab.store("ben", policy=Policy.MANUAL)
    opened.pull("iris")
    return opened


def places(conflicts: tuple[Conflict, ...]) -> list[tuple[str, str | None]]:
    return [(conflict.key, conflict.field) for conflict in conflicts]


def stuck(ben: DualLayer) -> tuple[Conflict, ...]:
    """Pulls, which must fail, and returns where."""
    with pytest.raises(ConflictError) as caught:
        ben.pull("iris")
    assert places(caught.value.conflicts) == places(ben.conflicts("iris"))
    return ben.conflicts("iris")


def rename(backend: DualLayer, key: Key, target: Key) -> None:
    """Gives a record another name, as the store does."""
    files = documents(backend, key)
    changes = ChangeSet(
        changes=(
            Change(key=target, files=files, moved_from=key),
            Change(key=key, files=None, moved_to=target),
        )
    )
    backend.apply(changes, Message(op=Op.RENAME, subject="rename"))


def agreed(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    """Makes sure that both clones are where the remote is, with nothing left lying about."""
    ben.sync("iris")
    ada.sync("iris")
    for name in ("ada", "ben"):
        clone = lab.clone(name)
        assert git("rev-parse", "main", cwd=clone).strip() == lab.head()
        assert git("status", "--porcelain", cwd=clone) == ""
        assert not (clone / DECISIONS).exists()
    assert ada.conflicts("iris") == ben.conflicts("iris") == ()


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


# -- what was deleted ----------------------------------------------------------------------------


def test_values_of_a_record_are_its_documents_and_immutable(ada: DualLayer, ben: DualLayer) -> None:
    put(ada, EXPERIMENT, title="better")
    remove(ben, EXPERIMENT)
    (conflict,) = stuck(ben)
    assert (conflict.key, conflict.field, conflict.ours) == (EXPERIMENT.text, None, None)
    assert isinstance(conflict.theirs, FrozenMapping)
    assert conflict.theirs["title"] == "better"
    hash(conflict)


def edit(backend: DualLayer) -> object:
    return put(backend, EXPERIMENT, title="better")


def add_run(backend: DualLayer) -> object:
    return put(backend, run_key(2))


def tag_run(backend: DualLayer) -> object:
    return put(backend, RUN, {"tags/best": b""})


def edit_run(backend: DualLayer) -> object:
    return put(backend, RUN, seed=99)


@pytest.mark.parametrize(
    ("gone", "change"),
    [
        pytest.param(EXPERIMENT, edit, id="an edit of a deleted experiment"),
        pytest.param(EXPERIMENT, add_run, id="a run in it"),
        pytest.param(EXPERIMENT, tag_run, id="a tag in it"),
        pytest.param(RUN, tag_run, id="a tag of a deleted run"),
        pytest.param(RUN, edit_run, id="an edit of it"),
    ],
)
@pytest.mark.parametrize("deleting", ["ada", "ben"])
@pytest.mark.parametrize("keep", [True, False], ids=["keep", "delete"])
def test_what_one_deleted_and_the_other_changed_is_kept_or_deleted(
    lab: Lab,
    ada: DualLayer,
    ben: DualLayer,
    change: Callable[[DualLayer], object],
    gone: Key,
    deleting: str,
    keep: bool,
) -> None:
    people = {"ada": ada, "ben": ben}
    alive = people["ben" if deleting == "ada" else "ada"]
    remove(people[deleting], gone)
    change(alive)
    wanted = alive.local.read([EXPERIMENT, EXECUTION, RUN, run_key(2)])
    conflicts = stuck(ben)
    side = Choice.OURS if (deleting == "ben") is not keep else Choice.THEIRS
    assert ben.settle("iris", [], side) == ()
    agreed(lab, ada, ben)
    for one in (ada, ben):
        found = one.read([EXPERIMENT, EXECUTION, RUN, run_key(2)])
        if keep:
            assert {k: getattr(r, "revision", None) for k, r in found.items()} == {
                k: getattr(r, "revision", None) for k, r in wanted.items()
            }
        else:
            assert found[gone] == Tombstone(key=gone)
            assert conflicts[0].key not in map(str, one.scan(IRIS))
    seals = git("ls-tree", "-r", "--name-only", "main", cwd=lab.bare()).split()
    assert ("experiments/svm/runs" in seals) is (not keep and gone == EXPERIMENT)


def test_the_places_of_one_deletion_are_decided_alike(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, run_key(2))
    put(ada, EXPERIMENT, title="better")
    remove(ben, EXPERIMENT)
    first, second = stuck(ben)
    mixed = [Decision(first, Choice.OURS), Decision(second, Choice.THEIRS)]
    with pytest.raises(InvalidInputError, match="decided differently"):
        ben.settle("iris", mixed)
    assert ben.settle("iris", mixed[:1]) == (second,)
    with pytest.raises(InvalidInputError, match="decided differently"):
        ben.settle("iris", mixed[1:])
    with pytest.raises(InvalidInputError, match="no single value"):
        Decision(first, Choice.VALUE, {"title": "x"})
    assert ben.settle("iris", [Decision(first, Choice.THEIRS)]) == (second,)
    assert ben.settle("iris", [Decision(second, Choice.THEIRS)]) == ()
    agreed(lab, ada, ben)
    assert run_key(2) in ben.read([run_key(2)])


def test_files_of_the_user_come_back_with_what_is_kept(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    readme = lab.clone("ada") / "experiments/svm/README.md"
    readme.write_text("why\n")
    git("add", ".", cwd=lab.clone("ada"))
    git("commit", "-qm", "why", cwd=lab.clone("ada"))
    ada.sync("iris")
    ben.sync("iris")
    remove(ben, EXPERIMENT)
    put(ada, run_key(2))
    stuck(ben)
    ben.settle("iris", [], Choice.THEIRS)
    agreed(lab, ada, ben)
    assert (lab.clone("ben") / "experiments/svm/README.md").read_text() == "why\n"


@pytest.mark.parametrize("choice", [Choice.OURS, Choice.THEIRS], ids=str)
def test_a_rename_against_an_edit(lab: Lab, ada: DualLayer, ben: DualLayer, choice: Choice) -> None:
    new = IRIS.experiment("kernels")
    rename(ben, EXPERIMENT, new)
    put(ada, EXPERIMENT, title="better")
    (conflict,) = stuck(ben)
    ben.settle("iris", [Decision(conflict, choice)])
    agreed(lab, ada, ben)
    assert isinstance(ada.read([new])[new], Record), "the copy is there either way"
    old = ada.read([EXPERIMENT])[EXPERIMENT]
    if choice is Choice.OURS:
        assert old == Tombstone(key=EXPERIMENT, moved_to=new)
        assert RUN not in ada.read([RUN])
    else:
        assert b"better" in documents(ada, EXPERIMENT)["experiment.yaml"]
        assert RUN in ada.read([RUN])


@pytest.mark.parametrize("choice", [Choice.OURS, Choice.THEIRS], ids=str)
def test_two_new_names_for_one_experiment(
    lab: Lab, ada: DualLayer, ben: DualLayer, choice: Choice
) -> None:
    kernels, margins = IRIS.experiment("kernels"), IRIS.experiment("margins")
    rename(ben, EXPERIMENT, kernels)
    rename(ada, EXPERIMENT, margins)
    (conflict,) = stuck(ben)
    assert (conflict.field, conflict.ours) == ("moved_to", kernels.text)
    ben.settle("iris", [Decision(conflict, choice)])
    agreed(lab, ada, ben)
    target = kernels if choice is Choice.OURS else margins
    assert ada.read([EXPERIMENT])[EXPERIMENT] == Tombstone(key=EXPERIMENT, moved_to=target)
    assert {kernels, margins} <= set(ada.scan(IRIS)), "no copy is lost"


# -- files ---------------------------------------------------------------------------------------


def commit(clone: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(text)
    git("add", ".", cwd=clone)
    git("commit", "-qm", "by hand", cwd=clone)


@pytest.mark.parametrize("choice", [Choice.OURS, Choice.THEIRS], ids=str)
def test_a_file_of_the_users(lab: Lab, ada: DualLayer, ben: DualLayer, choice: Choice) -> None:
    commit(lab.clone("ada"), {"README.md": "by ada\n"})
    commit(lab.clone("ben"), {"README.md": "by ben\n"})
    ada.sync("iris")
    (conflict,) = stuck(ben)
    assert (conflict.key, conflict.ours, conflict.theirs) == ("README.md", "by ben\n", "by ada\n")
    ben.settle("iris", [Decision(conflict, choice)])
    agreed(lab, ada, ben)
    wanted = "by ben\n" if choice is Choice.OURS else "by ada\n"
    assert (lab.clone("ada") / "README.md").read_text() == wanted


@pytest.mark.parametrize("choice", [Choice.OURS, Choice.THEIRS], ids=str)
@pytest.mark.parametrize("file_of", ["ada", "ben"])
def test_a_file_here_and_a_directory_there(
    lab: Lab, ada: DualLayer, ben: DualLayer, choice: Choice, file_of: str
) -> None:
    directory_of = "ben" if file_of == "ada" else "ada"
    commit(lab.clone(file_of), {"plots": "x\n"})
    commit(lab.clone(directory_of), {"plots/a.txt": "a\n", "plots/b/c.txt": "c\n"})
    ada.sync("iris")
    (conflict,) = stuck(ben)
    assert places((conflict,)) == [("plots", None)]
    ben.settle("iris", [Decision(conflict, choice)])
    agreed(lab, ada, ben)
    found = git("ls-files", "plots", cwd=lab.clone("ada")).split()
    of_file = (choice is Choice.OURS) is (file_of == "ben")
    assert found == (["plots"] if of_file else ["plots/a.txt", "plots/b/c.txt"])


def test_an_artifact_pointer_that_both_changed(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    mine, yours = (f"outs:\n- md5: {c * 32}\n  path: data\n".encode() for c in "12")
    put(ada, FLOWERS, {"data.dvc": yours})
    put(ben, FLOWERS, {"data.dvc": mine})
    conflict, version = stuck(ben)
    assert (conflict.key, conflict.field) == (FLOWERS.text, "data.dvc")
    assert version.field == "version"
    with pytest.raises(InvalidInputError, match="no single value"):
        ben.settle("iris", [Decision(conflict, Choice.VALUE, "x")])
    mixed = [Decision(conflict, Choice.OURS), Decision(version, Choice.THEIRS)]
    with pytest.raises(InvalidInputError, match="version of another"):
        ben.settle("iris", mixed)
    assert ben.conflicts("iris") == (conflict, version)
    ben.settle("iris", [], Choice.OURS)
    agreed(lab, ada, ben)
    assert documents(ada, FLOWERS)["data.dvc"] == mine


def test_a_document_that_one_side_cannot_read(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    commit(lab.clone("ben"), {"datasets/flowers/dataset.yaml": "schema: [\n"})
    put(ada, FLOWERS, title="theirs")
    (conflict,) = stuck(ben)
    assert (conflict.field, conflict.ours) == ("dataset.yaml", "schema: [\n")
    ben.settle("iris", [Decision(conflict, Choice.THEIRS)])
    agreed(lab, ada, ben)
    assert b"theirs" in documents(ben, FLOWERS)["dataset.yaml"]


def test_two_parameters_that_have_one_name_together(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, EXPERIMENT, parameters={"a.b": 1})
    put(ben, EXPERIMENT, parameters={"a": {"b": 2}})
    (conflict,) = stuck(ben)
    assert conflict.field == "experiment.yaml"
    assert isinstance(conflict.ours, FrozenMapping)
    ben.settle("iris", [Decision(conflict, Choice.THEIRS)])
    agreed(lab, ada, ben)
    assert b"a.b: 1" in documents(ben, EXPERIMENT)["experiment.yaml"]


def test_what_was_evicted_stays_away_and_is_merged(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, EXPERIMENT, title="theirs")
    put(ben, EXPERIMENT, title="ours")
    ben.evict(EXPERIMENT)
    clone = lab.clone("ben")
    (conflict,) = stuck(ben)
    ben.settle("iris", [Decision(conflict, Choice.THEIRS)])
    assert not (clone / "experiments/svm").exists()
    agreed(lab, ada, ben)


# -- what waits ----------------------------------------------------------------------------------


def waiting(lab: Lab, ben: DualLayer) -> None:
    """Leaves a commit that waits, and a branch that has another title than it."""
    clone = lab.clone("ben")
    git("bisect", "start", "HEAD", "HEAD~2", cwd=clone)
    put(ben, EXPERIMENT, title="waits")
    put(ben, run_key(2))
    git("bisect", "reset", cwd=clone)
    document = clone / "experiments/svm/experiment.yaml"
    document.write_bytes(document.read_bytes() + b"\ntitle: by hand\n")
    git("commit", "-qam", "by hand", cwd=clone)


def test_what_waits_is_merged_by_field_as_anything_else(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    clone = lab.clone("ben")
    git("bisect", "start", "HEAD", "HEAD~2", cwd=clone)
    put(ben, EXPERIMENT, title="waits")
    git("bisect", "reset", cwd=clone)
    document = clone / "experiments/svm/experiment.yaml"
    document.write_bytes(document.read_bytes() + b"\nseed: 5\n")
    git("commit", "-qam", "by hand", cwd=clone)
    put(ben, run_key(3))
    assert ben.conflicts("iris") == ()
    text = documents(ben, EXPERIMENT)["experiment.yaml"]
    assert b"title: waits" in text
    assert b"seed: 5" in text
    agreed(lab, ada, ben)


@pytest.mark.parametrize("choice", [Choice.OURS, Choice.THEIRS], ids=str)
def test_what_waits_and_contradicts_the_branch_is_settled_first(
    lab: Lab, ada: DualLayer, ben: DualLayer, choice: Choice
) -> None:
    waiting(lab, ben)
    put(ada, FLOWERS, title="theirs")
    (conflict,) = ben.conflicts("iris")
    assert (conflict.ours, conflict.theirs) == ("by hand", "waits")
    assert ben.settle("iris", [Decision(conflict, choice)]) == ()
    title = b"by hand" if choice is Choice.OURS else b"waits"
    agreed(lab, ada, ben)
    assert title in documents(ada, EXPERIMENT)["experiment.yaml"]
    assert run_key(2) in ada.read([run_key(2)])


def test_after_what_waits_comes_what_contradicts_the_remote(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    waiting(lab, ben)
    put(ada, EXPERIMENT, title="theirs")
    with pytest.raises(ConflictError):
        ben.pull("iris")
    (first,) = ben.conflicts("iris")
    assert ben.settle("iris", [], Choice.THEIRS) == ()
    (second,) = stuck(ben)
    assert (second.ours, second.theirs) == ("waits", "theirs")
    assert first != second
    assert ben.settle("iris", [], Choice.OURS) == ()
    agreed(lab, ada, ben)
    assert b"waits" in documents(ada, EXPERIMENT)["experiment.yaml"]


def test_without_a_remote_what_waits_can_be_settled_too(tmp_path: Path) -> None:
    with GitBackend(tmp_path) as backend:
        store(backend, IRIS, EXPERIMENT)
        put(backend, EXPERIMENT, seed=3)
        assert backend.conflicts("iris") == ()
        clone = tmp_path / "iris"
        git("bisect", "start", "HEAD", "HEAD~2", cwd=clone)
        put(backend, EXPERIMENT, title="waits")
        git("bisect", "reset", cwd=clone)
        document = clone / "experiments/svm/experiment.yaml"
        document.write_bytes(document.read_bytes() + b"\ntitle: by hand\n")
        git("commit", "-qam", "by hand", cwd=clone)
        (conflict,) = backend.conflicts("iris")
        assert backend.settle("iris", [Decision(conflict, Choice.THEIRS)]) == ()
        assert b"waits" in document.read_bytes()


def test_while_the_work_tree_is_in_use_nothing_is_said_to_be_settled(tmp_path: Path) -> None:
    with GitBackend(tmp_path) as backend:
        store(backend, IRIS, EXPERIMENT)
        put(backend, EXPERIMENT, seed=3)
        clone = tmp_path / "iris"
        git("bisect", "start", "HEAD", "HEAD~2", cwd=clone)
        put(backend, EXPERIMENT, title="waits")
        git("bisect", "reset", cwd=clone)
        document = clone / "experiments/svm/experiment.yaml"
        document.write_bytes(document.read_bytes() + b"\ntitle: by hand\n")
        git("commit", "-qam", "by hand", cwd=clone)
        (conflict,) = backend.conflicts("iris")
        git("bisect", "start", "HEAD", "HEAD~2", cwd=clone)
        with pytest.raises(LockedError, match="in use"):
            backend.settle("iris", [], Choice.THEIRS)
        git("bisect", "reset", cwd=clone)
        assert backend.conflicts("iris") == (conflict,)
        assert backend.settle("iris", [], Choice.THEIRS) == ()
        assert b"waits" in document.read_bytes()


# -- trouble -------------------------------------------------------------------------------------


def test_a_damaged_memory_is_no_memory(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    put(ada, EXPERIMENT, title="theirs", seed=1)
    put(ben, EXPERIMENT, title="ours", seed=2)
    found = stuck(ben)
    ben.settle("iris", [Decision(found[0], Choice.OURS)])
    for text in ("", "[]", "{", '{"version": 2}', '{"version": 1, "decisions": {"x": 1}}'):
        (lab.clone("ben") / DECISIONS).write_text(text)
        assert ben.conflicts("iris") == found
    assert ben.settle("iris", [], Choice.OURS) == ()


def test_two_projects_under_one_name_cannot_be_settled(
    lab: Lab, ada: DualLayer, tmp_path: Path
) -> None:
    lab.go_offline()
    cleo = lab.store("cleo")
    store(cleo, IRIS, EXPERIMENT)
    lab.go_online()
    with pytest.raises(ConflictError, match="nothing in common"):
        cleo.pull("iris")
    for settle in (cleo.conflicts, lambda name: cleo.settle(name, [], Choice.OURS)):
        with pytest.raises(ConflictError, match="nothing in common"):
            settle("iris")


def test_the_memory_is_the_clones_and_never_pushed(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    put(ada, EXPERIMENT, title="theirs", seed=1)
    put(ben, EXPERIMENT, title="ours", seed=2)
    ben.settle("iris", [Decision(stuck(ben)[0], Choice.OURS)])
    assert (lab.clone("ben") / DECISIONS).exists()
    assert git("status", "--porcelain", "--ignored", cwd=lab.clone("ben")) == ""
    done = subprocess.run(
        ["git", "grep", "-c", "decisions", "main"], cwd=lab.bare(), env={**os.environ}, check=False
    )
    assert done.returncode == 1

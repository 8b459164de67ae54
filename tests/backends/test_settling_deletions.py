"""What one deleted or renamed and the other changed: kept, deleted, or under one of two names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.errors import (
    InvalidInputError,
)
from padre_git.messages import Choice, Decision
from padre_git.model import Key, Record, Tombstone
from padre_git.model.values import FrozenMapping
from padre_git.testing.documents import (
    EXECUTION,
    EXPERIMENT,
    IRIS,
    put,
    remove,
    run_key,
)
from tests.backends.dual_stores import Lab, documents
from tests.backends.settling import RUN, agreed, rename, stuck
from tests.conftest import git

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

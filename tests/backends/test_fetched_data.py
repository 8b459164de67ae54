"""What somebody else deletes, in a clone that has fetched the data of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.messages import DeleteMode, Message, Op
from padre_git.model import Key, Record, Tombstone
from padre_git.testing.documents import EXECUTION, EXPERIMENT, IRIS, put, run_key, store
from tests.backends.dual_stores import Lab, delete
from tests.backends.settling import RUN
from tests.conftest import git

DIRECTORY = f"experiments/svm/runs/2026-11/{RUN.name}"
MODEL = f"{DIRECTORY}/artifacts/model"


def fetch(clone: Path) -> None:
    """Puts data where ``dvc pull`` puts it."""
    (clone / DIRECTORY / "artifacts").mkdir()
    (clone / MODEL).write_text("fetched\n")
    assert git("status", "--porcelain", cwd=clone) == ""


def in_step(lab: Lab, name: str) -> None:
    """Fails unless a clone is where the remote is, and its data where it was."""
    clone = lab.clone(name)
    assert git("rev-parse", "main", cwd=clone).strip() == lab.head()
    assert git("status", "--porcelain", cwd=clone) == ""
    assert (clone / MODEL).read_text() == "fetched\n"


@pytest.mark.parametrize("key", [IRIS, EXPERIMENT, RUN], ids=lambda key: key.kind.value)
def test_a_colleague_deletes_it_and_everything_goes_on(
    lab: Lab, ada: DualLayer, ben: DualLayer, key: Key
) -> None:
    fetch(lab.clone("ben"))
    delete(ada, key)
    ben.sync("iris")
    assert ben.read([key])[key] == Tombstone(key=key)
    in_step(lab, "ben")
    store(ada, IRIS, EXPERIMENT, EXECUTION, run_key(3))
    ben.sync("iris")
    assert isinstance(ben.read([run_key(3)])[run_key(3)], Record)
    assert isinstance(ben.read([RUN]).get(RUN), Tombstone) is (key == RUN)
    in_step(lab, "ben")
    assert ben.verify("iris") == ()


def test_who_has_fetched_it_puts_it_back(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    fetch(lab.clone("ben"))
    delete(ada, EXPERIMENT)
    ben.sync("iris")
    ben.restore([EXPERIMENT], Message(op=Op.RESTORE, subject="restore svm"))
    put(ben, RUN, seed=4)
    ben.sync("iris")
    ada.sync("iris")
    assert isinstance(ada.read([RUN])[RUN], Record)
    assert (lab.clone("ben") / DIRECTORY / "run.yaml").exists()
    in_step(lab, "ben")


def test_work_beside_it_is_merged(lab: Lab, ada: DualLayer, ben: DualLayer) -> None:
    fetch(lab.clone("ben"))
    put(ben, IRIS.experiment("rbf"))
    delete(ada, EXPERIMENT)
    ben.sync("iris")
    in_step(lab, "ben")


@pytest.mark.parametrize("mode", [DeleteMode.ALL, DeleteMode.REMOTE])
def test_who_has_fetched_it_deletes_it(lab: Lab, ada: DualLayer, mode: DeleteMode) -> None:
    fetch(lab.clone("ada"))
    delete(ada, EXPERIMENT, mode=mode)
    in_step(lab, "ada")
    fresh = lab.store("fresh")
    assert fresh.read([EXPERIMENT]) == {EXPERIMENT: Tombstone(key=EXPERIMENT)}
    ada.restore([EXPERIMENT], Message(op=Op.RESTORE, subject="restore svm"))
    assert isinstance(fresh.read([EXPERIMENT])[EXPERIMENT], Record)
    in_step(lab, "ada")


def test_in_a_sparse_clone_it_is_deleted_without_that_seal(lab: Lab, ada: DualLayer) -> None:
    fetch(lab.clone("ada"))
    git("sparse-checkout", "set", "--cone", "experiments", cwd=lab.clone("ada"))
    delete(ada, EXPERIMENT)
    in_step(lab, "ada")
    assert lab.store("fresh").read([EXPERIMENT]) == {EXPERIMENT: Tombstone(key=EXPERIMENT)}

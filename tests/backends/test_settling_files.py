"""Files that two people changed, and commits that wait: put together by a person."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.backends.git import GitBackend
from padre_git.errors import (
    ConflictError,
    InvalidInputError,
    LockedError,
)
from padre_git.messages import Choice, Decision
from padre_git.model import Key
from padre_git.model.values import FrozenMapping
from padre_git.testing.documents import (
    EXPERIMENT,
    IRIS,
    put,
    run_key,
    store,
)
from tests.backends.dual_stores import Lab, documents
from tests.backends.settling import DECISIONS, FLOWERS, agreed, places, stuck
from tests.conftest import git

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


def waiting(lab: Lab, ben: DualLayer, line: str, *runs: Key) -> None:
    """Leaves a title and runs that wait, and a branch that has another line than they."""
    clone = lab.clone("ben")
    git("bisect", "start", "HEAD", "HEAD~2", cwd=clone)
    put(ben, EXPERIMENT, title="waits")
    for run in runs:
        put(ben, run)
    git("bisect", "reset", cwd=clone)
    document = clone / "experiments/svm/experiment.yaml"
    document.write_bytes(document.read_bytes() + f"\n{line}\n".encode())
    git("commit", "-qam", "by hand", cwd=clone)


def test_what_waits_is_merged_by_field_as_anything_else(
    lab: Lab, ada: DualLayer, ben: DualLayer
) -> None:
    waiting(lab, ben, "seed: 5")
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
    waiting(lab, ben, "title: by hand", run_key(2))
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
    waiting(lab, ben, "title: by hand", run_key(2))
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

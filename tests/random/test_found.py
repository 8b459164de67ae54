"""What the long stories have found, each told as shortly as it can be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import padre_git
from padre_git.errors import ConflictError
from padre_git.model import Code
from tests.conftest import git
from tests.killing import killed


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[padre_git.Store, padre_git.Store, padre_git.Run]]:
    """Two clones that have the same run of one experiment."""
    (tmp_path / "lab").mkdir()
    with ExitStack() as stack:
        ada, ben = (
            stack.enter_context(
                padre_git.open(tmp_path / name, remote=tmp_path / "lab", policy="manual")
            )
            for name in ("ada", "ben")
        )
        ada.projects.put(padre_git.Project(name="iris"))
        svm = ada.experiments.put(padre_git.Experiment(project="iris", name="svm"))
        execution = padre_git.Execution(experiment=svm.key, code=Code(content="ab" * 32))
        stored = ada.executions.put(execution)
        run = ada.runs.put(padre_git.Run(execution=stored.key, title="one"))
        ada.sync("iris")
        ben.pull("iris")
        yield ada, ben, run


@pytest.mark.parametrize(("rest", "titles"), [("ours", ["two"]), ("theirs", [])])
def test_a_run_that_one_deletes_and_another_puts_and_tags_is_one_conflict(
    stores: tuple[padre_git.Store, padre_git.Store, padre_git.Run], rest: str, titles: list[str]
) -> None:
    ada, ben, run = stores
    ben.runs.put(ben.runs.get(run.key).replace(title="two"))
    ben.runs.tag(run.key, "good")
    ada.runs.delete(run.key)
    ada.sync("iris")
    with pytest.raises(ConflictError) as caught:
        ben.sync("iris")
    assert [conflict.key for conflict in caught.value.conflicts] == [run.key.text]
    assert ben.settle("iris", rest=rest) == ()
    ben.sync("iris")
    ada.sync("iris")
    for store in (ada, ben):
        assert [found.title for found in store.runs.list("iris")] == titles


@pytest.mark.parametrize("mode", ["all", "remote"])
def test_what_was_restored_is_not_dropped_since_somebody_had_not_seen_it_deleted(
    stores: tuple[padre_git.Store, padre_git.Store, padre_git.Run], mode: str
) -> None:
    ada, ben, run = stores
    ben.runs.delete(run.key, mode=mode)
    ben.sync("iris")
    ada.experiments.put(ada.experiments.get("iris/svm").replace(title="from before"))
    ben.runs.restore(run.key)
    ada.sync("iris")
    ben.sync("iris")
    ada.sync("iris")
    for store in (ada, ben):
        assert [found.title for found in store.runs.list("iris")] == ["one"]


@pytest.mark.parametrize("who", [0, 1])
def test_a_tag_and_a_note_stay_when_two_have_put_the_same_run_back(
    stores: tuple[padre_git.Store, padre_git.Store, padre_git.Run], who: int
) -> None:
    *both, run = stores
    both[0].runs.delete(run.key)
    for store in both:
        store.sync("iris")
    for number, store in enumerate(both):
        store.runs.restore(run.key, message=f"put back by {number}")
    both[who].runs.tag(run.key, "good")
    both[who].runs.note(run.key, "what was I thinking?")
    for store in (*both, both[0]):
        store.sync("iris")
    for store in both:
        found = store.runs.get(run.key)
        assert ([*found.tags], [note.text for note in found.notes]) == (
            ["good"],
            ["what was I thinking?"],
        )


def test_a_withdrawal_that_is_refused_since_a_killed_change_contradicts_deletes_nothing(
    stores: tuple[padre_git.Store, padre_git.Store, padre_git.Run],
) -> None:
    ada, ben, run = stores
    changed = ada.experiments.get("iris/svm").replace(title="killed")
    clone, number = ada.project_path("iris"), 1
    while not (clone / ".git/padre/intent").read_text().strip():  # begun, and nothing written yet
        assert killed(number, clone, lambda: ada.experiments.put(changed))
        number += 1
    ben.experiments.put(ben.experiments.get("iris/svm").replace(title="meanwhile"))
    ben.sync("iris")
    git("pull", "-q", "--ff-only", cwd=clone)
    with pytest.raises(ConflictError, match="changed"):
        ada.runs.delete(run.key, mode="remote")
    ben.pull("iris")
    assert [found.title for found in ben.runs.list("iris")] == ["one"]
    assert ada.settle("iris", rest="ours") == ()
    ada.runs.delete(run.key, mode="remote")
    ben.pull("iris")
    assert ben.runs.list("iris") == []


@pytest.mark.parametrize("is_lean", [False, True])
def test_what_a_colleague_restored_stays_when_it_came_by_plain_git_and_its_user_commits(
    stores: tuple[padre_git.Store, padre_git.Store, padre_git.Run], is_lean: bool
) -> None:
    ada, ben, run = stores
    if is_lean:
        ada.leave_out("iris")
    ada.runs.delete(run.key)
    for store in (ada, ben):
        store.sync("iris")
    ben.runs.restore(run.key)
    ben.sync("iris")
    clone = ada.project_path("iris")
    git("pull", "-q", "--ff-only", cwd=clone)
    (clone / "notes.md").write_text("mine\n")
    git("add", "notes.md", cwd=clone)
    git("commit", "-qm", "mine", cwd=clone)
    ada.experiments.put(ada.experiments.get("iris/svm").replace(title="two"))
    assert [found.title for found in ada.runs.list("iris")] == ["one"]

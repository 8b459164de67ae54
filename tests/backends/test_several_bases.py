"""Histories that cross: two merges of the same two commits, and what is merged after them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.backends.policy import Policy
from padre_git.format import locate, scaffold
from padre_git.format.fields import Decide
from padre_git.format.reading import parse_document
from padre_git.messages import Choice, Decision
from padre_git.testing.documents import EXECUTION, EXPERIMENT, IRIS, put, run_key, store
from padre_git.vcs.repository import Repository
from tests.backends.crossings import (
    DOCUMENT,
    commit,
    conflicts,
    content,
    crossed,
    live,
    merge,
    title,
    titled,
)
from tests.backends.dual_stores import Lab, documents
from tests.conftest import git
from tests.format.sides import (
    BASE,
    PROJECT,
    RUN,
    SVM,
    a_run,
    deleted,
    edited,
    files,
    home,
)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Repository]:
    path = tmp_path / PROJECT
    with Repository.create(path, branch="main", files=scaffold() | BASE, text="begin") as made:
        yield made


# -- one by one ----------------------------------------------------------------------------------


def test_what_was_changed_back_after_a_crossing_stays_changed_back(clone: Repository) -> None:
    """With one of the bases it would count as unchanged, and the change would be lost."""
    _, _, left, right = crossed(clone)
    back = titled(clone, left, SVM.title)
    onward = commit(clone, right, content(clone, right) | files(a_run(4)))
    for ours, theirs in ((back, onward), (onward, back)):
        merged = merge(clone, ours, theirs)
        assert title(clone, merged) == SVM.title
        assert f"{home(a_run(4).key)}/run.yaml" in content(clone, merged)


def test_a_change_after_a_crossing_wins_over_what_crossed(clone: Repository) -> None:
    _, _, left, right = crossed(clone)
    new = titled(clone, left, "new")
    assert title(clone, merge(clone, new, right)) == "new"
    assert title(clone, merge(clone, right, new)) == "new"


def test_two_changes_after_a_crossing_contradict(clone: Repository) -> None:
    _, _, left, right = crossed(clone)
    ours, theirs = titled(clone, left, "ours"), titled(clone, right, "theirs")
    assert conflicts(clone, ours, theirs) == [(SVM.key.text, "title")]


def chosen(side: Choice) -> Decide:
    return lambda conflict: Decision(conflict, side)


def test_one_contradiction_decided_in_two_ways_is_asked_once_more(clone: Repository) -> None:
    root = str(clone.tip())
    one, other = titled(clone, root, "one"), titled(clone, root, "other")
    left = merge(clone, one, other, chosen(Choice.OURS))
    right = merge(clone, other, one, chosen(Choice.OURS))
    assert conflicts(clone, left, right) == [(SVM.key.text, "title")]
    assert conflicts(clone, right, left) == [(SVM.key.text, "title")]


def test_one_contradiction_decided_alike_is_decided(clone: Repository) -> None:
    root = str(clone.tip())
    one, other = titled(clone, root, "one"), titled(clone, root, "other")
    left = merge(clone, one, other, chosen(Choice.OURS))
    right = merge(clone, other, one, chosen(Choice.THEIRS))
    left = commit(clone, left, content(clone, left) | files(a_run(3)))
    right = commit(clone, right, edited(content(clone, right), SVM, title="one", seed=99))
    for ours, theirs in ((left, right), (right, left)):
        merged = merge(clone, ours, theirs)
        assert title(clone, merged) == "one"
        assert parse_document(content(clone, merged)[DOCUMENT]).values["seed"] == 99


@pytest.mark.parametrize("keep", [True, False])
def test_a_deletion_that_was_decided_in_two_ways_or_one(clone: Repository, keep: bool) -> None:
    root = str(clone.tip())
    gone = commit(clone, root, deleted(content(clone, root), SVM.key))
    used = commit(clone, root, content(clone, root) | files(a_run(3)))
    left = merge(clone, gone, used, chosen(Choice.THEIRS if keep else Choice.OURS))
    same = merge(clone, used, gone, chosen(Choice.OURS if keep else Choice.THEIRS))
    other = merge(clone, used, gone, chosen(Choice.THEIRS if keep else Choice.OURS))
    assert content(clone, merge(clone, left, same)) == content(clone, left)
    assert (home(a_run(3).key) + "/run.yaml" in content(clone, left)) is keep
    assert {key for key, _ in conflicts(clone, left, other)} <= {
        SVM.key.text, RUN.key.text, a_run(3).key.text, *_below(clone, used)
    }  # fmt: skip


def _below(clone: Repository, commit_: str) -> set[str]:
    places = (locate(path, PROJECT) for path in content(clone, commit_))
    return {place[0].text for place in places if place}


def test_files_and_directories_that_crossed(clone: Repository) -> None:
    root = str(clone.tip())
    file = commit(clone, root, content(clone, root) | {"plots": b"x"})
    directory = commit(clone, root, content(clone, root) | {"plots/a": b"y"})
    left = merge(clone, file, directory, chosen(Choice.OURS))
    same = merge(clone, directory, file, chosen(Choice.THEIRS))
    other = merge(clone, directory, file, chosen(Choice.OURS))
    assert content(clone, merge(clone, left, same))["plots"] == b"x"
    found = conflicts(clone, left, other)
    assert ("plots", None) in found
    assert found == conflicts(clone, other, left)
    for side, kept in ((Choice.OURS, "plots"), (Choice.THEIRS, "plots/a")):
        decided = content(clone, merge(clone, left, other, chosen(side)))
        assert [path for path in decided if path.startswith("plots")] == [kept]


def test_three_bases_and_bases_of_bases(clone: Repository) -> None:
    tips = [str(clone.tip())] * 3
    for round_ in range(3):
        new = [
            commit(clone, tip, content(clone, tip) | files(a_run(10 * round_ + n)))
            for n, tip in enumerate(tips)
        ]
        tips = [
            merge(clone, merge(clone, new[n], new[(n + 1) % 3]), new[(n + 2) % 3]) for n in range(3)
        ]
    assert len({tuple(sorted(content(clone, tip).items())) for tip in tips}) == 1
    last = titled(clone, tips[0], "last")
    assert title(clone, merge(clone, tips[1], last)) == "last"


def test_histories_that_were_joined_have_bases_without_a_base(clone: Repository) -> None:
    root = str(clone.tip())
    tree = git("rev-parse", f"{root}^{{tree}}", cwd=clone.path).strip()
    orphan = git("commit-tree", tree, "-m", "another beginning", cwd=clone.path).strip()
    left, right = (
        git("commit-tree", tree, "-p", a, "-p", b, "-m", "join", cwd=clone.path).strip()
        for a, b in ((root, orphan), (orphan, root))
    )
    assert title(clone, merge(clone, titled(clone, left, "new"), right)) == "new"


def test_two_clones_that_merged_each_other_by_hand_sync(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    ada, ben = lab.store("ada", policy=Policy.MANUAL), lab.store("ben", policy=Policy.MANUAL)
    store(ada, IRIS, EXPERIMENT, EXECUTION)
    ada.sync("iris")
    ben.sync("iris")
    put(ada, EXPERIMENT, title="one")
    put(ben, run_key(2))
    heads = [git("rev-parse", "main", cwd=lab.clone(name)).strip() for name in ("ada", "ben")]
    for name, other, head in (("ada", "ben", heads[1]), ("ben", "ada", heads[0])):
        git("fetch", "-q", lab.clone(other), head, cwd=lab.clone(name))
        git("merge", "-q", "--no-edit", head, cwd=lab.clone(name))
    put(ada, EXPERIMENT, description="back to no title")
    put(ben, run_key(3))
    for one in (ada, ben, ada):
        one.sync("iris")
    for one in (ada, ben):
        text = documents(one, EXPERIMENT)["experiment.yaml"]
        assert b"\ntitle:" not in text
        assert b"back to no title" in text
        assert {run_key(2), run_key(3)} <= set(one.scan(EXPERIMENT))
    lab.close()


# -- at random -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_no_crossing_loses_a_change_or_depends_on_the_side(clone: Repository, seed: int) -> None:
    live(clone, seed, steps=25)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(1000, 1030))
def test_no_crossing_loses_a_change_or_depends_on_the_side_at_length(
    clone: Repository, seed: int
) -> None:
    live(clone, seed, steps=150)

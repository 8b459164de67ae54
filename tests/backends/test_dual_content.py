"""What is newer, by content: after squash and rebase merges nothing is there twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.backends.contained import have_had
from padre_git.backends.dual import DualLayer
from padre_git.backends.policy import Policy
from padre_git.backends.status import State
from padre_git.errors import ConflictError
from padre_git.messages import Notice
from padre_git.testing.documents import EXPERIMENT, IRIS, put, run_key, store
from padre_git.vcs.repository import Repository
from tests.backends.dual_stores import Lab, delete, documents
from tests.conftest import git

MINE = [run_key(1), run_key(2)]
EXPERIMENT_FILE = "experiments/svm/experiment.yaml"


@pytest.fixture
def lab(lab: Lab) -> Lab:
    store(lab.store("ben"), IRIS, EXPERIMENT)
    return lab


@pytest.fixture
def ada(lab: Lab) -> DualLayer:
    """Somebody with two runs of her own, offered for review on a branch of the remote."""
    mine = lab.store("ada", policy=Policy.MANUAL)
    mine.pull("iris")
    for key in MINE:
        put(mine, key)
    offer(lab)
    return mine


def offer(lab: Lab) -> None:
    git("push", "-q", "-f", "origin", "main:ada/svm", cwd=lab.clone("ada"))


@pytest.fixture
def reviewer(lab: Lab) -> Path:
    """The clone of somebody who reviews with plain git."""
    path = lab.directory / "reviewer"
    git("clone", "-q", "-b", "main", lab.bare(), path, cwd=lab.directory)
    return path


def squash(reviewer: Path) -> None:
    git("pull", "-q", "--no-rebase", "--no-edit", cwd=reviewer)
    git("merge", "-q", "--squash", "origin/ada/svm", cwd=reviewer)
    git("commit", "-q", "-m", "add Ada's runs (#7)", cwd=reviewer)
    git("push", "-q", "origin", "main", cwd=reviewer)


def rebase(reviewer: Path) -> None:
    git("pull", "-q", "--no-rebase", "--no-edit", cwd=reviewer)
    git("checkout", "-q", "-b", "theirs", "origin/ada/svm", cwd=reviewer)
    git("rebase", "-q", "--force-rebase", "main", cwd=reviewer)
    git("checkout", "-q", "main", cwd=reviewer)
    git("merge", "-q", "--ff-only", "theirs", cwd=reviewer)
    git("push", "-q", "origin", "main", cwd=reviewer)


def tip(lab: Lab, who: str = "ada") -> str:
    return git("rev-parse", "main", cwd=lab.clone(who)).strip()


def subjects(lab: Lab) -> list[str]:
    return git("log", "--format=%s", "main", cwd=lab.bare()).splitlines()


@pytest.mark.parametrize("merge", [squash, rebase])
def test_what_was_merged_for_us_is_not_pushed_a_second_time(
    lab: Lab, ada: DualLayer, reviewer: Path, merge
) -> None:
    put(lab.store("ben"), run_key(3))
    before = tip(lab)
    merge(reviewer)
    head = lab.head()
    ada.sync("iris")
    assert tip(lab) == head == lab.head(), "the branch is the remote's, without a merge"
    assert set(ada.scan(EXPERIMENT)) == {*MINE, run_key(3)}
    assert git("status", "--porcelain", cwd=lab.clone("ada")) == ""
    assert git("rev-parse", "main@{1}", cwd=lab.clone("ada")).strip() == before
    told = [notice.text for notice in lab.heard(Notice)]
    assert any("2 commits" in text and "reflog" in text for text in told), told


@pytest.mark.parametrize("merge", [squash, rebase])
def test_a_read_follows_as_a_sync_does(lab: Lab, ada: DualLayer, reviewer: Path, merge) -> None:
    merge(reviewer)
    awake = lab.store("ada")
    assert set(awake.scan(EXPERIMENT)) == set(MINE)
    assert tip(lab) == lab.head()
    assert set(awake.urls(MINE)) == set(MINE)


@pytest.mark.parametrize("merge", [squash, rebase])
def test_what_was_changed_after_the_merge_is_newer(
    lab: Lab, ada: DualLayer, reviewer: Path, merge
) -> None:
    put(ada, EXPERIMENT, title="Ada's")
    offer(lab)
    merge(reviewer)
    ben = lab.store("ben")
    ben.pull("iris")
    put(ben, EXPERIMENT, title="settled")
    delete(ben, MINE[0])
    ada.sync("iris")
    assert tip(lab) == lab.head()
    assert b"title: settled" in documents(ada, EXPERIMENT)["experiment.yaml"]
    assert set(ada.scan(EXPERIMENT)) == {MINE[1]}


def test_a_merge_that_was_reverted_stays_reverted(lab: Lab, ada: DualLayer, reviewer: Path) -> None:
    squash(reviewer)
    git("revert", "--no-edit", "HEAD", cwd=reviewer)
    git("push", "-q", "origin", "main", cwd=reviewer)
    head = lab.head()
    ada.sync("iris")
    assert tip(lab) == lab.head() == head
    assert set(ada.scan(EXPERIMENT)) == set()


def test_what_the_reviewer_has_left_out_is_still_ours(
    lab: Lab, ada: DualLayer, reviewer: Path
) -> None:
    squash(reviewer)
    put(ada, run_key(4))
    ada.sync("iris")
    assert set(lab.store("fresh").scan(EXPERIMENT)) == {*MINE, run_key(4)}
    assert len(git("log", "--merges", "--format=%h", "main", cwd=lab.bare()).split()) == 1


def test_a_document_that_both_have_changed_keeps_both_changes(
    lab: Lab, ada: DualLayer, reviewer: Path
) -> None:
    put(ada, EXPERIMENT, title="Ada's")
    offer(lab)
    squash(reviewer)
    put(ada, EXPERIMENT, title="Ada's", description="added later")
    ben = lab.store("ben")
    ben.pull("iris")
    put(ben, EXPERIMENT, title="Ada's", parameters={"C": 1})
    ada.sync("iris")
    text = documents(ada, EXPERIMENT)["experiment.yaml"]
    assert b"added later" in text
    assert b"C: 1" in text


def test_a_contradiction_is_still_one(lab: Lab, ada: DualLayer, reviewer: Path) -> None:
    squash(reviewer)
    put(ada, EXPERIMENT, title="Ada's")
    put(lab.store("ben"), EXPERIMENT, title="Ben's")
    before = tip(lab)
    with pytest.raises(ConflictError, match="svm"):
        ada.sync("iris")
    assert tip(lab) == before


def test_while_the_user_is_busy_the_branch_waits_and_nothing_is_lost(
    lab: Lab, ada: DualLayer, reviewer: Path
) -> None:
    squash(reviewer)
    lock = lab.clone("ada") / ".git" / "index.lock"
    lock.touch()
    ada.sync("iris")
    assert set(ada.scan(EXPERIMENT)) == set(MINE)
    lock.unlink()
    put(ada, run_key(4))
    ada.sync("iris")
    assert ada.status("iris").pending == 0
    assert tip(lab) == lab.head()
    assert set(lab.store("fresh").scan(EXPERIMENT)) == {*MINE, run_key(4)}


def test_uncommitted_work_in_a_dropped_file_is_kept(
    lab: Lab, ada: DualLayer, reviewer: Path
) -> None:
    put(ada, EXPERIMENT, title="Ada's")
    offer(lab)
    squash(reviewer)
    ben = lab.store("ben")
    ben.pull("iris")
    put(ben, EXPERIMENT, title="settled")
    edited = lab.clone("ada") / EXPERIMENT_FILE
    edited.write_text(edited.read_text() + "# not sure yet\n")
    with pytest.raises(ConflictError, match=r"experiment\.yaml"):
        ada.sync("iris")
    assert edited.read_text().endswith("# not sure yet\n")


def test_the_state_of_what_was_merged_for_us_is_told_by_content(
    lab: Lab, ada: DualLayer, reviewer: Path
) -> None:
    assert ada.status("iris").records == dict.fromkeys(MINE, State.LOCAL_ONLY)
    squash(reviewer)
    found = ada.status("iris")
    assert found.records == {}
    assert (found.state, found.ahead, found.behind) == (State.BEHIND, 0, 1)
    put(ada, run_key(4))
    found = ada.status("iris")
    assert found.records == {run_key(4): State.LOCAL_ONLY}
    assert (found.state, found.ahead) == (State.DIVERGED, 3)


def test_the_same_run_published_by_two_clones_is_there_once(lab: Lab, ada: DualLayer) -> None:
    ben = lab.store("ben")
    for key in MINE:
        put(ben, key)
    head = lab.head()
    ada.sync("iris")
    assert tip(lab) == lab.head() == head


def test_a_commit_of_the_users_that_changes_nothing_goes_with_the_others(
    lab: Lab, ada: DualLayer, reviewer: Path
) -> None:
    git("commit", "-q", "--allow-empty", "-m", "think", cwd=lab.clone("ada"))
    squash(reviewer)
    ada.sync("iris")
    assert tip(lab) == lab.head()
    assert "think" in git("reflog", cwd=lab.clone("ada"))
    assert "think" not in subjects(lab)


def test_where_there_are_several_beginnings_none_alone_tells_what_is_ours(tmp_path: Path) -> None:
    place = tmp_path / "iris"
    git("init", "-q", "-b", "main", place, cwd=tmp_path)

    def commit(name: str, text: str | None) -> None:
        path = place / name
        path.unlink() if text is None else path.write_text(text)
        git("add", "-A", cwd=place)
        git("commit", "-q", "-m", f"{name} {text}", cwd=place)

    commit("base", "0")
    for branch in ("first", "second"):
        git("checkout", "-q", "-b", branch, "main", cwd=place)
        commit(branch, "1")
    git("checkout", "-q", "-b", "ours", "first", cwd=place)
    git("merge", "-q", "--no-edit", "second", cwd=place)
    git("checkout", "-q", "-b", "theirs", "second", cwd=place)
    git("merge", "-q", "--no-edit", "first", cwd=place)
    commit("news", "2")
    for taken_back in ("first", "second"):
        git("checkout", "-q", "ours", cwd=place)
        git("checkout", "-q", "-B", "trial", cwd=place)
        commit(taken_back, None)
        with Repository.open(place, branch="trial") as repository:
            ours, theirs = repository.resolve("trial"), repository.resolve("theirs")
            assert len(repository.merge_bases(ours, theirs)) == 2
            assert not have_had(repository, ours, theirs)

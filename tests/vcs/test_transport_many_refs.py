"""A host with very many branches and tags, and with names that mean something to programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from padre_git.errors import BranchMissingError, InvalidNameError, RemoteError
from padre_git.vcs import Repository
from padre_git.vcs.transport import Outcome, check_branches, fetch, push, remote_tip
from tests.conftest import git
from tests.vcs.odd_hosts import TRACKING, commit, new_clone


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    made = new_clone(tmp_path / "clone")
    commit(made, "one")
    return made


def bare_with(clone: Path, names: Iterable[str]) -> str:
    """Makes a repository whose refs all name the one commit of a clone, and returns its url."""
    bare = clone.parent / "iris.git"
    git("clone", "-q", "--bare", clone, bare, cwd=clone)
    commit_id = git("rev-parse", "HEAD", cwd=clone).strip()
    lines = [f"{commit_id} {name}" for name in sorted({"refs/heads/main", *names})]
    text = "\n".join(["# pack-refs with: peeled fully-peeled sorted ", *lines, ""])
    (bare / "packed-refs").write_text(text)
    return f"file://{bare}"


@pytest.mark.parametrize(
    "number", [2_000, pytest.param(50_000, marks=pytest.mark.nightly)], ids=["some", "very many"]
)
def test_branches_and_tags_that_nobody_asked_for_do_not_come(
    number: int, clone: Path, tmp_path: Path
) -> None:
    branches = (f"refs/heads/user/b{n:05}" for n in range(number))
    tags = (f"refs/tags/t{n:05}" for n in range(number // 5))
    url = bare_with(clone, [*branches, *tags])
    with Repository.clone(url, tmp_path / "new", branch="main") as made:
        assert set(made.refs()) == {"refs/heads/main", TRACKING}
    ours = commit(clone, "two")
    assert push(clone, url, ours, "main", known=remote_tip(url, "main")) is Outcome.LANDED
    assert fetch(tmp_path / "new", url, "main", tracking=TRACKING) == ours
    with pytest.raises(BranchMissingError, match=f"and {number - 9} more") as caught:
        check_branches(url, "trunk")
    assert len(caught.value.message) < 1000


def test_a_fetch_of_the_persons_own_brings_the_other_branches(clone: Path, tmp_path: Path) -> None:
    url = bare_with(clone, ["refs/heads/ideas", "refs/tags/v1"])
    with Repository.clone(url, tmp_path / "new", branch="main"):
        pass
    git("pull", "-q", cwd=tmp_path / "new")
    assert git("branch", "-r", cwd=tmp_path / "new").split() == ["origin/ideas", "origin/main"]
    assert git("tag", cwd=tmp_path / "new").split() == ["v1"]


def test_names_of_branches_cannot_drive_a_terminal(clone: Path) -> None:
    url = bare_with(clone, ["refs/heads/\x9b31mred", "refs/heads/wide\u202eeman"])
    with pytest.raises(BranchMissingError) as caught:
        check_branches(url, "trunk")
    assert caught.value.message.isprintable()
    assert "'main'" in caught.value.message


@pytest.mark.parametrize("name", ["--upload-pack=touch canary", "-u", "HEAD", "a..b", "x.lock"])
def test_a_branch_that_looks_like_an_option_is_no_branch(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidNameError):
        Repository.clone("file:///nowhere", tmp_path / "new", branch=name)
    assert list(tmp_path.rglob("canary*")) == []


def test_refs_that_look_like_options_run_nothing(clone: Path, tmp_path: Path) -> None:
    url = bare_with(clone, ["refs/heads/-u", "refs/heads/--exec=touch", "refs/tags/--all"])
    with Repository.clone(url, tmp_path / "new", branch="main") as made:
        assert made.tip() == remote_tip(url, "main")


@pytest.mark.parametrize("url", ["--upload-pack=touch canary", "-u", "ext::sh -c touch% canary"])
def test_an_address_that_looks_like_an_option_runs_nothing(url: str, clone: Path) -> None:
    asks: list[Callable[[], object]] = [
        lambda: remote_tip(url, "main", cwd=clone),
        lambda: fetch(clone, url, "main", tracking=TRACKING),
        lambda: push(clone, url, "HEAD", "main"),
    ]
    for ask in asks:
        with pytest.raises(RemoteError):
            ask()
    assert list(clone.parent.rglob("canary*")) == []


def test_a_branch_that_is_there_after_all_is_not_called_missing(tmp_path: Path) -> None:
    git("init", "-q", "-b", "main", "work", cwd=tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=tmp_path / "work")
    with pytest.raises(RemoteError, match="has branch 'main' after all") as caught:
        check_branches(str(tmp_path / "work"), "main")
    assert not isinstance(caught.value, BranchMissingError)

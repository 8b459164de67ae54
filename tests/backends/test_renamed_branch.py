"""A clone whose branch was renamed is no empty store, and gets no second history."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.backends.git import GitBackend
from padre_git.errors import RepositoryError
from padre_git.messages import Skipped
from padre_git.model import Key
from padre_git.testing.documents import EXPERIMENT, IRIS, put, run_key, store
from tests.backends.dual_stores import Lab
from tests.conftest import git


@pytest.fixture
def lab(lab: Lab) -> Lab:
    store(lab.store("ada"), IRIS, EXPERIMENT)
    return lab


def branches(path: Path) -> list[str]:
    return git("for-each-ref", "--format=%(refname:short)", "refs/heads", cwd=path).split()


@pytest.mark.parametrize("who", ["a clone alone", "a clone and its remote"])
def test_a_renamed_branch_is_named_with_what_to_do(lab: Lab, who: str) -> None:
    git("branch", "-m", "main", "trunk", cwd=lab.clone("ada"))
    alone = who == "a clone alone"
    ada = GitBackend(lab.directory / "ada") if alone else lab.store("ada")
    for work in (
        lambda: ada.read([EXPERIMENT]),
        lambda: list(ada.scan(IRIS)),
        lambda: put(ada, run_key(1)),
        lambda: ada.changes("iris"),
    ):
        with pytest.raises(RepositoryError, match=r"no branch 'main'.*'trunk'") as caught:
            work()
        assert "branch -m trunk main" in str(caught.value.hint)
        assert "branch='trunk'" in str(caught.value.hint)
    assert branches(lab.clone("ada")) == ["trunk"]
    git("branch", "-m", "trunk", "main", cwd=lab.clone("ada"))
    put(ada, run_key(1))
    assert set(ada.scan(EXPERIMENT)) == {run_key(1)}
    ada.close()


def test_so_it_is_in_a_store_that_is_open(lab: Lab) -> None:
    ada = lab.store("ada")
    put(ada, run_key(1))
    git("branch", "-m", "main", "trunk", cwd=lab.clone("ada"))
    for work in (
        lambda: ada.local.read([EXPERIMENT]),
        lambda: put(ada, run_key(2)),
        lambda: ada.sync("iris"),
        lambda: ada.push("iris"),
        lambda: ada.status("iris"),
    ):
        with pytest.raises(RepositoryError, match="trunk"):
            work()
    assert branches(lab.clone("ada")) == ["trunk"]
    git("branch", "-m", "trunk", "main", cwd=lab.clone("ada"))
    ada.sync("iris")
    assert set(ada.scan(EXPERIMENT)) == {run_key(1)}


def test_a_list_of_everything_reports_it_and_goes_on(lab: Lab) -> None:
    ada = lab.store("ada")
    wine = Key.project_named("wine")
    store(ada, wine)
    git("branch", "-m", "main", "trunk", cwd=lab.clone("ada"))
    again = lab.store("ada")
    assert IRIS not in set(again.local.scan())
    assert wine in set(again.scan())
    assert any("trunk" in str(event.error) for event in lab.heard(Skipped))


def test_on_a_detached_head_the_hint_makes_the_branch_anew(lab: Lab) -> None:
    git("checkout", "-q", "--detach", cwd=lab.clone("ada"))
    git("branch", "-D", "main", cwd=lab.clone("ada"))
    with pytest.raises(RepositoryError, match="no branch 'main'") as caught:
        lab.store("ada").read([EXPERIMENT])
    hint = str(caught.value.hint)
    assert "branch main HEAD" in hint
    git("branch", "main", "HEAD", cwd=lab.clone("ada"))
    assert EXPERIMENT in lab.store("ada").read([EXPERIMENT])


def test_a_branch_that_was_never_made_is_not_begun_beside_the_project(lab: Lab) -> None:
    with (
        GitBackend(lab.directory / "ada", branch="idea") as idea,
        pytest.raises(RepositoryError, match=r"no branch 'idea'.*'main'"),
    ):
        put(idea, run_key(1))
    git("branch", "idea", "main", cwd=lab.clone("ada"))
    with GitBackend(lab.directory / "ada", branch="idea") as idea:
        put(idea, run_key(1))
        assert EXPERIMENT in idea.read([EXPERIMENT])


def test_a_clone_of_nothing_is_still_begun(lab: Lab) -> None:
    git("init", "-q", "--initial-branch=trunk", lab.directory / "ada" / "rice", cwd=lab.directory)
    rice = Key.project_named("rice")
    put(lab.store("ada"), rice)
    assert rice in lab.store("ada").read([rice])

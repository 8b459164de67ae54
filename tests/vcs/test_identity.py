"""Who commits: what git would say, and never nobody."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from padre_git.messages import Author
from padre_git.vcs import Repository
from tests.conftest import git
from tests.vcs.clones import assert_clean, create, record


def test_the_persons_configuration_says_who(clone: Repository) -> None:
    found = clone.identity()
    assert found.author == Author(name="Ada Lovelace", email="ada@example.org") == found.committer
    assert (found.name, found.email, found.invented) == ("Ada Lovelace", "ada@example.org", False)


def test_the_places_are_asked_in_gits_order(
    clone: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("config", "user.name", "Local", cwd=clone.path)
    assert clone.identity().name == "Local"
    git("config", "author.name", "Author", cwd=clone.path)
    git("config", "committer.email", "c@example.org", cwd=clone.path)
    monkeypatch.setenv("GIT_COMMITTER_NAME", "From the Environment")
    found = clone.identity()
    assert found.author == Author(name="Author", email="ada@example.org")
    assert found.committer == Author(name="From the Environment", email="c@example.org")
    for role in ("AUTHOR", "COMMITTER"):
        said = git("var", f"GIT_{role}_IDENT", cwd=clone.path)
        mine = found.author if role == "AUTHOR" else found.committer
        assert said.startswith(f"{mine.name} <{mine.email}> ")


def test_without_any_configuration_the_login_name_is_taken_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    with create(tmp_path / "iris") as clone:
        record(clone, "r-1")
        found = clone.identity()
        assert found.invented
        assert found.email == f"{getpass.getuser()}@localhost"
        assert git("log", "-1", "--format=%an <%ae>", cwd=clone.path).strip() == (
            f"{getpass.getuser()} <{getpass.getuser()}@localhost>"
        )
        assert_clean(clone.path)
        git("config", "user.email", "half@example.org", cwd=clone.path)
        assert clone.identity().invented
        assert clone.identity().email == "half@example.org"
        monkeypatch.delenv("GIT_CONFIG_GLOBAL")
        assert clone.identity().name == getpass.getuser()


def test_a_name_that_git_would_refuse_is_made_fit(clone: Repository) -> None:
    git("config", "user.name", "<>\n. ,", cwd=clone.path)
    record(clone, "r-1")
    assert_clean(clone.path)

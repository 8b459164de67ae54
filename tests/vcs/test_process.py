"""The one runner: git's failures become typed errors that carry its words."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from padre_git.errors import DamagedError, LockedError, RepositoryError
from padre_git.vcs import run_git, try_git
from padre_git.vcs.process import environment
from tests.conftest import git
from tests.vcs.clones import write


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git("init", "-q", "-b", "main", ".", cwd=tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=tmp_path)
    return tmp_path


def test_what_git_says_is_in_the_error(repository: Path) -> None:
    with pytest.raises(RepositoryError, match=r"git rev-parse failed .*Needed a single revision"):
        run_git(["-c", "a.b=c", "rev-parse", "--verify", "nothing"], repository)
    assert run_git(["rev-parse", "--verify", "nothing"], repository, check=False) == b""
    assert try_git(["rev-parse", "--verify", "nothing"], repository).code == 128


def test_variables_that_name_another_configuration_or_form_do_not_reach_git(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "other", "[core]\n\tbare = true\n")
    monkeypatch.setenv("GIT_CONFIG", str(tmp_path / "other"))
    for name, value in (("DEFAULT_HASH", "sha256"), ("DEFAULT_REF_FORMAT", "reftable")):
        monkeypatch.setenv(f"GIT_{name}", value)
    run_git(["config", "--local", "padre.locks", "file"], repository)
    assert run_git(["config", "--get", "core.bare"], repository) == b"false\n"
    run_git(["init", "-q", "new"], repository)
    assert run_git(["rev-parse", "--show-object-format"], repository / "new") == b"sha1\n"
    assert environment()["GIT_DEFAULT_REF_FORMAT"] == "files"


def test_a_lock_is_a_lock(repository: Path) -> None:
    write(repository / ".git/index.lock", "")
    write(repository / "file", "")
    with pytest.raises(LockedError):
        run_git(["add", "file"], repository)


def test_damage_is_damage(repository: Path) -> None:
    write(repository / ".git/index", "garbage, more than thirty-two bytes of it, no index at all")
    with pytest.raises(DamagedError):
        run_git(["status"], repository)


def test_a_clone_that_git_takes_for_none_is_damaged(repository: Path) -> None:
    write(repository / ".git/HEAD", "")
    for place in (repository, repository / ".git"):
        with pytest.raises(DamagedError) as caught:
            run_git(["for-each-ref"], place)
        assert f"padre-git repair {repository.name}" in str(caught.value.hint)


def test_a_place_without_git_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RepositoryError, match="not a git repository"):
        run_git(["status"], tmp_path)
    with pytest.raises(RepositoryError, match="no directory"):
        run_git(["status"], tmp_path / "nowhere")
    write(tmp_path / "file", "")
    with pytest.raises(RepositoryError, match="not a directory"):
        run_git(["status"], tmp_path / "file")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RepositoryError, match="cannot be started"):
        run_git(["status"], tmp_path)


def test_input_and_environment_reach_git(repository: Path) -> None:
    assert run_git(["hash-object", "--stdin"], repository, input=b"").startswith(b"e69de29")
    out = run_git(["var", "GIT_AUTHOR_IDENT"], repository, env={"GIT_AUTHOR_NAME": "Someone"})
    assert out.startswith(b"Someone <")


def test_nothing_asks_and_messages_are_english(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LANGUAGE", "de")
    monkeypatch.setenv("GIT_EDITOR", "vi")
    with pytest.raises(RepositoryError, match="problem with the editor"):
        run_git(["commit", "--allow-empty"], repository)


def test_a_command_that_hangs_is_ended(repository: Path) -> None:
    git("config", "alias.hang", "!echo $$ > pid; exec sleep 60", cwd=repository)
    with pytest.raises(RepositoryError, match="longer than"):
        run_git(["hang"], repository, timeout=1)
    os.kill(int((repository / "pid").read_text()), signal.SIGKILL)  # what git had started

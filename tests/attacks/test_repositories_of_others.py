"""Repositories of others: nothing that their configuration names is run by looking at them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from padre_git.errors import AuthenticationError
from padre_git.vcs.places import Place
from padre_git.vcs.remotes import RemoteLocation
from padre_git.vcs.transport import remote_tip
from tests.conftest import git
from tests.servers import Server

DOCUMENT = "project.yaml"


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """Is a file that is there as soon as something hostile has been run."""
    return tmp_path / "run"


def hostile(base: Path, trap: Path) -> Path:
    """Makes a repository that lacks a file, and names a program that brings it."""
    path = base / "iris.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", path, cwd=base)
    for name, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", str(path)),
        ("remote.origin.uploadpack", f"touch {shlex.quote(str(trap))}; git-upload-pack"),
    ):
        git("config", name, value, cwd=path)
    entry = f"100644 blob {'1' * 40}\t{DOCUMENT}\n"
    tree = git("mktree", "--missing", cwd=path, input=entry).strip()
    author = ("-c", "user.name=eve", "-c", "user.email=eve@example.org")
    commit = git(*author, "commit-tree", tree, "-m", "come and look", cwd=path).strip()
    git("update-ref", "refs/heads/main", commit, cwd=path)
    return path


def listed(base: str) -> dict[str, bytes | None] | None:
    place = Place(RemoteLocation.parse(base), branch="main", limit=30.0)
    return place.projects(DOCUMENT)


def test_the_trap_springs_when_git_is_not_told_otherwise(tmp_path: Path, trap: Path) -> None:
    path = hostile(tmp_path, trap)
    git(f"--git-dir={path}", "cat-file", "blob", f"main:{DOCUMENT}", cwd=tmp_path, check=False)
    assert trap.exists()


def test_looking_into_a_directory_runs_nothing_that_a_repository_names(
    tmp_path: Path, trap: Path
) -> None:
    hostile(tmp_path, trap)
    assert listed(str(tmp_path)) == {}
    assert not trap.exists()


def test_looking_over_ssh_runs_nothing_that_a_repository_names(
    sshd: Server, trap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd.lend(monkeypatch)
    hostile(sshd.directory, trap)
    assert listed(sshd.base) == {}
    assert not trap.exists()


def test_a_remote_is_asked_without_a_word_from_the_repository_around_us(
    nginx: Server, tmp_path: Path, trap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = tmp_path / "around"
    around.mkdir()
    git("init", "--quiet", cwd=around)
    git("config", "credential.helper", f"!touch {shlex.quote(str(trap))}", cwd=around)
    nginx.create("iris")
    monkeypatch.chdir(around)
    with pytest.raises(AuthenticationError):
        remote_tip(nginx.url("iris"), "main")
    assert not trap.exists()

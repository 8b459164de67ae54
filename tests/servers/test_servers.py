"""Every server of the tests serves plain git: clone, push, hooks, and no entry without a key."""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import git
from tests.servers import Server
from tests.servers.tokens import Right, TokenServer

SERVERS = ["sshd", "sshd_kept", "sshd_without_shell", "nginx", "apache", "token_server"]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Server)
    return found


def commit(directory: Path, size: int = 10) -> None:
    (directory / "data").write_bytes(os.urandom(size))
    git("add", "data", cwd=directory)
    git("commit", "-q", "-m", "data", cwd=directory)


def refused(url: str, **environment: str) -> str:
    done = subprocess.run(
        ["git", "ls-remote", url],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode
    return done.stderr


def test_plain_git_clones_and_pushes_much(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.lend(monkeypatch)
    server.create("iris")
    git("clone", "-q", server.url("iris"), "one", cwd=tmp_path)
    commit(tmp_path / "one", size=3_000_000)
    git("push", "-q", "origin", "HEAD:main", cwd=tmp_path / "one")
    git("clone", "-q", server.url("iris"), "two", cwd=tmp_path)
    assert (tmp_path / "two/data").read_bytes() == (tmp_path / "one/data").read_bytes()
    assert git("fsck", "--strict", cwd=server.bare("iris")) == ""


def test_hooks_run_and_their_words_arrive(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.lend(monkeypatch)
    server.create("iris")
    server.hook("iris", "pre-receive", "echo only on fridays; exit 1")
    git("clone", "-q", server.url("iris"), "one", cwd=tmp_path)
    commit(tmp_path / "one")
    words = ["git", "push", "origin", "HEAD:main"]
    done = subprocess.run(words, cwd=tmp_path / "one", capture_output=True, text=True)
    assert done.returncode
    assert "only on fridays" in done.stderr


def test_nobody_comes_in_without_a_key_or_password(server: Server) -> None:
    server.create("iris")
    words = refused(server.url("iris"))
    assert "Host key verification failed" in words or "could not read Username" in words


@pytest.mark.parametrize("name", ["nginx", "apache", "token_server"])
def test_a_wrong_password_is_refused(name: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(name)
    server.create("iris")
    words = refused(server.url("iris"), **{**server.environment, "PADRE_TEST_SECRET": "wrong"})
    assert "Authentication failed" in words


def test_the_short_form_of_ssh_reaches_the_same_place(
    sshd: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sshd.lend(monkeypatch)
    sshd.create("iris")
    git("clone", "-q", f"{sshd.short}/iris.git", "one", cwd=tmp_path)


def test_without_a_shell_nothing_but_git_runs(sshd_without_shell: Server) -> None:
    options = sshd_without_shell.environment["GIT_SSH_COMMAND"].split()[1:]
    done = subprocess.run(["ssh", *options, "lab", "ls /"], capture_output=True, text=True)
    assert done.returncode
    assert done.stdout == ""


def test_places_of_two_tests_are_apart(nginx: Server, token_server: Server) -> None:
    assert nginx.directory != token_server.directory
    assert not list(nginx.directory.iterdir())


def status(url: str, authorization: str) -> int:
    request = urllib.request.Request(
        f"{url}/info/refs?service=git-receive-pack", headers={"Authorization": authorization}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_tokens_expire_and_are_revoked_and_may_only_read(token_server: TokenServer) -> None:
    token_server.create("iris")
    url, tokens = token_server.url("iris"), token_server.tokens
    token = tokens.issue()
    assert status(url, f"Bearer {token}") == 200
    tokens.revoke(token)
    assert status(url, f"Bearer {token}") == 401
    assert status(url, f"Bearer {tokens.issue(seconds=0)}") == 401
    assert status(url, f"Bearer {tokens.issue(right=Right.READ)}") == 403
    assert status(url, "Basic nonsense") == 401

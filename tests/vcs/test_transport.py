"""Fetch and push: every outcome is told apart, nothing asks and nothing hangs."""

from __future__ import annotations

import http.server
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from padre_git.errors import (
    AuthenticationError,
    RejectedError,
    RemoteError,
    RemoteMissingError,
    RemoteUnavailableError,
)
from padre_git.vcs.places import create
from padre_git.vcs.remotes import RemoteLocation
from padre_git.vcs.transport import Outcome, Terms, fetch, push, remote_tip
from tests.conftest import git, trust

TRACKING = "refs/remotes/origin/main"
SHORT = Terms(ask=1, silence=1)


@pytest.fixture
def url(tmp_path: Path) -> str:
    location = RemoteLocation.parse(tmp_path)
    create(location, "iris", "main")
    return str(location.url("iris"))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    git("init", "-q", "clone", cwd=tmp_path)
    return tmp_path / "clone"


def commit(clone: Path, text: str) -> str:
    (clone / f"{text}.txt").write_text(text)
    git("add", "-A", cwd=clone)
    git("commit", "-qm", text, cwd=clone)
    return git("rev-parse", "HEAD", cwd=clone).strip()


def hook(bare: Path, name: str, script: str) -> None:
    (bare / "hooks").mkdir(exist_ok=True)
    path = bare / "hooks" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_what_is_pushed_is_fetched_and_an_empty_repository_has_no_tip(
    url: str, clone: Path
) -> None:
    assert remote_tip(url, "main") is None
    assert fetch(clone, url, "main", tracking=TRACKING) is None
    first = commit(clone, "one")
    assert push(clone, url, first, "main") is Outcome.LANDED
    assert push(clone, url, first, "main") is Outcome.LANDED
    assert remote_tip(url, "main") == first
    assert fetch(clone, url, "main", tracking=TRACKING) == first
    assert git("rev-parse", TRACKING, cwd=clone).strip() == first


def test_a_push_over_commits_we_do_not_have_is_stale_and_changes_nothing(
    url: str, clone: Path, tmp_path: Path
) -> None:
    first = commit(clone, "one")
    push(clone, url, first, "main")
    git("clone", "-q", "-b", "main", url, "other", cwd=tmp_path)
    theirs = commit(tmp_path / "other", "theirs")
    assert push(tmp_path / "other", url, theirs, "main") is Outcome.LANDED
    assert push(clone, url, commit(clone, "ours"), "main") is Outcome.STALE
    fetch(clone, url, "main", tracking=TRACKING)
    assert push(clone, url, git("rev-parse", "HEAD", cwd=clone).strip(), "main") is Outcome.STALE
    assert remote_tip(url, "main") == theirs


def test_a_refusing_server_is_quoted_without_its_colours(
    url: str, clone: Path, tmp_path: Path
) -> None:
    hook(
        tmp_path / "iris.git",
        "pre-receive",
        r'printf "\033[31mno pushes\033[0m on\007 Fridays\n" >&2; exit 1',
    )
    trust(tmp_path / "iris.git")
    with pytest.raises(RejectedError) as caught:
        push(clone, url, commit(clone, "one"), "main")
    assert "no pushes on Fridays" in " ".join(caught.value.message.split())
    assert caught.value.message.isprintable()
    assert "hook declined" in caught.value.message


def test_a_push_whose_answer_is_lost_is_known_to_have_landed(
    url: str, clone: Path, tmp_path: Path
) -> None:
    hook(tmp_path / "iris.git", "post-receive", "kill -9 $PPID")
    trust(tmp_path / "iris.git")
    assert push(clone, url, commit(clone, "one"), "main") is Outcome.LANDED


def test_the_users_own_hook_before_a_push_is_asked(url: str, clone: Path) -> None:
    hook(clone / ".git", "pre-push", "echo 'tests are red' >&2; exit 1")
    with pytest.raises(RemoteError, match="tests are red"):
        push(clone, url, commit(clone, "one"), "main")


def test_no_repository_and_no_machine_are_two_things(clone: Path, tmp_path: Path) -> None:
    first = commit(clone, "one")
    actions: list[Callable[[str], object]] = [
        lambda url: remote_tip(url, "main"),
        lambda url: push(clone, url, first, "main"),
        lambda url: fetch(clone, url, "main", tracking=TRACKING),
    ]
    for action in actions:
        with pytest.raises(RemoteMissingError):
            action(f"file://{tmp_path}/none.git")
        with pytest.raises(RemoteUnavailableError):
            action(f"file://{tmp_path}/unmounted/iris.git")
        with pytest.raises(RemoteUnavailableError):
            action("http://127.0.0.1:1/iris.git")


class _WhoAreYou(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="lab"')
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def strict_host() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _WhoAreYou)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/iris.git"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_host_that_asks_for_a_password_is_an_error_and_never_a_prompt(
    strict_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_ASKPASS", "/bin/false")
    with pytest.raises(AuthenticationError):  # a prompt would not end
        remote_tip(strict_host, "main")


def test_a_host_that_says_nothing_is_left_after_the_limit() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(RemoteUnavailableError, match="within 1 s"),  # else it would not end
    ):
        remote_tip(f"http://127.0.0.1:{silent.getsockname()[1]}/x.git", "main", terms=SHORT)


def test_many_fetches_of_one_clone_at_once_all_succeed(
    url: str, clone: Path, tmp_path: Path
) -> None:
    push(clone, url, commit(clone, "one"), "main")
    git("clone", "-q", "-b", "main", url, "other", cwd=tmp_path)
    theirs = commit(tmp_path / "other", "theirs")
    push(tmp_path / "other", url, theirs, "main")
    seen: list[str | None] = []
    threads = [
        threading.Thread(target=lambda: seen.append(fetch(clone, url, "main", tracking=TRACKING)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [theirs] * 6


def test_what_a_surrounding_hook_has_set_does_not_reach_git(
    url: str, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit(clone, "one")
    monkeypatch.setenv("GIT_DIR", os.devnull)
    monkeypatch.setenv("GIT_INDEX_FILE", os.devnull)
    assert push(clone, url, first, "main") is Outcome.LANDED


def test_nothing_of_ours_pushes_or_fetches_through_gitpython() -> None:
    # its push does not raise when it is refused, and nothing of it has a limit
    package = Path(__file__).parents[2] / "padre_git"
    imported = {
        line.strip()
        for path in package.rglob("*.py")
        for line in path.read_text().splitlines()
        if re.match(r"\s*(from git(\.|\s)|import git\b)", line)
    }
    assert imported == {"from git.config import GitConfigParser"}

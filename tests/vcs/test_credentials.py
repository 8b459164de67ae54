"""Credentials: git learns a secret for one host, through its environment, and keeps nothing."""

from __future__ import annotations

import contextlib
import copy
import os
import pickle
import secrets
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from padre_git.errors import (
    AuthenticationError,
    InvalidInputError,
    RejectedError,
    RepositoryError,
    UnsupportedError,
)
from padre_git.vcs.credentials import Login, Secret, handed, origin_of
from padre_git.vcs.network import ask, network_environment
from padre_git.vcs.repository import Repository
from padre_git.vcs.transport import Outcome, Terms, fetch, push, remote_tip
from tests.conftest import git
from tests.servers import Server
from tests.servers.processes import do_without, needs


def login(server: Server, secret: str | None = None) -> Login:
    return Login(
        origin=str(origin_of(server.base)), user=server.user, secret=Secret(secret or server.secret)
    )


def terms(server: Server, secret: str | None = None) -> Terms:
    found = login(server, secret)
    return Terms(login=lambda: found)


@pytest.fixture
def iris(nginx: Server, tmp_path: Path) -> Path:
    """Is a clone with a commit, whose remote on the server is empty."""
    nginx.create("iris")
    path = tmp_path / "iris"
    path.mkdir()
    git("init", "-q", "-b", "main", cwd=path)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=path)
    return path


def test_pushing_fetching_asking_and_cloning_are_allowed(
    nginx: Server, iris: Path, tmp_path: Path
) -> None:
    url, told = nginx.url("iris"), terms(nginx)
    first = git("rev-parse", "HEAD", cwd=iris).strip()
    assert push(iris, url, first, "main", terms=told) is Outcome.LANDED
    assert remote_tip(url, "main", terms=told) == first
    assert fetch(iris, url, "main", tracking="refs/remotes/origin/main", terms=told) == first
    with Repository.clone(url, tmp_path / "other", branch="main", terms=told) as other:
        assert other.tip() == first
    everything = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert nginx.secret.encode() not in everything


def test_nobody_and_a_wrong_secret_are_told_as_credentials(nginx: Server, iris: Path) -> None:
    invented = secrets.token_hex(8)
    for told in (Terms(), terms(nginx, invented)):
        with pytest.raises(AuthenticationError) as caught:
            remote_tip(nginx.url("iris"), "main", terms=told)
        assert invented not in "".join(traceback.format_exception(caught.value)) + repr(told)


def test_a_server_that_says_a_secret_aloud_is_not_repeated(nginx: Server, iris: Path) -> None:
    nginx.hook("iris", "pre-receive", f"echo you are {nginx.secret} >&2; exit 1")
    first = git("rev-parse", "HEAD", cwd=iris).strip()
    with pytest.raises(RejectedError, match="you are …") as caught:
        push(iris, nginx.url("iris"), first, "main", terms=terms(nginx))
    assert nginx.secret not in "".join(traceback.format_exception(caught.value))


def test_tracebacks_do_not_show_the_environment_of_git(
    nginx: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RepositoryError, match="git cannot be started") as caught:
        ask(["version"], None, 10, login=login(nginx))
    shown, error = "", caught.value
    for one in (error, error.__cause__, error.__context__):
        if one is not None:
            stack = traceback.TracebackException.from_exception(one, capture_locals=True).stack
            shown += "".join(str(f.locals) for f in stack if "/tests/" not in f.filename)
    assert "PADRE_GIT_LOGIN_USER" in shown, "the frame is there"
    assert nginx.secret not in shown
    assert nginx.secret not in repr(handed(login(nginx), {}))


def test_the_persons_own_helpers_do_not_hear_of_it(
    nginx: Server, iris: Path, own_home: Path
) -> None:
    kept = own_home / ".git-credentials"
    git("config", "--global", "credential.helper", "store", cwd=iris)
    git("config", "--global", f"credential.{origin_of(nginx.base)}.helper", "store", cwd=iris)
    git("config", "--local", "credential.helper", "store", cwd=iris)
    assert remote_tip(nginx.url("iris"), "main", cwd=iris, terms=terms(nginx)) is None
    assert not kept.exists()
    kept.write_text(f"http://{nginx.user}:{nginx.secret}@127.0.0.1:{nginx.port}\n")
    kept.chmod(0o600)
    with pytest.raises(AuthenticationError):
        remote_tip(nginx.url("iris"), "main", cwd=iris, terms=terms(nginx, "expired"))
    assert nginx.secret in kept.read_text(), "nor is it told to forget its own"
    assert remote_tip(nginx.url("iris"), "main", cwd=iris) is None


def test_settings_that_the_person_has_in_the_environment_stay(
    nginx: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "padre.test")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "kept")
    assert ask(["config", "padre.test"], None, 10, login=login(nginx)).out == "kept\n"
    for count in ("", "x", "-1", "²"):
        assert handed(login(nginx), {"GIT_CONFIG_COUNT": count})["GIT_CONFIG_COUNT"] == "2"
    assert handed(None, {"GIT_CONFIG_COUNT": "1"}) == {}
    assert nginx.secret not in str(network_environment())


def test_a_helper_on_the_command_line_of_a_surrounding_git_does_not_hear_of_it(
    nginx: Server, iris: Path, own_home: Path, tmp_path: Path
) -> None:
    """`git padre` is a command of git, and `git -c` reaches everything below it."""
    code = (
        "import os\nfrom padre_git.vcs.transport import *\n"
        "from padre_git.vcs.credentials import *\n"
        "told = Login(origin=os.environ['AT'], user=os.environ['WHO'],\n"
        "    secret=Secret(os.environ['WORD']))\n"
        "remote_tip(os.environ['URL'], 'main', terms=Terms(login=lambda: told))\n"
        "print(ask(['config', 'padre.test'], None, 10, login=told).out)\n"
    ).replace(
        "from padre_git.vcs.cred", "from padre_git.vcs.network import ask\nfrom padre_git.vcs.cred"
    )
    (tmp_path / "code.py").write_text(code)
    (tmp_path / "git-padretest").write_text(
        f"#!/bin/sh\nexec {sys.executable} {tmp_path}/code.py\n"
    )
    (tmp_path / "git-padretest").chmod(0o755)
    tested = {
        "URL": nginx.url("iris"), "WORD": nginx.secret, "WHO": nginx.user,
        "AT": str(origin_of(nginx.base)), "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }  # fmt: skip
    options = ["-c", "credential.helper=store", "-c", "padre.test=it's"]
    done = subprocess.run(
        ["git", *options, "padretest"], env={**os.environ, **tested}, check=True, text=True,
        capture_output=True,
    )  # fmt: skip
    assert done.stdout == "it's\n\n"
    assert not (own_home / ".git-credentials").exists()


@pytest.mark.parametrize(
    "elsewhere",
    ["https://127.0.0.1:{port}", "http://localhost:{port}", "http://127.0.0.1:1", "http://x.org"],
)
def test_another_host_port_or_scheme_gets_nothing(nginx: Server, elsewhere: str) -> None:
    url = elsewhere.format(port=nginx.port)
    done = subprocess.run(
        ["git", "credential", "fill"], env=network_environment(login(nginx)),
        input=f"url={url}/iris.git\n\n", text=True, capture_output=True,
    )  # fmt: skip
    assert done.returncode
    assert nginx.secret not in done.stdout + done.stderr


@contextmanager
def watched_processes() -> Iterator[set[bytes]]:
    """Collects the argument lists of all processes of this machine, as quickly as it can."""
    seen: set[bytes] = set()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    seen.add((process / "cmdline").read_bytes())

    thread = threading.Thread(target=look)
    thread.start()
    yield seen
    over.set()
    thread.join()


def test_no_process_has_a_secret_among_its_arguments(nginx: Server, iris: Path) -> None:
    with watched_processes() as seen:
        for _ in range(5):
            remote_tip(nginx.url("iris"), "main", terms=terms(nginx))
        time.sleep(0.05)
    assert any(b"ls-remote" in command for command in seen), "something was seen"
    assert not [command for command in seen if nginx.secret.encode() in command]


def test_every_program_that_is_started_has_clean_arguments(
    nginx: Server, iris: Path, tmp_path: Path
) -> None:
    log = tmp_path / "execve"
    code = (
        "import os\nfrom padre_git.vcs.transport import *\n"
        "from padre_git.vcs.credentials import *\n"
        "told = Login(origin=os.environ['AT'], user=os.environ['WHO'],\n"
        "    secret=Secret(os.environ['WORD']))\n"
        "remote_tip(os.environ['URL'], 'main', terms=Terms(login=lambda: told))\n"
    )
    tested = {"URL": nginx.url("iris"), "WORD": nginx.secret, "AT": str(origin_of(nginx.base))}
    tested["WHO"] = nginx.user
    strace = ["strace", "-f", "-qq", "-s", "4096", "-e", "trace=execve", "-o", str(log)]
    needs("strace")
    if subprocess.run([*strace, "true"], capture_output=True).returncode:
        do_without("strace may not trace here")
    subprocess.run([*strace, sys.executable, "-c", code], env={**os.environ, **tested}, check=True)
    text = log.read_text()
    assert "PADRE_GIT_LOGIN_SECRET" in text, "the helper was run"
    assert nginx.secret not in text


def test_a_secret_shows_itself_only_when_it_is_written() -> None:
    secret = Secret("hunter2")
    told = Login(origin="https://example.org", user="ada", secret=secret)
    shown = [
        repr(secret),
        repr({"a": secret}),
        f"{secret!r}",
        repr(told),
        str(told),
        repr([secret]),
    ]
    assert not [text for text in shown if "hunter2" in text]
    assert f"{secret}" == "hunter2"
    for take in (pickle.dumps, copy.deepcopy):
        with pytest.raises(UnsupportedError, match="not pickled"):
            take(secret)
        with pytest.raises(UnsupportedError, match="not pickled"):
            take(told)


@pytest.mark.parametrize(
    ("user", "secret"), [("a:b", "x"), ("a\nb", "x"), ("a", "x\ny"), ("a", "")]
)
def test_what_cannot_be_told_in_a_line_is_refused(user: str, secret: str) -> None:
    with pytest.raises(InvalidInputError):
        Login(origin="https://example.org", user=user, secret=Secret(secret))


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Example.org/lab", "https://example.org"),
        ("https://example.org:443/x", "https://example.org"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
        ("https://ada:pw@example.org:8443/", "https://example.org:8443"),
        ("https://example.org", "https://example.org"),
        ("HTTPS://example.org?x#y", "https://example.org"),
        ("http://evil\\@example.org/", None),
        ("http://evil\\.example.org/", None),
        ("http://ev\til@example.org/", None),
        ("http://%65vil.org/", None),
        ("http://ⓔvil.org/", None),
        ("http://a b/", None),
        ("http://a/b c", None),
        ("ssh://example.org/x", None),
        ("https://example.org:x/", None),
        ("http:///x", None),
        ("/srv/lab", None),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin

"""Remotes that are not a directory: a host over git's own protocol and over HTTP."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.backends.git import GitBackend
from padre_git.backends.status import State
from padre_git.errors import RemoteMissingError, RemoteUnavailableError
from padre_git.messages import Event, Notice
from padre_git.testing.documents import EXPERIMENT, IRIS, put, run_key, store
from padre_git.vcs.remotes import RemoteLocation
from tests.backends.dual_stores import documents
from tests.conftest import git
from tests.servers.processes import HOST, nobody, serving, started

CORE = Path(subprocess.check_output(["git", "--exec-path"], text=True).strip())


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "lab").mkdir()
    return tmp_path / "lab"


@pytest.fixture
def git_host(lab: Path) -> Iterator[str]:
    options = ["--export-all", "--enable=receive-pack", "--reuseaddr", "--informative-errors"]
    command = [CORE / "git-daemon", *options, f"--listen={HOST}", f"--base-path={lab}"]
    log = lab.parent / "git-daemon.log"
    with contextlib.ExitStack() as ends:
        port = serving(lambda port: started(ends, [*command, f"--port={port}"], log), log)
        yield f"git://{HOST}:{port}"


class _Backend(BaseHTTPRequestHandler):
    """Serves git over HTTP by git's own program."""

    directory: Path

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.directory),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "ada",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(
            [CORE / "git-http-backend"],
            input=body, env=environment, capture_output=True, check=True,
        )  # fmt: skip
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def http_host(lab: Path) -> Iterator[str]:
    handler = type("Handler", (_Backend,), {"directory": lab})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def opened(directory: Path, remote: str, events: list[Event] | None = None) -> DualLayer:
    notify = (lambda event: None) if events is None else events.append
    local = GitBackend(directory, notify=notify)
    return DualLayer(local, RemoteLocation.parse(remote), max_age=0, notify=notify)


@pytest.mark.parametrize("kind", ["git_host", "http_host"])
def test_over_a_network_it_is_the_same(
    kind: str, lab: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    host = request.getfixturevalue(kind)
    with opened(tmp_path / "ada", host) as ada, opened(tmp_path / "ben", host) as ben:
        with pytest.raises(RemoteMissingError, match="no repository for project 'iris'") as caught:
            store(ada, IRIS, EXPERIMENT)
        assert "create an empty repository" in str(caught.value.hint)
        assert EXPERIMENT in ada.read([EXPERIMENT]), "the commit stands"
        git("init", "-q", "--bare", "iris.git", cwd=lab)
        git("config", "http.receivepack", "true", cwd=lab / "iris.git")
        ada.sync("iris")
        assert ada.urls([IRIS]) == {IRIS: f"{host}/iris.git"}
        assert documents(ben, EXPERIMENT) == documents(ada, EXPERIMENT)
        put(ben, run_key(1))
        put(ada, run_key(2))
        assert set(ben.scan(EXPERIMENT)) == {run_key(1), run_key(2)}
        assert ben.status("iris").state is State.PUBLISHED
        assert opened(tmp_path / "cleo", host).elsewhere() == {}
        (lab / "iris.git").rename(lab / "gone.git")
        with pytest.raises(RemoteMissingError, match="gone"):
            put(ada, run_key(3))


@pytest.mark.parametrize("form", ["ssh://ada@host{lab}", "ada@host:{lab}"])
def test_over_ssh_it_is_the_same_and_no_user_is_stored(
    form: str, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ssh"  # what ssh does, without a network in between
    program.write_text('#!/bin/sh\nfor command; do :; done\nexec sh -c "$command"\n')
    program.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
    remote = form.format(lab=lab)
    with opened(tmp_path / "ada", remote) as ada, opened(tmp_path / "ben", remote) as ben:
        with pytest.raises(RemoteMissingError) as caught:
            store(ada, IRIS)
        assert "create an empty repository 'iris.git'" in str(caught.value.hint)
        git("init", "-q", "--bare", "iris.git", cwd=lab)
        ada.sync("iris")
        assert "ada@" not in ada.urls([IRIS])[IRIS]
        assert documents(ben, IRIS) == documents(ada, IRIS)


def test_a_single_repository_is_listed_by_its_name(
    http_host: str, lab: Path, tmp_path: Path
) -> None:
    git("init", "-q", "--bare", "-b", "main", "iris.git", cwd=lab)
    git("config", "http.receivepack", "true", cwd=lab / "iris.git")
    remote = f"{http_host}/iris.git"
    with opened(tmp_path / "ada", remote) as ada, opened(tmp_path / "ben", remote) as ben:
        store(ada, IRIS)
        store(ada, IRIS.dataset("flowers"))
        assert list(ben.elsewhere()) == [IRIS]
        assert ben.pull("iris") is None
        assert list(ben.scan(IRIS)) == [IRIS.dataset("flowers")]


def test_a_host_that_is_down_is_offline(tmp_path: Path) -> None:
    events: list[Event] = []
    with nobody() as port, opened(tmp_path / "ada", f"http://{HOST}:{port}", events) as ada:
        store(ada, IRIS)
        assert any("offline" in event.text for event in events if isinstance(event, Notice))
        with pytest.raises(RemoteUnavailableError):
            ada.sync("iris")

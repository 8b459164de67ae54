"""What lets us in at a data remote comes from where its owner keeps it, and is written nowhere."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import keyring
import pytest
from keyrings.alt.file import PlaintextKeyring

import padre_git
from padre_git.artifacts import Cache, DataRemote
from padre_git.artifacts.settings import RemoteSettings
from padre_git.errors import AuthenticationError, InvalidInputError, RemoteError
from padre_git.model import Dataset, Project
from padre_git.vcs.credentials import Login, Secret
from tests.artifacts.conftest import write
from tests.servers import data
from tests.servers.data import DataServer

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], DataServer]]:
    running: dict[str, DataServer] = {}
    with contextlib.ExitStack() as ends:

        def server(kind: str) -> DataServer:
            if kind not in running:
                start = {"s3": data.s3, "webdav": data.webdav}[kind]
                running[kind] = start(tmp_path_factory.mktemp(kind))
                ends.callback(running[kind].close)
            return running[kind]

        yield server


@pytest.fixture
def ring(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Is a keyring of this test's own, beside everything that is searched."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("ring")))
    before = keyring.get_keyring()
    keyring.set_keyring(PlaintextKeyring())
    yield
    keyring.set_keyring(before)


@contextlib.contextmanager
def command_lines() -> Iterator[set[bytes]]:
    """Collects the argument lists of all processes while the block runs."""
    seen: set[bytes] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    seen.add((process / "cmdline").read_bytes())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def files_with(text: str, directory: Path) -> list[Path]:
    wanted = text.encode()
    files = [path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if wanted in path.read_bytes()]


def exchange(server: DataServer, options: dict[str, str], tmp_path: Path) -> None:
    """Publishes a dataset from one clone, and reads it in another one."""
    (tmp_path / "lab").mkdir()
    with padre_git.open(tmp_path / "here", remote=tmp_path / "lab", policy="manual") as here:
        here.projects.put(Project(name="iris"))
        server.configure(here.project_path("iris"), options)
        here.datasets.put(
            Dataset(project="iris", name="flowers"), data=write(tmp_path / "a.csv", b"a,b\n1,2\n")
        )
        here.sync("iris")
        assert here.artifacts.verify("iris") == ()
    with padre_git.open(tmp_path / "there", remote=tmp_path / "lab", policy="manual") as there:
        there.pull("iris")
        server.configure(there.project_path("iris"), options)
        read = there.datasets.data("iris/flowers").joinpath("a.csv").read_bytes()
        assert read == b"a,b\n1,2\n"


def test_keys_from_the_environment_are_written_nowhere(
    servers: Callable[[str], DataServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = servers("s3")
    server.lend(monkeypatch)
    with command_lines() as seen:
        exchange(server, server.options, tmp_path)
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"):
        secret = server.environment[name]
        assert files_with(secret, tmp_path) == []
        assert not any(secret.encode() in line for line in seen)
    assert seen


def web_origin(server: DataServer) -> str:
    return server.url.replace("webdav", "http").rpartition("/")[0]


def a_place(server: DataServer, name: str) -> DataServer:
    server.make(name)
    return replace(server, url=f"{server.url}/{name}")


@pytest.mark.parametrize("named_in", ["environment", "configuration"])
def test_a_password_from_the_environment_is_written_nowhere(
    servers: Callable[[str], DataServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    named_in: str,
) -> None:
    server = a_place(servers("webdav"), f"env-{named_in}")
    secret, user = server.options["password"], server.options["user"]
    monkeypatch.setenv("PADRE_DATA_HOST", web_origin(server))
    monkeypatch.setenv("PADRE_DATA_SECRET", secret)
    options = {"user": user}
    if named_in == "environment":
        monkeypatch.setenv("PADRE_DATA_USER", user)
        options = {}
    with command_lines() as seen:
        exchange(server, options, tmp_path)
        # anybody's web server will do for reading
        web = replace(server, url=server.url.replace("webdav", "http"))
        with padre_git.open(tmp_path / "cleo", remote=tmp_path / "lab") as cleo:
            cleo.pull("iris")
            web.configure(cleo.project_path("iris"), options)
            assert cleo.datasets.data("iris/flowers").joinpath("a.csv").is_file()
    assert files_with(secret, tmp_path) == []
    assert not any(secret.encode() in line for line in seen)


@pytest.mark.parametrize("host", ["http://elsewhere.example", "127.0.0.1", "https://127.0.0.1"])
def test_a_password_from_the_environment_is_for_one_host_alone(
    servers: Callable[[str], DataServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ring: None,
    host: str,
) -> None:
    server = a_place(servers("webdav"), f"not-{host.rpartition('/')[2]}-{len(host)}")
    for name, value in [("HOST", host), ("USER", "ada"), ("SECRET", "not for you")]:
        monkeypatch.setenv(f"PADRE_DATA_{name}", value)
    with pytest.raises(AuthenticationError) as failed:
        exchange(server, {"user": server.options["user"]}, tmp_path)
    assert "not for you" not in f"{failed.value} {failed.value.hint}"
    assert f"PADRE_DATA_HOST={web_origin(server)}" in str(failed.value.hint)


@contextlib.contextmanager
def web_server(answer: Callable[[BaseHTTPRequestHandler], object]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            answer(self)

        do_GET = do_PROPFIND = do_HEAD

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("scheme", ["http", "webdav"])
@pytest.mark.parametrize("known_by", ["environment", "configuration"])
def test_a_password_does_not_follow_a_redirect_to_another_host(
    project: Path, cache: Cache, scheme: str, known_by: str
) -> None:
    heard: list[tuple[str, str | None]] = []

    def listen(name: str, location: str | None, asked: BaseHTTPRequestHandler) -> None:
        heard.append((name, asked.headers["Authorization"]))
        asked.send_response(404 if location is None else 302)
        if location is not None:
            asked.send_header("Location", location + asked.path)
        asked.send_header("Content-Length", "0")
        asked.end_headers()

    with (
        web_server(partial(listen, "other", None)) as other,
        web_server(partial(listen, "own", other)) as own,
    ):
        url = own.replace("http", scheme, 1)
        secret = {"user": "ada", "password": "for one host"}
        lines = ["['remote \"lab\"']", f"    url = {url}"]
        if known_by == "configuration":
            secret |= {"auth": "basic"} if scheme == "http" else {}
            lines += [f"    {key} = {value}" for key, value in secret.items()]
        write(project / ".dvc" / "config.local", "\n".join([*lines, ""]).encode())
        login = Login(origin=own, user="ada", secret=Secret("for one host"))
        settings = RemoteSettings(name="lab", url=url, directory=None)
        remote = DataRemote(project, cache, settings, login=lambda: login)
        with contextlib.suppress(RemoteError):
            remote.sizes(["b026324c6904b2a9cb4b88d6d61c81d1"])
    assert {word for name, word in heard if name == "own"} == {"Basic YWRhOmZvciBvbmUgaG9zdA=="}
    assert {word for name, word in heard if name == "other"} <= {None}


def test_a_password_for_no_host_is_refused_where_one_is_needed(
    servers: Callable[[str], DataServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PADRE_DATA_SECRET", "not for you")
    server = a_place(servers("webdav"), "nobody")
    with pytest.raises(InvalidInputError, match="PADRE_DATA_HOST") as failed:
        exchange(server, {}, tmp_path)
    assert "not for you" not in f"{failed.value} {failed.value.hint}"


def test_a_password_from_the_keyring_is_written_nowhere(
    servers: Callable[[str], DataServer], tmp_path: Path, ring: None
) -> None:
    server = a_place(servers("webdav"), "ring")
    secret, user = server.options["password"], server.options["user"]
    keyring.set_password(web_origin(server), user, secret)
    with command_lines() as seen:
        exchange(server, {"user": user}, tmp_path)
    assert files_with(secret, tmp_path) == []
    assert not any(secret.encode() in line for line in seen)


def test_a_password_that_a_clone_has_is_in_no_other_file(
    servers: Callable[[str], DataServer], tmp_path: Path
) -> None:
    server = a_place(servers("webdav"), "own")
    with command_lines() as seen:
        exchange(server, server.options, tmp_path)
    secret = server.options["password"]
    own = [tmp_path / name / "iris" / ".dvc" / "config.local" for name in ("here", "there")]
    assert sorted(files_with(secret, tmp_path)) == own
    assert not any(secret.encode() in line for line in seen)


def test_the_keyring_gives_a_host_only_what_is_its_own(
    servers: Callable[[str], DataServer], tmp_path: Path, ring: None
) -> None:
    server = a_place(servers("webdav"), "other")
    keyring.set_password("http://elsewhere.example", server.options["user"], "not for you")
    with pytest.raises(AuthenticationError) as failed:
        exchange(server, {"user": server.options["user"]}, tmp_path)
    assert "not for you" not in str(failed.value)
    assert "keyring set http://127.0.0.1" in str(failed.value.hint)

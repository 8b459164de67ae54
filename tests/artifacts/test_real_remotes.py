"""Data remotes that are real servers: S3, WebDAV and ssh do what a directory does."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from padre_git.api.opening import open_store
from padre_git.artifacts import Cache, DataRemote, Pointer, place, pointer_to
from padre_git.artifacts.settings import RemoteSettings, read_settings
from padre_git.errors import (
    ArtifactCorruptError,
    ArtifactMissingError,
    AuthenticationError,
    RemoteUnavailableError,
)
from padre_git.model import Dataset, Project
from tests.artifacts.conftest import make_project, write
from tests.servers import Server, data, sshd
from tests.servers.data import DataServer
from tests.servers.processes import nobody

pytestmark = pytest.mark.timeout(120)
KINDS = ("s3", "webdav", "ssh")
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], DataServer]]:
    """Returns what gives a server by its kind; each is started once."""
    running: dict[str, DataServer] = {}
    with contextlib.ExitStack() as ends:

        def server(kind: str) -> DataServer:
            if kind not in running:
                directory = tmp_path_factory.mktemp(kind)
                if kind == "ssh":
                    host: Server = sshd.start(directory)
                    ends.callback(host.close)
                    running[kind] = data.ssh(host)
                else:
                    running[kind] = {"s3": data.s3, "webdav": data.webdav}[kind](directory)
                    ends.callback(running[kind].close)
            return running[kind]

        yield server


@pytest.fixture(params=KINDS)
def server(
    request: pytest.FixtureRequest,
    servers: Callable[[str], DataServer],
    monkeypatch: pytest.MonkeyPatch,
) -> DataServer:
    """Is a fresh place on each kind of server."""
    found = servers(request.param)
    found.lend(monkeypatch)
    below = f"t{next(_numbers)}"
    found.make(below)
    read, change = found.read, found.write
    return replace(
        found,
        url=f"{found.url}/{below}",
        read=lambda path: read(f"{below}/{path}"),
        write=lambda path, content: change(f"{below}/{path}", content),
    )


@pytest.fixture
def pointer(cache: Cache, tmp_path: Path) -> Pointer:
    write(tmp_path / "m" / "a", b"1")
    write(tmp_path / "m" / "sub" / "b", b"22" * 1000)
    write(tmp_path / "m" / "größe", b"")
    return pointer_to(cache, "artifacts", place(cache, tmp_path / "m"))


def remote(server: DataServer, project: Path, cache: Cache) -> DataRemote:
    server.configure(project)
    settings = read_settings(project)
    assert settings is not None
    return DataRemote(project, cache, settings)


def path_of(md5: str) -> str:
    return f"files/md5/{md5[:2]}/{md5[2:]}"


def test_what_is_pushed_is_fetched_elsewhere(
    server: DataServer, project: Path, cache: Cache, pointer: Pointer, tmp_path: Path
) -> None:
    assert remote(server, project, cache).push([pointer]).objects == 4
    assert remote(server, project, cache).push([pointer]).objects == 0
    md5 = cache.add_bytes(b"22" * 1000).md5
    assert server.read(path_of(md5)) == b"22" * 1000
    other = Cache(tmp_path / "other")
    there = remote(server, make_project(tmp_path / "clone"), other)
    there.fetch([pointer.md5, md5])
    assert other.read(md5) == b"22" * 1000
    assert other.read(pointer.md5) == cache.read(pointer.md5)


def test_data_is_looked_up_object_by_object(
    server: DataServer, project: Path, cache: Cache, pointer: Pointer
) -> None:
    there = remote(server, project, cache)
    md5 = cache.add_bytes(b"22" * 1000).md5
    assert there.missing([md5, pointer.md5]) == {md5, pointer.md5}
    there.push([pointer])
    assert there.missing([md5, pointer.md5]) == frozenset()
    server.write(path_of(md5), None)
    assert remote(server, project, cache).missing([md5, pointer.md5]) == {md5}
    assert there.missing([md5]) == {md5}
    assert there.push([pointer]).objects == 1


def test_an_object_that_was_emptied_or_cut_is_sent_again(
    server: DataServer, project: Path, cache: Cache, pointer: Pointer
) -> None:
    there = remote(server, project, cache)
    there.push([pointer])
    md5 = cache.add_bytes(b"22" * 1000).md5
    for bad in (b"", b"22" * 999):
        server.write(path_of(md5), bad)
        there.push([pointer])
        assert server.read(path_of(md5)) == b"22" * 1000


def test_damaged_bytes_are_never_handed_out(
    server: DataServer, project: Path, cache: Cache, pointer: Pointer, tmp_path: Path
) -> None:
    remote(server, project, cache).push([pointer])
    md5 = cache.add_bytes(b"22" * 1000).md5
    server.write(path_of(md5), b"23" * 1000)
    other = Cache(tmp_path / "other")
    with pytest.raises(ArtifactCorruptError, match=md5):
        remote(server, make_project(tmp_path / "clone"), other).fetch([md5])
    assert not other.has(md5)


def test_data_that_is_nowhere_is_named(
    server: DataServer, project: Path, cache: Cache, pointer: Pointer
) -> None:
    cache.discard(cache.add_bytes(b"22" * 1000).md5)
    with pytest.raises(ArtifactMissingError, match="artifacts/sub/b"):
        remote(server, project, cache).push([pointer])


def test_wrong_credentials_are_not_taken_for_missing_data(
    server: DataServer,
    project: Path,
    cache: Cache,
    pointer: Pointer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remote(server, project, cache).push([pointer])
    for name in server.environment:
        monkeypatch.delenv(name)
    server.configure(project, server.wrong)
    settings = read_settings(project)
    assert settings is not None
    there = DataRemote(project, cache, settings)
    for act in (lambda: there.missing([pointer.md5]), lambda: there.push([pointer])):
        with pytest.raises(AuthenticationError, match="does not let us in") as failed:
            act()
        for name in ("password", "access_key_id"):
            assert server.wrong.get(name, "no such secret") not in str(failed.value)


def test_a_server_that_is_gone_is_out_of_reach(
    server: DataServer, project: Path, cache: Cache, pointer: Pointer
) -> None:
    with nobody() as port:
        old = server.options.get("endpointurl", server.url)
        new = f"{old.rpartition(':')[0]}:{port}/" if "endpointurl" in server.options else ""
        gone = (
            replace(server, options={**server.options, "endpointurl": new})
            if new
            else replace(server, url=_at_port(server.url, port))
        )
        with pytest.raises(RemoteUnavailableError):
            remote(gone, project, cache).push([pointer])


def _at_port(url: str, port: int) -> str:
    head, _, tail = url.partition("://")
    host, _, path = tail.partition("/")
    return f"{head}://{host.partition(':')[0]}:{port}/{path}"


_PUSH = """
import sys
from pathlib import Path
from padre_git.artifacts import Cache, DataRemote, place, pointer_to, read_settings
project, root, tree = map(Path, sys.argv[1:])
cache = Cache(root)
settings = read_settings(project)
pointer = pointer_to(cache, "artifacts", place(cache, tree))
print("placed", flush=True)
remote = DataRemote(project, cache, settings, watch=lambda step: print(step.done, flush=True))
print("sent", remote.push([pointer]).objects, flush=True)
"""


def test_a_push_that_was_killed_goes_on_where_it_was(
    server: DataServer, project: Path, cache: Cache, tmp_path: Path
) -> None:
    killed_and_again(server.configure, project, cache, tmp_path, objects=60)


def killed_and_again(
    configure: Callable[[Path], None], project: Path, cache: Cache, tmp_path: Path, *, objects: int
) -> None:
    """Kills a push in the middle, and counts what the next one sends."""
    for n in range(objects):
        write(tmp_path / "tree" / f"{n:03}", f"{n}".encode() * 1000)
    configure(project)
    command = [sys.executable, "-c", _PUSH, project, cache.root, tmp_path / "tree"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as push:
        assert push.stdout is not None
        for line in push.stdout:
            if line.strip() == str(objects * 2 // 3):
                break
        push.kill()
    there = DataRemote(project, cache, _settings(project))
    items = place(cache, tmp_path / "tree")
    pointer = pointer_to(cache, "artifacts", items)
    absent = there.missing([pointer.md5, *(item.md5 for item in items.values())])
    assert 1 < len(absent) < objects, "something was there, and something was not"
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"sent {len(absent)}"
    assert there.missing([pointer.md5, *(item.md5 for item in items.values())]) == frozenset()


def _settings(project: Path) -> RemoteSettings:
    found = read_settings(project)
    assert found is not None
    return found


def test_two_people_share_a_dataset(server: DataServer, tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    with open_store(tmp_path / "here", remote=lab, policy="manual") as here:
        here.projects.put(Project(name="iris"))
        server.configure(here.project_path("iris"))
        file = write(tmp_path / "iris.csv", b"a,b\n1,2\n")
        here.datasets.put(Dataset(project="iris", name="iris-data"), data=file)
        here.sync("iris")
    with open_store(tmp_path / "there", remote=lab, policy="manual") as there:
        there.pull("iris")
        server.configure(there.project_path("iris"))
        assert there.datasets.data("iris/iris-data").joinpath("iris.csv").read_bytes() == (
            b"a,b\n1,2\n"
        )

"""The data remote: what was pushed is there, whatever a success may claim."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from threading import Thread

import pytest

from padre_git.artifacts import Cache, DataRemote, Pointer, place, pointer_to
from padre_git.artifacts.dvc import DvcStore
from padre_git.artifacts.settings import RemoteSettings, read_settings, write_settings
from padre_git.errors import (
    ArtifactCorruptError,
    ArtifactError,
    ArtifactMissingError,
    AuthenticationError,
    DocumentError,
    RemoteUnavailableError,
)
from tests.artifacts.conftest import damage, write
from tests.artifacts.test_real_remotes import killed_and_again


def remote_at(project: Path, cache: Cache, *, url: str | None = None) -> DataRemote:
    """Returns the remote at a url, or the one that is configured."""
    if url is not None:
        return DataRemote(project, cache, RemoteSettings.of_url(url, base=project))
    settings = read_settings(project)
    assert settings is not None
    return DataRemote(project, cache, settings)


Make = Callable[[Cache], DataRemote]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture(params=["directory", "dvc"])
def remote_of(request: pytest.FixtureRequest, project: Path, store: Path) -> Make:
    """Makes the same remote twice: by our own copying and through DVC's library."""

    def make(cache: Cache) -> DataRemote:
        remote = remote_at(project, cache, url=str(store))
        if request.param == "dvc":
            settings = RemoteSettings(name=None, url=str(store), directory=None)
            remote._store = DvcStore(project, settings)
        return remote

    return make


@pytest.fixture
def pointer(cache: Cache, tmp_path: Path) -> Pointer:
    write(tmp_path / "m" / "a", b"1")
    write(tmp_path / "m" / "sub" / "b", b"22")
    write(tmp_path / "m" / "empty", b"")
    return pointer_to(cache, "artifacts", place(cache, tmp_path / "m"))


def there(store: Path, md5: str) -> Path:
    return store / "files" / "md5" / md5[:2] / md5[2:]


def test_what_is_pushed_can_be_fetched_elsewhere(
    cache: Cache, pointer: Pointer, remote_of: Make, tmp_path: Path
):
    sent = remote_of(cache).push([pointer])
    assert sent.objects == 4
    other = Cache(tmp_path / "other")
    remote = remote_of(other)
    remote.fetch([pointer.md5])
    assert other.read(pointer.md5) == cache.read(pointer.md5)
    md5 = cache.add_bytes(b"22").md5
    remote.fetch([md5])
    assert other.read(md5) == b"22"


def test_pushing_again_sends_nothing(cache: Cache, pointer: Pointer, remote_of: Make):
    remote_of(cache).push([pointer])
    assert remote_of(cache).push([pointer, pointer]).objects == 0


def test_an_interrupted_push_goes_on_where_it_was(
    cache: Cache, pointer: Pointer, remote_of: Make, store: Path
):
    remote_of(cache).push([pointer])
    there(store, pointer.md5).unlink()
    assert remote_of(cache).push([pointer]).objects == 1


def test_a_push_to_a_directory_that_was_killed_goes_on_where_it_was(
    project: Path, cache: Cache, store: Path, tmp_path: Path
):
    """200 objects are pushed; what a killed process had done is not done again."""
    killed_and_again(
        lambda clone: write_settings(clone, str(store)), project, cache, tmp_path, objects=200
    )


def test_data_that_is_nowhere_is_named(cache: Cache, pointer: Pointer, remote_of: Make):
    cache.discard(cache.add_bytes(b"22").md5)
    with pytest.raises(ArtifactMissingError, match="artifacts/sub/b"):
        remote_of(cache).push([pointer])


def test_a_listing_that_is_nowhere_is_named(cache: Cache, pointer: Pointer, remote_of: Make):
    cache.discard(pointer.md5)
    with pytest.raises(ArtifactMissingError, match=pointer.md5):
        remote_of(cache).push([pointer])


def test_data_that_only_the_remote_has_is_enough(
    cache: Cache, pointer: Pointer, remote_of: Make, tmp_path: Path
):
    remote_of(cache).push([pointer])
    assert remote_of(Cache(tmp_path / "other")).push([pointer]).objects == 0


def test_an_object_emptied_on_the_remote_is_sent_again(
    cache: Cache, pointer: Pointer, remote_of: Make, store: Path
):
    remote_of(cache).push([pointer])
    md5 = cache.add_bytes(b"22").md5
    damage(there(store, md5), b"")
    assert remote_of(cache).missing([md5]) == {md5}
    remote_of(cache).push([pointer])
    assert there(store, md5).read_bytes() == b"22"


def test_an_object_emptied_on_the_remote_is_not_taken_for_data(
    cache: Cache, pointer: Pointer, remote_of: Make, store: Path, tmp_path: Path
):
    remote_of(cache).push([pointer])
    damage(there(store, cache.add_bytes(b"22").md5), b"")
    with pytest.raises(ArtifactMissingError, match="sub/b"):
        remote_of(Cache(tmp_path / "other")).push([pointer])


def test_an_object_cut_short_on_the_remote_is_noticed(
    cache: Cache, pointer: Pointer, remote_of: Make, store: Path, tmp_path: Path
):
    remote_of(cache).push([pointer])
    damage(there(store, cache.add_bytes(b"22").md5), b"2")
    with pytest.raises(ArtifactCorruptError, match="bytes"):
        remote_of(Cache(tmp_path / "other")).push([pointer])
    remote_of(cache).push([pointer])
    assert there(store, cache.add_bytes(b"22").md5).read_bytes() == b"22"


def test_a_damaged_object_is_not_sent(cache: Cache, pointer: Pointer, remote_of: Make, store: Path):
    md5 = cache.add_bytes(b"22").md5
    damage(cache.path(md5), b"23")
    with pytest.raises(ArtifactCorruptError, match=md5):
        remote_of(cache).push([pointer])
    assert not there(store, md5).exists()


def test_a_damaged_object_is_not_fetched(
    cache: Cache, pointer: Pointer, remote_of: Make, store: Path, tmp_path: Path
):
    remote_of(cache).push([pointer])
    md5 = cache.add_bytes(b"22").md5
    damage(there(store, md5), b"23")
    other = Cache(tmp_path / "other")
    with pytest.raises(ArtifactCorruptError, match=md5):
        remote_of(other).fetch([md5])
    assert not other.has(md5)
    assert list((other.root / "tmp").iterdir()) == []


def test_fetching_gets_what_there_is_and_names_the_rest(
    cache: Cache, pointer: Pointer, remote_of: Make, tmp_path: Path
):
    remote_of(cache).push([pointer])
    other = Cache(tmp_path / "other")
    with pytest.raises(ArtifactMissingError, match="0" * 32):
        remote_of(other).fetch([pointer.md5, "0" * 32])
    assert other.has(pointer.md5)


def test_a_hostile_listing_is_not_followed(cache: Cache, remote_of: Make):
    listing = b'[{"md5": "%s", "relpath": "../../.git/hooks/pre-commit"}]' % (b"0" * 32)
    md5, _ = cache.keep_bytes(listing, suffix=".dir")
    with pytest.raises(DocumentError):
        remote_of(cache).push([Pointer(md5=md5, path="artifacts", size=1, nfiles=1)])


def test_files_are_sent_before_the_listing_that_names_them(
    cache: Cache, pointer: Pointer, remote_of: Make, store: Path
):
    cache.discard(cache.add_bytes(b"1").md5)
    with pytest.raises(ArtifactMissingError):
        remote_of(cache).push([pointer])
    assert not there(store, pointer.md5).exists()


def test_a_disk_that_is_not_mounted_is_not_filled(project: Path, cache: Cache, pointer: Pointer):
    away = project.parent / "mnt" / "disk"
    remote = remote_at(project, cache, url=str(away))
    for ask in (lambda: remote.push([pointer]), lambda: remote.missing([pointer.md5])):
        with pytest.raises(RemoteUnavailableError, match="not there"):
            ask()
    assert not away.parent.exists()


def test_what_a_killed_push_left_goes_when_it_is_old(
    project: Path, cache: Cache, pointer: Pointer, store: Path
):
    left = write(store / "tmp" / "left", b"half")
    os.utime(left, (1, 1))
    remote_at(project, cache, url=str(store)).push([pointer])
    assert not left.exists()


def test_a_shared_store_stays_shared(project: Path, cache: Cache, pointer: Pointer, store: Path):
    store.mkdir()
    store.chmod(0o2770)
    remote = remote_at(project, cache, url=store.as_uri())
    remote.push([pointer])
    kept = there(store, pointer.md5)
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o2770
    assert stat.S_IMODE(kept.stat().st_mode) == 0o444


def test_an_object_that_is_a_link_on_the_remote_is_not_followed(
    project: Path, cache: Cache, pointer: Pointer, store: Path, tmp_path: Path
):
    remote = remote_at(project, cache, url=str(store))
    remote.push([pointer])
    md5 = cache.add_bytes(b"22").md5
    there(store, md5).unlink()
    there(store, md5).symlink_to(write(tmp_path / "x", b"22"))
    assert remote.missing([md5]) == {md5}


def test_a_protocol_without_its_package_is_said_to_lack_it(project: Path, cache: Cache):
    with pytest.raises(ArtifactError) as caught:
        remote_at(project, cache, url="gs://bucket/lab")
    assert "dvc-gs" in str(caught.value)


class _Web(BaseHTTPRequestHandler):
    """Serves a directory: GET, HEAD and PUT, to those with the password if one is set."""

    root: Path
    password = ""

    def _file(self) -> Path:
        return self.root / self.path.lstrip("/")

    def _answer(self, code: int, body: bytes = b"") -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        if self.password and self.password not in self.headers.get("Authorization", ""):
            self._answer(401)
        elif self._file().is_file():
            self._answer(200, self._file().read_bytes())
        else:
            self._answer(404)

    do_HEAD = do_GET

    def do_PUT(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        write(self._file(), body)
        self._answer(201)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path):
    handler = type("Web", (_Web,), {"root": tmp_path / "web"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_port}/lab"
    server.shutdown()
    server.server_close()
    thread.join()


def configured(project: Path, url: str) -> None:
    write(
        project / ".dvc" / "config.local",
        f"[core]\nremote = web\n['remote \"web\"']\nurl = {url}\nmethod = PUT\n".encode(),
    )


def test_a_web_server_is_a_remote(
    project: Path, cache: Cache, pointer: Pointer, web: tuple, tmp_path: Path
):
    configured(project, web[1])
    remote = remote_at(project, cache)
    assert remote.push([pointer]).objects == 4
    assert remote.push([pointer]).objects == 0
    other = Cache(tmp_path / "other")
    fetched = remote_at(project, other)
    fetched.fetch([pointer.md5])
    assert other.read(pointer.md5) == cache.read(pointer.md5)
    shutil.rmtree(tmp_path / "web")
    assert remote.missing([pointer.md5]) == {pointer.md5}


def test_a_web_server_that_is_down_is_not_an_empty_one(
    project: Path, cache: Cache, pointer: Pointer
):
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        configured(project, f"http://127.0.0.1:{taken.getsockname()[1]}/lab")
        remote = remote_at(project, cache)
        with pytest.raises(RemoteUnavailableError):
            remote.missing([pointer.md5])


def test_a_web_server_that_wants_a_password_says_so(
    project: Path, cache: Cache, pointer: Pointer, web: tuple
):
    web[0].password = "secret"
    configured(project, web[1])
    remote = remote_at(project, cache)
    with pytest.raises(AuthenticationError, match="does not let us in"):
        remote.missing([pointer.md5])

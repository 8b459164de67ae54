"""Real servers for data, as DVC's remotes reach them: S3, WebDAV and ssh."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers import Server, apache
from tests.servers.processes import HOST, needs, nobody, serving, started, workshop
from tests.servers.web import USER, passwords

__all__ = ["DataServer", "s3", "ssh", "webdav"]


@dataclass(frozen=True, kw_only=True)
class DataServer:
    """Is a place for data on a server.

    Attributes:
        url: where, without user and secret.
        options: what DVC's ``config.local`` says of the remote, its credentials included.
        wrong: the same for somebody who does not know the secret.
        environment: what else gives credentials.
        read: returns the bytes of an object of that path, None if there is none.
        write: changes the bytes of an object; None removes it.
        make: makes a directory of that name, where people have to.
        ends: what ends the server.
    """

    url: str
    options: dict[str, str] = field(default_factory=dict, repr=False)
    wrong: dict[str, str] = field(default_factory=dict, repr=False)
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    read: Callable[[str], bytes | None]
    write: Callable[[str, bytes | None], None]
    make: Callable[[str], object] = str
    ends: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)

    def close(self) -> None:
        """Ends the server."""
        self.ends.close()

    def lend(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Gives this process the credentials that come from the environment."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)

    def configure(self, project: Path, options: dict[str, str] | None = None) -> None:
        """Makes the place the default data remote of a clone, as ``dvc remote add`` does."""
        lines = ["[core]", "    remote = lab", "['remote \"lab\"']", f"    url = {self.url}"]
        lines += [
            f"    {k} = {v}" for k, v in (self.options if options is None else options).items()
        ]
        path = project / ".dvc" / "config.local"
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o600)


def _on_disk(
    directory: Path,
) -> tuple[Callable[[str], bytes | None], Callable[[str, bytes | None], None]]:
    def read(path: str) -> bytes | None:
        file = directory / path
        return file.read_bytes() if file.is_file() else None

    def write(path: str, data: bytes | None) -> None:
        file = directory / path
        owner = file.stat()
        file.unlink()
        if data is not None:
            file.write_bytes(data)
            os.chown(file, owner.st_uid, owner.st_gid)

    return read, write


def ssh(server: Server) -> DataServer:
    """Returns a place for data on an ssh server."""
    words = server.environment["GIT_SSH_COMMAND"].split()
    keys = Path(words[words.index("-F") + 1]).parent
    directory = server.directory / "data"
    read, write = _on_disk(directory)
    options = {"user": server.user, "keyfile": str(keys / "shell")}
    return DataServer(
        url=f"ssh://{HOST}:{server.port}{directory}",
        options=options,
        wrong={**options, "keyfile": str(keys / "host")},
        read=read,
        write=write,
    )


_DAV = """\
TypesConfig /dev/null
DavLockDB {folder}/locks/db
DocumentRoot {folder}/files
<Directory {folder}/files>
  Dav On
  AuthType Basic
  AuthName data
  AuthUserFile {passwords}
  Require valid-user
</Directory>
"""


def webdav(directory: Path) -> DataServer:
    """Starts apache, which serves a directory over WebDAV to one user."""
    needs("apache2", "setpriv")
    ends = contextlib.ExitStack()
    folder, log = workshop(ends), directory / "webdav.log"
    path, secret = passwords(folder)
    for name in ("files", "locks"):
        (folder / name).mkdir(mode=0o700)
        _give_to_web(folder / name)
    text = _DAV.format(folder=folder, passwords=path)
    modules = ("dav", "dav_fs", "mime", "setenvif", "alias")
    port = apache.listening(ends, folder, log, modules, text)
    read, write = _on_disk(folder / "files")

    def make(name: str) -> None:
        (folder / "files" / name).mkdir(mode=0o700)
        _give_to_web(folder / "files" / name)

    return DataServer(
        url=f"webdav://{HOST}:{port}",
        options={"user": USER, "password": secret},
        wrong={"user": USER, "password": "wrong"},
        read=read,
        write=write,
        make=make,
        ends=ends,
    )


def _give_to_web(path: Path) -> None:
    import pwd

    if os.geteuid() == 0:
        owner = pwd.getpwnam("www-data")
        os.chown(path, owner.pw_uid, owner.pw_gid)


class _PortTakenError(AssertionError):
    """Says that a server of many ports has ended: somebody has taken one since it was chosen."""


_TRIES = 5
_PORTS = (
    *("master.port", "volume.port", "filer.port"),
    *("s3.port.grpc", "master.port.grpc", "volume.port.grpc", "filer.port.grpc"),
)


def s3(directory: Path) -> DataServer:
    """Starts SeaweedFS, which checks keys as S3 does, with one bucket."""
    program = Path(sys.executable).with_name("weed")
    needs(program, "setpriv")
    for _ in range(_TRIES - 1):
        with contextlib.suppress(_PortTakenError):
            return _seaweed(program, directory / "weed.log")
    return _seaweed(program, directory / "weed.log")


def _seaweed(program: Path, log: Path) -> DataServer:
    ends = contextlib.ExitStack()
    folder = workshop(ends)
    (folder / "data").mkdir()
    key, secret = f"AKIA{secrets.token_hex(6)}", secrets.token_hex(16)
    who = {"accessKey": key, "secretKey": secret}
    rights = ["Admin", "Read", "Write", "List", "Tagging"]
    users = {"identities": [{"name": USER, "credentials": [who], "actions": rights}]}
    (folder / "users.json").write_text(json.dumps(users))

    def listen(port: int) -> subprocess.Popen[bytes]:
        ports = [f"-s3.port={port}"]
        with contextlib.ExitStack() as held:  # all at once, so that they differ
            ports += [f"-{name}={held.enter_context(nobody())}" for name in _PORTS]
        ports += ["-s3.port.iceberg=0", "-s3.port.lance=0"]  # none: two servers would share theirs
        options = [f"-dir={folder / 'data'}", "-s3", f"-s3.config={folder / 'users.json'}", *ports]
        sockets = [f"-{name}.localSocket={folder / name}" for name in ("s3", "filer")]
        bind = [f"-ip={HOST}", f"-ip.bind={HOST}", "-volume.max=5", "-filer"]
        words: list[str | Path] = [
            "env",
            f"TMPDIR={folder}",
            program,
            "server",
            *bind,
            *options,
            *sockets,
        ]
        processes.append(started(ends, words, log))
        return processes[-1]

    processes: list[subprocess.Popen[bytes]] = []
    endpoint = f"http://{HOST}:{serving(listen, log)}"
    if not _becomes_ready(endpoint, processes[-1]):
        ends.close()
        raise _PortTakenError(log.read_text(errors="replace")[-1000:])
    read, write = _in_bucket(endpoint, key, secret)
    return DataServer(
        url="s3://lab/data",
        options={"endpointurl": endpoint},
        wrong={
            "endpointurl": endpoint,
            "access_key_id": key,
            "secret_access_key": "wrong",
        },
        environment={
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        read=read,
        write=write,
        ends=ends,
    )


def _in_bucket(
    endpoint: str, key: str, secret: str
) -> tuple[Callable[[str], bytes | None], Callable[[str, bytes | None], None]]:
    import s3fs

    files = s3fs.S3FileSystem(
        key=key, secret=secret, client_kwargs={"endpoint_url": endpoint}, use_listings_cache=False
    )
    files.mkdir("lab")

    def read(path: str) -> bytes | None:
        files.invalidate_cache()
        return bytes(files.cat(f"lab/data/{path}")) if files.exists(f"lab/data/{path}") else None

    def write(path: str, data: bytes | None) -> None:
        if data is None:
            files.rm(f"lab/data/{path}")
        else:
            files.pipe(f"lab/data/{path}", data)

    return read, write


def _becomes_ready(endpoint: str, process: subprocess.Popen[bytes]) -> bool:
    """Waits until the parts of the server have found each other; tells whether they have."""
    limit = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < limit:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{endpoint}/status", timeout=2):
            return True
        time.sleep(0.1)
    return False

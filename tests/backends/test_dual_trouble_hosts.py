"""Two people and a host in trouble, over ssh and HTTP, through a proxy that makes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.backends.git import GitBackend
from padre_git.errors import RejectedError, RemoteUnavailableError, RepositoryError
from padre_git.messages import Event, Notice
from padre_git.testing.documents import EXPERIMENT, IRIS, put, run_key, store
from padre_git.vcs.remotes import RemoteLocation
from padre_git.vcs.transport import Terms
from tests.backends.dual_stores import fsck
from tests.conftest import git
from tests.faults.disks import small_disk
from tests.servers import Server
from tests.servers.proxy import Proxy, Trouble

RUN = run_key(1)
SHORT = Terms(ask=8, silence=3)


class Host:
    """Is a server with one project, a proxy before it, and the stores of people behind that."""

    def __init__(self, server: Server, proxy: Proxy, directory: Path) -> None:
        self.server = server
        self.proxy = proxy
        self.directory = directory
        self.events: list[Event] = []
        self.base = server.base.replace(f":{server.port}", f":{proxy.port}")
        self._open: list[DualLayer] = []

    def store(self, name: str) -> DualLayer:
        local = GitBackend(self.directory / name)
        opened = DualLayer(
            local,
            RemoteLocation.parse(self.base),
            max_age=0,
            terms=SHORT,
            notify=self.events.append,
        )
        self._open.append(opened)
        return opened

    def head(self) -> str:
        return git("rev-parse", "main", cwd=self.server.bare("iris")).strip()

    def tip(self, name: str) -> str:
        return git("rev-parse", "main", cwd=self.directory / name / "iris").strip()

    def close(self) -> None:
        self.proxy.trouble = Trouble.NONE
        for opened in self._open:
            opened.close()
        fsck(self.server.bare("iris"))
        for clone in self.directory.glob("*/iris/.git"):
            fsck(clone)


@pytest.fixture(params=["nginx", "sshd"])
def host(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Host]:
    server: Server = request.getfixturevalue(request.param)
    server.create("iris")
    server.lend(monkeypatch)
    if request.param == "nginx":
        monkeypatch.setenv("GIT_CONFIG_KEY_0", "credential.helper")
    else:
        command = server.environment["GIT_SSH_COMMAND"]
        monkeypatch.setenv("GIT_SSH_COMMAND", f"{command} -o HostKeyAlias=lab")
    with Proxy(server.host, server.port) as proxy:
        made = Host(server, proxy, tmp_path / "people")
        store(made.store("ada"), IRIS, EXPERIMENT)
        yield made
        made.close()


def test_a_hook_that_declines_is_quoted(host: Host) -> None:
    ada = host.store("ada")
    hook = host.server.hook(
        "iris", "pre-receive", r'printf "\033[31mmain is protected\033[0m\n" >&2; exit 1'
    )
    with pytest.raises(RejectedError, match="main is protected") as caught:
        put(ada, RUN)
    assert caught.value.message.isprintable()
    hook.unlink()
    ada.sync("iris")
    assert RUN in host.store("ben").read([RUN])


@pytest.mark.parametrize("up", [4000, pytest.param(600, marks=pytest.mark.nightly)])
def test_an_answer_that_is_lost_makes_no_second_commit(host: Host, up: int) -> None:
    ada = host.store("ada")
    before = int(git("rev-list", "--count", "main", cwd=host.server.bare("iris")))
    host.proxy.script(Trouble.LOSE_REPLY(up=up))
    put(ada, RUN)
    ada.sync("iris")
    assert host.tip("ada") == host.head()
    assert int(git("rev-list", "--count", "main", cwd=host.server.bare("iris"))) == before + 1
    assert RUN in host.store("ben").read([RUN])


def test_a_server_that_is_killed_after_the_update_is_asked_again(host: Host) -> None:
    ada = host.store("ada")
    hook = host.server.hook("iris", "post-receive", "kill -9 $PPID")
    put(ada, RUN)
    assert host.tip("ada") == host.head()
    hook.unlink()


@pytest.mark.parametrize("trouble", [Trouble.CUT(up=900), Trouble.STALL(up=900)])
def test_in_trouble_a_put_stands_and_is_published_afterwards(host: Host, trouble: Trouble) -> None:
    ada, ben = host.store("ada"), host.store("ben")
    host.proxy.trouble = trouble
    put(ada, RUN)
    assert any("offline" in event.text for event in host.events if isinstance(event, Notice))
    with pytest.raises(RemoteUnavailableError):
        ada.sync("iris")
    assert RUN in ada.read([RUN])
    host.proxy.trouble = Trouble.NONE
    ada.sync("iris")
    assert RUN in ben.read([RUN])
    assert host.tip("ben") == host.tip("ada") == host.head()


def test_a_pull_that_is_cut_brings_nothing_and_the_next_all(host: Host) -> None:
    ada, ben = host.store("ada"), host.store("ben")
    ben.pull("iris")
    for number in range(5):
        put(ada, run_key(number))
    before = host.tip("ben")
    host.proxy.trouble = Trouble.CUT(down=1500)
    with pytest.raises(RemoteUnavailableError):
        ben.pull("iris")
    assert host.tip("ben") == before
    host.proxy.trouble = Trouble.NONE
    ben.pull("iris")
    assert host.tip("ben") == host.head()


KILLED = """
import sys
from pathlib import Path
from padre_git.backends.dual import DualLayer
from padre_git.backends.git import GitBackend
from padre_git.vcs.remotes import RemoteLocation
DualLayer(GitBackend(Path(sys.argv[1])), RemoteLocation.parse(sys.argv[2])).sync("iris")
"""


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble.STALL(down=1500),
        pytest.param(Trouble.STALL(up=700), marks=pytest.mark.nightly),
    ],
)
def test_killed_in_the_middle_of_a_sync_a_clone_works_on(host: Host, trouble: Trouble) -> None:
    ada, ben = host.store("ada"), host.store("ben")
    ben.pull("iris")
    put(ada, RUN)
    host.proxy.connections.clear()
    host.proxy.trouble = trouble
    words = [sys.executable, "-c", KILLED, str(host.directory / "ben"), host.base]
    process = subprocess.Popen(words, start_new_session=True, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 60
    while not any(c.struck for c in host.proxy.connections) and process.poll() is None:
        assert time.monotonic() < limit
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    host.proxy.drop()
    host.proxy.trouble = Trouble.NONE
    put(ben, run_key(2))
    ben.sync("iris")
    assert set(ada.read([RUN, run_key(2)])) == {RUN, run_key(2)}
    assert git("status", "--porcelain", cwd=host.directory / "ben" / "iris") == ""


def test_a_full_disk_here_is_told_and_reading_goes_on(host: Host) -> None:
    with small_disk(host.directory / "ben", "size=900k") as root:
        ada, ben = host.store("ada"), host.store("ben")
        ben.pull("iris")
        large = host.directory / "ada/iris/notes.bin"
        large.write_bytes(os.urandom(2_000_000))
        git("add", "notes.bin", cwd=large.parent)
        git("commit", "-qm", "large", cwd=large.parent)
        ada.sync("iris")
        with pytest.raises(RepositoryError, match=r"(?i)no space left"):
            ben.pull("iris")
        assert EXPERIMENT in ben.read([EXPERIMENT])
        assert list((root / "iris/.git/objects/pack").glob("tmp_*")) == []
        ben.close()

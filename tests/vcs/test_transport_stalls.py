"""Silence has an end, and a transfer that goes on has none but its own."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.errors import RejectedError, RemoteUnavailableError
from padre_git.vcs.activity import Work, is_at_work, work_of
from padre_git.vcs.network import ask
from padre_git.vcs.progress import Step, step_of
from padre_git.vcs.ssh import bounded_ssh
from padre_git.vcs.transport import Outcome, Terms, fetch, push, remote_tip
from tests.conftest import git, trust
from tests.servers import Server
from tests.servers.proxy import Proxy, Trouble
from tests.vcs.odd_hosts import TRACKING, commit, new_clone, proxied
from tests.waiting import until

SHORT = Terms(ask=1.5, silence=1.5)
#: Waits for the beginning on a crowded machine, too, and not for long where nothing moves.
QUIET = Terms(ask=30, silence=2.5)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    made = new_clone(tmp_path / "clone")
    commit(made, "one", os.urandom(300_000))
    return made


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    git("init", "-q", "--bare", "-b", "main", tmp_path / "iris.git", cwd=tmp_path)
    return tmp_path / "iris.git"


@pytest.fixture
def silent() -> Iterator[int]:
    """Gives a port where somebody listens and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def hook(bare: Path, name: str, script: str) -> None:
    (bare / "hooks").mkdir(exist_ok=True)
    path = bare / "hooks" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def head(clone: Path) -> str:
    return git("rev-parse", "HEAD", cwd=clone).strip()


def test_a_host_that_says_nothing_is_left_when_asked_fetched_from_and_pushed_to(
    silent: int, clone: Path
) -> None:
    url = f"http://127.0.0.1:{silent}/x.git"
    with pytest.raises(RemoteUnavailableError, match=r"within 1\.5 s"):
        remote_tip(url, "main", terms=SHORT)
    with pytest.raises(RemoteUnavailableError, match=r"no sign of life for 1\.5 s"):
        fetch(clone, url, "main", tracking=TRACKING, terms=SHORT)
    with pytest.raises(RemoteUnavailableError, match=r"no sign of life for 1\.5 s"):
        push(clone, url, head(clone), "main", terms=SHORT)


def test_ssh_is_told_to_give_up_and_does(
    silent: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/said\nexec /usr/bin/ssh -F none "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(RemoteUnavailableError):
        remote_tip(f"ssh://127.0.0.1:{silent}/x.git", "main", terms=SHORT)
    last = (tmp_path / "said").read_text().splitlines()[-1]
    assert "ConnectTimeout=20" in last
    assert "ServerAliveInterval=15" in last


@pytest.mark.parametrize("url", ["ssh://ada@host:2222/x.git", "ada@host:x.git", "host:x.git"])
def test_what_the_person_has_chosen_for_ssh_stays(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    program = tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {config} "$@"\n')
    program.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    config.write_text("Host host\n  ConnectTimeout 77\n")
    ours = bounded_ssh(url, None, {"PATH": path})["GIT_SSH_COMMAND"]
    assert ours == "ssh -o ServerAliveInterval=15"
    assert bounded_ssh(url, None, {"PATH": path, "GIT_SSH_COMMAND": "plink"}) == {}
    assert bounded_ssh(url, None, {"PATH": path, "GIT_SSH": "/usr/bin/plink"}) == {}
    git("config", "--global", "core.sshCommand", "ssh -v", cwd=tmp_path)
    assert bounded_ssh(url, None, {"PATH": path}) == {}


@pytest.mark.parametrize(
    "url", ["file:///srv/x.git", "https://host/x.git", "git://host/x", "/srv/a:b.git", "ssh://"]
)
def test_only_ssh_is_told_how_to_connect(url: str) -> None:
    assert bounded_ssh(url, None, dict(os.environ)) == {}


def test_a_program_that_is_not_openssh_gets_no_options(tmp_path: Path) -> None:
    program = tmp_path / "ssh"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert bounded_ssh("other:x.git", None, {"PATH": str(tmp_path)}) == {}


@pytest.mark.parametrize("name", ["nginx", "sshd"])
def test_a_transfer_that_stalls_is_ended_and_can_be_made_again(
    name: str, request: pytest.FixtureRequest, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Server = request.getfixturevalue(name)
    server.create("iris")
    with Proxy(server.host, server.port) as proxy:
        for variable, value in server.environment.items():
            monkeypatch.setenv(variable, value.replace(f":{server.port}.", f":{proxy.port}."))
        if name == "sshd":
            command = server.environment["GIT_SSH_COMMAND"]
            monkeypatch.setenv("GIT_SSH_COMMAND", f"{command} -o HostKeyAlias=lab")
        url = proxied(server.url("iris"), server.port, proxy.port)
        proxy.script(Trouble.STALL(up=100_000))
        with pytest.raises(RemoteUnavailableError, match="no sign of life"):
            push(clone, url, head(clone), "main", terms=QUIET)
        assert push(clone, url, head(clone), "main") is Outcome.LANDED


def test_a_hook_that_works_for_long_and_says_so_is_waited_for(clone: Path, bare: Path) -> None:
    hook(bare, "pre-receive", "for n in 1 2 3 4; do sleep 0.8; echo step $n >&2; done")
    trust(bare)
    assert push(clone, f"file://{bare}", head(clone), "main", terms=QUIET) is Outcome.LANDED


def test_a_hook_that_computes_in_silence_is_waited_for(clone: Path, bare: Path) -> None:
    hook(clone / ".git", "pre-push", "timeout 4 sh -c 'while :; do :; done'; exit 0")
    assert push(clone, f"file://{bare}", head(clone), "main", terms=QUIET) is Outcome.LANDED


def test_a_hook_that_sleeps_is_not_waited_for_and_ends(clone: Path, bare: Path) -> None:
    pause = f"sleep 600.{os.getpid()}"
    hook(bare, "pre-receive", f"trap '' TERM; {pause}; exit 0")
    trust(bare)
    with pytest.raises(RemoteUnavailableError, match="no sign of life"):
        push(clone, f"file://{bare}", head(clone), "main", terms=QUIET)
    assert remote_tip(f"file://{bare}", "main") is None
    until(lambda: not running(pause), "the hook lives")


def test_a_program_that_a_hook_leaves_behind_holds_nobody_up(clone: Path, bare: Path) -> None:
    hook(clone / ".git", "pre-push", "sleep 60 & echo $! >left; exit 0")
    assert push(clone, f"file://{bare}", head(clone), "main") is Outcome.LANDED
    os.kill(int((clone / "left").read_text()), signal.SIGKILL)  # it is still there


def test_the_persons_own_hook_is_named_when_it_refuses(clone: Path, bare: Path) -> None:
    hook(clone / ".git", "pre-push", "echo 'tests are red' >&2; exit 1")
    with pytest.raises(RejectedError, match=r"own pre-push hook .*tests are red"):
        push(clone, f"file://{bare}", head(clone), "main")


def test_progress_is_told_as_numbers(clone: Path, bare: Path, tmp_path: Path) -> None:
    for number in range(40):
        commit(clone, f"file{number}", os.urandom(2000))
    steps: list[Step] = []
    url = f"file://{bare}"
    push(clone, url, head(clone), "main", watch=steps.append)
    assert ("Writing objects", 123, 123) in {(s.what, s.done, s.total) for s in steps}
    steps.clear()
    fetch(new_clone(tmp_path / "reader"), url, "main", tracking=TRACKING, watch=steps.append)
    receiving = [s for s in steps if s.what == "Receiving objects"]
    assert receiving[-1].done == receiving[-1].total == 123
    assert "KiB" in receiving[-1].detail


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("Enumerating objects: 4, done.", ("Enumerating objects", 4, None, "")),
        ("remote: Counting objects:  33% (1/3)        ", ("Counting objects", 1, 3, "")),
        (
            "Receiving objects:  50% (3/6), 2.86 MiB | 139.57 MiB/s",
            ("Receiving objects", 3, 6, "2.86 MiB | 139.57 MiB/s"),
        ),
        ("Writing objects: 100% (3/3), 261 bytes | 261.00 KiB/s, done.",
         ("Writing objects", 3, 3, "261 bytes | 261.00 KiB/s")),
    ],
)  # fmt: skip
def test_lines_of_progress_are_read(line: str, step: tuple[object, ...]) -> None:
    found = step_of(line)
    assert found is not None
    assert (found.what, found.done, found.total, found.detail) == step


@pytest.mark.parametrize("line", ["fatal: early EOF", "remote: error: 3", "Total 3 (delta 0)", ""])
def test_other_lines_are_not(line: str) -> None:
    assert step_of(line) is None


def test_a_flood_of_words_is_bounded(tmp_path: Path) -> None:
    git("config", "--global", "alias.flood", "!yes flood | head -c 3000000 >&2", cwd=tmp_path)
    done = ask(["flood"], tmp_path, 60)
    assert len(done.error) < 100_000
    git(
        "config", "--global", "alias.line", "!yes | tr -d '\\n' | head -c 1000000 >&2", cwd=tmp_path
    )
    assert len(ask(["line"], tmp_path, 60).error) < 100_000


def test_work_is_seen_and_sleep_is_not() -> None:
    # in a session of its own: in ours, others end meanwhile
    reads = ["bash", "-c", "echo; while read -r _; do : < /proc/self/stat; echo; done"]
    with subprocess.Popen(
        reads, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        before = work_of(process.pid)
        process.stdin.write(b"\n" * 200)
        process.stdin.flush()
        for _ in range(200):
            process.stdout.readline()
        after = work_of(process.pid)
        process.communicate(b"")
    assert before is not None
    assert after is not None
    assert after.size > before.size
    nothing, some = Work(ticks=10, size=1000), Work(ticks=11, size=1500)
    assert not is_at_work(nothing, some, 60)
    assert is_at_work(nothing, Work(ticks=150, size=1000), 60)
    assert is_at_work(nothing, Work(ticks=10, size=20_000), 60)
    assert is_at_work(some, nothing, 60), "a process has ended"
    assert not is_at_work(None, None, 60)


def test_limits_are_of_silence_not_of_the_whole() -> None:
    assert Terms().silence > Terms().ask


def running(words: str) -> bool:
    """Returns whether a process with this command line lives."""
    wanted = words.replace(" ", "\0").encode()
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in place.read_bytes():
                return True
        except OSError:
            continue
    return False

"""Long transfers in the terminal: progress is shown, and Ctrl-C ends them without harm."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import padre_git
from tests.conftest import git
from tests.servers import Server
from tests.servers.proxy import Proxy, Trouble
from tests.waiting import until

_PATIENCE = 60.0


@pytest.fixture
def lab(nginx: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Gives a server with a project of half a megabyte."""
    nginx.lend(monkeypatch)
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "credential.helper")  # whatever the port
    nginx.create("iris")
    with padre_git.open(tmp_path / "ada", remote=nginx.base) as store:
        store.ensure("iris/svm")
    grow(tmp_path / "ada/iris")
    git("push", "-q", cwd=tmp_path / "ada/iris")
    monkeypatch.chdir(tmp_path)
    return nginx


def grow(clone: Path) -> None:
    """Commits much in a clone as its person does."""
    for number in range(150):
        (clone / f"notes-{number}.bin").write_bytes(os.urandom(4_000))
    git("add", "-A", cwd=clone)
    git("commit", "-qm", "notes", cwd=clone)


@pytest.fixture
def proxy(lab: Server) -> Iterator[Proxy]:
    with Proxy(lab.host, lab.port) as made:
        yield made


def base(lab: Server, port: int) -> str:
    return lab.base.replace(f":{lab.port}", f":{port}")


def started(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "padre_git", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def succeed(*arguments: str | Path) -> str:
    """Runs a command to its end and returns what it prints."""
    process = started(*arguments)
    out, said = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0, said
    return out


def until_it_strikes(proxy: Proxy) -> None:
    until(lambda: any(connection.struck for connection in proxy.connections), limit=_PATIENCE)


def processes_about(words: str) -> list[str]:
    """Returns the command lines of living processes, but ours, that have some text in them."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if words in line and "pytest" not in line:
                found.append(line)
    return found


def interrupted(process: subprocess.Popen[str], proxy: Proxy) -> str:
    """Presses Ctrl-C when a transfer stands still, and returns what is said then."""
    until_it_strikes(proxy)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=_PATIENCE)  # what stands still does not go on by itself
    assert process.returncode == 130, said
    assert "Traceback" not in said
    proxy.drop()
    return said


def locks(clone: Path) -> list[str]:
    return [str(path) for path in (clone / ".git").rglob("*.lock")]


def test_an_interrupted_clone_leaves_nothing_and_the_next_works(
    lab: Server, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.trouble = Trouble.STALL(down=200_000)
    root = tmp_path / "ben"
    words = ("--root", root, "clone", base(lab, proxy.port), "iris")
    assert "interrupted" in interrupted(started(*words), proxy)
    assert not (root / "iris").exists()
    assert [path for path in root.iterdir() if path.is_dir()] == []
    until(lambda: not processes_about(f":{proxy.port}/"))
    proxy.trouble = Trouble.NONE
    assert succeed(*words).strip() == str(root / "iris")


def test_an_interrupted_pull_and_push_leave_the_clone_as_it_was(
    lab: Server, proxy: Proxy, tmp_path: Path
) -> None:
    root, clone = tmp_path / "ben", tmp_path / "ben/iris"
    with padre_git.open(root, remote=base(lab, proxy.port)) as store:
        store.pull("iris")
    grow(tmp_path / "ada/iris")
    git("push", "-q", cwd=tmp_path / "ada/iris")
    before = git("for-each-ref", cwd=clone)
    proxy.trouble = Trouble.STALL(down=200_000)
    interrupted(started("--root", root, "pull", "iris"), proxy)
    assert git("for-each-ref", cwd=clone) == before
    assert list((clone / ".git/objects/pack").glob("tmp_*")) == []
    proxy.trouble = Trouble.NONE
    succeed("--root", root, "pull", "iris")
    grow(clone)
    proxy.connections.clear()
    proxy.trouble = Trouble.STALL(up=200_000)
    interrupted(started("--root", root, "push", "iris"), proxy)
    assert locks(clone) == []
    until(lambda: not processes_about(f":{proxy.port}/"))
    assert git("status", "--porcelain", cwd=clone) == ""
    proxy.trouble = Trouble.NONE
    succeed("--root", root, "push", "iris")
    head = git("rev-parse", "main", cwd=clone)
    assert git("rev-parse", "main", cwd=lab.bare("iris")) == head
    assert git("fsck", "--strict", "--no-dangling", cwd=clone) == ""


def test_a_python_program_gets_the_interrupt(lab: Server, proxy: Proxy, tmp_path: Path) -> None:
    code = (
        "import sys, padre_git\n"
        "try:\n    padre_git.open(sys.argv[1], remote=sys.argv[2]).pull('iris')\n"
        "except KeyboardInterrupt:\n    print('caught')\n"
    )
    proxy.trouble = Trouble.STALL(down=200_000)
    process = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "ben", base(lab, proxy.port)],
        stdout=subprocess.PIPE,
        text=True,
    )
    until_it_strikes(proxy)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=_PATIENCE)[0] == "caught\n"
    until(lambda: not processes_about(f":{proxy.port}/"))


def test_a_killed_program_leaves_no_git_that_goes_on_for_long(lab: Server, tmp_path: Path) -> None:
    with slow(lab, rate=60_000) as port:
        process = started("--root", tmp_path / "ben", "clone", base(lab, port), "iris")
        until(
            lambda: processes_about(f":{port}/") and list((tmp_path / "ben").glob(".*")),
            limit=_PATIENCE,
        )
        time.sleep(2)
        process.kill()
        process.communicate(timeout=_PATIENCE)
        until(lambda: not processes_about(f":{port}/"), "git goes on", limit=_PATIENCE / 2)
    assert not (tmp_path / "ben/iris").exists()
    with padre_git.open(tmp_path / "ben", remote=lab.base) as store:
        assert [project.name for project in store.projects.list()] == []


def test_progress_is_shown_on_a_terminal_after_a_moment_and_taken_away(
    lab: Server, tmp_path: Path
) -> None:
    with slow(lab, rate=150_000) as port:
        shown = on_a_terminal("--root", tmp_path / "ben", "clone", base(lab, port), "iris")
    drawn = re.findall(r"\r\x1b\[K(iris: [^\r]*)", shown)
    assert any("receiving objects" in line and "%" in line for line in drawn), shown
    rest = re.sub(r"\r\x1b\[K(iris: [^\r\x1b]*)?", "", shown)
    assert rest.split() == [str(tmp_path / "ben/iris")]


def test_a_quick_transfer_and_a_pipe_show_nothing(lab: Server, tmp_path: Path) -> None:
    shown = on_a_terminal("--root", tmp_path / "ben", "clone", lab.base, "iris")
    assert shown.split() == [str(tmp_path / "ben/iris")]
    process = started("--root", tmp_path / "cleo", "clone", lab.base, "iris")
    assert process.communicate(timeout=_PATIENCE)[1] == ""


def test_a_python_program_hears_how_far_it_is(lab: Server, tmp_path: Path) -> None:
    heard: list[padre_git.Progress] = []
    with padre_git.open(tmp_path / "ben", remote=lab.base) as store:
        store.subscribe(padre_git.Progress, heard.append)
        store.pull("iris")
    last = [event for event in heard if event.step == "Receiving objects"][-1]
    assert (last.project, last.done) == ("iris", last.total)


def on_a_terminal(*arguments: str | Path) -> str:
    """Runs the command line on a terminal of its own and returns what it shows."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-m", "padre_git", *map(str, arguments)])
    shown, limit = b"", time.monotonic() + _PATIENCE
    while time.monotonic() < limit:
        if select.select([terminal], [], [], 1)[0]:
            try:
                shown += os.read(terminal, 4096)
            except OSError:
                break
    os.close(terminal)
    os.waitpid(child, 0)
    return shown.decode()


@contextlib.contextmanager
def slow(lab: Server, *, rate: int) -> Iterator[int]:
    """Gives a port that passes on what the server sends, so many bytes a second."""
    listening = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def move(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(rate // 20):
                target.sendall(data)
                time.sleep(len(data) / rate)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.create_connection((lab.host, lab.port))
                for ends in ((client, server), (server, client)):
                    threads.append(threading.Thread(target=move, args=ends, daemon=True))
                    threads[-1].start()
                sockets.extend((client, server))

    sockets: list[socket.socket] = []
    threads.append(threading.Thread(target=accept, daemon=True))
    threads[0].start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for thread in threads:
            thread.join(10)
        for one in sockets:
            one.close()

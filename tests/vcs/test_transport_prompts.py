"""Nobody is asked anything, whatever programs there are to ask with and however visible we are."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from padre_git.vcs.network import network_environment
from tests.conftest import git
from tests.servers import Server
from tests.vcs.odd_hosts import Odd, odd_host

ASK = """
import sys
from padre_git.errors import PadreGitError
from padre_git.vcs.transport import remote_tip
try:
    print(remote_tip(sys.argv[1], "main"))
except PadreGitError as error:
    print("code", error.code)
"""


def on_a_terminal(*command: str, environment: dict[str, str]) -> str:
    """Runs a command as the first of a terminal, where it could ask, and returns what is shown."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(command[0], command, environment)
    shown, limit = b"", time.monotonic() + 60
    while time.monotonic() < limit:
        ready, _, _ = select.select([terminal], [], [], 1)
        if ready:
            try:
                data = os.read(terminal, 4096)
            except OSError:
                break
            if not data:
                break
            shown += data
    os.close(terminal)
    os.waitpid(child, 0)
    return shown.decode()


@pytest.fixture
def asking(tmp_path: Path) -> dict[str, str]:
    """Returns an environment with every program that could ask; each leaves a note."""
    window = tmp_path / "window"
    window.write_text(
        f'#!/bin/sh\necho "$1" >>{tmp_path}/asked\n'
        'test -n "$DISPLAY$WAYLAND_DISPLAY" && echo window >>' + f"{tmp_path}/windows\n"
        'printf "Password: " >/dev/tty && read answer </dev/tty && echo "$answer"\n'
    )
    window.chmod(0o755)
    return {
        **os.environ,
        "DISPLAY": ":0",
        "WAYLAND_DISPLAY": "wayland-0",
        "SSH_ASKPASS": str(window),
        "SSH_ASKPASS_REQUIRE": "force",
        "GIT_TERMINAL_PROMPT": "1",
    }


def ask(url: str, environment: dict[str, str]) -> str:
    shown = on_a_terminal(sys.executable, "-c", ASK, url, environment=environment)
    return " ".join(shown.split())


def test_a_password_over_http_is_not_asked_for(asking: dict[str, str], tmp_path: Path) -> None:
    with odd_host(Odd(401, headers={"WWW-Authenticate": 'Basic realm="lab"'})) as url:
        assert ask(url, asking) == "code authentication"
        git("config", "--global", "core.askPass", asking["SSH_ASKPASS"], cwd=tmp_path)
        assert ask(url, asking) == "code authentication"
    assert not (tmp_path / "asked").exists()


def test_a_script_that_answers_git_has_neither_window_nor_terminal(
    asking: dict[str, str], tmp_path: Path
) -> None:
    asking["GIT_ASKPASS"] = asking["SSH_ASKPASS"]
    with odd_host(Odd(401, headers={"WWW-Authenticate": 'Basic realm="lab"'})) as url:
        assert ask(url, asking) == "code authentication"
    assert (tmp_path / "asked").exists(), "it is the person's own, and may know the answer"
    assert not (tmp_path / "windows").exists()


def test_neither_a_host_key_nor_a_password_is_asked_for_over_ssh(
    sshd: Server, asking: dict[str, str], tmp_path: Path
) -> None:
    sshd.create("iris")
    command = sshd.environment["GIT_SSH_COMMAND"]
    words = f"{command} -o StrictHostKeyChecking=ask -o UserKnownHostsFile={tmp_path}/none"
    assert ask(sshd.url("iris"), {**asking, "GIT_SSH_COMMAND": words}) == "code remote-untrusted"
    words = f"{command} -o PreferredAuthentications=password,keyboard-interactive"
    assert ask(sshd.url("iris"), {**asking, "GIT_SSH_COMMAND": words}) == "code authentication"
    assert not (tmp_path / "asked").exists()


def test_the_key_with_a_passphrase_is_not_asked_for(
    sshd: Server, asking: dict[str, str], tmp_path: Path
) -> None:
    sshd.create("iris")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", key], check=True)
    words = f"{sshd.environment['GIT_SSH_COMMAND']} -i {key}"
    config = Path(sshd.environment["GIT_SSH_COMMAND"].split()[-1])
    mine = tmp_path / "config"
    mine.write_text(config.read_text().replace("  IdentityFile", "  #"))
    words = f"ssh -F {mine} -i {key}"
    assert ask(sshd.url("iris"), {**asking, "GIT_SSH_COMMAND": words}) == "code authentication"
    assert not (tmp_path / "asked").exists()


def test_what_could_open_a_window_is_kept_from_git(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "GPG_TTY", "VSCODE_GIT_IPC_HANDLE"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
    seen = network_environment()
    assert not {"DISPLAY", "WAYLAND_DISPLAY", "GPG_TTY", "VSCODE_GIT_IPC_HANDLE"} & set(seen)
    assert seen["SSH_AUTH_SOCK"] == "/agent"
    assert seen["GIT_TERMINAL_PROMPT"] == "0"

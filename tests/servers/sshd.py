"""git over ssh with a key, as a user who has a shell and as one who has only git."""

from __future__ import annotations

import contextlib
import getpass
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from tests.servers import Server
from tests.servers.processes import HOST, needs, serving, started, workshop

__all__ = ["kept", "start", "without_shell"]

_PROGRAM = Path("/usr/sbin/sshd")
_CONFIG = """\
Port {port}
ListenAddress {host}
HostKey {keys}/host
AuthorizedKeysFile {keys}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
UseDNS no
PermitRootLogin prohibit-password
PidFile none
Subsystem sftp internal-sftp
MaxStartups 200
MaxSessions 200
SetEnv GIT_CONFIG_GLOBAL={keys}/gitconfig GIT_CONFIG_NOSYSTEM=1
"""
_CLIENT = """\
Host *
  IdentityFile {keys}/{key}
  IdentitiesOnly yes
  UserKnownHostsFile {keys}/known_hosts
  StrictHostKeyChecking yes
  LogLevel ERROR
Host lab
  HostName {host}
  Port {port}
  HostKeyAlias lab
"""


def start(directory: Path) -> Server:
    """Starts sshd, which serves every repository of this machine to the holder of a key."""
    needs(_PROGRAM, "ssh-keygen", "ssh", "setpriv", "git-shell")
    ends = contextlib.ExitStack()
    keys, log = workshop(ends), directory / "sshd.log"
    keys.chmod(0o700)
    _write_keys(keys)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd wants it, and empty

    def listen(port: int) -> subprocess.Popen[bytes]:
        (keys / "sshd_config").write_text(_CONFIG.format(port=port, host=HOST, keys=keys))
        return started(ends, [_PROGRAM, "-D", "-e", "-f", keys / "sshd_config"], log)

    port = serving(listen, log)
    _write_client(keys, port)
    _keep_connection(ends, keys, log)
    repositories = directory / "repositories"
    repositories.mkdir(mode=0o700)
    return Server(
        base=f"ssh://{HOST}:{port}{repositories}",
        short=f"lab:{repositories}",
        directory=repositories,
        user=getpass.getuser(),
        secret="",
        environment={"GIT_SSH_COMMAND": f"ssh -F {keys}/shell.conf"},
        host=HOST,
        port=port,
        log=log,
        ends=ends,
    )


def kept(server: Server) -> Server:
    """Returns the same place over a connection that is kept, which is several times as fast."""
    command = server.environment["GIT_SSH_COMMAND"].replace("shell.conf", "kept.conf")
    return replace(server, environment={"GIT_SSH_COMMAND": command}, ends=contextlib.ExitStack())


def without_shell(server: Server) -> Server:
    """Returns the same place for somebody whose key runs nothing but git, as on a forge."""
    command = server.environment["GIT_SSH_COMMAND"].replace("shell.conf", "git.conf")
    return replace(server, environment={"GIT_SSH_COMMAND": command}, ends=contextlib.ExitStack())


def _write_keys(keys: Path) -> None:
    for name in ("host", "shell", "git"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", keys / name],
            check=True,
        )
    only = 'restrict,command="git-shell -c \\"$SSH_ORIGINAL_COMMAND\\""'
    shell, forge = ((keys / f"{name}.pub").read_text() for name in ("shell", "git"))
    (keys / "authorized_keys").write_text(f"{shell}{only} {forge}")
    (keys / "gitconfig").write_text("[init]\n\tdefaultBranch = elsewhere\n")


def _write_client(keys: Path, port: int) -> None:
    kind, key, _ = (keys / "host.pub").read_text().split()
    (keys / "known_hosts").write_text(f"[{HOST}]:{port},lab {kind} {key}\n")
    for name in ("shell", "git"):
        text = _CLIENT.format(keys=keys, key=name, host=HOST, port=port)
        (keys / f"{name}.conf").write_text(text)
    (keys / "kept.conf").write_text(f"ControlPath {keys}/kept\nInclude {keys}/shell.conf\n")


def _keep_connection(ends: contextlib.ExitStack, keys: Path, log: Path) -> None:
    options = ["-F", str(keys / "shell.conf"), "-N", "-M", "-S", str(keys / "kept")]
    process, limit = started(ends, ["ssh", *options, "lab"], log), time.monotonic() + 60
    while not (keys / "kept").is_socket():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < limit, "no connection"
        time.sleep(0.02)

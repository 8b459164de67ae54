"""The network: git started within limits and without a prompt, listened to, and surely ended.

git runs in a session of its own, so neither it nor ssh finds a terminal to ask on, and all of it
can be ended: when a limit is over, and when the caller is interrupted. What it says is read as it
comes, so a transfer that goes on may take as long as it needs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from padre_git.vcs.credentials import Login, concealed, handed
from padre_git.vcs.failures import Answer, failure, readable
from padre_git.vcs.forking import start
from padre_git.vcs.listening import Listener, TooQuietError
from padre_git.vcs.process import environment, no_git
from padre_git.vcs.progress import Watch
from padre_git.vcs.sharing import consenting
from padre_git.vcs.ssh import bounded_ssh

__all__ = ["ask", "failure", "network_environment", "readable"]

_OWN_ENVIRONMENT = {
    "GCM_INTERACTIVE": "never",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
}
_DEFAULT_ENVIRONMENT = {
    "GIT_ASKPASS": "",  # empty: neither SSH_ASKPASS nor a window; a script that is set answers
}
#: Without these, no program that git asks for a password can open a window or find a terminal.
_WINDOWS = frozenset(["DISPLAY", "WAYLAND_DISPLAY", "GPG_TTY", "VSCODE_GIT_IPC_HANDLE"])
_PATIENCE = 5.0


def network_environment(login: Login | None = None) -> dict[str, str]:
    """Returns the environment in which git may talk to a remote and cannot ask anybody.

    Args:
        login: what one host is told; None to leave that to the person's own helpers.
    """
    variables = {**_DEFAULT_ENVIRONMENT, **environment(_OWN_ENVIRONMENT)}
    for name in _WINDOWS:
        variables.pop(name, None)
    return {**variables, **handed(login, variables)}


def ask(
    args: Sequence[str],
    cwd: Path | None,
    limit: float,
    *,
    url: str = "",
    silence: float | None = None,
    login: Login | None = None,
    umask: int = -1,
    watch: Watch | None = None,
    given_up: Callable[[], bool] = lambda: False,
    more: Mapping[str, str] | None = None,
) -> Answer:
    """Runs a git command that may talk to a remote, and returns what it said, whatever that is.

    Args:
        args: the command, without ``git``.
        cwd: where; None for a command that needs no clone.
        limit: seconds after which it is ended; with ``silence``, seconds to its first word.
        url: whom it talks to; empty for nobody.
        silence: seconds without a sign of life after which it is ended; None for no such limit.
        login: what one host is told; None to leave that to the person's own helpers.
        umask: for the files that it creates; -1 for the process' own.
        watch: is told how far a transfer is.
        given_up: returns whether to end it, because nobody waits for it any more.
        more: variables to add to its environment.

    Raises:
        RepositoryError: if git cannot be started.
    """
    variables = {**network_environment(login), **(more or {})}
    variables |= bounded_ssh(url, cwd, variables)
    process = _started(consenting(args, url), cwd, variables, umask)
    try:
        with Listener(process, watch) as listener:
            try:
                listener.listen(limit, silence, given_up)
            except TooQuietError as error:
                _end(process)
                said = concealed(listener.error(), login)
                return Answer(-1, "", f"{error}\n{said}", late=True)
            code = process.wait()
            return Answer(code, listener.out(), concealed(listener.error(), login))
    except BaseException:
        _end(process)
        raise


def _started(
    args: Sequence[str], cwd: Path | None, env: Mapping[str, str], umask: int
) -> subprocess.Popen[bytes]:
    try:
        return start(
            ["git", *args],
            cwd=cwd or os.sep,  # a repository around this process has no say
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            umask=umask,
        )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            raise
        raise no_git() from error.with_traceback(None)  # its frames know the environment


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends git and what it started, giving it the time to remove its locks and temporary files."""
    try:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
    finally:  # also if somebody interrupts a second time
        _signal(process, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):  # a process in a dead disk's driver stays
        process.wait(_PATIENCE)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # the group lives on for as long as one of its processes does, and its id is not given away
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)

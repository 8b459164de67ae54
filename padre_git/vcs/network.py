"""The network: git started within limits and without a prompt, and its words understood.

git runs in a session of its own, so neither it nor ssh finds a terminal to ask on, and all of it
can be ended when a limit is over.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from padre_git.errors import (
    AuthenticationError,
    RejectedError,
    RemoteError,
    RemoteMissingError,
    RemoteUnavailableError,
)
from padre_git.vcs.credentials import Login, handed
from padre_git.vcs.process import environment, no_git
from padre_git.vcs.remotes import path_of

__all__ = ["LONGEST", "Answer", "ask", "failure", "network_environment", "readable", "rejection"]


@dataclass(frozen=True)
class Answer:
    """Is what one git command said.

    Attributes:
        code: its exit status; -1 if it was ended because the limit was over.
        out: its standard output.
        error: its standard error.
        late: whether the limit was over.
    """

    code: int
    out: str
    error: str
    late: bool = False

    def words(self) -> str:
        """Returns what git and the server said, fit for one error message."""
        kept = [line for line in map(readable, self.error.splitlines()) if line]
        return "; ".join(kept)[:2000] or "git said nothing"


#: Seconds that taking or sending objects may last.
LONGEST = 1800.0
_OWN_ENVIRONMENT = {
    "GCM_INTERACTIVE": "never",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
}
_DEFAULT_ENVIRONMENT = {
    "GIT_ASKPASS": "",  # empty: neither SSH_ASKPASS nor a window; a script that is set answers
    "GIT_HTTP_LOW_SPEED_LIMIT": "1000",
    "GIT_HTTP_LOW_SPEED_TIME": "30",
}


def network_environment(login: Login | None = None) -> dict[str, str]:
    """Returns the environment in which git may talk to a remote and cannot ask anybody.

    Args:
        login: what one host is told; None to leave that to the person's own helpers.
    """
    variables = {**_DEFAULT_ENVIRONMENT, **environment(_OWN_ENVIRONMENT)}
    return {**variables, **handed(login, variables)}


def ask(
    args: Sequence[str],
    cwd: Path | None,
    limit: float,
    *,
    login: Login | None = None,
    umask: int = -1,
) -> Answer:
    """Runs a git command that may talk to a remote, and returns what it said, whatever that is.

    Args:
        args: the command, without ``git``.
        cwd: where; None for a command that needs no clone.
        limit: seconds after which it is ended.
        login: what one host is told; None to leave that to the person's own helpers.
        umask: for the files that it creates; -1 for the process' own.

    Raises:
        RepositoryError: if git cannot be started.
    """
    process = _started(args, cwd, network_environment(login), umask)
    try:
        out, error = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        _end(process)
        return Answer(-1, "", f"no answer within {limit:g} seconds", late=True)
    except BaseException:
        _end(process)
        raise
    return Answer(process.returncode, out, error)


def _started(
    args: Sequence[str], cwd: Path | None, env: Mapping[str, str], umask: int
) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            ["git", *args],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            umask=umask,
            text=True,
            errors="backslashreplace",
        )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            raise
        raise no_git() from error


def _end(process: subprocess.Popen[str]) -> None:
    """Ends git and what it started, giving it the time to remove its locks and temporary files."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=5)
            return


# -- understanding the answer ---------------------------------------------------------------------

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)")
_USERINFO = re.compile(r"://[^/\s@]+@")
_AUTHENTICATION = re.compile(
    r"Authentication failed|could not read (Username|Password)|Permission denied"
    r"|Host key verification failed|returned error: 40[13]|terminal prompts disabled",
)
_MISSING = re.compile(
    r"does not appear to be a git repository|[Rr]epository .*not found|returned error: 404"
    r"|no such repository|not exported|does not exist"
    r"|project you were looking for could not be found",
)
_UNAVAILABLE = re.compile(
    r"Could not resolve|Connection (refused|reset|timed out|closed)|Failed to connect|timed out"
    r"|Couldn't connect|No route to host|Network is unreachable|unable to (access|connect)"
    r"|early EOF|hung up|RPC failed|Operation too slow|Could not read from remote|transfer closed"
    r"|returned error: 5\d\d|unexpected disconnect",
)


def readable(line: str) -> str:
    """Returns a line of a server's words without escapes, control characters and secrets."""
    line = _ESCAPES.sub("", line).removeprefix("remote: ")
    line = "".join(c if c.isprintable() else " " for c in line)
    return _USERINFO.sub("://", line).strip()


def rejection(done: Answer, reason: str) -> RejectedError:
    """Returns the error for a push that the remote refused, with the remote's words."""
    said = [
        readable(line)
        for line in done.error.splitlines()
        if line.startswith("remote: ") and readable(line)
    ]
    words = "; ".join([readable(reason), *said])[:2000]
    return RejectedError(
        f"the remote refused the push: {words}",
        hint="the commits stand in the clone; the next sync offers them again",
    )


def failure(done: Answer, url: str) -> RemoteError:
    """Returns the error for a command that did not get through to ``url``."""
    words = done.words()
    if _AUTHENTICATION.search(done.error):
        return AuthenticationError(
            f"the remote does not accept these credentials: {words}",
            hint="try 'git ls-remote' in the clone; credential helpers and ssh-agent keep them",
        )
    if _MISSING.search(done.error):
        return _missing(words, url)
    if done.late or _UNAVAILABLE.search(done.error):
        return RemoteUnavailableError(f"the remote does not answer: {words}")
    return RemoteError(f"git could not talk to the remote: {words}")


def _missing(words: str, url: str) -> RemoteError:
    path = path_of(url)
    if path is not None and not path.parent.is_dir():
        return RemoteUnavailableError(
            f"no directory '{path.parent}'", hint="mount it, or create it if it is new"
        )
    return RemoteMissingError(f"no such repository: {words}")

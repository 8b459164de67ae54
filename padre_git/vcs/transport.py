"""Transport: fetch and push with their outcome looked at, and new bare repositories.

git's exit code alone does not say what a push did, and a push whose reply is lost may have landed:
the answer is read ref by ref, and after a failure the remote is asked which commit it has.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from padre_git.errors import RemoteError, RemoteMissingError, RemoteUnavailableError
from padre_git.vcs.credentials import Login, no_login
from padre_git.vcs.network import LONGEST, Answer, ask, failure, rejection
from padre_git.vcs.remotes import RemoteLocation

__all__ = ["DEFAULT_LIMITS", "Limits", "Outcome", "create", "fetch", "push", "remote_tip"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Is how long a remote may take, and what it is told of who we are.

    Attributes:
        ask: seconds to say which commits it has.
        transfer: seconds to send or take objects.
        login: returns what its host is told; None leaves that to git's own helpers.
    """

    ask: float = 30.0
    transfer: float = LONGEST
    login: Callable[[], Login | None] = no_login


DEFAULT_LIMITS = Limits()
#: A fetch is bookkeeping; a push is what the person's own pre-push hook is there to judge.
_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
_STALE = re.compile(
    r"fetch first|non-fast-forward|stale info|incorrect old value|cannot lock ref"
    r"|failed to update ref"
)


class Outcome(StrEnum):
    """What became of a push that the remote answered."""

    LANDED = "landed"
    STALE = "stale"


def remote_tip(
    url: str, branch: str, *, cwd: Path | None = None, limits: Limits = DEFAULT_LIMITS
) -> str | None:
    """Returns the commit of a remote's branch; None if the repository has no such branch.

    Raises:
        RemoteUnavailableError, RemoteMissingError, AuthenticationError, RemoteError: if it cannot
            be asked.
    """
    ref = f"refs/heads/{branch}"
    done = ask(["ls-remote", "--refs", "--", url, ref], cwd, limits.ask, login=limits.login())
    if done.code:
        raise failure(done, url)
    for line in done.out.splitlines():
        commit, _, name = line.partition("\t")
        if name == ref:
            return commit
    return None


def fetch(
    directory: Path, url: str, branch: str, *, tracking: str, limits: Limits = DEFAULT_LIMITS
) -> str | None:
    """Brings a remote's branch into a clone and returns its commit; None if there is none.

    Args:
        directory: the clone.
        url: what git is given: a remote's name or an address.
        branch: the remote's branch.
        tracking: the ref that remembers it.
        limits: how long it may take.

    Raises:
        RemoteUnavailableError, RemoteMissingError, AuthenticationError, RemoteError: if it could
            not be brought; nothing changed.
    """
    options = ["--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance"]
    refspec = f"+refs/heads/{branch}:{tracking}"
    for _ in range(5):
        done = ask(
            [*_NO_HOOKS, "fetch", *options, "--no-write-fetch-head", "--", url, refspec],
            directory,
            limits.transfer,
            login=limits.login(),
        )
        if not done.code:
            shown = ask(["rev-parse", "--verify", "--quiet", tracking], directory, limits.ask)
            return shown.out.strip() or None
        if "couldn't find remote ref" in done.error:
            return None
        if "cannot lock ref" not in done.error:
            break  # another fetch of this clone moved the ref: only that is worth asking again
    raise failure(done, url)


def push(
    directory: Path, url: str, commit: str, branch: str, *, limits: Limits = DEFAULT_LIMITS
) -> Outcome:
    """Offers a commit as the remote's branch, only ever forwards.

    Args:
        directory: the clone.
        url: what git is given: a remote's name or an address.
        commit: what the branch shall be.
        branch: the remote's branch.
        limits: how long it may take.

    Returns:
        LANDED, or STALE if the remote has commits that ``commit`` does not build on.

    Raises:
        RejectedError: if the remote refuses, with the remote's words.
        RemoteUnavailableError, RemoteMissingError, AuthenticationError, RemoteError: if it did not
            get there.
    """
    options = ["--porcelain", "--no-progress", "--no-follow-tags", "--recurse-submodules=no"]
    refspec = f"{commit}:refs/heads/{branch}"
    command = ["push", *options, "--", url, refspec]
    done = ask(command, directory, limits.transfer, login=limits.login())
    flag, reason = _pushed(done)
    if not done.code and flag in {" ", "*", "="}:
        return Outcome.LANDED
    if flag == "!" and _STALE.search(reason):
        return Outcome.STALE
    error = rejection(done, reason) if flag == "!" else failure(done, url)
    with contextlib.suppress(RemoteError):
        if remote_tip(url, branch, cwd=directory, limits=limits) == commit:
            return Outcome.LANDED  # only the answer was lost
    raise error


def create(location: RemoteLocation, project: str, branch: str) -> None:
    """Makes an empty bare repository for a project, where that can be done from here.

    It is private to its owner, or to the group if the directory above is the group's to write.

    Raises:
        RemoteUnavailableError: if the directory above is not there.
        RemoteMissingError: if somebody has to do it on the host; the hint says how.
        RemoteError: if it cannot be made.
    """
    path, url = location.path(project), location.public_url(project)
    if path is None:
        raise RemoteMissingError(
            f"no repository for project '{project}' at '{url}'",
            key=project,
            hint=_how_to_create(location.url(project) or ""),
        )
    if not path.parent.is_dir():
        raise RemoteUnavailableError(
            f"no directory '{path.parent}'", hint="mount it, or create it if it is new"
        )
    new = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    shared = ["--shared=group"] if path.parent.stat().st_mode & 0o020 else []
    steps = [
        ["init", "--quiet", "--bare", "--template=", *shared, f"--initial-branch={branch}", new],
        ["config", "--file", new / "config", "receive.fsckObjects", "true"],
    ]
    try:
        for step in steps:
            done = ask(
                [str(part) for part in step], path.parent, 60.0, umask=0o007 if shared else 0o077
            )
            if done.code:
                raise RemoteError(f"cannot create '{path}': {done.words()}", key=project)
        with contextlib.suppress(FileExistsError, OSError):
            new.rename(path)  # loses only against another process that created it
    finally:
        shutil.rmtree(new, ignore_errors=True)
    if not path.is_dir():
        raise RemoteError(f"cannot create '{path}'", key=project)


def _pushed(answer: Answer) -> tuple[str, str]:
    """Returns the flag and the reason of the one ref that was pushed; empty if none is told."""
    for line in answer.out.splitlines():
        flag, tab, rest = line.partition("\t")
        if tab and len(flag) == 1:
            return flag, rest.partition("\t")[2]
    return "", ""


def _how_to_create(url: str) -> str:
    if url.startswith("ssh://"):
        host, _, path = url.removeprefix("ssh://").partition("/")
        return f"create it with: ssh ssh://{host} git init --bare /{path}"
    if "://" not in url:
        host, _, path = url.partition(":")
        return f"create it with: ssh {host} git init --bare {path}"
    return "create an empty repository of this name on the host, without a README, and sync again"

"""Transport: fetch and push with their outcome looked at.

git's exit code alone does not say what a push did, and a push whose reply is lost may have landed:
the answer is read ref by ref, and after a failure the remote is asked which commit it has.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from padre_git.errors import BranchMissingError, LockedError, RejectedError, RemoteError
from padre_git.vcs.credentials import Login, no_login
from padre_git.vcs.failures import Answer, failure, not_git, readable, rejection
from padre_git.vcs.leftovers import clear_abandoned, receiving
from padre_git.vcs.network import ask
from padre_git.vcs.progress import Watch
from padre_git.vcs.refs import RefStore
from padre_git.vcs.remotes import path_of
from padre_git.vcs.setup import find_git_dir
from padre_git.vcs.trust import check_receiver

__all__ = [
    "DEFAULT_TERMS",
    "MOVED",
    "BusyError",
    "Outcome",
    "Terms",
    "check_branches",
    "fetch",
    "push",
    "remote_tip",
]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Is how a remote is talked to: how long it may take, and what it is told of who we are.

    Attributes:
        ask: seconds to say which commits it has, and to begin with a transfer.
        silence: seconds without a sign of life that end a transfer; one that goes on may take as
            long as it needs.
        login: returns what its host is told; None leaves that to git's own helpers.
        given_up: returns whether nobody waits any more, so that whatever goes on is ended.
    """

    ask: float = 30.0
    silence: float = 120.0
    login: Callable[[], Login | None] = no_login
    given_up: Callable[[], bool] = lambda: False


DEFAULT_TERMS = Terms()
#: Where a place says that its repository is elsewhere by now; see :mod:`.relocating`.
MOVED = "refs/padre/moved"
#: A fetch is bookkeeping; a push is what the person's own pre-push hook is there to judge. What
#: comes is checked object by object, and what it is remembered by survives a power cut.
_FETCH = (
    *("-c", f"core.hooksPath={os.devnull}", "-c", "transfer.fsckObjects=true"),
    *("-c", "fetch.fsckObjects=true", "-c", "core.fsync=committed,reference"),
    *("fetch", "--progress", "--no-tags"),
    *("--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head"),
)
_PUSH = ("push", "--porcelain", "--progress", "--no-follow-tags", "--recurse-submodules=no")
_STALE = re.compile(r"fetch first|non-fast-forward|stale info|incorrect old value|but expected")
_BUSY = re.compile(r"cannot lock ref|failed to update ref")
_SHOWN, _NAME = 10, 100
_TRIES = 5
_PAUSE = 0.1


class Outcome(StrEnum):
    """What became of a push that the remote answered."""

    LANDED = "landed"
    STALE = "stale"


class BusyError(RejectedError):
    """Says that somebody else held the remote's branch; a moment later it may be free."""


def remote_tip(
    url: str, branch: str, *, cwd: Path | None = None, terms: Terms = DEFAULT_TERMS
) -> str | None:
    """Returns the commit of a remote's branch; None if the repository has no such branch.

    Raises:
        RemoteUnavailableError, RemoteMissingError, AuthenticationError, RemoteError: if it cannot
            be asked.
    """
    ref = f"refs/heads/{branch}"
    return _refs(url, ref, cwd=cwd, terms=terms).get(ref)


def check_branches(url: str, branch: str, *, terms: Terms = DEFAULT_TERMS) -> None:
    """Makes sure that a repository without a branch is one without any.

    Raises:
        BranchMissingError: if it has others; it names them.
        RemoteError: if it has the branch after all: somebody has just made it, or an answer came
            garbled.
        RemoteUnavailableError, RemoteMissingError, AuthenticationError, RemoteError: if it cannot
            be asked.
    """
    prefix = "refs/heads/"
    found = _refs(url, f"{prefix}*", cwd=None, terms=terms)
    if prefix + branch in found:
        raise RemoteError(f"the remote has branch '{branch}' after all", hint="ask it again")
    names = sorted(readable(name.removeprefix(prefix))[:_NAME] for name in found)
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise BranchMissingError(
            f"the repository has no branch '{branch}'; it has"
            f" {', '.join(map(repr, names[:_SHOWN]))}{more}",
            hint=f"to work on one of them: padre_git.open(…, branch={names[0]!r}), which is"
            " remembered",
        )


def fetch(
    directory: Path,
    url: str,
    branch: str,
    *,
    tracking: str,
    terms: Terms = DEFAULT_TERMS,
    watch: Watch | None = None,
) -> str | None:
    """Brings a remote's branch into a clone and returns its commit; None if there is none.

    Args:
        directory: the clone.
        url: what git is given: a remote's name or an address.
        branch: the remote's branch.
        tracking: the ref that remembers it.
        terms: on which the remote is talked to.
        watch: is told how far it is.

    Raises:
        RemoteUnavailableError, RemoteMissingError, AuthenticationError, RemoteError: if it could
            not be brought; nothing changed.
        LockedError, RepositoryError: if this side could not take it.
    """
    common = find_git_dir(directory)[1]
    command = [*_FETCH, "--", url, f"+refs/heads/{branch}:{tracking}", f"+{MOVED}*:{MOVED}*"]
    for attempt in range(_TRIES):
        with receiving(common):
            done = _transfer(command, directory, url, terms, watch)
        if not done.code:
            return RefStore(common, common / "padre" / "mark").read(tracking)
        if "couldn't find remote ref" in done.error:
            _check_git(url, terms)
            return None
        if "cannot lock ref" not in done.error:
            raise failure(done, url)
        # another fetch of this clone moves the ref, or one was killed while it did
        if not clear_abandoned(common, tracking):
            time.sleep(_PAUSE * attempt)
    raise LockedError(
        f"another git command holds '{tracking}' in '{directory}': {done.words()}",
        hint="if none is running, its lock is taken away when it is a minute old",
    )


def push(
    directory: Path,
    url: str,
    commit: str,
    branch: str,
    *,
    known: str | None = None,
    terms: Terms = DEFAULT_TERMS,
    watch: Watch | None = None,
) -> Outcome:
    """Offers a commit as the remote's branch, only ever forwards.

    Args:
        directory: the clone.
        url: what git is given: a remote's name or an address.
        commit: what the branch shall be.
        branch: the remote's branch.
        known: the commit that it was seen to have; None for none.
        terms: on which the remote is talked to.
        watch: is told how far it is.

    Returns:
        LANDED, or STALE if the remote has commits that ``commit`` does not build on, or may have
        it below others that came after it.

    Raises:
        RejectedError: if the remote refuses, with the remote's words.
        BusyError: if its branch was held by somebody else.
        RemoteUntrustedError: if it is a directory in which a program of somebody's would run.
        RemoteUnavailableError, RemoteMissingError, AuthenticationError, RemoteError: if it did not
            get there.
    """
    path = _checked_place(url)
    command = [*_PUSH, "--", url, f"{commit}:refs/heads/{branch}"]
    done = _transfer(command, directory, url, terms, watch)
    flag, reason = _pushed(done)
    if not done.code and flag in {" ", "*", "="}:
        return Outcome.LANDED
    if flag == "!" and _STALE.search(reason):
        return Outcome.STALE
    # only the answer may have been lost; curl offers again by itself, and is refused then
    if not done.late:  # whoever is silent is not asked: the next sync finds what landed
        with contextlib.suppress(RemoteError):
            tip = remote_tip(url, branch, cwd=directory, terms=terms)
            if tip == commit:
                return Outcome.LANDED
            if tip not in {known, None}:
                return Outcome.STALE
    refused = _refused(done, reason)
    if path is not None and isinstance(refused, BusyError):
        _free(path, branch)
    raise refused or _refused_here(done) or failure(done, url)


def _checked_place(url: str) -> Path | None:
    """Returns the directory to push to, in which no program runs; None for no directory."""
    path = path_of(url)
    if path is not None:
        check_receiver(path)
    return path


def _free(path: Path, branch: str) -> None:
    """Takes away what a killed push has left in a directory, and nobody can be holding."""
    for name in ("HEAD", f"refs/heads/{branch}"):
        clear_abandoned(path, name)


def _refs(url: str, pattern: str, *, cwd: Path | None, terms: Terms) -> dict[str, str]:
    command = ["ls-remote", "--refs", "--", url, pattern]
    done = ask(command, cwd, terms.ask, url=url, login=terms.login(), given_up=terms.given_up)
    if done.code:
        raise failure(done, url)
    lines = (line.partition("\t") for line in done.out.splitlines())
    found = {name: commit for commit, tab, name in lines if tab}
    if not found:
        _check_git(url, terms)
    return found


def _check_git(url: str, terms: Terms) -> None:
    """Makes sure that a web server which seems to have nothing speaks git's protocol at all.

    git takes any page without a line in it for an empty repository of the oldest kind.
    """
    if url.startswith("http"):
        command, trace = ["ls-remote", "--", url, "HEAD"], {"GIT_TRACE_PACKET": "1"}
        done = ask(command, None, terms.ask, url=url, login=terms.login(), more=trace)
        if " packet: " not in done.error:
            raise not_git("it has nothing to say in git's protocol", url)


def _transfer(
    command: list[str], directory: Path, url: str, terms: Terms, watch: Watch | None
) -> Answer:
    return ask(
        command,
        directory,
        terms.ask,
        url=url,
        silence=terms.silence,
        login=terms.login(),
        watch=watch,
        given_up=terms.given_up,
    )


def _pushed(answer: Answer) -> tuple[str, str]:
    """Returns the flag and the reason of the one ref that was pushed; empty if none is told."""
    for line in answer.out.splitlines():
        flag, tab, rest = line.partition("\t")
        if tab and len(flag) == 1:
            return flag, rest.partition("\t")[2]
    return "", ""


def _refused(done: Answer, reason: str) -> RejectedError | None:
    """Returns the error for a push that the remote has refused; None if it was not."""
    if not reason.startswith("[remote rejected]"):
        return None
    refused = rejection(done, reason)
    return BusyError(refused.message, hint=refused.hint) if _BUSY.search(reason) else refused


def _refused_here(done: Answer) -> RejectedError | None:
    """Returns the error for a push that the person's own hook has stopped; None if it was not."""
    if done.code != 1 or done.out.strip() or "failed to push some refs" not in done.error:
        return None
    return RejectedError(
        f"the clone's own pre-push hook refused the push: {done.words()}",
        hint="the commits stand in the clone; the next sync offers them again",
    )

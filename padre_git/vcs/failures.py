"""Failures: what git and a server said, understood.

git has one exit code for everything that goes wrong, so its words decide; they are English, since
every git of ours is started so. What a server says is shown without what could drive a terminal,
bounded, and never with a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from padre_git.errors import (
    AuthenticationError,
    PadreGitError,
    RejectedError,
    RemoteError,
    RemoteMissingError,
    RemoteUnavailableError,
    RemoteUntrustedError,
    RepositoryError,
)
from padre_git.vcs.credentials import origin_of
from padre_git.vcs.remotes import path_of

__all__ = ["Answer", "failure", "not_git", "readable", "rejection"]

_LONGEST = 2000


@dataclass(frozen=True)
class Answer:
    """Is what one git command said.

    Attributes:
        code: its exit status; -1 if it was ended because a limit was over.
        out: its standard output.
        error: its standard error, without what it said of its progress.
        late: whether a limit was over.
    """

    code: int
    out: str
    error: str
    late: bool = False

    def words(self) -> str:
        """Returns what git and the server said, fit for one error message."""
        lines = list(filter(None, map(readable, self.error.splitlines())))
        kept = [line for line in lines if _says_something(line)] or lines
        return _bounded("; ".join(dict.fromkeys(kept))) or "git said nothing"


_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)|[ -/]*[0-~])"
    r"|[\x90\x98\x9d-\x9f].*?(?:\x07|\x9c|\x1b\\|$)|\x9b[0-?]*[ -/]*[@-~]"
)
#: A password may have an "@" in it: what is before the last one is not the host.
_USERINFO = re.compile(r"://[^/\s]*@")
#: Lines that git adds to every failure, or that say nothing of it.
_NOISE = re.compile(
    r"@+|From \S+|To \S+|Done|Everything up-to-date|Total \d+ \(delta .*"
    r"|fatal: Could not read from remote repository\.|error: failed to push some refs to .*"
    r"|Please make sure you have the correct access rights|and the repository exists\."
    r"|Delta compression using up to .*|Cloning into .*"
)


def readable(line: str) -> str:
    """Returns a line of a server's words without escapes, control characters and secrets."""
    line = _ESCAPES.sub("", line).removeprefix("remote: ")
    line = "".join(c if c.isprintable() else " " for c in line)
    return _USERINFO.sub("://", line).strip()


def _says_something(line: str) -> bool:
    return bool(line) and _NOISE.fullmatch(line) is None


def _bounded(text: str) -> str:
    """Returns a text that is not too long, with its end: that is where git says what it means."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} … {text[-half:]}"


def rejection(done: Answer, reason: str) -> RejectedError:
    """Returns the error for a push that the remote refused, with the remote's words.

    Args:
        done: what git said.
        reason: what it said of the branch.
    """
    lines = [line for line in done.error.splitlines() if line.startswith("remote: ")]
    said = [line for line in map(readable, lines) if _says_something(line)]
    words = _bounded("; ".join([readable(reason), *dict.fromkeys(said)]))
    return RejectedError(
        f"the remote refused the push: {words}",
        hint="the commits stand in the clone; the next sync offers them again",
    )


def failure(done: Answer, url: str) -> PadreGitError:
    """Returns the error for a command that did not get through to ``url``.

    Returns:
        A RemoteError; a RepositoryError if it was this side that could not go on.
    """
    if done.late:
        return _silent(done.words(), url)
    for pattern, error in _KINDS:
        if pattern.search(done.error):
            return error(done.words(), url)
    return _other(done.words(), url)


def _full(words: str, url: str) -> PadreGitError:
    return RepositoryError(
        f"what came from the remote could not be stored: {words}",
        hint="make room on the disk, or look at whose files they are, and try again",
    )


def _ended(words: str, url: str) -> PadreGitError:
    return RepositoryError(
        f"this machine has ended git before it was done: {words}",
        hint="look at limits of memory, processes and file sizes (ulimit -a), and try again",
    )


def _untrusted(words: str, url: str) -> PadreGitError:
    secure = url.startswith("https:")
    return RemoteUntrustedError(
        f"the remote has not proved who it is: {words}",
        hint="nothing was sent. A network that wants you to log in first, a wrong clock or an"
        " authority that git does not know (git config http.sslCAInfo) look like this"
        if secure
        else "nothing was sent. Compare the key with what the host's people say, then"
        " connect once with ssh, or remove the old key with 'ssh-keygen -R'",
    )


def _too_large(words: str, url: str) -> PadreGitError:
    return RejectedError(
        f"the remote refused the push: it is larger than the server takes: {words}",
        hint="the commits stand in the clone; ask the server's people for a higher limit",
    )


def not_git(words: str, url: str) -> PadreGitError:
    """Returns the error for a host that answers, but not as git does."""
    return RemoteUnavailableError(
        f"something else than git answers: {words}",
        hint="a network that wants you to log in first does this, and so does an address that is"
        " a web page",
    )


_KEEPERS = "git's credential helpers keep them, or give them by authenticate or PADRE_TOKEN"


def _denied(words: str, url: str) -> PadreGitError:
    keepers = "ssh-agent keeps them" if origin_of(url) is None else _KEEPERS
    return AuthenticationError(
        f"the remote does not accept these credentials: {words}",
        hint=f"try 'git ls-remote' in the clone; {keepers}",
    )


def _foreign(words: str, url: str) -> PadreGitError:
    return AuthenticationError(
        f"git does not read a repository of somebody else's: {words}",
        hint=f"if you trust them: git config --global --add safe.directory '{path_of(url) or url}'",
    )


def _missing(words: str, url: str) -> PadreGitError:
    path = path_of(url)
    if path is None:
        return RemoteMissingError(
            f"no such repository: {words}",
            hint="hosts say so, too, of a repository that these credentials may not see",
        )
    return _missing_directory(path, words)


def _missing_directory(path: Path, words: str) -> PadreGitError:
    try:
        if not path.parent.is_dir():
            return RemoteUnavailableError(
                f"no directory '{path.parent}'", hint="mount it, or create it if it is new"
            )
        if path.is_dir():
            next(path.iterdir(), None)
    except PermissionError as error:
        return AuthenticationError(
            f"no permission to read '{error.filename}'", hint="ask whoever owns the directory"
        )
    except OSError as error:
        return RemoteUnavailableError(f"'{path}' cannot be read: {error.strerror}")
    return RemoteMissingError(f"no such repository: {words}")


def _unsound(words: str, url: str) -> PadreGitError:
    return RemoteError(
        f"what the remote has is not taken over, git finds it unsound: {words}",
        hint="whoever looks after the remote runs 'git fsck' there; nothing was changed here",
    )


def _damaged(words: str, url: str) -> PadreGitError:
    return RemoteUnavailableError(f"what came from the remote was damaged on the way: {words}")


def _other(words: str, url: str) -> PadreGitError:
    return RemoteError(f"git could not talk to the remote: {words}")


def _silent(words: str, url: str) -> PadreGitError:
    return RemoteUnavailableError(f"the remote does not answer: {words}")


_OURS = r"^(?!remote: )"
#: The first that is found decides: a refusal ends a connection, too, and ssh's own words come
#: before git's guess.
_KINDS: tuple[tuple[re.Pattern[str], Callable[[str, str], PadreGitError]], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), error)
    for pattern, error in (
        (
            _OURS + r".*(No space left on device|Disk quota exceeded|Read-only file system"
            r"|insufficient permission for adding an object|file size limit exceeded)",
            _full,
        ),
        (
            _OURS + r".*((index-pack|unpack-objects) died of signal|[Oo]ut of memory"
            r"|(cannot|unable to) (fork|create (async )?thread))",
            _ended,
        ),
        (
            r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED"
            r"|certificate verification failed|SSL certificate problem|SSL: no alternative cert"
            r"|certificate subject name .* does not match|revoked host key",
            _untrusted,
        ),
        (r"HTTP 413|returned error: 413", _too_large),
        (r"dubious ownership", _foreign),
        (
            r"not valid: is this a git repository|update url base from redirection"
            r"|invalid server response|invalid .*content-type|bad line length"
            r"|protocol error: unexpected|unknown object format|expected flush after"
            r"|SSL_ERROR_RX|wrong version number|http/https smart .* got",
            not_git,
        ),
        (
            r"Authentication failed|could not read (Username|Password)|Permission denied"
            r"|returned error: 40[137]|HTTP 40[137]|terminal prompts disabled"
            r"|Too many authentication failures",
            _denied,
        ),
        (
            r"does not appear to be a git repository|[Rr]epository .*not found"
            r"|returned error: 4(04|10)|no such repository|not exported|does not exist"
            r"|project you were looking for could not be found",
            _missing,
        ),
        (
            r"fsck error|^error: object [0-9a-f]{40}: \w+:|remote: (fatal|error): .*(corrupt|bad"
            r" object|unable to read|missing|not a valid)|mismatched algorithms",
            _unsound,
        ),
        (r"early EOF|unexpected disconnect|transfer closed|Connection \S+ to \S+ closed", _silent),
        (
            r"inflate|index-pack (died|failed|abnormal)|invalid index-pack output|bad band"
            r"|pack (has bad|signature|is corrupt|header)|SHA1 x?mismatch|unpack-objects"
            r"|did not send all necessary objects|expected '?packfile|bad pack|sideband"
            r"|expected (shallow|wanted|acknowledg)|unknown object type",
            _damaged,
        ),
        (r"returned error: 4(?!08|29)\d\d|HTTP 4(?!08|29)\d\d", _other),
        (
            r"Could not resolve|Connection (refused|reset|timed out|closed)|[Ff]ailed to connect"
            r"|timed out|Timeout|Couldn't connect|No route to host|Network is unreachable"
            r"|unable to (access|connect)|early EOF|hung up|RPC failed|Operation too slow"
            r"|Could not read from remote|transfer closed|returned error: (5\d\d|429|408)"
            r"|unexpected disconnect|Broken pipe|remote failure|kex_exchange_identification",
            _silent,
        ),
    )
)

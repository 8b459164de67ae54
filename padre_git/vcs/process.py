"""Starting git: the one place where a git process is run and its failure understood."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from padre_git.errors import DamagedError, LockedError, RepositoryError
from padre_git.vcs.damage import advice, project_of
from padre_git.vcs.forking import start

__all__ = ["Finished", "environment", "explain", "no_git", "run_git", "try_git"]

#: What a surrounding git (a hook, an alias, a rebase's exec) may have set and must not reach ours.
_SCRUBBED = frozenset(
    [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_PREFIX",
        "GIT_COMMON_DIR",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_GRAFT_FILE",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_NAMESPACE",
        "GIT_QUARANTINE_PATH",
        "GIT_LITERAL_PATHSPECS",
        "GIT_GLOB_PATHSPECS",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_ICASE_PATHSPECS",
        "GIT_EXTERNAL_DIFF",
        "GIT_DIFF_OPTS",
        "GIT_PAGER",
        "GIT_EDITOR",
        "GIT_SEQUENCE_EDITOR",
        "GIT_CONFIG",
        "GIT_ATTR_SOURCE",
        "GIT_REFLOG_ACTION",
        "GIT_INTERNAL_SUPER_PREFIX",
    ]
)
_FIXED = {
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "false",
    "GIT_SEQUENCE_EDITOR": "false",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    # whatever a person, or a later git, begins new repositories with
    "GIT_DEFAULT_HASH": "sha1",
    "GIT_DEFAULT_REF_FORMAT": "files",
}
#: Nothing that a repository or a person has configured to run is run by our bookkeeping.
_CALM = ("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false")
_LOCKED = re.compile(r"\.lock': File exists|Unable to create .*\.lock", re.IGNORECASE)
_DAMAGED = re.compile(
    r"corrupt|bad object|bad tree|bad signature|index file smaller|missing blob|unable to read"
    r"|could not parse|invalid sha1 pointer|not a valid object|garbage|unknown index entry"
    r"|bad config|(unexpected|unterminated) line in|object file .* is empty|broken"
    r"|does not match index|failed to traverse",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Finished:
    """Is what a git process left: its exit code and what it wrote."""

    code: int
    out: bytes
    err: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the environment that every git process of ours gets.

    Messages are in English, nothing asks, pages, edits or takes optional locks, and variables of
    a surrounding git command do not reach it.

    Args:
        extra: variables to add; they win.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _SCRUBBED}
    return {**kept, **_FIXED, **(extra or {})}


def try_git(
    arguments: Sequence[str],
    cwd: str | Path,
    *,
    input: bytes | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    inherited: Sequence[int] = (),
) -> Finished:
    """Runs git and returns how it ended, whatever that was.

    Args:
        arguments: the command and its arguments, without ``git``.
        cwd: where to run it.
        input: bytes for its standard input; None for an empty one.
        env: variables to add to :func:`environment`.
        timeout: seconds after which it is killed; None for never.
        inherited: descriptors of this process that it is to have as well.

    Raises:
        RepositoryError: if git cannot be started or took too long.
    """
    try:
        with start(
            ["git", *_CALM, *arguments],
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(env),
            pass_fds=inherited,
        ) as process:
            try:
                out, err = process.communicate(input or b"", timeout=timeout)
            except BaseException:
                process.kill()
                raise
    except FileNotFoundError as error:
        if Path(cwd).is_dir():
            raise no_git() from error
        raise RepositoryError(f"no directory '{cwd}'") from error
    except NotADirectoryError as error:
        raise RepositoryError(f"'{cwd}' is not a directory") from error
    except subprocess.TimeoutExpired as error:
        raise RepositoryError(f"git {_verb(arguments)} took longer than {timeout:g} s") from error
    return Finished(code=process.returncode, out=out, err=err.decode(errors="replace"))


def no_git() -> RepositoryError:
    """Returns the error of a machine without git."""
    return RepositoryError("git cannot be started", hint="install git 2.30 or newer")


def run_git(
    arguments: Sequence[str],
    cwd: str | Path,
    *,
    input: bytes | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    timeout: float | None = None,
) -> bytes:
    """Runs git and returns what it wrote to standard output.

    Args:
        arguments: the command and its arguments, without ``git``.
        cwd: where to run it.
        input: bytes for its standard input.
        env: variables to add to :func:`environment`.
        check: whether a failure is an error.
        timeout: seconds after which it is killed; None for never.

    Raises:
        LockedError: if another process holds one of git's locks.
        DamagedError: if objects, refs or the index cannot be read.
        RepositoryError: for every other failure; each carries git's own words.
    """
    done = try_git(arguments, cwd, input=input, env=env, timeout=timeout)
    if check and done.code:
        raise explain(arguments, cwd, done)
    return done.out


def explain(arguments: Sequence[str], cwd: str | Path, done: Finished) -> RepositoryError:
    """Returns the typed error for a git command that failed, with git's own words in it."""
    words = " ".join(done.err.split()) or f"exit code {done.code}"
    text = f"git {_verb(arguments)} failed in '{cwd}': {words}"
    if _LOCKED.search(done.err):
        return LockedError(text, hint="another process is at work; try again when it has ended")
    place = Path(cwd)
    if _DAMAGED.search(done.err) or _is_unreadable(place, done.err):
        return DamagedError(text, key=project_of(place), hint=advice(place))
    return RepositoryError(text)


def _is_unreadable(place: Path, words: str) -> bool:
    """Tells whether git does not take a clone for one any more, for want of a HEAD."""
    git_dir = place if place.name == ".git" else place / ".git"
    return "not a git repository" in words and git_dir.exists()


def _verb(arguments: Sequence[str]) -> str:
    """Returns the command's name, without the options before it, for a message."""
    rest = iter(arguments)
    for word in rest:
        if word in {"-c", "-C"}:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return "command"

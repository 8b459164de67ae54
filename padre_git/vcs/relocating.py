"""Relocating: every branch and tag of one repository to another place, and a sign at the old one.

The sign is a ref with a small text, ``refs/padre/moved``, which says where the repository is now;
whoever fetches from the old place gets it along. It is a hint for people and nothing else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from padre_git.errors import InvalidInputError
from padre_git.vcs.failures import failure
from padre_git.vcs.network import ask
from padre_git.vcs.process import run_git, try_git
from padre_git.vcs.remotes import RemoteLocation, path_of
from padre_git.vcs.transport import MOVED, Terms
from padre_git.vcs.trust import check_receiver

__all__ = ["End", "carry_over", "leave_sign", "point_origin_at", "read_sign", "take_sign_away"]

_MOVING = "refs/padre/moving"
_LONGEST = 1000
_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
_FETCH = (*_NO_HOOKS, "fetch", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")
_PUSH = (*_NO_HOOKS, "push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no")


@dataclass(frozen=True, kw_only=True)
class End:
    """Is one end of a move.

    Attributes:
        url: of the repository.
        terms: on which it is talked to.
    """

    url: str
    terms: Terms


def carry_over(directory: Path, source: End, target: End, *, besides: str) -> tuple[str, ...]:
    """Pushes every branch and tag of one repository to another, by way of a clone.

    Args:
        directory: the clone.
        source: where they are.
        target: where they shall be.
        besides: the one branch that is left out.

    Returns:
        The refs that the target would not take, because it has others of these names.

    Raises:
        RemoteError: if one of the two cannot be reached.
    """
    kinds = ("heads", "tags")
    wanted = [f"+refs/{kind}/*:{_MOVING}/{kind}/*" for kind in kinds]
    command = [*_FETCH, "--", source.url, *wanted, f"^refs/heads/{besides}"]
    _run(command, directory, source)
    try:
        here = run_git(["for-each-ref", "--format=%(refname)", f"{_MOVING}/"], directory)
        if not here.strip():
            return ()
        offered = [f"{_MOVING}/{kind}/*:refs/{kind}/*" for kind in kinds]
        out = _run([*_PUSH, "--", target.url, *offered], directory, target)
        lines = (line.split("\t") for line in out.splitlines())
        return tuple(words[1].partition(":")[2] for words in lines if words[0] == "!")
    finally:
        _forget(directory)


def leave_sign(directory: Path, end: End, text: str) -> None:
    """Says at an old place where its repository is now.

    Raises:
        RemoteError: if it cannot be reached.
    """
    blob = run_git(["hash-object", "-w", "--stdin"], directory, input=f"{text}\n".encode())
    _run([*_PUSH, "--", end.url, f"+{blob.decode().strip()}:{MOVED}"], directory, end)


def read_sign(directory: Path) -> str | None:
    """Returns where the repository is said to be now; None without a sign that can be read."""
    found = try_git(["cat-file", "blob", MOVED], directory)
    text = found.out[:_LONGEST].decode(errors="replace").strip()
    try:
        return None if found.code else str(RemoteLocation.parse(text))
    except InvalidInputError:
        return None


def take_sign_away(directory: Path, end: End) -> None:
    """Removes the sign from a place that is in use again, and from the clone.

    Raises:
        RemoteError: if it cannot be reached.
    """
    if not try_git(["rev-parse", "--verify", "--quiet", MOVED], directory).code:
        _run([*_PUSH, "--", end.url, f":{MOVED}"], directory, end)
        run_git(["update-ref", "-d", MOVED], directory)


def point_origin_at(directory: Path, url: str, *, before: str | None) -> None:
    """Lets plain git follow a move, unless the person has another ``origin``.

    Args:
        directory: the clone.
        url: the new place.
        before: the old one.
    """
    known = try_git(["config", "--local", "--get", "remote.origin.url"], directory)
    if known.code or known.out.decode(errors="replace").strip() == before:
        run_git(["config", "--local", "remote.origin.url", url], directory)


def _run(command: list[str], directory: Path, end: End) -> str:
    terms = end.terms
    if (path := path_of(end.url)) is not None:
        check_receiver(path)
    done = ask(
        command, directory, terms.ask, url=end.url, silence=terms.silence, login=terms.login()
    )
    told = any(line.startswith("!\t") for line in done.out.splitlines())
    if done.code and not told:
        raise failure(done, end.url)
    return done.out


def _forget(directory: Path) -> None:
    names = run_git(["for-each-ref", "--format=delete %(refname)", f"{_MOVING}/"], directory)
    run_git(["update-ref", "--stdin"], directory, input=names)

"""The logs of refs, written as git writes them, so that `git reflog` tells what we did."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from padre_git.messages import Author
from padre_git.vcs.config import Config
from padre_git.vcs.objects import signature
from padre_git.vcs.refs import symbolic_target

__all__ = ["Reflog", "last_action", "last_checkout", "last_moves", "thrown_off"]

_ZERO = "0" * 40
_TAIL = 16_384
#: What git says of a reset that is to move nothing, as that of `git stash` is.
_RESET = "reset: moving to HEAD"
#: What is said of moves that add to a branch; of all others, whoever made them means the result.
_ADDING = ("commit", "merge ", "padre_git: ", "pull")
_LOGGED = ("refs/heads/", "refs/remotes/", "refs/notes/")


class Reflog:
    """Is the logs of one repository's refs.

    Args:
        common: the common git directory.
        config: says which refs are logged (core.logAllRefUpdates).
    """

    def __init__(self, common: Path, config: Config) -> None:
        self._common = common
        self._config = config

    def moved(self, name: str, new: str, old: str | None, why: str, who: Author) -> None:
        """Notes that a ref has moved, also for every HEAD that names it."""
        line = _line(new, old, why, who)
        created = self._is_logged(name)
        _append(self._common / "logs" / name, line, create=created)
        for git_dir in [self._common, *self._linked()]:
            if symbolic_target(git_dir / "HEAD") == name:
                _append(git_dir / "logs" / "HEAD", line, create=created)

    def _linked(self) -> list[Path]:
        linked = self._common / "worktrees"
        return sorted(linked.iterdir()) if linked.is_dir() else []

    def _is_logged(self, name: str) -> bool:
        wanted = self._config.get("core.logallrefupdates")
        if wanted == "always":
            return True
        bare = "false" if self._config.is_true("core.bare") else "true"
        return name.startswith(_LOGGED) and self._config.is_true(
            "core.logallrefupdates", default=bare
        )


def append_line(common: Path, name: str, new: str, old: str, why: str, who: Author) -> None:
    """Notes a move in a log that is there, after a line that may have been cut off.

    Args:
        common: the common git directory.
        name: the ref.
        new: what it names.
        old: what it named.
        why: the reason.
        who: by whom.
    """
    path = common / "logs" / name
    with suppress(OSError):
        torn = b"" if path.read_bytes()[-1:] in {b"", b"\n"} else b"\n"
        _append(path, torn.decode() + _line(new, old, why, who), create=False)


def _line(new: str, old: str | None, why: str, who: Author) -> str:
    return f"{old or _ZERO} {new} {signature(who, datetime.now().astimezone())}\t{why}\n"


def _append(path: Path, line: str, *, create: bool) -> None:
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | (os.O_CREAT if create else 0)
    with suppress(FileNotFoundError):
        fd = os.open(path, flags, 0o666)
        try:
            os.write(fd, line.encode())
        finally:
            os.close(fd)


def last_action(log: Path) -> str:
    """Returns what the last line of a ref's log says was done; empty if there is none."""
    lines = _last_lines(log)
    return lines[-1].partition(b"\t")[2].decode(errors="replace") if lines else ""


def last_moves(log: Path) -> Iterator[tuple[str, str, str]]:
    """Yields from where to where a ref has moved and what was done, the last move first."""
    for line in reversed(_last_lines(log)):
        names, _, action = line.decode(errors="replace").partition("\t")
        old, new, *_ = [*names.split(" "), "", ""]
        if len(old) == len(new) == len(_ZERO):
            yield old, new, action


def thrown_off(log: Path) -> Iterator[tuple[str, str]]:
    """Yields what resets have thrown off a branch without meaning to, and to where, the last first.

    `git reset` reads where HEAD is, and later moves the branch there, wherever it is by then: what
    was committed in between goes.
    """
    if f"\t{_RESET}\n".encode() not in _tail(log):
        return
    later: set[str] = set()
    for old, new, action in last_moves(log):
        if action == _RESET and old not in later | {new}:
            yield old, new
        if action != _RESET and not action.startswith(_ADDING):
            return
        later.add(new)


def last_checkout(log: Path) -> int | None:
    """Returns when HEAD was last switched to another branch; None if its log does not say."""
    for line in reversed(_last_lines(log)):
        who, _, action = line.partition(b"\t")
        when = who.split()[-2:-1]
        if action.startswith(b"checkout: moving from ") and when and when[0].isdigit():
            return int(when[0])
    return None


def _last_lines(log: Path) -> list[bytes]:
    return _tail(log).splitlines()


def _tail(log: Path) -> bytes:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL))
            return file.read()
    except FileNotFoundError:
        return b""

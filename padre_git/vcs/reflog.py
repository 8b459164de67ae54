"""The logs of refs, written as git writes them, so that `git reflog` tells what we did."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from padre_git.messages import Author
from padre_git.vcs.config import Config
from padre_git.vcs.objects import signature
from padre_git.vcs.refs import symbolic_target

__all__ = ["Reflog"]

_ZERO = "0" * 40
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
        line = f"{old or _ZERO} {new} {signature(who, datetime.now().astimezone())}\t{why}\n"
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

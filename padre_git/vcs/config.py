"""What git's configuration says about a repository, read once and again when a file changed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from padre_git.errors import UnsupportedError
from padre_git.vcs.ownfiles import read_own
from padre_git.vcs.process import run_git

__all__ = ["Config"]

_Stamp = tuple[tuple[int, int, int] | None, ...]
#: What tells that git has read a file.
_WITNESSES = (
    ("config", "core.repositoryformatversion"),
    ("config.worktree", "core.sparsecheckout"),
)
_TRUE = frozenset(["true", "yes", "on", "1", "always"])


class Config:
    """Is the configuration that git uses in one repository: the person's and the clone's own."""

    def __init__(self, root: Path, common: Path) -> None:
        self._root = root
        self._common = common
        self._stamp: _Stamp | None = None
        self._values: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        """Returns the last value of a key, its section and name in lower case; None if unset."""
        if self._stamp is None:
            self.refresh()
        return self._values.get(name)

    def is_true(self, name: str, *, default: str = "false") -> bool:
        """Tells whether a key holds one of git's words for true.

        Args:
            name: the key, as for :meth:`get`.
            default: what to take if it is unset.
        """
        value = self.get(name)
        return (default if value is None else value).lower() in _TRUE

    def require_files(self) -> None:
        """Refuses repositories whose objects or refs are not the files that we write.

        Raises:
            UnsupportedError: for SHA-256 objects or a ref store other than files.
        """
        if (self.get("extensions.objectformat") or "sha1") != "sha1":
            raise UnsupportedError(f"'{self._root}' has SHA-256 objects", hint="use SHA-1")
        if (self.get("extensions.refstorage") or "files") != "files":
            raise UnsupportedError(
                f"'{self._root}' keeps its refs in {self.get('extensions.refstorage')}",
                hint="run `git refs migrate --ref-format=files` there",
            )

    def refresh(self) -> None:
        """Reads the configuration again if one of its files has changed."""
        stamp = tuple(_stat(path) for path in self._files())
        if stamp != self._stamp:
            values = self._listed()
            if self._lacks(values):  # for a moment, or because the clone is damaged
                values = self._listed()
            self._values, self._stamp = values, stamp

    def _listed(self) -> dict[str, str]:
        out = run_git(["config", "-z", "--list"], self._root).decode(errors="replace")
        values = {}
        for item in out.split("\0"):
            name, found, value = item.partition("\n")
            if name:
                values[name] = value if found else "true"
        return values

    def _lacks(self, values: Mapping[str, str]) -> bool:
        """Tells whether git has not read a file of the clone; it says nothing of that."""
        has_two = values.get("extensions.worktreeconfig", "").lower() in _TRUE
        for name, key in _WITNESSES if has_two else _WITNESSES[:1]:
            own = read_own(self._common / name) or b""
            if key not in values and key.removeprefix("core.").encode() in own.lower():
                return True
        return False

    def _files(self) -> list[str]:
        home = os.environ.get("HOME", "/")
        base = os.environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
        person = os.environ.get("GIT_CONFIG_GLOBAL")
        files = [person] if person else [f"{home}/.gitconfig", f"{base}/git/config"]
        return [f"{self._common}/config", f"{self._common}/config.worktree", *files]


def _stat(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - measured: asked for at every commit
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size

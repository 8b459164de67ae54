"""When remotes were asked last, as all processes of a root know it.

On the command line every call is a process of its own; without a memory on the disk each of them
would ask again, and wait for the same silence. What is written here is a hint: losing it, or a
clock that is wrong, costs one question more and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from padre_git.vcs.ownfiles import read_own, replace_own

__all__ = ["Asked"]

_LARGEST = 100_000


class Asked:
    """Remembers when the remotes of a root's clones answered, and whether they are silent.

    Args:
        root: the directory of the clones.
        place: where their remotes are; what was heard from another place counts for nothing.
        clock: returns the seconds since 1970.
    """

    def __init__(self, root: Path, place: str, *, clock: Callable[[], float] = time.time) -> None:
        self._root = root
        self._place = place
        self._clock = clock
        self._silent = root / ".padre" / "silent"

    def answered(self, project: str) -> None:
        """Remembers that the remote has just told what it has of a project."""
        if (self._root / project / ".git").is_dir():
            self._write(self._mark(project), "")

    def since(self, project: str) -> float | None:
        """Returns how many seconds ago that was; None if it is not known."""
        return self._age(self._mark(project))

    def silent(self, reason: str) -> None:
        """Remembers that the remotes are out of reach, and why."""
        self._write(self._silent, reason)

    def silence(self) -> float | None:
        """Returns how many seconds ago the remotes were silent; None if they were not."""
        return self._age(self._silent)

    def reason(self) -> str:
        """Returns why the remotes were out of reach."""
        return self._read(self._silent)[1]

    def heard(self) -> None:
        """Forgets that the remotes were silent."""
        with suppress(OSError):
            self._silent.unlink()

    def _mark(self, project: str) -> Path:
        return self._root / project / ".git" / "padre" / "asked"

    def _age(self, path: Path) -> float | None:
        try:
            age = self._clock() - path.lstat().st_mtime
        except OSError:
            return None
        known = age >= 0 and self._read(path)[0] == self._place
        return age if known else None  # a time to come says nothing about how long ago it was

    def _read(self, path: Path) -> tuple[str, str]:
        content = read_own(path, largest=_LARGEST) or b""
        first, _, rest = content.decode(errors="replace").partition("\n")
        return first, rest.strip()

    def _write(self, path: Path, text: str) -> None:
        with suppress(OSError):  # a place that cannot be written is no reason to fail
            path.parent.mkdir(exist_ok=True)
            content = f"{self._place}\n{text[: _LARGEST // 8]}\n".encode(errors="replace")
            replace_own(path, content, time=self._clock())

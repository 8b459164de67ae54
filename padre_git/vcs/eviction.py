"""Eviction: files that a clone leaves out of its work tree while git's objects keep them.

The index marks them (git's skip-worktree), so ``git status`` does not miss them. Which directories
were evicted stands in ``.git/padre/evicted``: one line each, ``-`` for evicted and ``+`` for what
was brought back below such a directory; the nearest line above a path decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from padre_git.vcs.durable import fsync_directory
from padre_git.vcs.objects import check_path

__all__ = ["Evictions"]


class Evictions:
    """Is the list of what is evicted in one clone.

    Args:
        file: where it is kept.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._marks: dict[str, bool] = {}

    def marks(self) -> Mapping[str, bool]:
        """Returns the directories that have a line, and whether they are evicted."""
        try:
            seen = self._file.stat()
        except FileNotFoundError:
            return {}
        stamp = (seen.st_ino, seen.st_mtime_ns, seen.st_size)
        if stamp != self._stamp:
            lines = self._file.read_text("utf-8", "surrogateescape").splitlines()
            self._marks = {line[2:]: line[0] == "-" for line in lines if line[:2] in {"- ", "+ "}}
            self._stamp = stamp
        return self._marks

    def covers(self, path: str) -> bool:
        """Tells whether a path lies in an evicted directory, or is one."""
        return _covered(self.marks(), path)

    def change(self, paths: Iterable[str], *, evicted: bool) -> None:
        """Notes, durably, that paths were evicted or brought back with all below them."""
        marks = dict(self.marks())
        for path in paths:
            check_path(path)
            marks = {p: m for p, m in marks.items() if p != path and not p.startswith(f"{path}/")}
            if evicted != _covered(marks, path.rpartition("/")[0]):
                marks[path] = evicted
        lines = [f"{'-' if marks[path] else '+'} {path}\n" for path in sorted(marks)]
        fresh = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        with fresh.open("w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._file)
        fsync_directory(self._file.parent)
        self._stamp = None


def _covered(marks: Mapping[str, bool], path: str) -> bool:
    while marks and path:
        if path in marks:
            return marks[path]
        path = path.rpartition("/")[0]
    return False

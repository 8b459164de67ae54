"""What is damaged is set aside, never deleted: below ``.git/padre/damaged/<time>``."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from padre_git.errors import RepositoryError
from padre_git.vcs.durable import Durable, fsync_directory

__all__ = ["PLACE", "SetAside"]

PLACE = "padre/damaged"
_WORK = "work-tree"


class SetAside:
    """Is where one repair puts what it replaces.

    Args:
        common: the common git directory.
        root: the work tree; None for none.
    """

    def __init__(self, common: Path, root: Path | None) -> None:
        self._common = common
        self._root = root
        name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        self.place = common / PLACE / name

    def move(self, path: Path) -> None:
        """Takes a file away; nothing happens if it is gone."""
        target = self._target(path)
        with suppress(FileNotFoundError):
            path.rename(target)
            fsync_directory(target.parent)
            fsync_directory(path.parent)

    def replace(self, path: Path, content: bytes) -> None:
        """Puts content durably in the place of a file, which is kept."""
        self.keep(path)
        kept = self._target(path)
        fresh = kept.with_name(f"{kept.name}.fresh")  # not beside it: that may be the work tree
        durable = Durable()
        durable.write(fresh, content)
        with suppress(FileNotFoundError):
            shutil.copymode(path, fresh)
        durable.sync()
        fresh.replace(path)
        fsync_directory(path.parent)

    def keep(self, path: Path) -> None:
        """Keeps a copy of a file that is about to be replaced."""
        if path.is_file() and not path.is_symlink():
            shutil.copy2(path, self._target(path))

    def _target(self, path: Path) -> Path:
        if path.is_relative_to(self._common):
            target = self.place / path.relative_to(self._common)
        else:
            target = self.place / _WORK / path.relative_to(self._root or path.anchor)
        ways = (self._common, self._common / "padre", self._common / PLACE)
        if any(way.is_symlink() for way in ways):
            raise RepositoryError(f"'{self._common / PLACE}' leads elsewhere; nothing is put there")
        target.parent.mkdir(parents=True, exist_ok=True)
        names = (target.with_name(f"{target.name}.{n}") for n in count(2))
        return next(name for name in chain([target], names) if not name.exists())

"""Copies: what is handed out as files, outside of the work tree and nobody's original."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from padre_git.artifacts.durable import hash_bytes, hash_of
from padre_git.artifacts.listings import Listing

__all__ = ["Copies"]


class Copies:
    """Knows where copies of files are: in a directory named after their names and content.

    Args:
        directory: the directory of all copies.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def place(self, files: Mapping[str, str]) -> Path:
        """Returns the directory of a copy of these files, whether it exists or not.

        Args:
            files: hashes by name.
        """
        content = hash_bytes(Listing(files).encode())
        return self._directory / content[:2] / content[2:]

    def stale(self, files: Mapping[str, str]) -> dict[str, str]:
        """Returns which of these files have no copy, or one that somebody has changed."""
        place = self.place(files)
        return {name: md5 for name, md5 in files.items() if not _is_copy(place / name, md5)}

    def tidy(self, files: Mapping[str, str]) -> None:
        """Removes what somebody has put into the copy of these files."""
        place = self.place(files)
        for directory, _, names in os.walk(place):
            for name in names:
                path = Path(directory, name)
                if path.relative_to(place).as_posix() not in files:
                    path.unlink(missing_ok=True)

    def drop(self, path: str, listing: Mapping[str, str] | None, md5: str) -> None:
        """Removes all copies of what a pointer stands for.

        Args:
            path: the pointer's.
            listing: of its directory; None for a single file.
            md5: the pointer's.
        """
        if not self._directory.is_dir():
            return
        if listing is None:
            self._drop({path: md5})
            return
        handed_out: dict[str, dict[str, str]] = {"": {}}
        for name, content in listing.items():
            handed_out[""][f"{path}/{name}"] = content
            for member in (name, *map(str, PurePosixPath(name).parents[:-1])):
                handed_out.setdefault(member, {})[name] = content
        for files in handed_out.values():
            self._drop(files)

    def drop_holding(self, objects: Mapping[str, int]) -> None:
        """Removes every copy with one of these objects in it.

        Args:
            objects: sizes by hash; only files of such a size are read.
        """
        sizes = set(objects.values())
        for place in self._directory.glob("??/*"):
            files = [file for file in place.rglob("*") if file.lstat().st_size in sizes]
            if any(_hash(file) in objects for file in files):
                shutil.rmtree(place)

    def _drop(self, files: Mapping[str, str]) -> None:
        place = self.place(files)
        if place.is_dir():
            shutil.rmtree(place)


def _is_copy(path: Path, md5: str) -> bool:
    return _hash(path) == md5


def _hash(path: Path) -> str | None:
    """Returns the hash of a file; None for anything else."""
    try:
        source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return hash_of(source)[0]
    except OSError:
        return None  # a directory
    finally:
        os.close(source)

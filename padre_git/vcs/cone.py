"""The cone: which directories a sparse checkout has, as git's cone mode writes it down.

Some directories are there with all that lies below them; of the directories above those only the
files are there. Anything else is left out of the work tree.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from pathlib import Path

from padre_git.vcs.config import Config
from padre_git.vcs.ownfiles import read_own

__all__ = ["EVERYTHING", "Cone", "is_part", "is_sparse", "read_cone"]

_WHOLE = re.compile(r"/(?P<path>[^\\*?\[!#]+)/")
_FILES = re.compile(r"!/(?P<path>[^\\*?\[]+)/\*/")


class Cone:
    """Is which directories a work tree has.

    Args:
        whole: directories that are there with all below them; an empty name is the root.
        files: directories of which only the files are there; the root is always one.
    """

    def __init__(self, *, whole: AbstractSet[str], files: AbstractSet[str] = frozenset()) -> None:
        self.whole = whole
        self._files = files | {""}

    def includes(self, path: str) -> bool:
        """Tells whether a file is to be in the work tree."""
        return self.outermost(path) is None

    def outermost(self, path: str) -> str | None:
        """Returns the highest directory on the way to a file that is left out; None if none is."""
        if "" in self.whole:
            return None
        end = path.find("/")
        while end >= 0:
            directory = path[:end]
            if directory in self.whole:
                return None
            if directory not in self._files:
                return directory
            end = path.find("/", end + 1)
        return None


EVERYTHING = Cone(whole=frozenset([""]))


def is_sparse(config: Config) -> bool:
    """Tells whether work trees are sparse, as cones or otherwise."""
    return config.is_true("core.sparsecheckout")


def is_part(git_dir: Path) -> bool:
    """Tells whether git leaves something out of a work tree; costs one file.

    Args:
        git_dir: the work tree's own git directory.
    """
    content = read_own(git_dir / "config.worktree") or b""
    return b"sparsecheckout = true" in content.lower()


def read_cone(git_dir: Path) -> Cone | None:
    """Returns the cone of a sparse checkout; None if its patterns are not those of a cone.

    Args:
        git_dir: the work tree's own git directory.
    """
    content = read_own(git_dir / "info" / "sparse-checkout")
    lines = (content or b"").decode("utf-8", "surrogateescape").split("\n")
    if lines[:2] != ["/*", "!/*/"]:
        return None  # by patterns that are matched one by one
    named: set[str] = set()
    files: set[str] = set()
    for line in filter(None, lines[2:]):
        if found := _FILES.fullmatch(line):
            files.add(found["path"])
        elif found := _WHOLE.fullmatch(line):
            named.add(found["path"])
        else:  # of another form, or with names that are escaped: git itself knows
            return None
    return Cone(whole=frozenset(named - files), files=frozenset(files))

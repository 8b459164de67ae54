"""Restarts: what a power cut leaves of a clone, put right by the first who writes after it.

Commits, refs and the index are synced before anybody is told that they stand. Files of the work
tree are not: git has their content, and syncing them would cost a run several times what it does.
So a power cut leaves those of the last half minute empty or cut short, under an index that knows
them whole; it forgets which move was begun, and leaves empty files of it. All that is looked for
once, by the first writer since the machine was started, whoever that is (docs/durability).
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from padre_git.processes import has_ended, this_process
from padre_git.vcs.index import IndexEntry, stat_fields
from padre_git.vcs.process import run_git
from padre_git.vcs.removing import remove_files

__all__ = ["Restarts", "is_cut_short", "remove_begun", "unfinished"]

#: So many machines, or starts of one, are remembered.
_KEPT = 16
_COMMIT = re.compile(r"[0-9a-f]{40}\n")
_LEFT = re.compile(r"(?:ref|index|file|recent|mark)\.([0-9]+)(?:\.[0-9]+)?")
#: Where records are.
_RECORDS = ("datasets", "environments", "experiments")
_DOCUMENT = ".yaml"
#: What says that a run was changed is empty, and nobody writes it by hand; tags are empty, too.
_MARK = re.compile(r".*/edits/[0-9a-f]{12}")
_NEVER_EMPTY = (_DOCUMENT, ".csv", ".dvc", ".md", ".patch", ".txt")


class Restarts:
    """Knows whether a clone was written to since this machine was started.

    Args:
        own: the directory of what is ours in the clone.
    """

    def __init__(self, own: Path) -> None:
        self._file = own / "starts"
        self._is_known = False
        self._is_cleared = False

    def is_first(self) -> bool:
        """Returns whether nobody has; False if this system does not tell when it was started."""
        if not self._is_known:
            now = this_process().boot
            self._is_known = not now or now in self._read()
        return not self._is_known

    def clear(self) -> None:
        """Removes, once, what processes were writing when they were killed.

        The clone's own lock must be held, and :func:`unfinished` have been asked.
        """
        if not self._is_cleared:
            self._is_cleared = True
            for path in self._file.parent.iterdir():
                left = _LEFT.fullmatch(path.name)
                if left is not None and has_ended(int(left[1])):
                    with suppress(OSError):
                        path.unlink()

    def note(self) -> None:
        """Notes that somebody has."""
        fresh = self._file.with_name(f"file.{os.getpid()}")
        fresh.write_text("\n".join([*self._read()[1 - _KEPT :], this_process().boot, ""]))
        fresh.replace(self._file)
        self._is_known = True

    def _read(self) -> list[str]:
        try:
            return self._file.read_text(errors="replace").split()
        except FileNotFoundError:
            return []


def is_cut_short(known: IndexEntry, seen: os.stat_result) -> bool:
    """Tells whether a file may be what a power cut has left of the one that the index knows.

    It is the same file and was not written to since; whoever has shortened it themselves has
    changed it later.
    """
    *_, second, nanosecond, _, inode, _, _, size = known.stat
    return (
        not known.skipped
        and stat.S_ISREG(seen.st_mode)
        and stat_fields(seen)[5] == inode
        and divmod(seen.st_mtime_ns, 1_000_000_000) <= (second, nanosecond)
        and (seen.st_size < size or size == 0)  # git has entries looked at that say 0
    )


def unfinished(own: Path) -> list[str]:
    """Returns commits to which a branch was about to be moved, and takes such notes away.

    The clone's own lock must be held: what others are about to do is not among them.

    Args:
        own: the directory of what is ours in the clone.
    """
    found = []
    for path in own.iterdir():
        if _LEFT.fullmatch(path.name):
            with suppress(OSError):
                text = path.read_text(errors="replace") if path.name.startswith("ref.") else ""
                found += [text.strip()] if _COMMIT.fullmatch(text) else []
                path.unlink()
    return found


def remove_begun(root: Path) -> None:
    """Removes what a power cut has left of records that are in no commit: empty files.

    They would be in the way of whoever writes the record after all. A file with a byte in it
    stays, and so does one that git knows.

    Args:
        root: of the work tree.
    """
    listed = run_git(["ls-files", "--others", "-z", "--", *_RECORDS], root)
    names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    empty = [name for name in names if _is_empty(root / name)]
    begun = {name for name in empty if name.endswith(_NEVER_EMPTY) or _MARK.fullmatch(name)}
    records = tuple(f"{os.path.dirname(n)}/" for n in begun if n.endswith(_DOCUMENT))  # noqa: PTH120
    gone = [name for name in empty if name in begun or name.startswith(records)]
    remove_files(root, gone, is_still=lambda name: _is_empty(root / name))


def _is_empty(path: Path) -> bool:
    try:
        seen = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(seen.st_mode) and seen.st_size == 0

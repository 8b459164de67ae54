"""Healing: what a git command that ran beside us has taken back without meaning to.

``git commit`` reads the index, later locks it, and writes what it had read, even when its commit
then fails because the branch has moved. If we were in between, our entries are gone from the
index though the branch and the files have them, and the *next* commit of the user deletes them.
Nothing we do before can prevent that; so the last moves are remembered, and when all files of a
move stand as before it, while the work tree has them as after it, that is put right at the next
call (docs/decisions/0005-git-engine, "What a stale index does").

``git checkout`` reads the branch that it goes to, writes files and index, and moves HEAD last. What
was recorded in between is on the branch, and neither in the index nor in the work tree: it looks
deleted, too.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from padre_git.errors import DamagedError
from padre_git.vcs.objects import EMPTY_TREE, Entry
from padre_git.vcs.plan import Difference, differences
from padre_git.vcs.reader import Reader
from padre_git.vcs.worktree import Change

__all__ = [
    "NOWHERE",
    "Move",
    "Recent",
    "followed",
    "lost",
    "missed_by_checkout",
    "moved",
    "taken_back",
]

#: The index of a move of a branch that no work tree had checked out.
NOWHERE = "-"

_KEPT = 64
_TIME = re.compile(r"[0-9]{1,18}")
_LARGEST = 32_768
#: So long may a checkout take that had read the branch before a move and switched to it after.
_CHECKOUT = 10
#: What was taken back longer than this after a move was meant.
_SECONDS = 600


@dataclass(frozen=True)
class Move:
    """Is one move of the branch: from where, to where, when, and the index that it left."""

    base: str | None
    new: str
    time: int
    index: str


class Recent:
    """Is the list of the last moves of a clone's branches by us.

    Args:
        file: where it is kept; losing it loses nothing else.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, base: str | None, new: str, index: str) -> None:
        """Remembers a move and the version of the index that it left."""
        line = f"{base or '-'} {new} {int(time.time())} {index}\n".encode()
        fd = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(fd, line)
            size = os.fstat(fd).st_size
        finally:
            os.close(fd)
        if size > _LARGEST:
            fresh = self._file.with_name(f"{self._file.name}.{os.getpid()}")
            fresh.write_bytes(b"".join(self._file.read_bytes().splitlines(keepends=True)[-_KEPT:]))
            fresh.replace(self._file)

    def last(self) -> Move | None:
        """Returns the last move."""
        return next(iter(self._read(1)), None)

    def has_left(self, index: str) -> bool:
        """Returns whether this version of the index is the one that our last move left."""
        last = self.last()
        return last is not None and last.index == index

    def moves(self) -> list[Move]:
        """Returns the last moves that something may still have taken back, in order."""
        now = time.time()
        return [move for move in self._read(_KEPT) if now - move.time < _SECONDS]

    def _read(self, count: int) -> list[Move]:
        try:
            lines = self._file.read_bytes().splitlines()[-count:]
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            words = line.decode(errors="replace").split(" ")
            if len(words) == 4 and _TIME.fullmatch(words[2]):
                base = None if words[0] == "-" else words[0]
                found.append(Move(base, words[1], int(words[2]), words[3]))
        return found


def taken_back(
    reader: Reader, moves: list[Move], stands: Callable[[str], Entry | None]
) -> list[Change]:
    """Returns the changes of the last moves, as many as were taken back in every file.

    A stale index knows nothing of the moves since it was read, so it takes all of them back, each
    completely. Where only some files of the last move stand as before it, the user meant it.

    Args:
        reader: gives the objects.
        moves: in order.
        stands: gives what now stands at a path.
    """
    found: dict[str, Change] = {}
    for move in reversed(moves):
        changes = moved(reader, move)
        if not changes or not all(stands(d.path) == d.old for d in changes):
            break
        for d in changes:
            later = found.get(d.path)
            known = frozenset([d.old]) | (later.known if later else frozenset())
            new = later.new if later else d.new
            found[d.path] = Change(path=d.path, known=known, new=new)
    return [change for change in found.values() if stands(change.path) != change.new]


def lost(
    reader: Reader,
    moves: list[Move],
    stands: Callable[[str], Entry | None],
    holds: Callable[[Change], bool],
) -> list[Change]:
    """Returns the changes of moves that the branch has lost and the work tree has not.

    An index that ``git add`` has read before a move and written after it does not know of that
    move, and goes on to know of the next ones: so any of the last moves may be gone alone.

    Args:
        reader: gives the objects.
        moves: in order.
        stands: gives what now stands at a path of the branch.
        holds: tells whether the work tree has a file as it is after a change.
    """
    found: list[Change] = []
    later: set[str] = set()
    for move in reversed(moves):
        changes = [
            Change(path=d.path, known=frozenset([d.old]), new=d.new) for d in moved(reader, move)
        ]
        if all(c.path not in later and stands(c.path) in c.known and holds(c) for c in changes):
            found += changes
        later.update(change.path for change in changes)
    return found


def missed_by_checkout(moves: list[Move], switched: int | None) -> list[Move]:
    """Returns the last moves, as far as a checkout may have missed them.

    Args:
        moves: in order.
        switched: when HEAD came to the branch; None if nobody knows.
    """
    late: list[Move] = []
    for move in reversed(moves):
        if switched is None or move.index != NOWHERE or move.time < switched - _CHECKOUT:
            break
        late.insert(0, move)
    return late


def followed(moves: list[Move], switched: int | None) -> list[Move]:
    """Returns the last moves that a work tree has followed while it may have been leaving.

    Args:
        moves: in order.
        switched: when HEAD left the branch; None if nobody knows.
    """
    late: list[Move] = []
    for move in reversed(moves):
        if switched is None or move.index == NOWHERE or move.time < switched - _CHECKOUT:
            break
        late.insert(0, move)
    return late


def moved(reader: Reader, move: Move) -> list[Difference]:
    """Returns what a move has changed; nothing if git has pruned its commits."""
    try:
        trees = [
            EMPTY_TREE if commit is None else reader.commit(commit).tree
            for commit in (move.base, move.new)
        ]
        return list(differences(reader, trees[0], trees[1]))
    except DamagedError:  # git has pruned what the user has thrown away
        return []

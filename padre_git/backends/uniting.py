"""Uniting what two clones added to one directory of artifacts.

A run has one pointer for all its artifacts, so two people who add different ones change the same
file. Which files a pointer stands for is kept with the data, perhaps far away; so a merge only asks
for what is known, and what it did not find out is found out afterwards, with no lock held.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from padre_git.vcs.repository import Repository

__all__ = ["Pointers", "Unites", "Uniting"]


class Pointers(NamedTuple):
    """Is one pointer in three versions.

    Attributes:
        base: content in the common ancestor; None if there was none.
        ours: content on this side.
        theirs: content on the other side.
    """

    base: bytes | None
    ours: bytes
    theirs: bytes


class Unites(Protocol):
    """Knows the data of clones."""

    def unite(self, repository: Repository, pointers: Pointers) -> bytes | None:
        """Returns a pointer to what both sides made of a directory.

        None if they disagree about a file in it, or if that cannot be found out.
        """


class Uniting:
    """Remembers which pointers a merge has asked for, and what came of them.

    Args:
        data: unites them; None if clones have no data.
    """

    def __init__(self, data: Unites | None) -> None:
        self._data = data
        self._known: dict[Pointers, bytes] = {}
        self._asked: set[Pointers] = set()

    def find(self, pointers: Pointers) -> bytes | None:
        """Returns what came of pointers; None if nothing did, or not yet."""
        if pointers not in self._known:
            self._asked.add(pointers)
        return self._known.get(pointers)

    def work(self, repository: Repository) -> bool:
        """Unites what was asked for; returns whether a merge may find more now.

        Args:
            repository: the clone that has the pointers.
        """
        asked, self._asked = self._asked, set()
        before = len(self._known)
        if self._data is None:
            return False
        for pointers in asked:
            united = self._data.unite(repository, pointers)
            if united is not None:
                self._known[pointers] = united
        return len(self._known) > before

"""Uniting what two clones made of the files of one run or dataset.

A record has one pointer for all its files, so two people who add different ones change the same
pointer. Which files a pointer stands for is kept with the data, perhaps far away; so a merge only
asks for what is known, and what it did not find out is found out afterwards, with no lock held.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from padre_git.messages.settling import Choice
from padre_git.vcs.repository import Repository

__all__ = ["Pointers", "Unite", "United", "Unites", "Uniting", "nothing_united"]


class Pointers(NamedTuple):
    """Is one pointer in three versions, and what was decided about the files behind it.

    Attributes:
        base: content in the common ancestor; None if there was none.
        ours: content on this side.
        theirs: content on the other side.
        choices: the side that counts for each file that both changed, as far as that is decided.
    """

    base: bytes | None
    ours: bytes
    theirs: bytes
    choices: tuple[tuple[str, Choice], ...] = ()


class United(NamedTuple):
    """Is what comes of a pointer that both sides changed.

    Attributes:
        content: the new pointer; None while somebody has to decide.
        version: hash of what it stands for.
        disputed: what each file that both changed was before, is here and is there, by name; its
            hash and size, or None for no file.
    """

    content: bytes | None
    version: str | None = None
    disputed: Mapping[str, tuple[object, object, object]] = {}


#: Returns what comes of three versions of a pointer; None if that is not known.
Unite = Callable[[Pointers], United | None]


def nothing_united(_: Pointers) -> United | None:
    """Returns None: there is nobody who knows the data."""
    return None


class Unites(Protocol):
    """Knows the data of clones."""

    def unite(self, repository: Repository, pointers: Pointers) -> United | None:
        """Returns what comes of a pointer that both sides changed; None if nobody can say."""


class Uniting:
    """Remembers which pointers a merge has asked for, and what came of them.

    Args:
        data: unites them; None if clones have no data.
    """

    def __init__(self, data: Unites | None) -> None:
        self._data = data
        self._known: dict[Pointers, United] = {}
        self._asked: set[Pointers] = set()

    def find(self, pointers: Pointers) -> United | None:
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

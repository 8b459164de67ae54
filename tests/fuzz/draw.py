"""Choices made by bytes, so that a fuzzer that changes a byte changes one choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Draw"]

T = TypeVar("T")


class Draw:
    """Reads choices from bytes; when they are used up, every choice is the first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, below: int) -> int:
        """Returns a number from 0 to before a limit of at most 65,536."""
        size = 1 if below <= 256 else 2
        found = int.from_bytes(self._data[self._at : self._at + size], "big")
        self._at += size
        return found % below

    def one(self, among: Sequence[T]) -> T:
        """Returns one of some things."""
        return among[self.number(len(among))]

    def flag(self) -> bool:
        """Returns whether."""
        return self.number(2) == 1

    def piece(self, most: int) -> bytes:
        """Returns up to so many bytes, their number first."""
        size = self.number(most + 1)
        found = self._data[self._at : self._at + size]
        self._at += size
        return found

    def rest(self) -> bytes:
        """Returns what is left."""
        found = self._data[self._at :]
        self._at = len(self._data)
        return found

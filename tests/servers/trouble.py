"""What can happen to a connection on its way, and where in its stream it begins."""

from __future__ import annotations

import dataclasses
import enum
import random
from typing import ClassVar

__all__ = ["Kind", "Trouble", "Way", "draw"]


class Kind(enum.Enum):
    """Names what a network does to a connection."""

    NONE = "none"
    REFUSE = "refuse"
    CUT = "cut"
    STALL = "stall"
    RESET = "reset"
    LOSE_REPLY = "lose reply"
    GARBLE = "garble"


class Way(enum.Enum):
    """Names the two ways of a connection; up is from the client to the server."""

    UP = "up"
    DOWN = "down"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trouble:
    """Is one kind of trouble and the place in the stream where it begins.

    ``Trouble.CUT`` begins with the first byte that the client sends, ``Trouble.CUT(up=4000)``
    after 4000 of its bytes, ``Trouble.STALL(down=100)`` after 100 bytes of the server. With a
    mark, bytes are counted from where the client has sent it for the first time:
    ``Trouble.LOSE_REPLY(mark=b"POST ")``.

    Attributes:
        kind: what happens.
        up: after how many bytes of the client; None if these do not count.
        down: after how many bytes of the server; None if these do not count.
        mark: what the client must have sent before bytes are counted.
    """

    NONE: ClassVar[Trouble]
    REFUSE: ClassVar[Trouble]
    CUT: ClassVar[Trouble]
    STALL: ClassVar[Trouble]
    RESET: ClassVar[Trouble]
    LOSE_REPLY: ClassVar[Trouble]
    GARBLE: ClassVar[Trouble]

    kind: Kind
    up: int | None = None
    down: int | None = None
    mark: bytes = b""

    def __call__(
        self, *, up: int | None = None, down: int | None = None, mark: bytes = b""
    ) -> Trouble:
        """Returns the same trouble in another place."""
        if up is None and down is None:
            up, down = self.up, self.down
        return Trouble(kind=self.kind, up=up, down=down, mark=mark)


Trouble.NONE = Trouble(kind=Kind.NONE)
Trouble.REFUSE = Trouble(kind=Kind.REFUSE)
Trouble.CUT = Trouble(kind=Kind.CUT, up=0)
Trouble.STALL = Trouble(kind=Kind.STALL, up=0)
Trouble.RESET = Trouble(kind=Kind.RESET, up=0)
Trouble.LOSE_REPLY = Trouble(kind=Kind.LOSE_REPLY, up=0)
Trouble.GARBLE = Trouble(kind=Kind.GARBLE, down=0)

# How often each comes, among connections that have any. A stall costs as long as the client has
# patience, and garbled bytes are rare where TCP has a checksum.
_OFTEN = {
    Kind.REFUSE: 3,
    Kind.CUT: 6,
    Kind.RESET: 5,
    Kind.LOSE_REPLY: 5,
    Kind.STALL: 1,
    Kind.GARBLE: 1,
}
_MARKS = (b"", b"", b"POST ")
_FARTHEST = 15


def draw(chance: random.Random, rate: float) -> Trouble:
    """Draws what happens to a connection.

    Args:
        chance: where luck comes from.
        rate: how many of a hundred connections have trouble, divided by a hundred.
    """
    if chance.random() >= rate:
        return Trouble.NONE
    (kind,) = chance.choices(list(_OFTEN), list(_OFTEN.values()))
    # As many places below a hundred bytes as between a hundred and ten thousand.
    place = int(2 ** (chance.random() * _FARTHEST)) - 1
    mark = chance.choice(_MARKS)
    if kind is Kind.LOSE_REPLY or (kind is not Kind.GARBLE and chance.random() < 0.5):
        return Trouble(kind=kind, up=place, mark=mark)
    return Trouble(kind=kind, down=place, mark=mark)

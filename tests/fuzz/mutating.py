"""Small changes of bytes, for a look around what is known without libFuzzer."""

from __future__ import annotations

import random

__all__ = ["mutated"]

_PIECES = (
    b"\0", b"\xff", b"\n", b" ", b":", b"- ", b'"', b"'", b"#", b"/", b"..", b"-", b"0", b"9" * 20,
    b"nan", b"{", b"}", b"[", b"]", b"\\u0000", b"\xc3\xa9", b"\xed\xa0\x80", b"\xf0\x9f\x99\x82",
)  # fmt: skip


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Returns bytes with one to four small changes."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((0, 0, 1, 1, 4, 30)))
        other = chance.randrange(len(data) + 1)
        new = chance.choice(
            (b"", chance.randbytes(1), chance.choice(_PIECES), data[other : other + 12])
        )
        data = data[:start] + new + data[end:]
    return data

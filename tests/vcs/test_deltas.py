"""Deltas of trees: git reads what we make, and it is small."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from padre_git.backends import GitBackend
from padre_git.testing.documents import EXECUTION, EXPERIMENT, IRIS, put, run_key, store
from padre_git.vcs.deltas import delta
from padre_git.vcs.packindex import read_index
from padre_git.vcs.packs import pack_head
from tests.conftest import git

PIECES = st.lists(st.sampled_from([b"", b"a", b"ab", b"x" * 40, b"y" * 300]), max_size=6)


def applied(base: bytes, orders: bytes) -> bytes:
    """Does what a delta says, as git's own page on packs describes it."""
    numbers, at = [], 0
    for _ in range(2):
        value = shift = 0
        while True:
            byte, at = orders[at], at + 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        numbers.append(value)
    made = b""
    while at < len(orders):
        order, at = orders[at], at + 1
        if order & 0x80:
            fields = []
            for bit in range(7):
                byte = 0
                if order >> bit & 1:
                    byte, at = orders[at], at + 1
                fields.append(byte)
            start = int.from_bytes(bytes(fields[:4]), "little")
            size = int.from_bytes(bytes(fields[4:]), "little") or 0x10000
            made += base[start : start + size]
        else:
            made += orders[at : at + order]
            at += order
    assert numbers == [len(base), len(made)]
    return made


@given(PIECES, PIECES, PIECES, PIECES)
def test_a_delta_makes_the_one_content_of_the_other(
    head: list[bytes], one: list[bytes], other: list[bytes], tail: list[bytes]
) -> None:
    base = b"".join([*head, *one, *tail])
    target = b"".join([*head, *other, *tail])
    made = delta(base, target)
    assert made is not None
    assert applied(base, made) == target


def test_large_contents_are_copied_in_one_piece() -> None:
    base = bytes(range(256)) * 1024
    for size in (0x10000, 0x10001, len(base)):
        made = delta(base[:size], base[:size] + b"!")
        assert made is not None
        assert applied(base[:size], made) == base[:size] + b"!"
        assert len(made) < 20


def test_git_reads_merged_packs_of_many_commits_and_they_are_small(tmp_path: Path) -> None:
    with GitBackend(tmp_path) as backend:
        store(backend, IRIS)
        store(backend, EXPERIMENT, EXECUTION)
        for number in range(70):
            put(backend, run_key(number))
        assert len(list(backend.scan(EXPERIMENT))) == 71
        assert backend.verify("iris") == ()
    clone = tmp_path / "iris"
    git("fsck", "--full", "--strict", cwd=clone)
    packs = sorted((clone / ".git/objects/pack").glob("*.pack"), key=lambda p: -p.stat().st_size)
    listed = git("verify-pack", "-v", packs[0].with_suffix(".idx"), cwd=clone)
    assert "chain length = 9" in listed
    merged = [pack for pack in packs if len(read_index(pack.with_suffix(".idx"))) > 100]
    assert sum(pack.stat().st_size for pack in merged) < 64 * 2_500


def test_a_damaged_base_costs_what_is_built_on_it_and_nothing_else(tmp_path: Path) -> None:
    with GitBackend(tmp_path) as backend:
        store(backend, IRIS)
        store(backend, EXPERIMENT, EXECUTION)
        for number in range(40):
            put(backend, run_key(number))
    clone = tmp_path / "iris"
    pack = max((clone / ".git/objects/pack").glob("*.pack"), key=lambda path: path.stat().st_size)
    content = bytearray(pack.read_bytes())
    assert content[:8] == pack_head(0)[:8]
    content[len(content) // 3] ^= 0x10
    pack.chmod(0o644)
    pack.write_bytes(content)
    with GitBackend(tmp_path) as backend:
        left = backend.repair("iris")
        assert [one.source for one in left] == [None] * len(left)
        assert set(backend.scan(EXPERIMENT)) >= {run_key(number) for number in range(40)}

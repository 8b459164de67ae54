"""Objects and packs are git's own: it reads ours and we read its."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from padre_git.errors import DamagedError
from padre_git.messages import Author
from padre_git.vcs.deltas import offset_bytes
from padre_git.vcs.objects import (
    DIRECTORY,
    FILE,
    Entry,
    build_commit,
    build_tree,
    check_path,
    object_id,
    parse_commit,
    parse_tree,
    sort_tree,
    tidy_author,
)
from padre_git.vcs.packindex import read_index
from padre_git.vcs.packs import Packed, PackWriter, entry_head, write_pack
from padre_git.vcs.upkeep import FAN_IN, Upkeep
from tests.conftest import git

IDS = st.binary(min_size=20, max_size=20).map(bytes.hex)
NAMES = st.text(
    st.characters(blacklist_characters="/\0\\", blacklist_categories=("Cs",)),
    min_size=1,
    max_size=8,
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git("init", "-q", "-b", "main", ".", cwd=tmp_path)
    return tmp_path


@given(st.dictionaries(NAMES, st.tuples(st.sampled_from([DIRECTORY, FILE]), IDS)))
def test_trees_come_back_as_they_were(entries: dict[str, tuple[int, str]]) -> None:
    tree = sort_tree({name: Entry(*value) for name, value in entries.items()})
    again = parse_tree(build_tree(tree))
    assert again == tree
    assert list(again) == list(tree)


def test_a_tree_is_sorted_as_git_sorts_it(repository: Path) -> None:
    names = ["a", "a.b", "a-b", "a0", "ab", "b", "ä", "A"]
    blob = git("hash-object", "-w", "--stdin", cwd=repository, input="x").strip()
    inner = git("mktree", cwd=repository, input=f"100644 blob {blob}\tx\n").strip()
    for directory in names:
        entries = {
            n: Entry(DIRECTORY, inner) if n == directory else Entry(FILE, blob) for n in names
        }
        lines = "".join(
            f"{mode:06o} {'tree' if mode == DIRECTORY else 'blob'} {oid}\t{name}\n"
            for name, (mode, oid) in entries.items()
        )
        expected = git("mktree", cwd=repository, input=lines).strip()
        assert object_id("tree", build_tree(sort_tree(entries))) == expected


@pytest.mark.parametrize("content", [b"x", b"100644 a\0short", b"100644\0" + bytes(20), b"8 a\0"])
def test_what_is_no_tree_is_damage(content: bytes) -> None:
    with pytest.raises(DamagedError):
        parse_tree(content)


@given(
    st.text(max_size=20),
    st.text(max_size=20),
    st.text(max_size=50),
    st.datetimes(min_value=datetime(1970, 1, 3), max_value=datetime(2200, 1, 1)),
    st.integers(-23 * 60, 23 * 60),
)
def test_commits_come_back_as_they_were(
    name: str, email: str, text: str, moment: datetime, minutes: int
) -> None:
    time = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    author = Author(name=name, email=email)
    content = build_commit(
        tree="1" * 40,
        parents=["2" * 40, "3" * 40],
        author=author,
        time=time,
        committer=author,
        committed=time,
        text=text,
    )
    found = parse_commit(content)
    assert (found.tree, found.parents) == ("1" * 40, ("2" * 40, "3" * 40))
    assert found.time == time
    assert found.time.utcoffset() == time.utcoffset()
    assert b"\0" not in content
    assert found.author.email == tidy_author(author).email.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("content", [b"", b"tree x\n\n", b"tree x\nauthor y\ncommitter z\n\n"])
def test_what_is_no_commit_is_damage(content: bytes) -> None:
    with pytest.raises(DamagedError):
        parse_commit(content)


def test_git_finds_every_author_well_formed(repository: Path) -> None:
    odd = ["", " ", "<>", "a\nb", "Ünïcode", "...", "A. B.", "x <y> z", '"q"', "\0"]
    writer = PackWriter(repository / ".git/objects")
    tree = writer.add("tree", b"")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for name in odd:
        who = Author(name=name, email=name)
        commit = build_commit(
            tree=tree, parents=[], author=who, time=now, committer=who, committed=now, text="x"
        )
        oid = writer.add("commit", commit)
        writer.flush()
        git("update-ref", "refs/heads/main", oid, cwd=repository)
        out = git("fsck", "--full", "--strict", "--no-dangling", cwd=repository)
        assert out == "", name


def test_paths_come_apart_at_their_slashes() -> None:
    assert check_path("a/b c/ä.gitx") == ("a", "b c", "ä.gitx")


@settings(max_examples=25)
@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=40))
def test_git_reads_every_pack_that_we_write(contents: list[bytes]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        git("init", "-q", ".", cwd=root)
        writer = PackWriter(root / ".git/objects")
        ids = [writer.add("blob", content) for content in contents]
        writer.flush()
        out = git("cat-file", "--batch-check", cwd=root, input="\n".join(ids) + "\n")
        assert out.split("\n")[:-1] == [
            f"{oid} blob {len(content)}" for oid, content in zip(ids, contents, strict=True)
        ]
        (pack,) = (root / ".git/objects/pack").glob("*.pack")
        git("verify-pack", pack, cwd=root)
        assert oct(pack.stat().st_mode)[-3:] == "444"
        expected = root / "own.idx"
        git("index-pack", "-o", expected, pack, cwd=root)
        assert expected.read_bytes() == pack.with_suffix(".idx").read_bytes()


def test_two_threads_may_write_the_same_objects_at_once(repository: Path) -> None:
    packs = repository / ".git" / "objects" / "pack"
    with ThreadPoolExecutor(4) as threads:
        for number in range(60):
            content = str(number).encode()
            written = set(threads.map(write_one, [packs] * 8, [content] * 8))
            assert len(written) == 1
    assert not list(packs.glob("tmp_*"))


def test_an_object_is_written_once(repository: Path) -> None:
    writer = PackWriter(repository / ".git/objects")
    assert writer.add("blob", b"x") == writer.add("blob", b"x")
    writer.flush()
    writer.add("blob", b"x")
    writer.flush()
    assert len(list((repository / ".git/objects/pack").glob("*.pack"))) == 1
    writer.flush()


def test_git_reads_packs_that_were_merged_with_their_deltas(repository: Path) -> None:
    packs = repository / ".git/objects/pack"
    text = b"".join(b"line %d\n" % n for n in range(500))
    wanted: dict[str, bytes] = {}
    for number in range(FAN_IN):
        contents = [text, text + b"more %d\n" % number, b"%d" % number, b""]
        lines = []
        for content in contents:
            oid = object_id("blob", content)
            wanted[oid] = content
            git("hash-object", "-w", "--stdin", cwd=repository, input=content.decode())
            lines.append(oid)
        git("pack-objects", "-q", packs / "pack", cwd=repository, input="\n".join(lines) + "\n")
    for loose in repository.glob(".git/objects/??/*"):
        loose.unlink()
    chains = git("verify-pack", "-v", *packs.glob("*.idx"), cwd=repository)
    assert "chain length = 1" in chains
    Upkeep(repository / ".git/objects").run()
    (merged,) = packs.glob("*.pack")
    git("verify-pack", merged, cwd=repository)
    assert "chain length = 1" in git("verify-pack", "-v", merged, cwd=repository)
    for oid, content in wanted.items():
        assert git("cat-file", "blob", oid, cwd=repository).encode() == content
    assert {place.id.hex() for place in read_index(merged.with_suffix(".idx"))} == set(wanted)


def test_a_damaged_pack_is_not_copied_into_one_that_looks_sound(repository: Path) -> None:
    packs = repository / ".git/objects/pack"
    made = [write_one(packs, b"%d" % number) for number in range(FAN_IN)]
    content = bytearray(made[0].read_bytes())
    content[14] ^= 0xFF
    made[0].chmod(0o644)
    made[0].write_bytes(content)
    Upkeep(repository / ".git/objects").run()
    assert sorted(packs.glob("*.pack")) == sorted(made)


def test_packs_that_somebody_looks_after_are_left_alone(repository: Path) -> None:
    packs = repository / ".git/objects/pack"
    for number in range(FAN_IN + 1):
        made = write_one(packs, b"%d" % number)
        made.with_suffix(".keep").touch()
    Upkeep(repository / ".git/objects").run()
    assert len(list(packs.glob("*.pack"))) == FAN_IN + 1


def write_one(packs: Path, content: bytes) -> Path:
    import zlib

    oid = bytes.fromhex(object_id("blob", content))
    return write_pack(packs, [Packed(oid, entry_head(3, len(content)) + zlib.compress(content))])


def test_a_damaged_pack_is_not_merged(repository: Path) -> None:
    packs = repository / ".git/objects/pack"
    for number in range(FAN_IN):
        made = write_one(packs, b"%d" % number)
    index = made.with_suffix(".idx")
    index.chmod(0o644)
    index.write_bytes(b"garbage")
    before = sorted(packs.iterdir())
    Upkeep(repository / ".git/objects").run()
    assert sorted(packs.iterdir()) == before


@given(st.integers(1, 2**40))
def test_distances_are_written_as_git_reads_them(distance: int) -> None:
    found, raw = 0, offset_bytes(distance)
    for position, byte in enumerate(raw):
        found = byte & 0x7F if position == 0 else (found + 1) << 7 | byte & 0x7F
    assert found == distance
    assert all(byte & 0x80 for byte in raw[:-1])


def test_ids_are_gits() -> None:
    assert object_id("blob", b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    content = os.urandom(10)
    assert object_id("blob", content) == hashlib.sha1(b"blob 10\0" + content).hexdigest()

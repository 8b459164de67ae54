"""Soundness: every object of a clone, byte by byte, and which of them cannot be relied on.

Packs are read here and not by git, which stops at the first error: the index of a pack has a
checksum for each of its objects, so a damaged byte costs one object and what is built on it.
"""

from __future__ import annotations

import mmap
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from padre_git.errors import unless_scarce
from padre_git.messages.damage import Piece, Source
from padre_git.vcs.objects import object_id
from padre_git.vcs.packindex import Place, has_checksum, pack_of, read_index
from padre_git.vcs.packs import pack_head, write_pack
from padre_git.vcs.process import try_git
from padre_git.vcs.upkeep import unsound, without

__all__ = ["Flaw", "Stock", "derived", "state_of", "take_stock"]

_LOOSE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{38}")
_DERIVED = (".rev", ".bitmap")


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """Is one thing that is wrong with a clone, as git's files have it.

    Attributes:
        piece: what is damaged.
        name: a path below the common git directory, a ref, an object's id, or a file of the
            work tree.
        problem: what is wrong.
        source: what it can be restored from; None for nothing known.
        objects: ids of the objects that cannot be read because of it.
        paths: files and directories of the project that it touches; ``""`` for all.
    """

    piece: Piece
    name: str
    problem: str
    source: Source | None = None
    objects: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()


@dataclass
class Stock:
    """Is what a clone has of objects.

    Attributes:
        sound: ids of those that can be had as they were written, maybe from ``spare``.
        flaws: files that are not as they were written.
        spare: what can take the place of a damaged pack, by pack: a pack with what is left of it,
            or an index for it.
    """

    sound: set[str] = field(default_factory=set)
    flaws: list[Flaw] = field(default_factory=list)
    spare: dict[Path, Path] = field(default_factory=dict)

    def unsound(self) -> set[str]:
        """Returns the objects that have a file and cannot be had."""
        named = (flaw.objects for flaw in self.flaws)
        return set().union(*named) - self.sound


def take_stock(common: Path, spare: Path) -> Stock:
    """Reads every object in a clone.

    Args:
        common: the common git directory.
        spare: an empty directory, for what can be made of damaged packs.
    """
    stock = Stock()
    _loose(common, stock)
    directory = common / "objects" / "pack"
    names = _names(directory)
    for name in names:
        if name.endswith(_DERIVED) and not _is_whole(directory / name):
            stock.flaws.append(derived(common, directory / name))
    for stem in sorted({name.rpartition(".")[0] for name in names if _is_pack(name)}):
        _pack(common, directory / f"{stem}.pack", stock, spare)
    return stock


def _names(directory: Path) -> list[str]:
    try:
        return sorted(os.listdir(directory))  # noqa: PTH208 - names are all that is needed
    except FileNotFoundError:
        return []


def _is_pack(name: str) -> bool:
    return name.startswith("pack-") and name.endswith((".pack", ".idx"))


def _is_whole(path: Path) -> bool:
    try:
        return has_checksum(path)
    except FileNotFoundError:  # swept at this moment
        return True
    except OSError as error:
        unless_scarce(error)
        return False


def derived(common: Path, path: Path) -> Flaw:
    """Returns the flaw of a file that can be made again from the objects."""
    name = path.relative_to(common).as_posix()
    return Flaw(piece=Piece.DERIVED, name=name, problem=state_of(path), source=Source.REST)


def state_of(path: Path) -> str:
    """Returns what is wrong with a file whose bytes are not what they should be."""
    try:
        return "damaged" if path.stat().st_size else "empty"
    except FileNotFoundError:
        return "missing"


# ------------------------------------------------------------------------------------------- loose


def _loose(common: Path, stock: Stock) -> None:
    objects = common / "objects"
    for directory in (name for name in _names(objects) if len(name) == 2):
        for name in _names(objects / directory):
            if _LOOSE.fullmatch(f"{directory}/{name}"):
                _loose_one(common, objects / directory / name, stock)


def _loose_one(common: Path, path: Path, stock: Stock) -> None:
    oid = path.parent.name + path.name
    try:
        content = path.read_bytes()
    except FileNotFoundError:  # packed at this moment
        return
    except OSError as error:
        unless_scarce(error)
        content = b""
    try:
        inflater = zlib.decompressobj()
        framed = inflater.decompress(content)
        is_sound = inflater.eof and _names_itself(framed, oid)
    except zlib.error:
        is_sound = False
    if is_sound:
        stock.sound.add(oid)
        return
    name = path.relative_to(common).as_posix()
    problem = "damaged" if content else "empty"
    stock.flaws.append(
        Flaw(piece=Piece.OBJECT, name=name, problem=problem, objects=frozenset([oid]))
    )


def _names_itself(framed: bytes, oid: str) -> bool:
    head, end, content = framed.partition(b"\0")
    kind, _, size = head.partition(b" ")
    return bool(end) and size == b"%d" % len(content) and object_id(kind.decode(), content) == oid


# ------------------------------------------------------------------------------------------- packs


def _pack(common: Path, pack: Path, stock: Stock, spare: Path) -> None:
    try:
        index = read_index(pack.with_suffix(".idx"))
    except (OSError, ValueError) as error:
        unless_scarce(error)
        _without_index(common, pack, stock, spare)
        return
    every = frozenset(place.id.hex() for place in index)
    gone = _gone(pack, index)
    stock.sound.update(every - gone)
    is_read = _fits(pack, len(index))
    if is_read and not gone and _is_whole(pack):
        return
    if len(gone) < len(index):
        with _mapped(pack) as data:
            rest = without(index, data, {bytes.fromhex(oid) for oid in gone})
        stock.spare[pack] = write_pack(spare, rest)
    bad = gone if is_read else every
    name = pack.relative_to(common).as_posix()
    stock.flaws.append(Flaw(piece=Piece.PACK, name=name, problem=state_of(pack), objects=bad))


def _fits(pack: Path, count: int) -> bool:
    """Returns whether git takes a pack for that of its index; else it reads nothing of it."""
    try:
        with pack.open("rb") as file:
            head = file.read(12)
            file.seek(-20, os.SEEK_END)
            last = file.read(20)
    except OSError as error:
        unless_scarce(error)
        return False
    return head == pack_head(count) and last == pack_of(pack.with_suffix(".idx"))


def _without_index(common: Path, pack: Path, stock: Stock, spare: Path) -> None:
    """Looks into a pack whose index cannot be used, with one that is made from its content."""
    index = pack.with_suffix(".idx")
    name = index.relative_to(common).as_posix()
    made = spare / index.name
    link = spare / pack.name
    if pack.exists():
        is_made = made.exists()  # what is left of another pack is this one, of a killed repair
        if not is_made:
            link.symlink_to(pack.resolve())
        if is_made or not try_git(["index-pack", "-o", str(made), str(link)], spare).code:
            ids = frozenset(place.id.hex() for place in read_index(made))
            stock.sound |= ids
            stock.spare[pack] = made
            flaw = Flaw(piece=Piece.PACK_INDEX, name=name, problem=state_of(index), objects=ids)
            stock.flaws.append(replace(flaw, source=Source.REST))
            return
        link.unlink()
        name = pack.relative_to(common).as_posix()
    # without both nobody can say what was in it
    stock.flaws.append(Flaw(piece=Piece.PACK, name=name, problem="damaged, with its index"))


def _gone(pack: Path, index: list[Place]) -> frozenset[str]:
    """Returns the objects of a pack that are not as they were written, or are built on such."""
    try:
        with _mapped(pack) as data:
            return frozenset(oid.hex() for oid in unsound(index, data))
    except (OSError, ValueError) as error:  # gone, empty
        unless_scarce(error)
        return frozenset(place.id.hex() for place in index)


@contextmanager
def _mapped(pack: Path) -> Iterator[mmap.mmap]:
    with pack.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data

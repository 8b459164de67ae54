"""One damaged byte, or a missing end: damaged data is never handed out, whatever copy it is in."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import padre_git
from padre_git import ArtifactCorruptError, ArtifactMissingError, Store
from padre_git.model import Key

_SIZE = 4096
_WHOLE = random.Random(5).randbytes(_SIZE)
_DATASET = "iris/data"


@dataclass(frozen=True)
class Lab:
    """Is a store with 4 KB of data, and where they are."""

    store: Store
    cached: Path
    remote: Path | None

    def read(self) -> bytes:
        with self.store.artifacts.open(_DATASET, "data") as stream:
            return stream.read()


def open_lab(directory: Path, *, far: Path | None) -> Lab:
    """Opens a store, with its data on a remote, too, if one is given."""
    (directory / "source").write_bytes(_WHOLE)
    store = padre_git.open(
        directory / "ada", remote=None if far is None else directory / "lab",
        artifacts=far, policy="manual",
    )  # fmt: skip
    store.projects.put(padre_git.Project(name="iris"))
    store.datasets.put(padre_git.Dataset(project="iris", name="data"))
    [kept] = store.artifacts.put(_DATASET, directory / "source", "data")
    place = f"files/md5/{kept.md5[:2]}/{kept.md5[2:]}"
    (cached,) = (directory / "ada").glob(f"iris/.git/padre/**/{place}")
    if far is None:
        return Lab(store, cached, None)
    store.push("iris")
    (remote,) = far.glob(f"**/{place}")
    return Lab(store, cached, remote)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Lab]:
    """The data are in the cache alone."""
    lab = open_lab(tmp_path, far=None)
    with lab.store:
        yield lab


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Lab]:
    """The data are in the cache and on a remote."""
    (tmp_path / "lab").mkdir()
    lab = open_lab(tmp_path, far=tmp_path / "far")
    with lab.store:
        yield lab


def flipped(position: int) -> bytes:
    """Returns the data with one byte changed, in one bit or in all."""
    bits = 0xFF if position % 2 else 1 << position % 8
    return _WHOLE[:position] + bytes([_WHOLE[position] ^ bits]) + _WHOLE[position + 1 :]


def cut_off(length: int) -> bytes:
    """Returns the beginning of the data."""
    return _WHOLE[:length]


def become(path: Path, content: bytes) -> None:
    """Changes an object in its own file and without a new time, as a disk does it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    like = path.stat() if path.exists() else None
    if like is not None:
        path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)
    if like is not None:
        os.utime(path, ns=(like.st_atime_ns, like.st_mtime_ns))


#: Asking for data as people do takes half a minute for every byte in turn.
SOME_DAMAGES = [
    pytest.param(flipped, range(0, _SIZE, 61), id="flipped"),
    pytest.param(flipped, range(_SIZE), id="flipped-each", marks=pytest.mark.nightly),
    pytest.param(cut_off, range(0, _SIZE, 97), id="cut-off"),
]
Damaged = Callable[[int], bytes]


def test_each_byte_of_an_object_counts(here: Lab) -> None:
    cache = here.store.artifacts.data_of(Key.parse("iris")).cache
    md5 = here.cached.parent.name + here.cached.name
    for position in range(_SIZE):
        become(here.cached, flipped(position))
        with pytest.raises(ArtifactCorruptError):
            cache.read(md5)
    become(here.cached, _WHOLE)
    assert cache.read(md5) == _WHOLE


@pytest.mark.parametrize(("damaged", "where"), SOME_DAMAGES)
def test_damage_in_the_only_copy_is_never_handed_out(
    here: Lab, damaged: Damaged, where: Iterable[int]
) -> None:
    for position in where:
        become(here.cached, damaged(position))
        with pytest.raises((ArtifactCorruptError, ArtifactMissingError)):
            here.read()
    become(here.cached, _WHOLE)
    assert here.read() == _WHOLE


@pytest.mark.parametrize(("damaged", "where"), SOME_DAMAGES)
def test_damage_in_the_cache_is_mended_from_the_remote(
    both: Lab, damaged: Damaged, where: Iterable[int]
) -> None:
    for position in where:
        become(both.cached, damaged(position))
        assert both.read() == _WHOLE
        assert both.cached.read_bytes() == _WHOLE


@pytest.mark.parametrize(("damaged", "where"), SOME_DAMAGES)
def test_damage_on_the_remote_is_never_fetched(
    both: Lab, damaged: Damaged, where: Iterable[int]
) -> None:
    assert both.remote is not None
    for position in where:
        become(both.remote, damaged(position))
        both.cached.unlink(missing_ok=True)
        with pytest.raises((ArtifactCorruptError, ArtifactMissingError)):
            both.read()
        assert not both.cached.exists()
    become(both.remote, _WHOLE)
    assert both.read() == _WHOLE


@pytest.mark.parametrize(("damaged", "where"), SOME_DAMAGES)
def test_a_whole_copy_here_does_not_need_the_damaged_one(
    both: Lab, damaged: Damaged, where: Iterable[int]
) -> None:
    assert both.remote is not None
    for position in where:
        become(both.remote, damaged(position))
        assert both.read() == _WHOLE


@pytest.mark.parametrize(("damaged", "where"), SOME_DAMAGES)
def test_where_both_copies_are_damaged_nothing_is_handed_out(
    both: Lab, damaged: Damaged, where: Iterable[int]
) -> None:
    assert both.remote is not None
    for position in where:
        become(both.remote, damaged(position))
        become(both.cached, damaged((position + 7) % _SIZE))
        with pytest.raises((ArtifactCorruptError, ArtifactMissingError)):
            both.read()

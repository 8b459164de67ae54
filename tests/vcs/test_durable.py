"""Files that take the place of others, and what is left of those."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from padre_git.errors import RepositoryError
from padre_git.vcs.durable import Replaced
from tests.faults.limits import no_file_grows_beyond
from tests.vcs.clones import assert_clean, create, one


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _settled(expected: int) -> bool:
    """Tells whether what is freed beside us is gone after a while."""
    end = time.monotonic() + 60
    while _open_files() > expected and time.monotonic() < end:
        time.sleep(0.01)
    return _open_files() <= expected


def test_a_file_takes_the_place_of_another_and_that_one_is_freed(tmp_path: Path) -> None:
    before = _open_files()
    replaced = Replaced()
    path = tmp_path / "index"
    for n in range(30):
        fresh = tmp_path / "fresh"
        fresh.write_bytes(str(n).encode())
        replaced.keep(path)
        fresh.replace(path)
        assert path.read_bytes() == str(n).encode()
    replaced.free()
    assert _settled(before)
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_not_there_or_no_file_holds_nothing(tmp_path: Path) -> None:
    before = _open_files()
    replaced = Replaced()
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    for name in ("nothing", "link"):
        replaced.keep(tmp_path / name)
        assert _open_files() == before


def test_a_new_file_of_which_the_disk_takes_a_part_is_taken_back(tmp_path: Path) -> None:
    with create(tmp_path / "iris") as clone:
        before = clone.tip()
        with no_file_grows_beyond(4096), pytest.raises(RepositoryError, match="written"):
            clone.advance(one({"experiments/svm/large.txt": b"a" * 100_000}))
        assert clone.tip() == before
        assert_clean(clone.path)

"""Files that take the place of others, and what is left of those."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from padre_git.vcs.durable import Replaced


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _settled(expected: int) -> bool:
    """Tells whether what is freed beside us is gone within five seconds."""
    until = time.monotonic() + 5
    while _open_files() > expected and time.monotonic() < until:
        time.sleep(0.01)
    return _open_files() <= expected


def test_a_file_takes_the_place_of_another_and_that_one_is_freed(tmp_path: Path) -> None:
    before = _open_files()
    replaced = Replaced()
    path = tmp_path / "index"
    for n in range(30):
        fresh = tmp_path / "fresh"
        fresh.write_bytes(str(n).encode())
        replaced.replace(fresh, path)
        assert path.read_bytes() == str(n).encode()
    replaced.free()
    assert _settled(before)
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_taken_is_an_error_and_holds_nothing(tmp_path: Path) -> None:
    before = _open_files()
    replaced = Replaced()
    (tmp_path / "directory").mkdir()
    (tmp_path / "fresh").touch()
    with pytest.raises(IsADirectoryError):
        replaced.replace(tmp_path / "fresh", tmp_path / "directory")
    replaced.free()
    assert _settled(before)


def test_what_was_linked_elsewhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    (tmp_path / "fresh").write_text("new")
    Replaced().replace(tmp_path / "fresh", tmp_path / "link")
    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / "link").read_text() == "new"
    assert not (tmp_path / "link").is_symlink()

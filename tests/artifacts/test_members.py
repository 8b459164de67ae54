"""Members: one pointer for a directory whose files come and go by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from padre_git.artifacts import Cache, Pointer, add_member, place, pointer_to, remove_member
from padre_git.artifacts.members import listing_of
from padre_git.errors import ArtifactError, InvalidInputError, NotFoundError
from tests.artifacts.conftest import damage, write


def put(cache: Cache, pointer: Pointer | None, name: str, content: bytes) -> Pointer:
    return add_member(cache, pointer, "artifacts", name, {"": cache.add_bytes(content)})


def contents(cache: Cache, pointer: Pointer) -> dict[str, bytes]:
    return {name: cache.read(md5) for name, md5 in listing_of(cache, pointer).items()}


def test_files_are_added_one_by_one(cache: Cache):
    first = put(cache, None, "model.bin", b"weights")
    second = put(cache, first, "plots/roc.png", b"png")
    assert contents(cache, second) == {"model.bin": b"weights", "plots/roc.png": b"png"}
    assert (second.size, second.nfiles, second.path) == (10, 2, "artifacts")
    assert contents(cache, first) == {"model.bin": b"weights"}


def test_a_file_is_replaced(cache: Cache):
    pointer = put(cache, put(cache, None, "model", b"old model"), "model", b"new")
    assert contents(cache, pointer) == {"model": b"new"}
    assert (pointer.size, pointer.nfiles) == (3, 1)


def test_the_same_content_gives_the_same_pointer_in_any_order(cache: Cache):
    one = put(cache, put(cache, None, "a", b"1"), "b", b"2")
    two = put(cache, put(cache, None, "b", b"2"), "a", b"1")
    assert one == two


def test_a_directory_is_added_and_replaced_whole(cache: Cache, tmp_path: Path):
    write(tmp_path / "m" / "a", b"1")
    write(tmp_path / "m" / "sub" / "b", b"22")
    pointer = add_member(cache, None, "artifacts", "model", place(cache, tmp_path / "m"))
    assert contents(cache, pointer) == {"model/a": b"1", "model/sub/b": b"22"}
    (tmp_path / "m" / "a").unlink()
    pointer = add_member(cache, pointer, "artifacts", "model", place(cache, tmp_path / "m"))
    assert contents(cache, pointer) == {"model/sub/b": b"22"}
    assert (pointer.size, pointer.nfiles) == (2, 1)


def test_a_member_is_removed_and_the_last_one_takes_the_pointer_along(cache: Cache):
    both = put(cache, put(cache, None, "a", b"1"), "b", b"22")
    one = remove_member(cache, both, "a")
    assert one is not None
    assert contents(cache, one) == {"b": b"22"}
    assert one.size == 2
    assert remove_member(cache, one, "b") is None
    with pytest.raises(NotFoundError):
        remove_member(cache, both, "c")


def test_a_member_whose_bytes_are_elsewhere_can_be_replaced(cache: Cache):
    pointer = put(cache, None, "a", b"1")
    cache.discard(listing_of(cache, pointer)["a"])
    pointer = put(cache, pointer, "a", b"22")
    assert pointer.size is None
    assert contents(cache, pointer) == {"a": b"22"}


def test_a_file_is_not_also_a_directory(cache: Cache):
    with pytest.raises(ArtifactError, match="a file and a directory"):
        put(cache, put(cache, None, "a", b"1"), "a/b", b"2")


@pytest.mark.parametrize("name", ["../x", "/x", ".git/hooks/pre-commit", "a\\b", ""])
def test_members_have_paths_that_stay(cache: Cache, name: str):
    with pytest.raises(ArtifactError):
        put(cache, None, name, b"x")


def test_a_single_file_has_no_members(cache: Cache, tmp_path: Path):
    pointer = pointer_to(cache, "data", place(cache, write(tmp_path / "x.csv", b"1,2\n")))
    assert not pointer.is_directory
    with pytest.raises(InvalidInputError, match="single file"):
        put(cache, pointer, "a", b"1")


def test_links_inside_a_directory_are_files_and_others_are_refused(cache: Cache, tmp_path: Path):
    write(tmp_path / "m" / "epoch-3", b"best")
    (tmp_path / "m" / "best").symlink_to("epoch-3")
    placed = place(cache, tmp_path / "m")
    assert placed["best"] == placed["epoch-3"]
    write(tmp_path / "secret", b"key")
    (tmp_path / "m" / "leak").symlink_to(tmp_path / "secret")
    with pytest.raises(ArtifactError, match="leak"):
        place(cache, tmp_path / "m")


def test_what_is_no_file_is_refused(cache: Cache, tmp_path: Path):
    (tmp_path / "m").mkdir()
    os.mkfifo(tmp_path / "m" / "pipe")
    with pytest.raises(ArtifactError, match="not a file"):
        place(cache, tmp_path / "m")


def test_a_directory_without_files_is_refused(cache: Cache, tmp_path: Path):
    (tmp_path / "m" / "empty").mkdir(parents=True)
    with pytest.raises(InvalidInputError, match="no files"):
        place(cache, tmp_path / "m")


def test_a_repository_in_a_directory_is_refused(cache: Cache, tmp_path: Path):
    write(tmp_path / "m" / ".git" / "config", b"")
    with pytest.raises(ArtifactError, match="git directory"):
        place(cache, tmp_path / "m")


def test_files_of_a_directory_that_is_given_away_are_linked(cache: Cache, tmp_path: Path):
    source = write(tmp_path / "m" / "a", b"1")
    items = place(cache, tmp_path / "m", link=True)
    assert cache.path(items["a"].md5).samefile(source)


def test_a_damaged_listing_is_not_built_upon(cache: Cache):
    pointer = put(cache, None, "a", b"1")
    damage(cache.path(pointer.md5), b"[]")
    with pytest.raises(ArtifactError, match=pointer.md5):
        put(cache, pointer, "b", b"2")

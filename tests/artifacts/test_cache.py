"""The cache: bytes go in once, come out checked, and survive what happens on the way."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from padre_git.artifacts import Cache
from padre_git.errors import (
    ArtifactCorruptError,
    ArtifactError,
    ArtifactMissingError,
    NotFoundError,
)
from tests.artifacts.conftest import damage, write
from tests.faults.limits import no_file_grows_beyond

EMPTY = "d41d8cd98f00b204e9800998ecf8427e"


def test_a_file_is_kept_where_dvc_looks_for_it(cache: Cache, tmp_path: Path):
    item = cache.add(write(tmp_path / "model.bin", b"weights"))
    md5 = hashlib.md5(b"weights").hexdigest()
    assert (item.md5, item.size, item.executable) == (md5, 7, False)
    kept = cache.root / "files" / "md5" / md5[:2] / md5[2:]
    assert kept.read_bytes() == b"weights"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o444


def test_the_cache_is_its_owners_alone(cache: Cache):
    cache.add_bytes(b"x")
    for directory in (cache.root, cache.root / "files", cache.root / "files" / "md5"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_opening_a_cache_makes_nothing(tmp_path: Path):
    assert not Cache(tmp_path / "none").has(EMPTY)
    assert not (tmp_path / "none").exists()


@settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
@given(content=st.binary(max_size=5000))
def test_bytes_come_back_as_they_were(cache: Cache, content: bytes):
    item = cache.add_bytes(content)
    assert item.md5 == hashlib.md5(content).hexdigest()
    assert cache.read(item.md5) == content


def test_a_file_larger_than_the_buffers_is_kept_whole(cache: Cache, tmp_path: Path):
    content = os.urandom(3 << 20) + b"tail"
    item = cache.add(write(tmp_path / "big", content))
    assert item.md5 == hashlib.md5(content).hexdigest()
    assert cache.read(item.md5) == content


def test_content_that_is_there_is_not_written_again(cache: Cache, tmp_path: Path):
    first = cache.add_bytes(b"same")
    before = cache.path(first.md5).stat()
    cache.add_bytes(b"same")
    cache.add(write(tmp_path / "same", b"same"))
    after = cache.path(first.md5).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("left", [b"", b"wei"])
def test_an_object_that_a_power_cut_left_short_is_replaced(cache: Cache, left: bytes):
    md5 = cache.add_bytes(b"weights").md5
    damage(cache.path(md5), left)
    cache.add_bytes(b"weights")
    assert cache.read(md5) == b"weights"


def test_an_emptied_object_counts_as_absent(cache: Cache):
    md5 = cache.add_bytes(b"weights").md5
    damage(cache.path(md5), b"")
    assert not cache.has(md5)
    with pytest.raises(ArtifactMissingError):
        cache.read(md5)


def test_an_empty_file_is_a_file(cache: Cache):
    assert cache.add_bytes(b"").md5 == EMPTY
    assert cache.has(EMPTY)
    assert cache.read(EMPTY) == b""


def test_no_flipped_byte_is_handed_out(cache: Cache, tmp_path: Path):
    content = bytes(range(256)) * 16
    md5 = cache.add_bytes(content).md5
    for place in range(0, len(content), 97):
        broken = bytearray(content)
        broken[place] ^= 1
        damage(cache.path(md5), bytes(broken))
        with pytest.raises(ArtifactCorruptError, match=md5):
            cache.read(md5)
        with pytest.raises(ArtifactCorruptError, match=md5):
            cache.materialise(md5, tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_what_is_not_there_is_named(cache: Cache):
    with pytest.raises(ArtifactMissingError, match=EMPTY):
        cache.open(EMPTY)


@pytest.mark.parametrize(
    "bad", ["", "../../etc/passwd", "x" * 32, "A" * 32, "0" * 31, "0" * 32 + ".dir.dir", "0" * 33]
)
def test_only_hashes_become_paths(cache: Cache, bad: str):
    with pytest.raises(ArtifactError):
        cache.path(bad)


def test_a_linked_file_is_the_object_until_it_is_removed(cache: Cache, tmp_path: Path):
    source = write(tmp_path / "big", b"a lot")
    item = cache.add(source, link=True)
    assert source.read_bytes() == b"a lot"
    assert cache.path(item.md5).samefile(source)
    source.unlink()
    assert stat.S_IMODE(cache.path(item.md5).stat().st_mode) == 0o444
    assert cache.read(item.md5) == b"a lot"


def test_a_file_with_another_name_is_copied_not_linked(cache: Cache, tmp_path: Path):
    source = write(tmp_path / "a", b"a lot")
    os.link(source, tmp_path / "b")
    item = cache.add(source, link=True)
    (tmp_path / "b").write_bytes(b"b")
    assert cache.read(item.md5) == b"a lot"


def test_what_is_already_kept_is_not_linked_again(cache: Cache, tmp_path: Path):
    md5 = cache.add_bytes(b"a lot").md5
    source = write(tmp_path / "a", b"a lot")
    assert cache.add(source, link=True).md5 == md5
    assert source.stat().st_nlink == 1


def test_an_object_that_somebody_can_still_write_to_is_not_counted_on(cache: Cache, tmp_path: Path):
    source = write(tmp_path / "a", b"a lot")
    md5 = cache.add(source, link=True).md5
    source.chmod(0o644)  # a process was killed here, and nobody has removed the file
    source.write_bytes(b"other")
    assert cache.add_bytes(b"a lot").md5 == md5
    assert cache.read(md5) == b"a lot"
    assert source.read_bytes() == b"other"


def test_a_disk_that_takes_nothing_is_an_error_of_ours_and_leaves_nothing(
    cache: Cache, tmp_path: Path
):
    source = write(tmp_path / "a", b"a lot" * 100)
    cache.add_bytes(b"here")
    with (
        no_file_grows_beyond(100),
        pytest.raises(ArtifactError, match="could not be written: file too large"),
    ):
        cache.add(source)
    assert list((cache.root / "tmp").iterdir()) == []


def test_a_link_is_followed_to_its_file(cache: Cache, tmp_path: Path):
    target = write(tmp_path / "epoch-3", b"best")
    (tmp_path / "best").symlink_to(target)
    assert cache.read(cache.add(tmp_path / "best").md5) == b"best"
    cache.add(tmp_path / "best", link=True)
    assert target.stat().st_nlink == 1


def test_only_files_are_taken(cache: Cache, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArtifactError, match="not a file"):
        cache.add(tmp_path / "pipe")
    with pytest.raises(ArtifactError, match="not a file"):
        cache.add(tmp_path)
    with pytest.raises(NotFoundError):
        cache.add(tmp_path / "nothing")


def test_a_failed_write_leaves_nothing(cache: Cache, tmp_path: Path):
    md5 = cache.add_bytes(b"first").md5
    source = os.open(write(tmp_path / "other", b"other"), os.O_RDONLY)
    with pytest.raises(ArtifactCorruptError):
        cache.receive(source, md5)
    os.close(source)
    assert cache.read(md5) == b"first"
    assert list((cache.root / "tmp").iterdir()) == []


def test_what_a_killed_process_left_is_swept_once_it_is_old(cache: Cache):
    cache.add_bytes(b"x")
    left = write(cache.root / "tmp" / "left", b"half")
    cache.sweep()
    assert left.exists()
    os.utime(left, (1, 1))
    cache.sweep()
    assert not left.exists()


def test_a_batch_keeps_everything(cache: Cache):
    with cache.batch() as batch:
        items = [batch.add_bytes(b"%d" % n) for n in range(20)]
    assert [cache.read(item.md5) for item in items] == [b"%d" % n for n in range(20)]


def test_executables_are_said_to_be(cache: Cache, tmp_path: Path):
    script = write(tmp_path / "run.sh", b"#!/bin/sh\n")
    script.chmod(0o755)
    item = cache.add(script)
    assert item.executable
    cache.materialise(item.md5, tmp_path / "out", executable=True)
    assert os.access(tmp_path / "out", os.X_OK)


def test_a_copy_can_be_changed_without_harm(cache: Cache, tmp_path: Path):
    md5 = cache.add_bytes(b"weights").md5
    cache.materialise(md5, tmp_path / "copy")
    (tmp_path / "copy").write_bytes(b"mine")
    assert cache.read(md5) == b"weights"


def test_the_cache_can_vanish_under_a_process(cache: Cache):
    cache.add_bytes(b"a")
    cache.root.rename(cache.root.with_name("gone"))
    assert cache.read(cache.add_bytes(b"b").md5) == b"b"

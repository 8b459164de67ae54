"""Files and trees as people have them: what cannot be kept is named, nothing is kept wrongly."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from padre_git.artifacts import Cache, ProjectData, place, pointer_to
from padre_git.artifacts.hashes import EMPTY
from padre_git.errors import ArtifactError
from tests.artifacts.conftest import write
from tests.faults.disks import disk
from tests.servers.processes import do_without, needs_root, workshop

_NOBODY = 65534


@pytest.mark.parametrize(
    "name", ["two\nlines", "bell\a", "back\\slash", os.fsdecode(b"latin-\xe9"), "e\u0301"]
)
def test_a_name_that_not_every_system_has_is_refused(
    cache: Cache, tmp_path: Path, name: str
) -> None:
    write(tmp_path / "tree" / "good", b"1")
    write(tmp_path / "tree" / name, b"2")
    with pytest.raises(ArtifactError, match="not the path of an artifact") as failed:
        place(cache, tmp_path / "tree")
    str(failed.value).encode()  # whatever the name was, it can be printed


@pytest.mark.parametrize("name", ["a.dir", ".dir", "x.dvc", "artifacts", ".gitignore", " ", "ü"])
def test_a_name_that_only_looks_special_is_one(
    data: ProjectData, tmp_path: Path, name: str
) -> None:
    write(tmp_path / "tree" / name, b"2")
    pointer = pointer_to(data.cache, "artifacts", place(data.cache, tmp_path / "tree"))
    assert data.get(pointer, name).read_bytes() == b"2"


@pytest.mark.parametrize("target", ["loop", "nothing", "..", "/etc/hostname", "sub"])
def test_a_link_to_what_is_no_file_of_the_tree_is_refused(
    cache: Cache, tmp_path: Path, target: str
) -> None:
    write(tmp_path / "tree" / "sub" / "a", b"1")
    (tmp_path / "tree" / "loop").symlink_to(target)
    with pytest.raises(ArtifactError, match=r"tree/loop.*link to something else"):
        place(cache, tmp_path / "tree")


def test_empty_files_and_empty_directories(data: ProjectData, tmp_path: Path) -> None:
    write(tmp_path / "tree" / "empty", b"")
    (tmp_path / "tree" / "nothing" / "below").mkdir(parents=True)
    items = place(data.cache, tmp_path / "tree")
    assert {name: item.md5 for name, item in items.items()} == {"empty": EMPTY}
    pointer = pointer_to(data.cache, "artifacts", items)
    assert data.get(pointer, "empty").read_bytes() == b""


def test_a_sparse_file_is_kept_with_its_holes(data: ProjectData, tmp_path: Path) -> None:
    file = tmp_path / "sparse"
    with file.open("wb") as stream:
        stream.truncate(40 << 20)
        stream.seek(20 << 20)
        stream.write(b"x")
    item = data.cache.add(file)
    with data.cache.open(item.md5) as kept, file.open("rb") as original:
        assert kept.read() == original.read()


@contextlib.contextmanager
def somebody_else() -> Iterator[None]:
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("what", ["file", "directory", "tree"])
def test_what_cannot_be_read_is_named(what: str) -> None:
    needs_root()
    with contextlib.ExitStack() as ends:
        above = workshop(ends)
        above.chmod(0o777)
        (above / "cache").mkdir()
        os.chown(above / "cache", _NOBODY, -1)
        write(above / "tree" / "sub" / "secret", b"1")
        shut = {"file": "tree/sub/secret", "directory": "tree/sub", "tree": "tree"}[what]
        (above / shut).chmod(0)
        with somebody_else(), pytest.raises(ArtifactError, match="cannot read") as failed:
            place(Cache(above / "cache"), above / "tree")
        assert str(above / shut) in str(failed.value)
        assert not (above / "cache" / "files").exists()


def test_a_file_of_another_disk_can_be_given_away(data: ProjectData) -> None:
    """What cannot be linked is copied."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        file = write(Path(directory) / "model.bin", b"weights")
        if file.stat().st_dev == data.project.stat().st_dev:
            do_without("needs a second file system")
        item = data.cache.add(file, link=True)
        assert data.cache.read(item.md5) == b"weights"
        file.write_bytes(b"changed")
        assert data.cache.read(item.md5) == b"weights"


_WRITES = """
import os, sys, time
with open(sys.argv[1], "r+b") as stream:
    print("begun", flush=True)
    while True:
        stream.seek(0)
        stream.write(os.urandom(1000))
        stream.flush()
        time.sleep(0.005)
"""


def again_and_again(work: Callable[[], object]) -> None:
    """Does something often: on a crowded machine, who is to disturb it may stand still."""
    for _ in range(50):
        work()


def test_a_file_that_is_written_to_while_it_is_read_is_refused(
    cache: Cache, tmp_path: Path
) -> None:
    """A half of each version would have a hash of its own, and nobody ever had that."""
    file = write(tmp_path / "model.bin", b"x" * 50_000_000)
    with subprocess.Popen([sys.executable, "-c", _WRITES, file], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        try:
            with pytest.raises(ArtifactError, match="changed while it was read"):
                again_and_again(lambda: cache.add(file))
        finally:
            writer.kill()
    assert cache.add(file).size == 50_000_000


def test_a_large_file_shares_its_blocks_where_the_disk_can(tmp_path: Path) -> None:
    """Nothing is written then, neither to place it nor to hand it out."""
    with disk(tmp_path, "xfs") as made:
        content = os.urandom(1 << 20) * 60
        file = write(made.place / "model.bin", content)
        os.sync()
        cache = Cache(made.place / "cache")
        free = shutil.disk_usage(made.place).free
        item = cache.add(file)
        cache.materialise(item.md5, made.place / "copy.bin")
        os.sync()
        assert free - shutil.disk_usage(made.place).free < 10 << 20
        with file.open("r+b") as stream:
            stream.write(b"changed")
        with (made.place / "copy.bin").open("r+b") as stream:
            stream.write(b"changed, too")
        assert cache.read(item.md5) == content

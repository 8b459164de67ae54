"""Crashes and crowds: killed processes leave whole objects, many writers lose nothing."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from padre_git.artifacts import Cache, place
from tests.artifacts.conftest import write

_WRITER = """
import os, random, sys
from pathlib import Path
from padre_git.artifacts import Cache
cache, source = Cache(Path(sys.argv[1])), Path(sys.argv[2])
while True:
    source.unlink(missing_ok=True)
    source.write_bytes(os.urandom(random.choice([100, 10_000, 20_000_000])))
    print(cache.add(source, link=random.random() < 0.3).md5, flush=True)
"""


def objects(cache: Cache) -> list[Path]:
    return [path for path in (cache.root / "files").rglob("*") if path.is_file()]


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_process_leaves_whole_objects_only(cache: Cache, tmp_path: Path, seed: int):
    command = [sys.executable, "-c", _WRITER, str(cache.root), str(tmp_path / "source")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        kept = [writer.stdout.readline().strip()]
        assert len(kept[0]) == 32
        time.sleep(random.Random(seed).random() * 0.3)
        writer.kill()
        kept += writer.stdout.read().split()
    for path in objects(cache):
        md5 = path.parent.name + path.name
        assert hashlib.md5(path.read_bytes()).hexdigest() == md5
    assert all(cache.has(md5) for md5 in kept if len(md5) == 32)
    cache.sweep(age=0)
    assert list((cache.root / "tmp").glob("*")) == []


def test_many_threads_can_place_the_same_and_different_files(cache: Cache, tmp_path: Path):
    for n in range(40):
        write(tmp_path / "tree" / f"{n}", b"%d" % (n % 10) * 5000)
    with ThreadPoolExecutor(6) as pool:
        placed = list(pool.map(lambda _: place(cache, tmp_path / "tree"), range(6)))
    assert all(found == placed[0] for found in placed)
    assert len(objects(cache)) == 10
    assert all(cache.read(item.md5) for item in placed[0].values())
    assert list((cache.root / "tmp").iterdir()) == []


def test_a_file_that_grows_while_it_is_placed_is_kept_as_it_was_read(cache: Cache, tmp_path: Path):
    source = write(tmp_path / "log", b"x" * 30_000_000)
    with ThreadPoolExecutor(1) as pool:
        growing = pool.submit(_grow, source)
        items = [cache.add(source) for _ in range(3)]
        growing.result()
    for item in items:
        assert len(cache.read(item.md5)) == item.size


def _grow(path: Path) -> None:
    with path.open("ab") as stream:
        for _ in range(200):
            stream.write(b"y" * 10_000)
            stream.flush()

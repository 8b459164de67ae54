"""Measures placing artifacts: python -m tests.benchmarks.artifacts [directory] [megabytes] [files].

Prints one line per figure. Ratios say more than times on a shared machine: each is taken from
measurements of the same run, the best of a few.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from padre_git.artifacts import (
    Cache,
    DataRemote,
    RemoteSettings,
    add_member,
    place,
    pointer_to,
    write_pointer,
)
from tests.artifacts.conftest import make_project

_ROUNDS = 3


def _best(work: Callable[[int], object], rounds: int = _ROUNDS) -> float:
    """Returns the least seconds of a few rounds; ``work`` gets the round's number."""
    times = []
    for n in range(rounds):
        start = time.perf_counter()
        work(n)
        times.append(time.perf_counter() - start)
    return min(times)


def _say(what: str, seconds: float, each: int = 1, note: str = "") -> None:
    unit = seconds / each * 1000
    print(f"{what:58} {unit:10.3f} ms{' each' if each > 1 else '     '}  {note}", flush=True)


def _small(base: Path) -> None:
    """A 10 KB artifact with its pointer, for each of 1,000 runs."""
    contents = [os.urandom(10_000) for _ in range(1000 * _ROUNDS)]

    def transaction(n: int) -> None:
        with Cache(base / f"batched-{n}").batch() as cache:
            for content in contents[n * 1000 : (n + 1) * 1000]:
                item = cache.add_bytes(content)
                write_pointer(add_member(cache, None, "artifacts", "model", {"": item}))

    def one_by_one(n: int) -> None:
        cache = Cache(base / f"single-{n}")
        for content in contents[n * 1000 : (n + 1) * 1000]:
            item = cache.add_bytes(content)
            write_pointer(add_member(cache, None, "artifacts", "model", {"": item}))

    _say("10 KB artifact and pointer, in a transaction of 1,000", _best(transaction), 1000)
    _say("10 KB artifact and pointer, durable one by one", _best(one_by_one), 1000)


def _tree(base: Path, project: Path) -> None:
    """1,000 files of 10 KB as one directory: placed, pushed; and by DVC."""
    tree = base / "tree"
    tree.mkdir()
    for n in range(1000):
        (tree / f"{n:04}.bin").write_bytes(os.urandom(10_000))
    placed = _best(lambda n: place(Cache(base / f"tree-{n}"), tree))
    _say("1,000 files of 10 KB placed as one directory", placed, 1, "bar: 1,000 ms")
    cache = Cache(base / "tree-0")
    pointer = pointer_to(cache, "tree", place(cache, tree))

    def push(n: int) -> None:
        settings = RemoteSettings.of_url(str(base / f"store-{n}"), base=base)
        DataRemote(project, cache, settings).push([pointer])

    ours = _best(push)
    _say("the same pushed to a directory remote", ours)
    _dvc(base, project, tree, placed, ours)


def _dvc(base: Path, project: Path, tree: Path, placed: float, ours: float) -> None:
    from dvc.repo import Repo

    shutil.copytree(tree, project / "tree")
    with Repo(str(project)) as repo, repo.config.edit("local") as config:
        config["remote"]["s"] = {"url": str(base / "dvc-store")}
        config["core"]["remote"] = "s"
    with contextlib.chdir(project), Repo(str(project)) as repo:
        start = time.perf_counter()
        repo.add("tree")
        added = time.perf_counter() - start
        _say("  DVC's Repo.add of it (no fsync)", added, 1, f"ours {placed / added:.2f} x")
        start = time.perf_counter()
        repo.push()
        pushed = time.perf_counter() - start
        _say("  DVC's Repo.push of it (no fsync)", pushed, 1, f"ours {ours / pushed:.2f} x")
        (project / "one.bin").write_bytes(os.urandom(10_000))
        one = _best(lambda _: repo.add("one.bin"))
        _say("  DVC's Repo.add of one 10 KB file", one)


def _large(base: Path, megabytes: int) -> None:
    """One large file against hashing it and against copying it durably."""
    source = base / "large"
    with source.open("wb") as stream:
        for _ in range(megabytes):
            stream.write(os.urandom(1 << 20))
        stream.flush()
        os.fsync(stream.fileno())

    def copy(n: int) -> None:
        target = base / f"copy-{n}"
        shutil.copyfile(source, target)
        with target.open("rb") as copied:
            os.fsync(copied.fileno())

    def hashed(_: int) -> None:
        with source.open("rb") as stream:
            hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))

    def ours(n: int) -> None:
        Cache(base / f"large-{n}").add(source)

    figures: dict[str, list[float]] = {"md5": [], "copy": [], "ours": []}
    for n in range(_ROUNDS):  # taken in turn, so that a slow minute slows all of them
        for name, work in (("md5", hashed), ("copy", copy), ("ours", ours)):
            figures[name].append(_best(lambda _, w=work, n=n: w(n), 1))
        # not timed: removing a large file takes longer than writing it where disks are trimmed
        (base / f"copy-{n}").unlink()
        shutil.rmtree(base / f"large-{n}")
    md5, copied, placed = (min(figures[name]) for name in ("md5", "copy", "ours"))
    _say(f"{megabytes} MB: MD5 alone", md5)
    _say(f"{megabytes} MB: copy and fsync", copied)
    ratio = placed / max(md5, copied)
    _say(f"{megabytes} MB: placed, durable", placed, 1, f"{ratio:.2f} x the slower; bar: 1.3")


_PLACE = """
import resource, sys, time
from pathlib import Path
from padre_git.artifacts import Cache, place, pointer_to
import padre_git.artifacts.staging, concurrent.futures.thread
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begin = time.perf_counter()
cache = Cache(Path(sys.argv[1]))
pointer_to(cache, "data", place(cache, Path(sys.argv[2])))
took = time.perf_counter() - begin
print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def _placed(base: Path, what: Path) -> tuple[float, float]:
    """Places something in a process of its own; returns seconds and megabytes of memory."""
    command = [sys.executable, "-c", _PLACE, str(base / "own-cache"), str(what)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    shutil.rmtree(base / "own-cache")
    took, kilobytes = map(float, done.stdout.split())
    return took, kilobytes / 1000


def _memory(base: Path, megabytes: int, files: int) -> None:
    """What a large file and a directory of many files take in memory."""
    _, memory = _placed(base, base / "large")
    print(f"{megabytes} MB placed: memory grows by {memory:.0f} MB; bar: 100 MB", flush=True)
    many = base / "many"
    for n in range(files):
        if n % 1000 == 0:
            (many / f"{n // 1000:04}").mkdir(parents=True)
        (many / f"{n // 1000:04}" / f"{n:06}").write_bytes(b"%d" % n * 10)
    took, memory = _placed(base, many)
    print(f"{files} files placed: {took:.1f} s, memory grows by {memory:.0f} MB", flush=True)


def main() -> None:
    """Runs all of it in a directory that is removed afterwards."""
    above = sys.argv[1] if len(sys.argv) > 1 else None
    megabytes = int(sys.argv[2]) if len(sys.argv) > 2 else 256
    files = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000
    with tempfile.TemporaryDirectory(dir=above) as directory:
        base = Path(directory)
        project = make_project(base / "project")
        _small(base)
        _tree(base, project)
        _large(base, megabytes)
        _memory(base, megabytes, files)


if __name__ == "__main__":
    main()

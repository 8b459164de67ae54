"""Measures where runs can lie: ``python tests/benchmarks/shards.py [RUNS …]``.

Builds the trees of an experiment's ``runs`` directory in a real repository (libgit2), for several
layouts and numbers of runs, and prints what docs/decisions/0002-run-shards has as its table. The
trees of single runs are stand-ins (random ids); all directories above them are real objects.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pygit2
from pygit2.enums import FileMode, Option

from padre_git.format import layout
from padre_git.model.ids import ALPHABET

Place = Callable[[str, Callable[[str], int]], str]
_MINUTE = 60
_ADDED = 20


def by_level(limit: int) -> Place:
    """Returns the layout of the format with another limit."""

    def place(run_id: str, count: Callable[[str], int]) -> str:
        *upper, last = layout.shards_of(run_id)
        return next((shard for shard in upper if count(shard) < limit), last)

    return place


def flat(run_id: str, count: Callable[[str], int]) -> str:
    """Puts every run into ``runs`` itself."""
    return ""


def two_characters(run_id: str, count: Callable[[str], int]) -> str:
    """Puts a run where two random characters say, whenever it ran (1,024 directories)."""
    return f"{run_id[18]}/{run_id[19]}"


def two_hex(run_id: str, count: Callable[[str], int]) -> str:
    """Puts a run into one of 256 directories by its hash, as git's own objects lie."""
    return f"{zlib.crc32(run_id.encode()) & 255:02x}"


def month(run_id: str, count: Callable[[str], int]) -> str:
    """Puts a run into its month, however many there are."""
    return layout.shards_of(run_id)[0]


LAYOUTS: dict[str, Place] = {
    "flat": flat,
    "two hex digits": two_hex,
    "two random characters": two_characters,
    "month only": month,
    **{f"levels, limit {limit}": by_level(limit) for limit in (32, 64, 128, 200, 256)},
}


@dataclass
class Tree:
    """Is one directory: runs in it and directories below it."""

    runs: list[str] = field(default_factory=list)
    below: dict[str, Tree] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.runs) + len(self.below)

    def at(self, path: str) -> Tree:
        here = self
        for name in filter(None, path.split("/")):
            here = here.below.setdefault(name, Tree())
        return here

    def walk(self) -> Iterator[Tree]:
        yield self
        for inner in self.below.values():
            yield from inner.walk()


def run_ids(count: int, months: int, rng: random.Random, seconds: int | None = None) -> list[str]:
    """Returns ids in the order of their times: spread over months, or within some seconds."""
    found = []
    for n in range(count):
        tail = "".join(rng.choices(ALPHABET, k=12))
        if seconds is not None:
            stamp = f"20261121t1015{n * seconds // count:02}"
        else:
            at = n * months * 28 // count
            year, rest = divmod(at, 12 * 28)
            clock = f"{rng.randrange(24):02}{rng.randrange(60):02}{rng.randrange(60):02}"
            stamp = f"{2024 + year}{rest // 28 + 1:02}{rest % 28 + 1:02}t{clock}"
        found.append(f"r-{stamp}-{tail}")
    return found


def filled(ids: list[str], place: Place) -> Tree:
    """Returns the directory after these runs were placed one after the other."""
    root = Tree()
    for run_id in ids:
        root.at(place(run_id, lambda shard: len(root.at(shard).runs))).runs.append(run_id)
    return root


def write(repository: pygit2.Repository, tree: Tree, rng: random.Random) -> pygit2.Oid:
    """Writes the directory as git objects and returns its id."""
    entries = [(name.encode(), rng.randbytes(20)) for name in tree.runs]
    entries += [(n.encode(), write(repository, t, rng).raw) for n, t in tree.below.items()]
    entries.sort(key=lambda entry: entry[0] + b"/")
    return repository.write(
        pygit2.GIT_OBJECT_TREE, b"".join(b"40000 %s\0%s" % entry for entry in entries)
    )


def add(
    repository: pygit2.Repository, tree: pygit2.Tree | None, path: list[str], run: pygit2.Oid
) -> tuple[pygit2.Oid, int]:
    """Adds a run and returns the new directory's id and the bytes of new objects, compressed."""
    builder = repository.TreeBuilder(tree) if tree is not None else repository.TreeBuilder()
    below, size = run, 0
    if len(path) > 1:
        inner = tree[path[0]] if tree is not None and path[0] in tree else None
        below, size = add(repository, inner, path[1:], run)
    builder.insert(path[0], below, FileMode.TREE)
    oid = builder.write()
    return oid, size + len(zlib.compress(repository[oid].read_raw(), 1))


@dataclass
class Figures:
    """Is one line of the table."""

    largest: int
    kilobytes: float
    milliseconds: float
    probes: float
    levels: int


def measure(ids: list[str], new: list[str], place: Place, limit_levels: bool) -> Figures:
    """Measures one layout with ``ids`` in it and the runs of ``new`` added one by one."""
    rng = random.Random(1)
    root = filled(ids, place)
    with tempfile.TemporaryDirectory() as directory:
        repository = pygit2.init_repository(directory, bare=True)
        tip = repository[write(repository, root, rng)]
        times, sizes = [], []
        for run_id in new:
            shard = place(run_id, lambda s: len(root.at(s).runs))
            path = [*filter(None, shard.split("/")), run_id]
            run = repository.write(pygit2.GIT_OBJECT_TREE, b"100644 run.yaml\0" + rng.randbytes(20))
            start = time.perf_counter()
            oid, size = add(repository, tip, path, run)
            times.append(time.perf_counter() - start)
            sizes.append(size)
            root.at(shard).runs.append(run_id)
            tip = repository[oid]
    asked = rng.sample(ids, min(2000, len(ids))) if limit_levels else []
    depths = [shard_depth(run_id, root) for run_id in asked] or [1]
    return Figures(
        largest=max(map(len, root.walk())),
        kilobytes=statistics.mean(sizes) / 1000,
        milliseconds=statistics.median(times) * 1000,
        probes=statistics.mean(depths),
        levels=max(depths),
    )


def shard_depth(run_id: str, root: Tree) -> int:
    """Returns how many places a reader looks at until it finds a run."""
    for n, shard in enumerate(layout.shards_of(run_id), start=1):
        if run_id in root.at(shard).runs:
            return n
    raise AssertionError(run_id)


def browsing(place: Place) -> int:
    """Returns how many directories hold 30 runs of one month of a quiet project."""
    root = filled(run_ids(30, 1, random.Random(3)), place)
    return sum(1 for tree in root.walk() if tree.runs)


def merged(place: Place, clones: int, each: int) -> int:
    """Returns the largest directory after clones filled one month apart and merged."""
    found = Tree()
    for clone in range(clones):
        apart = filled(run_ids(each, 1, random.Random(100 + clone)), place)
        pour(apart, found)
    return max(map(len, found.walk()))


def pour(source: Tree, target: Tree) -> None:
    """Adds everything in one directory to another."""
    target.runs += source.runs
    for name, inner in source.below.items():
        pour(inner, target.below.setdefault(name, Tree()))


def main(counts: list[int]) -> None:
    """Prints the tables."""
    pygit2.option(Option.ENABLE_STRICT_OBJECT_CREATION, False)
    rng = random.Random(7)
    cases: list[tuple[str, list[str], list[str]]] = []
    for count in counts:
        ids = run_ids(count + _ADDED, 36, rng)
        cases.append((f"{count:,} runs over 36 months", ids[:count], ids[count:]))
    ids = run_ids(100_000 + _ADDED, 1, rng, seconds=_MINUTE)
    cases.append(("100,000 runs in one minute", ids[:100_000], ids[100_000:]))
    for title, old, new in cases:
        print(f"\n{title}")
        print(
            f"{'layout':24}{'largest':>9}{'KB/commit':>11}{'ms/commit':>11}{'probes':>8}{'max':>5}"
        )
        for name, place in LAYOUTS.items():
            levels = name.startswith("levels")
            f = measure(old, new, place, levels)
            print(
                f"{name:24}{f.largest:9,}{f.kilobytes:11.1f}{f.milliseconds:11.3f}"
                f"{f.probes:8.2f}{f.levels:5}",
                flush=True,
            )
    print("\ndirectories that hold 30 runs of a month; largest directory after clones that each")
    print("recorded so many runs in one month were merged")
    print(f"{'layout':24}{'30 runs':>9}{'2 x 1,000':>11}{'3 x 1,000':>11}{'2 x 50,000':>12}")
    for name, place in LAYOUTS.items():
        print(
            f"{name:24}{browsing(place):9}{merged(place, 2, 1000):11,}"
            f"{merged(place, 3, 1000):11,}{merged(place, 2, 50_000):12,}"
        )


if __name__ == "__main__":
    main([int(text.replace(",", "")) for text in sys.argv[1:]] or [1_000, 100_000])

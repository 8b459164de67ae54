"""A store to damage: what is in it, where its pieces lie, and how they are harmed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import padre_git
from padre_git.vcs.packindex import read_index
from tests.conftest import git

__all__ = ["HARMS", "PIECES", "build", "expected", "records", "snapshot", "table"]

TROUBLE = Path(__file__).parents[2] / "docs" / "trouble.rst"
_LOST = """
import os, padre_git
store = padre_git.open({root!r})
run = store.start_run("iris/svm", id="r-20261121t101500-0123456789ab")
run.log_metric("accuracy", 0.5)
run.log_metric("accuracy", 0.75)
run.flush()
os._exit(0)
"""


def build(place: Path) -> Path:
    """Makes a store with a remote below a directory, and returns its root."""
    root = place / "store"
    subprocess.run(["git", "init", "-q", "--bare", str(place / "lab" / "iris.git")], check=True)
    with padre_git.open(root, remote=place / "lab") as store:
        for project, experiment in (("iris", "svm"), ("iris", "tree"), ("wine", "svm")):
            for number in range(2):
                with store.start_run(f"{project}/{experiment}", {"C": number}) as run:
                    run.log_metric("accuracy", 0.5 + number)
                    if experiment == "tree":
                        (place / "model.bin").write_bytes(b"weights %d" % number)
                        run.log_artifact(place / "model.bin")
        store.sync("iris")
        store.sync("wine")
    code = _LOST.format(root=str(root))
    subprocess.run([sys.executable, "-c", code], check=True)
    clone = root / "iris"
    git("commit-graph", "write", "--reachable", cwd=clone)
    return root


def table() -> dict[tuple[str, str], str]:
    """Returns what the page says of each piece and harm."""
    text = TROUBLE.read_text().partition(".. the tests in tests/recovery read this table")[2]
    lines = text.partition("\n\n*remote*")[0].splitlines()
    rows: list[list[str]] = []
    for line in lines:
        if match := re.fullmatch(r"   (\*) - (.*)|     (-) (.*)", line):
            if match[1]:
                rows.append([])
            rows[-1].append(match[2] or match[4])
    head = rows[0][1:]
    return {
        (row[0], harm): cell for row in rows[1:] for harm, cell in zip(head, row[1:], strict=True)
    }


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    at = len(content) // 2
    if path.suffix == ".pack":  # a commit has no copy in another pack
        offsets = [place.offset for place in read_index(path.with_suffix(".idx"))]
        at = next(offset for offset in offsets if content[offset] >> 4 & 7 == 1) + 9
    if path.name == "config":  # not in the command of the merge driver, see tests/hostile
        at = content.index(b"bare")
    content[at] ^= 0xFF
    path.write_bytes(content)


def _cut(path: Path) -> None:
    at = max(path.stat().st_size // 2 - 3, 1)
    while path.read_bytes()[at - 1 : at] == b"\n":  # what ends with a line may be meant so
        at -= 1
    os.truncate(path, at)


HARMS: dict[str, Callable[[Path], object]] = {
    "a byte flipped": _flip,
    "cut off": _cut,
    "emptied": lambda path: os.truncate(path, 0),
    "removed": Path.unlink,
}


def pack_with(clone: Path, experiment: str) -> tuple[Path, str]:
    """Returns the pack with the document of one run of an experiment, and the document's id."""
    document = next((clone / f"experiments/{experiment}/runs").rglob("run.yaml"))
    oid = git("rev-parse", f"main:{document.relative_to(clone)}", cwd=clone).strip()
    for pack in (clone / ".git/objects/pack").glob("*.pack"):
        if bytes.fromhex(oid) in {place.id for place in read_index(pack.with_suffix(".idx"))}:
            return pack, oid
    raise AssertionError(oid)


def _loose(clone: Path) -> Path:
    """Makes a loose object of a document that only one run has."""
    pack, oid = pack_with(clone, "svm")
    content = pack.read_bytes()
    pack.unlink()
    pack.with_suffix(".idx").unlink()
    subprocess.run(["git", "unpack-objects", "-q"], cwd=clone, input=content, check=True)
    path = clone / ".git" / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    return path


def _pack(clone: Path) -> Path:
    pack, _ = pack_with(clone, "tree")
    pack.chmod(0o644)
    return pack


def _index(clone: Path) -> Path:
    index = _pack(clone).with_suffix(".idx")
    index.chmod(0o644)
    return index


def _packed_refs(clone: Path) -> Path:
    git("pack-refs", "--all", cwd=clone)
    return clone / ".git" / "packed-refs"


def _data(clone: Path) -> Path:
    files = (clone / ".git/padre/cache/files/md5").rglob("*")
    return next(f for f in files if f.is_file() and f.read_bytes().startswith(b"weights"))


PIECES: dict[str, Callable[[Path], Path]] = {
    "loose object": _loose,
    "pack": _pack,
    "pack index": _index,
    "branch": lambda clone: clone / ".git/refs/heads/main",
    "packed refs": _packed_refs,
    "HEAD": lambda clone: clone / ".git/HEAD",
    "configuration": lambda clone: clone / ".git/config",
    "index": lambda clone: clone / ".git/index",
    "commit-graph": lambda clone: clone / ".git/objects/info/commit-graph",
    "data kept by DVC": _data,
    "spool of a run": lambda clone: next((clone / ".git/padre/spool").rglob("events.jsonl")),
    "our own notes": lambda clone: clone / ".git/padre/recent",
    "document in the work tree": lambda clone: next((clone / "experiments").rglob("run.yaml")),
}
#: What verify calls them.
expected = {
    "loose object": "object",
    "branch": "ref",
    "packed refs": "ref",
    "commit-graph": "derived",
    "data kept by DVC": "data",
    "spool of a run": "spool",
    "our own notes": "state",
    "document in the work tree": "file",
}


#: Of :mod:`padre_git.vcs.known`.
_MARKS = ("here", "known")


def snapshot(place: Path) -> dict[str, tuple[int, str]]:
    """Returns time and content of every file; whoever opens a copied clone marks it as theirs."""
    found = {}
    for path in sorted(place.rglob("*")):
        if path.name in _MARKS:
            continue
        if path.is_file() and not path.is_symlink():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found[path.relative_to(place).as_posix()] = path.stat().st_mtime_ns, content
    return found


def records(store: padre_git.Store) -> dict[str, object]:
    """Returns what a store has, run by run."""
    return {run.key.text: (run.parameters, run.metrics) for run in store.runs.list()}


def copy(template: Path, place: Path) -> Path:
    """Returns the root of a fresh copy of a store."""
    root = place / "store"
    shutil.copytree(template, root, symlinks=True)
    return root

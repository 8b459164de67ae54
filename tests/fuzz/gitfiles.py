"""What git keeps: trees, commits, indexes and packs, beside git itself."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from padre_git.errors import DamagedError, PadreGitError
from padre_git.messages import Author
from padre_git.vcs.index import Index, UnknownIndexError
from padre_git.vcs.objects import (
    FILE,
    Entry,
    build_tree,
    check_path,
    parse_commit,
    parse_tree,
    sort_tree,
)
from padre_git.vcs.upkeep import _merge
from tests.fuzz.draw import Draw

__all__ = [
    "check_commit",
    "check_index",
    "check_packs",
    "check_tree",
    "commit_seeds",
    "index_seeds",
    "pack_seeds",
    "scratch",
    "tree_seeds",
]

_EMPTY = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def scratch() -> Path:
    """Returns a directory that ends with the process."""
    directory = tempfile.mkdtemp(prefix="padre-git-fuzz-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)


@cache
def _repository() -> Path:
    """Returns a repository with a little in it, which ends with the process."""
    root = scratch()
    _git(root, "init", "-q", "-b", "main", ".")
    for name in ("b", "a/x", "a-b", "a.b", "ä", "d/e/f"):
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_text(name * 9)
    _git(root, "add", "-A")
    _git(root, "commit", "-qm", "first\n\nmore")
    return root


def _git(root: Path, *words: str, data: bytes = b"", check: bool = True) -> bytes | None:
    """Returns what git prints; None if it refuses."""
    who = {f"GIT_{role}_{what}": "a@b.c" for role in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")}  # fmt: skip
    fixed = {"GIT_AUTHOR_DATE": "1795000000 +0000", "GIT_COMMITTER_DATE": "1795000000 +0000"}
    done = subprocess.run(
        ["git", *words], cwd=root, input=data, capture_output=True,
        env={**os.environ, **who, **fixed, "GIT_CONFIG_NOSYSTEM": "1"},
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stderr
    return done.stdout if done.returncode == 0 else None


def _object(kind: str, name: str) -> bytes:
    return _git(_repository(), "cat-file", kind, name) or b""


def tree_seeds() -> Iterator[bytes]:
    """Yields trees that git wrote, and hostile ones."""
    yield _object("tree", "HEAD^{tree}")
    yield _object("tree", "HEAD:d")
    oid = bytes.fromhex(_EMPTY)
    for name in (b"..", b".git", b"a/b", b"a", b"\xff"):
        yield b"100644 " + name + b"\0" + oid
    yield b"040000 a\0" + oid + b"100644 a\0" + oid + b"120000 b\0" + oid


def check_tree(data: bytes) -> None:
    """What git cannot read is refused; what is read comes back, and git sees the same entries."""
    try:
        found = parse_tree(data)
    except DamagedError:
        return
    assert parse_tree(build_tree(found)) == found
    assert sort_tree(found).keys() == found.keys()
    for name in found:
        try:
            assert "/" not in "".join(check_path(name)) or "/" in name
        except PadreGitError:
            continue
    out = _git(_repository(), "hash-object", "-t", "tree", "--stdin", data=data, check=False)
    assert out is not None, "git refuses it"


def commit_seeds() -> Iterator[bytes]:
    """Yields commits that git wrote, and strange ones."""
    plain = _object("commit", "HEAD")
    yield plain
    yield plain.replace(b"1795000000 +0000", b"99999999999999999999 +9999")
    yield plain.replace(b"1795000000 +0000", b"4611686018427387904 -0000")
    yield plain.replace(b"1795000000 +0000", "١٢٣ +0100".encode())
    yield plain.replace(b"\n\n", b"\ngpgsig a\n b\n\n", 1).replace(b"tree", b"tree x\ntree")
    yield plain.replace(b"a@b.c <a@b.c>", b"\xff <<x>> y>")


def check_commit(data: bytes) -> None:
    """A commit is refused by a typed error or read."""
    try:
        found = parse_commit(data)
    except DamagedError:
        return
    assert isinstance(found.author, Author)
    assert found.time.tzinfo is not None
    assert found.time.isoformat()
    assert found.committed.timestamp() >= 0


def index_seeds() -> Iterator[bytes]:
    """Yields indexes without their checksums: of versions 2 and 3, in conflict, with a cache."""
    root = _repository()
    path = root / ".git/index"
    yield b"\0" + path.read_bytes()[:-20]
    _git(root, "update-index", "--skip-worktree", "b")
    yield b"\1" + path.read_bytes()[:-20]
    _git(root, "update-index", "--no-skip-worktree", "b")
    _git(root, "update-index", "--force-remove", "d/e/f")
    yield b"\2" + path.read_bytes()[:-20]
    _git(root, "reset", "-q")


def check_index(data: bytes) -> None:
    """What git refuses we refuse; what we change git reads as it was, but for the change."""
    number, body = data[:1], data[1:]
    content = body + hashlib.sha1(body, usedforsecurity=False).digest()
    try:
        index = Index(content)
    except (DamagedError, UnknownIndexError):
        return
    before = _listed(content)
    if before is None:
        return  # git refuses it when it is next used; nothing was changed by us
    if number > b"\x7f":
        index.set("padre/x", Entry(FILE, _EMPTY), None, skip=number > b"\xbf")
        before = [line for line in before if not line.endswith(b"\tpadre/x")]
        before.append(f"100644 {_EMPTY} 0\tpadre/x".encode())
    after = _listed(index.build())
    assert after is not None, "git refuses what we have written"
    assert sorted(after) == sorted(before)


def _listed(content: bytes) -> list[bytes] | None:
    """Returns the entries of an index as git lists them; None if it refuses it."""
    path = _repository() / ".git/fuzzed-index"
    path.write_bytes(content)
    done = subprocess.run(
        ["git", "ls-files", "-z", "--stage"], cwd=_repository(), capture_output=True,
        env={**os.environ, "GIT_INDEX_FILE": str(path)},
    )  # fmt: skip
    return done.stdout.split(b"\0")[:-1] if done.returncode == 0 else None


# ------------------------------------------------------------------------------------- packs


@cache
def _packs() -> tuple[dict[str, bytes], ...]:
    """Returns three packs with their indexes, one of them with deltas."""
    root = _repository()
    found: list[dict[str, bytes]] = []
    names = _git(root, "rev-list", "--objects", "--no-object-names", "HEAD") or b""
    text = b"".join(b"line %d\n" % n for n in range(60))
    more = [_git(root, "hash-object", "-w", "--stdin", data=text + b"%d" % n) for n in range(3)]
    groups = [names, b"".join(filter(None, more)), b"".join(names.splitlines(True)[-2:])]
    for group in groups:
        stem = _git(root, "pack-objects", "-q", "--delta-base-offset", "fuzzed", data=group)
        name = f"fuzzed-{(stem or b'').decode().strip()}"
        found.append({f"pack-{name[7:]}{end}": (root / f"{name}{end}").read_bytes()
                      for end in (".pack", ".idx")})  # fmt: skip
    return tuple(found)


def pack_seeds() -> Iterator[bytes]:
    """Yields where to change something in the packs, and what."""
    for file in range(6):
        for place in (0, 4, 8, 12, 1030, 1040, 1060, 1080, 1100):
            yield bytes([file, 0, *place.to_bytes(2, "big"), 1])
            yield bytes([file, 1, *place.to_bytes(2, "big"), 1])


def _changed(content: bytes, draw: Draw) -> bytes:
    how = draw.number(3)
    place = draw.number(65536) % (len(content) + 1)
    if how == 0 and place < len(content):
        flipped = content[place] ^ max(1, draw.number(256))
        return content[:place] + bytes([flipped]) + content[place + 1 :]
    return content[:place] if how == 1 else content[:place] + draw.piece(8) + content[place:]


def check_packs(data: bytes) -> None:
    """Packs that are made one lose nothing that git could read in them, damaged or not."""
    draw = Draw(data)
    files = [item for pack in _packs() for item in pack.items()]
    chosen = draw.number(len(files))
    with tempfile.TemporaryDirectory(prefix="padre-git-fuzz-", dir=_fast()) as place:
        root = Path(place)
        directory = root / "objects/pack"
        directory.mkdir(parents=True)
        (root / "refs").mkdir()
        (root / "HEAD").write_text("ref: refs/heads/main\n")
        for number, (name, content) in enumerate(files):
            kept = _changed(content, draw) if number == chosen else content
            (directory / name).write_bytes(kept)
        before = _readable(root)
        packs = sorted(directory.glob("*.pack"))
        originals = {path.name: path.read_bytes() for path in directory.iterdir()}
        if _merge(directory, packs):
            assert before <= _readable(root), "what could be read is lost"
        else:
            assert {path.name: path.read_bytes() for path in directory.iterdir()} == originals


def _fast() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _readable(root: Path) -> set[tuple[str, bytes]]:
    """Returns the objects that git can read, with their content."""
    whole = _read(root, _names())
    if whole is not None:
        return whole
    one_by_one = (_read(root, (name,)) for name in _names())
    return set().union(*filter(None, one_by_one))


def _read(root: Path, names: tuple[str, ...]) -> set[tuple[str, bytes]] | None:
    """Returns those of some objects that are there; None if git gives up."""
    asked = "".join(f"{name}\n" for name in names).encode()
    done = subprocess.run(
        ["git", f"--git-dir={root}", "cat-file", "--batch"],
        input=asked, capture_output=True, cwd=root,
    )  # fmt: skip
    if done.returncode:
        return None
    found, out = set(), done.stdout
    for name in names:
        head, _, out = out.partition(b"\n")
        if head.count(b" ") == 2:  # else it is missing, or cannot be read
            size = int(head.split()[2])
            found.add((name, out[:size]))
            out = out[size + 1 :]
    return found


@cache
def _names() -> tuple[str, ...]:
    """Returns the names of all objects in the packs."""
    indexes = [
        content for pack in _packs() for name, content in pack.items() if name.endswith(".idx")
    ]
    shown = [_git(_repository(), "show-index", data=content) or b"" for content in indexes]
    return tuple(sorted({line.split()[1].decode() for out in shown for line in out.splitlines()}))

"""What git and we note of refs: their logs, packed refs, our own notes, beside git itself."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from padre_git.errors import DamagedError
from padre_git.vcs.allrefs import log_ids, logged, read_all
from padre_git.vcs.healing import Recent
from padre_git.vcs.moving import read_intents
from padre_git.vcs.reflog import last_action, last_checkout, last_moves, thrown_off
from padre_git.vcs.refpast import past_of
from padre_git.vcs.refs import RefStore, lines_in
from tests.fuzz.draw import Draw
from tests.fuzz.gitfiles import scratch

__all__ = ["check_log", "check_packed_refs", "log_seeds", "packed_seeds"]

_IDS = [letter * 40 for letter in "0123456789abcdef"]
_REF = "refs/heads/main"
_ID = re.compile(r"[0-9a-f]{40}")


def log_seeds() -> Iterator[bytes]:
    """Yields logs as git writes them, and others."""
    for text in (
        "Ada <ada@example.org> 1795000000 +0000\tcommit: first",
        "Ada <ada@example.org> 1795000000 +0000\tcheckout: moving from main to other",
        "A <a> <b> 1 -1200\treset: moving to HEAD",
        "Ada\u2028" + f"{_IDS[1]} {_IDS[2]} A <a> 1 +0000\tx <a@b> 1795000000 +0000\tcommit: x",
        "Ada <a@b> " + "9" * 5000 + " +0000\tcommit: x",
        "Ada <a@b> \u00b2 +0000\tcommit: x",
        "",
    ):
        yield b"\1\2" + text.encode() + b"\0" + f"- {_IDS[1]} 1795000000 1:2:3".encode()
    yield b"\3\4" + b"\xc4da <a@b> 1 +0000\tcommit: \x85\xe2\x80\xa8\x0b\x0c\x1c"


def check_log(data: bytes) -> None:
    """Lines between odd ones are read as they are; nothing is read that is in no line."""
    draw = Draw(data)
    old, new = draw.one(_IDS[1:]), draw.one(_IDS[1:])
    rest, _, noted = draw.rest().partition(b"\0")
    head = f"{old} {new} ".encode()
    odd = head + rest.replace(b"\n", b" ") + b"\n"
    plain = b"%s %s Ada <a@b> %d +0000\tcommit: x\n"
    lines = [plain % (_IDS[n].encode(), _IDS[n + 1].encode(), 1000 + n) for n in range(3)]
    common = _place()
    (common / "logs" / _REF).write_bytes(b"".join([lines[0], odd, *lines[1:]]))
    seen = logged(common, _REF)
    good = [(_IDS[n + 1], 1000 + n) for n in (2, 1, 0)]
    assert seen in (good, [*good[:2], (new, seen[2][1]), good[2]]), seen
    assert log_ids(odd.decode(errors="replace")) == [old, new]
    _check_tail(common / "logs" / _REF, old, new)
    (common / "padre" / "recent").write_bytes(noted)
    (common / "padre" / "intent").write_bytes(noted)
    past = past_of(common, _REF, ours=True)
    assert all(isinstance(oid, str) for oid in past)
    Recent(common / "padre" / "recent").moves()
    for intent in read_intents(common / "padre" / "intent"):
        assert all(_ID.fullmatch(oid) for oid in intent if oid)


def _check_tail(log: Path, old: str, new: str) -> None:
    assert last_action(log) == "commit: x"
    moves = [(one, other) for one, other, _ in last_moves(log)]
    assert moves == [(_IDS[2], _IDS[3]), (_IDS[1], _IDS[2]), (old, new), (_IDS[0], _IDS[1])]
    assert all(pair == (old, new) for pair in thrown_off(log))
    assert isinstance(last_checkout(log), int | None)


@cache
def _place() -> Path:
    """Returns a git directory with nothing in it, which ends with the process."""
    root = scratch() / "repository"
    for name in ("logs/refs/heads", "refs/heads", "objects", "padre"):
        (root / name).mkdir(parents=True)
    (root / "HEAD").write_text(f"ref: {_REF}\n")
    return root


def packed_seeds() -> Iterator[bytes]:
    """Yields packed refs as git writes them, and others."""
    head = b"# pack-refs with: peeled fully-peeled sorted \n"
    one = f"{_IDS[1]} refs/heads/".encode()
    yield head + one + b"main\n"
    yield head + one + b"a\n" + one.replace(b"heads", b"tags") + b"v1\n^" + b"2" * 40 + b"\n"
    for name in ("a\u2028b", "x\u0085y", "caf\u00e9", "a\x1cb", "-x", "a..b", "x.lock", "@{"):
        yield head + one + name.encode() + b"\n" + one + b"z\n"
    yield head + one + b"caf\xe9\n" + one + b"z"


def check_packed_refs(data: bytes) -> None:
    """Whatever git lists we list; what we list besides, git finds broken."""
    common = _place()
    (common / "packed-refs").write_bytes(data)
    listed = subprocess.run(
        ["git", f"--git-dir={common}", "for-each-ref", "--format=%(objectname) %(refname)"],
        capture_output=True, env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1"}, cwd=common,
    )  # fmt: skip
    ours = read_all(common)
    store = RefStore(common, common / "mark")
    for name, oid in ours.packed.items():
        assert _ID.fullmatch(oid)
        assert name.startswith("refs/")
        with suppress(DamagedError):  # a later line of that name holds something else
            assert _ID.fullmatch(store.read(name) or oid), name
    if listed.returncode or listed.stderr or b"\0" in data:  # at which git ends a name
        return
    lines = listed.stdout.decode(errors="surrogateescape").split("\n")
    pairs = (line.partition(" ") for line in lines)
    written = set(lines_in(data))  # git takes capital letters in an id, and writes none
    theirs = {
        name: oid
        for oid, _, name in pairs
        if name.startswith("refs/") and f"{oid} {name}" in written
    }
    assert theirs.items() <= ours.packed.items(), (theirs, ours.packed)

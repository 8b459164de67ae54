"""Giants: documents, objects, trees and messages that are made to eat memory and time."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git import DamagedError, DocumentError, Skipped
from padre_git.vcs import reader
from tests.conftest import git
from tests.hostile.canary import Canary
from tests.hostile.conftest import Victim
from tests.hostile.test_terminal import found
from tests.hostile.verbs import RUN

HEAD = b"schema: run/1\n\nstatus: finished\n\nattributes:\n"


def aliases() -> bytes:
    lines = [b"  a: &a [x,x,x,x,x,x,x,x,x]"]
    for this, last in zip("bcdefghij", "abcdefghi", strict=True):
        lines.append(f"  {this}: &{this} [{','.join([f'*{last}'] * 9)}]".encode())
    return b"\n".join(lines)


DOCUMENTS = {
    "deep": b"  x: " + b"[" * 10_000 + b"]" * 10_000,
    "deeper": b"  x: " + b"[" * 2_000_000,
    "deep maps": b"\n".join(b"  " * n + b"x:" for n in range(1, 10_000)),
    "laughs": aliases(),
    "long": b"  x: " + b"y" * 17_000_000,
    "many": b"".join(b"  k%06d: 1\n" % n for n in range(200_000)),
    "a long number": b"  x: " + b"9" * 5_000,
    "a cycle": b"  x: &x [*x]",
}


#: Why each is refused, so that no other flaw of it hides that it is not refused for this one.
REASONS = {
    "deep": "nested deeper than",
    "deeper": "nested deeper than",
    "deep maps": "bytes, more than",
    "laughs": "the anchor '&a'",
    "long": "bytes, more than",
    "many": "'execution' is missing",  # it may have as many as there is room for
    "a long number": "5000 characters, more than",
    "a cycle": "the anchor '&x'",
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_giant_document_is_one_record_that_cannot_be_read(
    victim: Victim, canary: Canary, kind: str
) -> None:
    run = found(victim, "run.yaml")
    copy = run.parent.with_name("r-20261121t101500-k3v9x2m7q4tx") / "run.yaml"
    copy.parent.mkdir()
    copy.write_bytes(run.read_bytes())
    run.write_bytes(HEAD + DOCUMENTS[kind] + b"\n")
    git("add", "-A", cwd=victim.clone)
    git("commit", "-q", "-m", "giant", cwd=victim.clone)
    began = time.process_time()
    with victim.store() as store:
        skipped: list[Skipped] = []
        store.subscribe(Skipped, skipped.append)
        with pytest.raises(DocumentError, match=REASONS[kind]):
            store.runs.get(f"iris/svm/{RUN}")
        assert [entity.id for entity in store.runs.list("iris/svm")] == [copy.parent.name]
        assert len(skipped) == 1
    assert time.process_time() - began < 5


def zeros(size: int) -> Iterator[bytes]:
    for start in range(0, size, 1 << 20):
        yield bytes(min(1 << 20, size - start))


def bomb(clone: Path, size: int) -> str:
    """Stores a blob of nothing but zeros as a small file, and returns its id."""
    digest, packer, packed = hashlib.sha1(), zlib.compressobj(9), []
    for piece in (f"blob {size}\0".encode(), *zeros(size)):
        digest.update(piece)
        packed.append(packer.compress(piece))
    oid = digest.hexdigest()
    place = clone / ".git" / "objects" / oid[:2] / oid[2:]
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"".join([*packed, packer.flush()]))
    return oid


def with_blob(victim: Victim, oid: str) -> None:
    """Commits a blob in the place of the run's document."""
    path = found(victim, "run.yaml").relative_to(victim.clone)
    git("update-index", "--cacheinfo", f"100644,{oid},{path}", cwd=victim.clone)
    git("commit", "-q", "-m", "nothing but zeros", cwd=victim.clone)
    git("update-index", "--skip-worktree", path, cwd=victim.clone)


def test_a_blob_that_inflates_beyond_measure_is_passed_over(
    victim: Victim, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "LARGEST", 1_000_000)
    with_blob(victim, bomb(victim.clone, 4_000_000))
    with victim.store() as store:
        with pytest.raises(DamagedError, match="too large"):
            store.runs.get(f"iris/svm/{RUN}")
        assert store.projects.get("iris").name == "iris"
        assert store.datasets.list("iris")
        assert store.runs.list("iris/svm") == []


MEMORY = """
import resource, sys
import padre_git
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with padre_git.open(sys.argv[1], policy="manual") as store:
    try:
        store.runs.get(sys.argv[2])
    except padre_git.DamagedError as error:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.nightly
def test_a_gigabyte_of_zeros_takes_no_memory(victim: Victim, canary: Canary) -> None:
    with_blob(victim, bomb(victim.clone, 1 << 30))
    words = [sys.executable, "-c", MEMORY, str(victim.root), f"iris/svm/{RUN}"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100_000, "kilobytes"


def test_a_tree_of_a_hundred_thousand_odd_names_is_listed_in_time(
    victim: Victim, canary: Canary
) -> None:
    blob = git("hash-object", "-w", "--stdin", cwd=victim.clone, input="x\n").strip()
    lines = "".join(f"100644 blob {blob}\texperiments/svm/runs/x{n}/a\\b\n" for n in range(100_000))
    git("update-index", "--index-info", cwd=victim.clone, input=lines)
    git("commit", "-q", "-m", "many", cwd=victim.clone)
    began = time.process_time()
    with victim.store() as store:
        assert len(store.runs.list("iris/svm")) == 1
        assert store.projects.get("iris").name == "iris"
    assert time.process_time() - began < 10


def test_a_giant_message_and_a_giant_author_are_shown_in_one_line(
    victim: Victim, canary: Canary
) -> None:
    author = ("-c", f"user.name={'x' * 100_000}")
    git(
        *author,
        "commit",
        "-q",
        "--allow-empty",
        "-F",
        "-",
        cwd=victim.clone,
        input="y" * 10_000_000,
    )
    with victim.store() as store:
        newest = store.log("iris", limit=1)[0]
        assert "\n" not in newest.subject

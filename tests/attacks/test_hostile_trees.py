"""Trees of somebody's: whatever names they hold, nothing is written outside or into ``.git``."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import padre_git
from tests.conftest import git

MODE = {"tree": b"40000", "blob": b"100755"}


def stored(clone: Path, kind: str, content: bytes) -> str:
    """Stores an object, whatever git thinks of it, and returns its id."""
    words = ["git", "hash-object", "-w", "-t", kind, "--literally", "--stdin"]
    done = subprocess.run(words, cwd=clone, input=content, capture_output=True, check=True)
    return done.stdout.decode().strip()


def nested(clone: Path, names: Iterable[str]) -> str:
    """Returns a tree with a program below these names."""
    kind, found = "blob", stored(clone, "blob", b"#!/bin/sh\n")
    for name in reversed(list(names)):
        entry = MODE[kind] + b" " + name.encode() + b"\0" + bytes.fromhex(found)
        kind, found = "tree", stored(clone, "tree", entry)
    return found


def with_tree(clone: Path, tip: str, tree: str) -> str:
    """Returns a commit on top of another one, with one more directory in an experiment."""
    add = f"040000 tree {tree}\tmore\n"
    for place, name in (("experiments/svm", "svm"), ("experiments", "experiments"), ("", "")):
        lines = [
            line + "\n"
            for line in git("ls-tree", f"{tip}:{place}", cwd=clone).splitlines()
            if line.partition("\t")[2] != add.partition("\t")[2].strip()
        ]
        made = git("mktree", cwd=clone, input="".join([*lines, add])).strip()
        add = f"040000 tree {made}\t{name}\n"
    author = ("-c", "user.name=eve", "-c", "user.email=eve@example.org")
    return git(*author, "commit-tree", made, "-p", tip, "-m", "more", cwd=clone).strip()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[padre_git.Store]:
    with padre_git.open(tmp_path / "root") as opened:
        opened.start_run("iris/svm").end()
        yield opened


HOSTILE = [
    ["..", "escaped"],
    ["..", "..", "..", "..", "escaped"],
    ["..", "..", "..", ".git", "hooks", "post-commit"],
    ["sub", ".git", "hooks", "post-commit"],
    ["sub", ".GIT", "config"],
    ["sub", "git~1", "config"],
    ["sub", ".g\u200cit", "config"],
    ["a/../../../../../escaped"],
]


def everything(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if "objects" not in path.parts}


@pytest.mark.parametrize("names", HOSTILE, ids="/".join)
def test_restoring_from_a_hostile_tree_writes_nothing(
    store: padre_git.Store, tmp_path: Path, names: list[str]
) -> None:
    clone = store.project_path("iris")
    tip = git("rev-parse", "HEAD", cwd=clone).strip()
    evil = with_tree(clone, tip, nested(clone, names))
    store.experiments.delete("iris/svm")
    before = everything(tmp_path)
    with pytest.raises(padre_git.InvalidInputError, match="path"):
        store.experiments.restore("iris/svm", at=evil)
    new = everything(tmp_path) - before
    assert not [path for path in new if path.name in {"escaped", "post-commit"}]
    assert git("status", "--porcelain", cwd=clone) == ""


@pytest.mark.parametrize("names", [["sub", "a\\b"], ["sub", ".gitkeep"], ["sub", "ü ~ .txt"]])
def test_odd_names_that_git_checks_out_come_back(store: padre_git.Store, names: list[str]) -> None:
    clone = store.project_path("iris")
    tip = git("rev-parse", "HEAD", cwd=clone).strip()
    odd = with_tree(clone, tip, nested(clone, names))
    store.experiments.delete("iris/svm")
    store.experiments.restore("iris/svm", at=odd)
    assert (clone / "experiments/svm/more" / "/".join(names)).exists()
    assert git("status", "--porcelain", cwd=clone) == ""

"""Repositories of code, and the code version taken of them without a trace."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from padre_git.model import Execution, Key
from padre_git.vcs.code import Capture, capture
from padre_git.vcs.restore import restore
from tests.conftest import git

EXPERIMENT = Key.parse("iris/experiments/svm")


def fingerprint(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Returns mode, time and content of everything below a directory, ``.git`` included."""
    found = {}
    for path in sorted(root.rglob("*")):
        info = path.lstat()
        data = (
            os.fsencode(path.readlink())
            if path.is_symlink()
            else path.read_bytes()
            if stat.S_ISREG(info.st_mode)
            else b""
        )
        # reading a split index marks its shared part as in use
        time = 0 if path.name.startswith("sharedindex.") else info.st_mtime_ns
        found[os.fsencode(path)] = (info.st_mode, time, hashlib.sha1(data).digest())
    return found


def commit_all(root: Path, text: str = "change") -> str:
    git("add", "-A", cwd=root)
    git("commit", "-qm", text, cwd=root)
    return git("rev-parse", "HEAD", cwd=root).strip()


def tree_of_directory(directory: Path, scratch: Path, *, hash_name: str = "sha1") -> str:
    """Returns the tree id of a plain directory as plain git computes it, nothing left out."""
    git("init", "-q", f"--object-format={hash_name}", scratch, cwd=directory.parent)
    (scratch / ".git/info/attributes").write_text("* -text -filter -ident\n")
    where = (f"--git-dir={scratch}/.git", f"--work-tree={directory}")
    git(*where, "add", "-A", "-f", cwd=directory)
    return git(*where, "write-tree", cwd=directory).strip()


def taken(root: Path, **options: object) -> Capture:
    before = fingerprint(root)
    found = capture(root, **options)
    assert fingerprint(root) == before, "taking the code version left a trace"
    assert found is not None
    return found


def restored(found: Capture, target: Path, *clones: Path) -> Path:
    execution = Execution(experiment=EXPERIMENT, code=found.code)
    return restore(execution, found.patch, target, clones=clones)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A repository with two commits: two programs, a symlink, a binary file, CRLF lines."""
    root = tmp_path / "code"
    git("init", "-q", root, cwd=tmp_path)
    (root / "train.py").write_text("print('first')\n")
    commit_all(root, "first")
    (root / "pkg").mkdir()
    (root / "pkg/model.py").write_text("WIDTH = 1\n")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("train.py")
    (root / "windows.py").write_bytes(b"a = 1\r\nb = 2\r\n")
    (root / "blob.bin").write_bytes(bytes(range(256)))
    (root / ".gitignore").write_text("*.log\nignored/\n")
    commit_all(root, "second")
    return root


@pytest.fixture
def dirty(code: Path) -> Path:
    """The same with every sort of change."""
    (code / "train.py").write_text("print('third')")
    (code / "pkg/model.py").unlink()
    (code / "pkg").rmdir()
    (code / "pkg").write_text("a file now\n")
    git("add", "-A", "pkg", cwd=code)
    (code / "run.sh").chmod(0o644)
    (code / "link").unlink()
    (code / "link").symlink_to("nowhere\n")
    (code / "windows.py").write_bytes(b"a = 1\r\nb = 3\n")
    (code / "blob.bin").write_bytes(b"\0\1\2" * 40)
    (code / "empty.py").touch()
    (code / "staged.py").write_text("staged = True\n")
    git("add", "staged.py", cwd=code)
    (code / "helper.py").write_text("untracked = True\n")
    (code / "deep/er").mkdir(parents=True)
    (code / "deep/er/x.py").write_text("x = 1\n")
    Path(os.fsdecode(bytes(code) + b"/caf\xe9 \xff.py")).write_text("latin = 1\n")
    (code / 'a "b"\n\t.py').write_text("odd = 1\n")
    (code / "noise.log").write_text("ignored\n")
    (code / "results.json").write_text("{}")
    return code

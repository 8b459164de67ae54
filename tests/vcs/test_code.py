"""Taking the code version of a person's repository, without a trace in it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from padre_git.vcs.code import LARGEST, capture, capture_file
from tests.conftest import git
from tests.vcs.taking import (
    code,
    dirty,
    restored,
    taken,
    tree_of_directory,
)

__all__ = ["code", "dirty"]


def test_a_clean_repository_is_its_root_and_its_commit(code: Path) -> None:
    found = taken(code)
    roots = git("rev-list", "--max-parents=0", "HEAD", cwd=code).split()
    assert [found.code.repository] == roots
    assert found.code.commit == git("rev-parse", "HEAD", cwd=code).strip()
    assert (found.code.snapshot, found.patch, found.left_out) == (None, None, ())
    assert found.root == code


def test_the_code_version_is_the_same_in_every_clone(code: Path, tmp_path: Path) -> None:
    git("clone", "-q", code, "elsewhere", cwd=tmp_path)
    (code / "train.py").write_text("changed\n")
    (tmp_path / "elsewhere/train.py").write_text("changed\n")
    here, there = taken(code), taken(tmp_path / "elsewhere")
    assert here.code == there.code
    assert here.patch == there.patch


def test_outside_any_repository_there_is_no_repository_to_take(tmp_path: Path) -> None:
    assert capture(tmp_path) is None


def test_every_sort_of_change_is_restored_exactly(dirty: Path, tmp_path: Path) -> None:
    found = taken(dirty)
    target = restored(found, tmp_path / "target", tmp_path / "nothing", dirty)
    assert tree_of_directory(target, tmp_path / "plain") == found.code.snapshot
    assert (target / "train.py").read_text() == "print('third')"
    assert (target / "windows.py").read_bytes() == b"a = 1\r\nb = 3\n"
    assert str((target / "link").readlink()) == "nowhere\n"
    assert not os.access(target / "run.sh", os.X_OK)
    assert (target / "pkg").is_file()
    assert (target / "empty.py").read_bytes() == b""
    assert (target / "deep/er/x.py").exists()
    assert Path(os.fsdecode(bytes(target) + b"/caf\xe9 \xff.py")).exists()
    assert (target / 'a "b"\n\t.py').exists()


def test_what_is_ignored_or_output_is_never_kept(dirty: Path, tmp_path: Path) -> None:
    (dirty / "ignored").mkdir()
    (dirty / "ignored/secret.py").write_text("no")
    target = restored(taken(dirty), tmp_path / "target", dirty)
    assert not (target / "noise.log").exists()
    assert not (target / "ignored").exists()
    assert not (target / "results.json").exists()


def test_what_a_run_writes_beside_the_code_does_not_change_the_code(code: Path) -> None:
    before = taken(code).code
    for name in ("model.pkl", "metrics.json", "plot.png", "out.csv", "log.txt", "mlruns/1/m.yaml"):
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_text("output")
    assert taken(code).code == before


@pytest.mark.parametrize(
    "name", ["helper.py", "explore.ipynb", "conf/model.yaml", "Makefile", "requirements-dev.txt"]
)
def test_an_untracked_source_file_is_part_of_the_code(code: Path, name: str) -> None:
    (code / name).parent.mkdir(exist_ok=True)
    (code / name).write_text("x")
    assert taken(code).code.snapshot is not None


def test_staged_only_changes_are_part_of_the_code(code: Path) -> None:
    (code / "train.py").write_text("staged\n")
    git("add", "train.py", cwd=code)
    assert taken(code).code.snapshot is not None


def test_the_same_change_is_the_same_snapshot_staged_or_not(code: Path) -> None:
    (code / "train.py").write_text("changed\n")
    unstaged = taken(code)
    git("add", "train.py", cwd=code)
    assert taken(code) == unstaged


def test_a_touched_file_is_not_a_change(code: Path) -> None:
    os.utime(code / "train.py", (1, 1))
    assert taken(code).code.snapshot is None


def test_a_change_in_the_same_second_is_seen(code: Path) -> None:
    old = (code / "train.py").stat()
    git("add", "-A", cwd=code)
    (code / "train.py").write_text("print('FIRST')\n")
    os.utime(code / "train.py", ns=(old.st_atime_ns, old.st_mtime_ns))
    assert taken(code).code.snapshot is not None


def test_large_files_are_data_and_are_named(code: Path, tmp_path: Path) -> None:
    (code / "blob.bin").write_bytes(b"x" * (LARGEST + 1))
    (code / "generated.py").write_bytes(b"#" * (LARGEST + 1))
    (code / "train.py").write_text("changed\n")
    found = taken(code)
    assert sorted(found.left_out) == ["blob.bin", "generated.py"]
    target = restored(found, tmp_path / "target", code)
    assert (target / "blob.bin").read_bytes() == bytes(range(256))
    assert not (target / "generated.py").exists()


def test_the_entry_point_is_kept_whatever_its_name_and_size(code: Path, tmp_path: Path) -> None:
    (code / "explore").write_bytes(b"y" * (LARGEST + 1))
    found = taken(code, entry=code / "explore")
    assert found.left_out == ()
    assert restored(found, tmp_path / "t", code).joinpath("explore").stat().st_size > LARGEST


def test_a_script_outside_any_repository_is_kept_by_content(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_bytes(b"print('\xff')\r\n")
    found = capture_file(script)
    assert found.code.content == hashlib.sha256(script.read_bytes()).hexdigest()
    target = restored(found, tmp_path / "target")
    assert (target / "train.py").read_bytes() == script.read_bytes()


def test_a_command_that_git_refuses_is_an_error_with_its_words(code: Path) -> None:
    from padre_git.errors import RepositoryError

    (code / ".git/HEAD").write_text("ref: refs/heads/trunk\n")
    (code / ".git/index").write_bytes(b"garbage")
    with pytest.raises(RepositoryError, match="index file"):
        capture(code)

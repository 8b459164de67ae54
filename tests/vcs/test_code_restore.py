"""Restoring code versions: exactly, completely, or with an error that says what to do."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from padre_git.errors import (
    AlreadyExistsError,
    ArtifactCorruptError,
    NotFoundError,
    UnsupportedError,
)
from padre_git.model import Code, Execution
from padre_git.vcs.code import capture
from padre_git.vcs.restore import recall, remember, restore
from tests.conftest import git
from tests.vcs.taking import EXPERIMENT, commit_all, restored, taken, tree_of_directory


@pytest.fixture
def code(tmp_path: Path) -> Path:
    root = tmp_path / "code"
    git("init", "-q", root, cwd=tmp_path)
    (root / "train.py").write_text("one\n")
    (root / ".gitattributes").write_text("*.txt text eol=crlf\n*.id ident\n")
    (root / "unix.txt").write_bytes(b"a\nb\n")
    (root / "x.id").write_text("$Id$\n")
    commit_all(root)
    return root


def test_a_clean_commit_is_written_as_it_is_stored(code: Path, tmp_path: Path) -> None:
    target = restored(taken(code), tmp_path / "target", code)
    assert (target / "unix.txt").read_bytes() == b"a\nb\n"
    assert (target / "x.id").read_text() == "$Id$\n"
    tree = git("rev-parse", "HEAD^{tree}", cwd=code).strip()
    assert tree_of_directory(target, tmp_path / "plain") == tree


def test_it_is_restored_from_any_clone_that_has_the_commit(code: Path, tmp_path: Path) -> None:
    (code / "train.py").write_text("two\n")
    found = taken(code)
    git("clone", "-q", "--bare", code, "bare.git", cwd=tmp_path)
    shutil.rmtree(code)
    target = restored(found, tmp_path / "target", code, tmp_path, tmp_path / "bare.git")
    assert (target / "train.py").read_text() == "two\n"


def test_without_a_clone_the_error_names_the_commit_and_the_places(
    code: Path, tmp_path: Path
) -> None:
    found = taken(code)
    with pytest.raises(NotFoundError, match=f"commit {found.code.commit} of the code is not in"):
        restored(found, tmp_path / "target")
    with pytest.raises(NotFoundError, match="gone"):
        restored(found, tmp_path / "target", tmp_path / "gone")
    assert not (tmp_path / "target").exists()


def test_it_never_writes_over_something(code: Path, tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target/mine").touch()
    with pytest.raises(AlreadyExistsError, match="it is not empty"):
        restored(taken(code), tmp_path / "target", code)


def test_an_empty_directory_will_do(code: Path, tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    assert (restored(taken(code), tmp_path / "target", code) / "train.py").exists()


def test_an_installed_package_is_restored_by_its_installer(tmp_path: Path) -> None:
    execution = Execution(experiment=EXPERIMENT, code=Code(package="trainer", version="1.2"))
    with pytest.raises(UnsupportedError, match=r"pip install 'trainer==1\.2'"):
        restore(execution, None, tmp_path / "target")


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_patch_that_does_not_fit_is_an_error_and_leaves_nothing(
    code: Path, tmp_path: Path, damage: bytes | None
) -> None:
    (code / "train.py").write_text("two\n")
    found = taken(code)
    execution = Execution(experiment=EXPERIMENT, code=found.code)
    error = NotFoundError if damage is None else ArtifactCorruptError
    with pytest.raises(error):
        restore(execution, damage, tmp_path / "target", clones=[code])
    assert {path.name for path in tmp_path.iterdir()} == {"code"}


def test_clones_are_remembered_by_root_commit_the_latest_first(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    assert recall(notes, "abc") == []
    for name in ("one", "two", "one", "three"):
        remember(notes, "abc", tmp_path / name)
    assert recall(notes, "abc") == [tmp_path / name for name in ("three", "one", "two")]
    assert [path.name for path in notes.iterdir()] == ["abc"]


NAMES = st.sampled_from([b"a.py", b"b.py", b"c", b"d.py/e.py", b"c/f.py", b"c/g/h.py", b"\xff.py"])
CONTENTS = st.one_of(
    st.none(), st.binary(max_size=40), st.sampled_from([b"a\r\nb", b"\n\n \t\n", b"x\n" * 200])
)
KINDS = st.sampled_from(["file", "program", "link"])
TREES = st.dictionaries(NAMES, st.tuples(KINDS, CONTENTS), max_size=6)


def lay_out(root: Path, tree: dict[bytes, tuple[str, bytes | None]]) -> None:
    for path in root.iterdir():
        if path.name != ".git":
            path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
    for name, (kind, content) in tree.items():
        path = root / os.fsdecode(name)
        blocked = any(p.is_symlink() or p.is_file() for p in path.parents if p != root)
        if content is None or blocked or path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "link":
            path.symlink_to(os.fsdecode(content.replace(b"\0", b"") or b"x")[:50])
        else:
            path.write_bytes(content)
            path.chmod(0o755 if kind == "program" else 0o644)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(old=TREES, staged=TREES, new=TREES)
def test_any_tree_after_any_commit_is_restored_exactly(
    tmp_path: Path, old: dict, staged: dict, new: dict
) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as place:
        root = Path(place) / "code"
        git("init", "-q", root, cwd=tmp_path)
        lay_out(root, old)
        git("add", "-A", cwd=root)
        git("commit", "-qm", "old", "--allow-empty", cwd=root)
        lay_out(root, staged)
        git("add", "-A", cwd=root)
        lay_out(root, new)
        found = capture(root)
        assert found is not None
        target = restored(found, Path(place) / "target", root)
        tree = tree_of_directory(target, Path(place) / "plain")
        committed = git("rev-parse", "HEAD^{tree}", cwd=root).strip()
        assert tree == (found.code.snapshot or committed)
        git("add", "-A", cwd=root)
        unknown = git("ls-files", "-o", "-z", cwd=root)
        if not unknown and not any(name == b"c" for name in new):
            assert tree == git("write-tree", cwd=root).strip()

"""Taking the code version of odd repositories, and of those that configure programs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import git
from tests.vcs.taking import (
    code,
    commit_all,
    dirty,
    fingerprint,
    restored,
    taken,
    tree_of_directory,
)

__all__ = ["code", "dirty"]


def test_a_repository_without_commits_is_kept_whole(tmp_path: Path) -> None:
    root = tmp_path / "new"
    git("init", "-q", root, cwd=tmp_path)
    (root / "train.py").write_text("print()\n")
    found = taken(root)
    assert found.code.commit == found.code.repository == "0" * 40
    target = restored(found, tmp_path / "target")
    assert tree_of_directory(target, tmp_path / "plain") == found.code.snapshot


def test_a_repository_with_sha256_works_alike(tmp_path: Path) -> None:
    root = tmp_path / "new"
    git("init", "-q", "--object-format=sha256", root, cwd=tmp_path)
    (root / "train.py").write_text("print()\n")
    assert len(taken(root).code.snapshot or "") == 64
    commit_all(root)
    (root / "train.py").write_text("print(2)\n")
    found = taken(root)
    target = restored(found, tmp_path / "target", root)
    plain = tree_of_directory(target, tmp_path / "plain", hash_name="sha256")
    assert plain == found.code.snapshot


def test_a_shallow_clone_does_not_pretend_to_know_the_root(code: Path, tmp_path: Path) -> None:
    git("clone", "-q", "--depth=1", f"file://{code}", "shallow", cwd=tmp_path)
    found = taken(tmp_path / "shallow")
    assert found.code.repository == "0" * 40
    assert found.code.commit == git("rev-parse", "HEAD", cwd=code).strip()
    git("fetch", "-q", "--unshallow", cwd=tmp_path / "shallow")
    assert taken(tmp_path / "shallow").code == taken(code).code


def test_a_detached_head_is_its_commit(code: Path) -> None:
    git("checkout", "-q", "--detach", "HEAD~1", cwd=code)
    assert taken(code).code.commit == git("rev-parse", "HEAD", cwd=code).strip()


def test_the_root_is_the_one_of_the_main_line(code: Path) -> None:
    root = taken(code).code.repository
    git("checkout", "-q", "--orphan", "other", cwd=code)
    commit_all(code, "another root")
    git("checkout", "-q", "trunk", cwd=code)
    git("merge", "-q", "--allow-unrelated-histories", "-m", "both", "other", cwd=code)
    assert taken(code).code.repository == root


def test_a_linked_work_tree_is_taken_by_itself(code: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git("worktree", "add", "-q", linked, cwd=code)
    (linked / "train.py").write_text("in the linked one\n")
    before = fingerprint(code)
    found = taken(linked)
    assert fingerprint(code) == before
    assert found.code.snapshot is not None
    assert taken(code).code.snapshot is None
    target = restored(found, tmp_path / "target", linked)
    assert tree_of_directory(target, tmp_path / "plain") == found.code.snapshot


def test_a_merge_in_progress_is_taken_as_it_lies_there(code: Path, tmp_path: Path) -> None:
    git("checkout", "-q", "-b", "other", cwd=code)
    (code / "train.py").write_text("theirs\n")
    (code / "added.py").write_text("theirs\n")
    commit_all(code)
    git("checkout", "-q", "trunk", cwd=code)
    (code / "train.py").write_text("ours\n")
    commit_all(code)
    git("merge", "other", cwd=code, check=False)
    assert "<<<<<<<" in (code / "train.py").read_text()
    found = taken(code)
    target = restored(found, tmp_path / "target", code)
    assert tree_of_directory(target, tmp_path / "plain") == found.code.snapshot
    assert "<<<<<<<" in (target / "train.py").read_text()
    assert (target / "added.py").exists()


def test_nothing_the_repository_configures_is_run(code: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f'#!/bin/sh\necho "$0 $*" >> {tmp_path}/sprung\ncat\n')
    trap.chmod(0o755)
    for hook in ("post-index-change", "pre-commit", "reference-transaction", "fsmonitor-watchman"):
        (code / ".git/hooks" / hook).unlink(missing_ok=True)
        (code / ".git/hooks" / hook).symlink_to(trap)
    (code / ".gitattributes").write_text("*.py filter=odd=name diff=odd\n*.bin filter=proc\n")
    commit_all(code)
    for name, value in {
        "filter.odd=name.clean": str(trap),
        "filter.odd=name.smudge": str(trap),
        "filter.odd=name.required": "true",
        "filter.proc.process": str(trap),
        "filter.proc.required": "true",
        "diff.odd.textconv": str(trap),
        "diff.odd.command": str(trap),
        "diff.external": str(trap),
        "core.fsmonitor": str(trap),
        "core.pager": str(trap),
        "core.hooksPath": str(code / ".git/hooks"),
        "core.autocrlf": "true",
        "diff.noprefix": "true",
        "diff.renames": "copies",
        "diff.context": "0",
        "color.ui": "always",
        "status.showUntrackedFiles": "no",
        "apply.whitespace": "fix",
    }.items():
        git("config", name, value, cwd=code)
    (tmp_path / "sprung").unlink(missing_ok=True)
    (code / "train.py").write_text("changed   \r\n\tspaces   \n")
    (code / "blob.bin").write_bytes(b"changed\0")
    os.utime(code / "windows.py", (1, 1))
    (code / "new.py").write_text("new\r\n")
    found = taken(code)
    target = restored(found, tmp_path / "target", code)
    assert not (tmp_path / "sprung").exists()
    assert tree_of_directory(target, tmp_path / "plain") == found.code.snapshot
    assert (target / "train.py").read_bytes() == b"changed   \r\n\tspaces   \n"


def test_the_patch_does_not_depend_on_configuration(dirty: Path, tmp_path: Path) -> None:
    plain = taken(dirty)
    (tmp_path / "order").write_text("*.sh\n")
    for name, value in {
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "diff.algorithm": "patience",
        "diff.interHunkContext": "9",
        "core.quotePath": "false",
        "core.abbrev": "4",
        "diff.suppressBlankEmpty": "true",
        "diff.orderFile": str(tmp_path / "order"),
        "diff.indentHeuristic": "false",
    }.items():
        git("config", "--global", name, value, cwd=dirty)
    assert taken(dirty) == plain


def test_variables_that_git_gives_its_hooks_do_not_lead_astray(
    code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "-q", "other", cwd=tmp_path)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other/.git/index"))
    found = taken(code)
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert found == taken(code)
    assert found.code.commit == git("rev-parse", "HEAD", cwd=code).strip()


def test_a_submodule_is_its_commit(code: Path, tmp_path: Path) -> None:
    allow = ("-c", "protocol.file.allow=always")
    git("init", "-q", "lib", cwd=tmp_path)
    (tmp_path / "lib/lib.py").write_text("one\n")
    commit_all(tmp_path / "lib")
    git(*allow, "submodule", "--quiet", "add", tmp_path / "lib", "lib", cwd=code)
    commit_all(code)
    clean = taken(code).code
    (code / "lib/lib.py").write_text("dirty inside\n")
    assert taken(code).code == clean
    moved = commit_all(code / "lib")
    found = taken(code)
    assert found.code.snapshot is not None
    assert moved.encode() in (found.patch or b"")
    target = restored(found, tmp_path / "target", code)
    assert (target / "train.py").exists()


def test_a_nested_repository_is_not_ours_to_keep(code: Path) -> None:
    before = taken(code).code
    git("init", "-q", "nested", cwd=code)
    (code / "nested/train.py").write_text("x")
    commit_all(code / "nested")
    assert taken(code).code == before


def test_a_sparse_checkout_is_not_a_deletion(code: Path) -> None:
    git("sparse-checkout", "set", "--cone", "--sparse-index", "nothing", cwd=code)
    assert not (code / "pkg").exists()
    assert taken(code).code.snapshot is None
    (code / "train.py").write_text("changed\n")
    assert taken(code).code.snapshot is not None


def test_a_split_index_is_understood(code: Path) -> None:
    git("update-index", "--split-index", cwd=code)
    (code / "train.py").write_text("changed\n")
    assert taken(code).code.snapshot is not None

"""Taking the code version of a person's repository, without a trace in it."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from padre_git.model import Execution, Key
from padre_git.vcs.code import LARGEST, Capture, capture, capture_file
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

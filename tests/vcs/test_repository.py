"""A repository: created, opened and cloned safely; commits, dates and refs found."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from padre_git.errors import (
    AlreadyExistsError,
    DamagedError,
    InvalidNameError,
    LockedError,
    NotFoundError,
    RemoteError,
    RemoteMissingError,
)
from padre_git.messages import Author
from padre_git.vcs import NewCommit, Repository, StaleRefError
from tests.conftest import git
from tests.vcs.clones import (
    FIRST,
    RUNS,
    assert_clean,
    create,
    one,
    processes_of,
    record,
    run_files,
    runs_at,
    status,
    write,
)
from tests.waiting import until


def test_creating_makes_a_repository_that_plain_git_likes(tmp_path: Path) -> None:
    author = Author(name="Grace Hopper", email="grace@example.org")
    with Repository.create(
        tmp_path / "a/iris", branch="lab/main", files=FIRST, text="create iris", author=author
    ) as made:
        assert git("log", "--format=%an %cn %s", cwd=made.path) == (
            "Grace Hopper Ada Lovelace create iris\n"
        )
        assert git("symbolic-ref", "HEAD", cwd=made.path) == "refs/heads/lab/main\n"
        assert_clean(made.path)
        assert list((made.git_dir).glob("hooks/*")) == []
        assert {p.name for p in (tmp_path / "a").iterdir()} == {"iris"}


def test_creating_where_something_is_leaves_it_alone(clone: Repository, tmp_path: Path) -> None:
    before = clone.tip()
    with pytest.raises(AlreadyExistsError):
        create(clone.path)
    mine = write(tmp_path / "mine/notes.md", "mine\n")
    with pytest.raises(AlreadyExistsError):
        create(tmp_path / "mine")
    assert mine.read_text() == "mine\n"
    assert clone.tip() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["iris", "mine"]


def test_a_first_commit_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidNameError):
        create(tmp_path / "iris", {"../outside": b""})
    assert list(tmp_path.iterdir()) == []


def test_opening_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        Repository.open(tmp_path, branch="main")
    git("init", "-q", tmp_path / "outer", cwd=tmp_path)
    (tmp_path / "outer/inner").mkdir()
    with pytest.raises(NotFoundError):
        Repository.open(tmp_path / "outer/inner", branch="main")


@pytest.mark.parametrize(
    "name", ["", "-rf", "HEAD", "@", "a..b", "a b", "a\nb", "x.lock", "/x", "x/"]
)
def test_a_branch_name_that_git_refuses_is_refused(clone: Repository, name: str) -> None:
    with pytest.raises(InvalidNameError):
        Repository.open(clone.path, branch=name)


def test_a_clone_has_everything_and_follows_our_branch(clone: Repository, tmp_path: Path) -> None:
    record(clone, "r-1")
    git("branch", "other", cwd=clone.path)
    git("symbolic-ref", "HEAD", "refs/heads/missing", cwd=clone.path)
    with Repository.clone(str(clone.path), tmp_path / "two", branch="main") as two:
        assert two.tip() == clone.tip()
        assert_clean(two.path)
        record(two, "r-2")
        assert runs_at(two.path) == {"r-1", "r-2"}
        assert git("rev-parse", "--abbrev-ref", "main@{u}", cwd=two.path) == "origin/main\n"
        assert git("branch", "--format=%(refname:short)", cwd=two.path) == "main\n"
        assert git("config", "gc.auto", cwd=two.path) == "0\n"


def test_a_clone_of_nothing_can_be_written_to(tmp_path: Path) -> None:
    git("init", "-q", "--bare", tmp_path / "empty.git", cwd=tmp_path)
    with Repository.clone(str(tmp_path / "empty.git"), tmp_path / "new", branch="main") as new:
        assert new.tip() is None
        record(new, "r-1")
        assert_clean(new.path)


def test_a_clone_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RemoteMissingError, match="nowhere"):
        Repository.clone(str(tmp_path / "nowhere"), tmp_path / "new", branch="main")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["ext::sh -c touch% canary", "--upload-pack=touch canary", "-u"])
def test_a_hostile_url_runs_nothing(tmp_path: Path, url: str) -> None:
    with pytest.raises(RemoteError):
        Repository.clone(url, tmp_path / "new", branch="main")
    assert list(tmp_path.rglob("canary*")) == []


def test_a_hostile_repository_cannot_write_outside_through_links(tmp_path: Path) -> None:
    git("init", "-q", "-b", "main", tmp_path / "evil", cwd=tmp_path)
    (tmp_path / "evil/hooks").symlink_to(".git/hooks")
    git("add", "-A", cwd=tmp_path / "evil")
    git("commit", "-qm", "evil", cwd=tmp_path / "evil")
    with Repository.clone(str(tmp_path / "evil"), tmp_path / "new", branch="main") as new:
        assert not (new.path / "hooks").is_symlink()
        assert status(new.path) == ""
        new.advance(one({"hooks": None, "hooks2": new.snapshot().entry("hooks")}))
        assert not (new.path / "hooks2").is_symlink()
        assert status(new.path) == ""


def test_hooks_of_a_template_do_not_reach_a_clone(
    clone: Repository, tmp_path: Path, own_home: Path
) -> None:
    hook = write(own_home / "template/hooks/post-checkout", f"#!/bin/sh\ntouch {tmp_path}/canary\n")
    hook.chmod(0o755)
    git("config", "--global", "init.templateDir", str(own_home / "template"), cwd=tmp_path)
    with Repository.clone(str(clone.path), tmp_path / "new", branch="main") as new:
        assert not (new.git_dir / "hooks").exists()
    with create(tmp_path / "made") as made:
        assert not (made.git_dir / "hooks").exists()
    assert not (tmp_path / "canary").exists()


def test_a_tree_with_a_git_directory_in_it_is_not_cloned(tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    git("init", "-q", "-b", "main", evil, cwd=tmp_path)
    blob = git("hash-object", "-w", "--stdin", cwd=evil, input="x").strip()
    inner = git("mktree", cwd=evil, input=f"100644 blob {blob}\tconfig\n").strip()
    outer = git("mktree", cwd=evil, input=f"040000 tree {inner}\t.git\n").strip()
    commit = git("commit-tree", outer, "-m", "evil", cwd=evil).strip()
    git("update-ref", "refs/heads/main", commit, cwd=evil)
    with pytest.raises(RemoteError, match="unsound"):
        Repository.clone(str(evil), tmp_path / "new", branch="main")
    assert not (tmp_path / "new").exists()


def test_commits_are_found_by_id_tag_branch_and_date(clone: Repository) -> None:
    first = clone.tip()
    git("tag", "-a", "v1", "-m", "first", cwd=clone.path)
    moment = datetime.now(UTC)
    time.sleep(1.1)
    second = record(clone, "r-1")
    assert first is not None
    assert clone.resolve(first) == clone.resolve(first[:10]) == clone.resolve("v1") == first
    assert clone.resolve("main") == second
    assert clone.resolve(moment.isoformat()) == first
    assert clone.resolve("2999-01-01") == second
    for wrong in ("nothing", "1999-01-01", "f" * 40, "-h", "--all", "main:project.yaml", ""):
        with pytest.raises(NotFoundError):
            clone.resolve(wrong)


def test_the_log_names_commits_by_path_newest_first(clone: Repository) -> None:
    one_, two = record(clone, "r-1"), record(clone, "r-2")
    third = clone.advance(one({f"{RUNS}/r-1/tags/new": b""}, "tag"))
    assert [c.id for c in clone.log([f"{RUNS}/r-1"])] == [third, one_]
    assert [c.id for c in clone.log(limit=2)] == [third, two]
    assert [c.text for c in clone.log([f"{RUNS}/r-2"])] == ["run r-2\n"]
    assert clone.log(["*"]) == []
    assert [c.id for c in clone.log([f"{RUNS}/r-1"], at=two)] == [one_]


def test_differences_and_ancestry(clone: Repository) -> None:
    first, second = clone.tip(), record(clone, "r-1")
    assert first is not None
    assert clone.diff_paths(first, second) == sorted(run_files("r-1"))
    assert clone.diff_paths(None, first) == sorted(FIRST)
    assert clone.is_ancestor(first, second)
    assert not clone.is_ancestor(second, first)
    assert clone.merge_base(first, second) == first
    assert clone.merge_bases(second, second) == [second]


def test_refs_move_by_compare_and_swap(clone: Repository) -> None:
    first, second = clone.tip(), record(clone, "r-1")
    assert first is not None
    name = "refs/padre/kept/iris.runs.r-1"
    clone.write_ref(name, first, None)
    with pytest.raises(StaleRefError):
        clone.write_ref(name, second, None)
    clone.write_ref(name, second, first)
    assert clone.read_ref(name) == second
    git("pack-refs", "--all", cwd=clone.path)
    assert clone.read_ref(name) == second
    assert clone.refs("refs/padre/") == {name: second}
    with pytest.raises(StaleRefError):
        clone.write_ref(name, first, first)
    clone.write_ref(name, first, second)
    with pytest.raises(StaleRefError):
        clone.delete_ref(name, second)
    clone.delete_ref(name, first)
    assert clone.read_ref(name) is None
    assert git("for-each-ref", "refs/padre", cwd=clone.path) == ""
    clone.delete_ref(name)


def test_packed_refs_and_symbolic_branches_are_understood(clone: Repository) -> None:
    git("pack-refs", "--all", cwd=clone.path)
    git("symbolic-ref", "refs/heads/alias", "refs/heads/main", cwd=clone.path)
    with Repository.open(clone.path, branch="alias") as alias:
        assert alias.tip() == clone.tip()
    record(clone, "r-1")
    git("pack-refs", "--all", cwd=clone.path)
    record(clone, "r-2")
    assert_clean(clone.path)


def test_a_broken_ref_is_damage_and_says_where_to_look(clone: Repository) -> None:
    write(clone.git_dir / "refs/heads/main", "")
    with pytest.raises(DamagedError, match="refs/heads/main"):
        clone.tip()


def test_a_missing_object_is_damage(clone: Repository) -> None:
    for pack in (clone.git_dir / "objects/pack").iterdir():
        pack.unlink()
    with Repository.open(clone.path, branch="main") as again, pytest.raises(DamagedError):
        again.snapshot()


def test_many_blobs_are_read_in_one_go_and_missing_ones_left_out(clone: Repository) -> None:
    files = {f"runs/r-{n}/run.yaml": b"%d\n" % n for n in range(2500)}
    clone.advance(one(files))
    with Repository.open(clone.path, branch="main") as again:
        snapshot = again.snapshot()
        found = snapshot.blobs([*files, "nothing", "runs", "runs/r-1", "project.yaml/x"])
        assert found == files
        assert dict(snapshot.walk("runs")).keys() == files.keys()
        assert list(snapshot.entries("runs/r-1")) == ["run.yaml"]
        assert snapshot.entry("runs").is_tree
        assert snapshot.entry("nothing/x") is None


def test_reading_survives_the_death_of_its_git_process(clone: Repository) -> None:
    with Repository.open(clone.path, branch="main") as again:
        again.snapshot().blob("project.yaml")
        (process,) = processes_of(again)
        os.kill(process, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{process}/cmdline").read_bytes(), "it lives")
        assert again.snapshot().blob("project.yaml") == FIRST["project.yaml"]


def test_no_process_is_left_behind(clone: Repository) -> None:
    again = Repository.open(clone.path, branch="main")
    again.snapshot().blob("project.yaml")
    again.close()
    again.close()
    assert processes_of(again) == []
    assert again.snapshot().blob("project.yaml") is not None, "it can be used again"
    left = Repository.open(clone.path, branch="main")
    left.snapshot().blob("project.yaml")
    again.close()
    del left
    assert processes_of(again) == []


def test_threads_can_share_a_repository(clone: Repository) -> None:
    files = {f"runs/r-{n}/run.yaml": b"%d\n" % n for n in range(200)}
    clone.advance(one(files))
    again = Repository.open(clone.path, branch="main")
    wrong: list[object] = []

    def read(start: int) -> None:
        for number in range(start, start + 100):
            path = f"runs/r-{number % 200}/run.yaml"
            if again.snapshot().blob(path) != files[path]:
                wrong.append(path)

    def put(name: str) -> None:
        record(again, name)

    threads = [threading.Thread(target=read, args=(n,)) for n in range(0, 200, 50)]
    threads += [threading.Thread(target=put, args=(f"r-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again.close()
    assert wrong == []
    assert runs_at(clone.path) == {f"r-{n}" for n in range(4)}
    assert_clean(clone.path)


def test_a_fork_reads_with_a_process_of_its_own(clone: Repository) -> None:
    clone.snapshot().blob("project.yaml")
    child = os.fork()
    if child == 0:
        good = clone.snapshot().blob("experiments/svm/experiment.yaml") is not None
        clone.close()
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert clone.snapshot().blob("experiments/svm/experiment.yaml") is not None


def test_the_lock_is_waited_for_and_then_given_up(clone: Repository) -> None:
    with Repository.open(clone.path, branch="main") as other:
        with other.lock(), other.lock():
            with pytest.raises(LockedError):
                caught_in_a_thread(lambda: clone.advance(one({"a": b""}), timeout=0.05))
            record(other, "r-1")
        record(clone, "r-2")
    assert runs_at(clone.path) == {"r-1", "r-2"}


def caught_in_a_thread(work: object) -> None:
    found: list[BaseException] = []

    def run() -> None:
        try:
            work()  # type: ignore[operator]
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if found:
        raise found[0]


def test_many_commits_leave_few_packs(clone: Repository) -> None:
    for number in range(70):
        record(clone, f"r-{number}")
    assert len(list((clone.git_dir / "objects/pack").glob("*.pack"))) < 50
    assert len(clone.log()) == 71
    git("gc", "-q", cwd=clone.path)
    record(clone, "r-70")
    assert_clean(clone.path)


def test_a_repository_of_another_kind_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    git("init", "-q", "-b", "main", "--object-format=sha256", tmp_path / "new", cwd=tmp_path)
    with (
        Repository.open(tmp_path / "new", branch="main") as new,
        pytest.raises(ValueError, match="SHA"),
    ):
        record(new, "r-1")


def test_a_bare_repository_can_be_read_and_written(clone: Repository, tmp_path: Path) -> None:
    git("clone", "-q", "--bare", clone.path, tmp_path / "bare.git", cwd=tmp_path)
    with Repository.open(tmp_path / "bare.git", branch="main") as bare:
        assert bare.tip() == clone.tip()
        bare.advance(lambda _: [NewCommit(edits=run_files("r-1"), text="run")])
        assert runs_at(bare.path, "main") == {"r-1"}


def test_who_removes_what_is_ours_keeps_nobody_from_writing(tmp_path: Path) -> None:
    with create(tmp_path / "iris") as clone:
        shutil.rmtree(clone.git_dir / "padre")
        record(clone, "r-1")
        shutil.rmtree(clone.git_dir / "padre")
        record(clone, "r-2")
        assert runs_at(clone.path) == {"r-1", "r-2"}
        assert_clean(clone.path)

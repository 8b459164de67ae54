"""The clone is the user's, too: what they are doing is never overwritten, committed or changed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from padre_git.errors import ConflictError
from padre_git.vcs import Repository, UserState
from tests.conftest import git
from tests.vcs.clones import (
    FIRST,
    RUNS,
    assert_clean,
    assert_sound,
    create,
    one,
    record,
    run_files,
    runs_at,
    status,
    write,
)

EXPERIMENT = "experiments/svm/experiment.yaml"


def test_status_is_clean_after_every_kind_of_change(clone: Repository) -> None:
    record(clone, "r-1")
    assert_clean(clone.path)
    clone.advance(one({EXPERIMENT: b"schema: experiment/1\n\ntitle: Better\n"}))
    assert_clean(clone.path)
    clone.advance(one({f"{RUNS}/r-1": None}))
    assert_clean(clone.path)
    assert not (clone.path / RUNS).exists(), "directories that became empty are gone"


def test_status_does_not_have_to_read_what_we_wrote(clone: Repository) -> None:
    record(clone, "r-1")
    time.sleep(0.05)
    record(clone, "r-2")
    before = (clone.git_dir / "index").stat().st_mtime_ns
    git("update-index", "--refresh", cwd=clone.path)
    time.sleep(0.05)
    git("update-index", "--refresh", cwd=clone.path)
    listed = git("ls-files", "--debug", f"{RUNS}/r-1/run.yaml", cwd=clone.path)
    seen = (clone.path / RUNS / "r-1/run.yaml").stat()
    assert f"size: {seen.st_size}" in listed
    assert f"ino: {seen.st_ino & 0xFFFFFFFF}" in listed
    assert before


def test_a_dirty_file_elsewhere_stays_dirty(clone: Repository) -> None:
    write(clone.path / EXPERIMENT, "mine\n")
    record(clone, "r-1")
    assert (clone.path / EXPERIMENT).read_text() == "mine\n"
    assert status(clone.path) == f" M {EXPERIMENT}\n"
    assert runs_at(clone.path) == {"r-1"}


def test_staged_files_stay_staged_and_are_not_committed(clone: Repository) -> None:
    write(clone.path / "notes.md", "mine\n")
    write(clone.path / EXPERIMENT, "staged\n")
    git("add", "notes.md", EXPERIMENT, cwd=clone.path)
    git("rm", "-q", "--cached", "project.yaml", cwd=clone.path)
    before = git("diff", "--cached", "--raw", "--abbrev=40", cwd=clone.path)
    record(clone, "r-1")
    assert git("diff", "--cached", "--raw", "--abbrev=40", cwd=clone.path) == before
    assert "notes.md" not in git("ls-tree", "-r", "--name-only", "HEAD", cwd=clone.path)


def test_a_change_to_a_dirty_file_is_refused_before_anything_is_written(clone: Repository) -> None:
    write(clone.path / EXPERIMENT, "mine\n")
    before = clone.tip()
    with pytest.raises(ConflictError, match=EXPERIMENT) as caught:
        clone.advance(one({EXPERIMENT: b"ours\n", **run_files("r-1")}))
    assert [conflict.key for conflict in caught.value.conflicts] == [EXPERIMENT]
    assert clone.tip() == before
    assert status(clone.path) == f" M {EXPERIMENT}\n"
    assert not (clone.path / RUNS).exists()


def test_a_change_to_a_file_that_is_only_staged_is_refused(clone: Repository) -> None:
    write(clone.path / EXPERIMENT, "mine\n")
    git("add", EXPERIMENT, cwd=clone.path)
    write(clone.path / EXPERIMENT, FIRST[EXPERIMENT].decode())
    before = status(clone.path)
    with pytest.raises(ConflictError, match="staged"):
        clone.advance(one({EXPERIMENT: b"ours\n"}))
    assert status(clone.path) == before


def test_a_file_dirty_within_the_same_clock_tick_is_noticed(clone: Repository) -> None:
    for number in range(20):
        clone.advance(one({EXPERIMENT: b"ours %03d\n" % number}))
        write(clone.path / EXPERIMENT, f"mine {number:03}\n")
        with pytest.raises(ConflictError):
            clone.advance(one({EXPERIMENT: b"more\n"}))
        record(clone, f"r-{number}")
        assert status(clone.path) == f" M {EXPERIMENT}\n"
        git("checkout", "-q", "--", EXPERIMENT, cwd=clone.path)


def test_an_untracked_file_in_the_way_is_not_overwritten(clone: Repository) -> None:
    mine = write(clone.path / RUNS / "r-1/run.yaml", "mine\n")
    with pytest.raises(ConflictError, match="untracked"):
        record(clone, "r-1")
    assert mine.read_text() == "mine\n"
    assert not (clone.path / RUNS / "r-1/metrics.yaml").exists()


def test_an_ignored_file_in_the_way_is_not_overwritten(clone: Repository) -> None:
    write(clone.git_dir / "info/exclude", "run.yaml\n")
    mine = write(clone.path / RUNS / "r-1/run.yaml", "mine\n")
    with pytest.raises(ConflictError):
        record(clone, "r-1")
    assert mine.read_text() == "mine\n"


def test_an_untracked_file_that_is_just_the_same_is_no_conflict(clone: Repository) -> None:
    for path, content in run_files("r-1").items():
        write(clone.path / path, content.decode())
    record(clone, "r-1")
    assert_clean(clone.path)


def test_a_file_deleted_but_not_committed_is_not_brought_back(clone: Repository) -> None:
    (clone.path / EXPERIMENT).unlink()
    with pytest.raises(ConflictError, match="deleted"):
        clone.advance(one({EXPERIMENT: b"ours\n"}))
    record(clone, "r-1")
    assert status(clone.path) == f" D {EXPERIMENT}\n"


def test_nothing_is_written_through_a_symbolic_link(clone: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (clone.path / "experiments/svm/runs").symlink_to(outside)
    with pytest.raises(ConflictError, match="experiments/svm/runs"):
        record(clone, "r-1")
    assert list(outside.iterdir()) == []


def test_a_link_in_place_of_a_file_is_not_written_through(
    clone: Repository, tmp_path: Path
) -> None:
    outside = write(tmp_path / "outside.yaml", FIRST[EXPERIMENT].decode())
    (clone.path / EXPERIMENT).unlink()
    (clone.path / EXPERIMENT).symlink_to(outside)
    with pytest.raises(ConflictError):
        clone.advance(one({EXPERIMENT: b"ours\n"}))
    assert outside.read_bytes() == FIRST[EXPERIMENT]


def test_a_file_in_place_of_a_directory_is_a_conflict(clone: Repository) -> None:
    write(clone.path / "experiments/svm/runs", "mine\n")
    with pytest.raises(ConflictError, match="no directory"):
        record(clone, "r-1")


def test_a_directory_in_place_of_a_file_is_a_conflict(clone: Repository) -> None:
    write(clone.path / RUNS / "r-1/run.yaml/mine.txt", "mine\n")
    with pytest.raises(ConflictError, match="directory"):
        record(clone, "r-1")


def test_deleting_leaves_the_users_own_files_in_place(clone: Repository) -> None:
    record(clone, "r-1")
    mine = write(clone.path / RUNS / "r-1/thoughts.txt", "mine\n")
    clone.advance(one({f"{RUNS}/r-1": None}))
    assert mine.read_text() == "mine\n"
    assert status(clone.path) == "?? experiments/svm/runs/\n"


def test_deleting_a_dirty_file_is_refused(clone: Repository) -> None:
    record(clone, "r-1")
    mine = write(clone.path / RUNS / "r-1/run.yaml", "mine\n")
    with pytest.raises(ConflictError):
        clone.advance(one({f"{RUNS}/r-1": None}))
    assert mine.read_text() == "mine\n"


def test_line_endings_of_the_users_git_are_no_change_of_theirs(clone: Repository) -> None:
    git("config", "core.autocrlf", "true", cwd=clone.path)
    (clone.path / EXPERIMENT).unlink()
    git("checkout", "-q", "--", EXPERIMENT, cwd=clone.path)
    assert b"\r\n" in (clone.path / EXPERIMENT).read_bytes()
    os.utime(clone.path / EXPERIMENT, (1, 1))
    clone.advance(one({EXPERIMENT: b"schema: experiment/1\n\ntitle: New\n"}))
    assert_clean(clone.path)


def test_commits_made_with_plain_git_are_picked_up(clone: Repository) -> None:
    record(clone, "r-1")
    write(clone.path / RUNS / "r-2/run.yaml", "by hand\n")
    git("add", "-A", cwd=clone.path)
    git("commit", "-qm", "by hand", cwd=clone.path)
    assert clone.snapshot().blob(f"{RUNS}/r-2/run.yaml") == b"by hand\n"
    record(clone, "r-3")
    assert runs_at(clone.path) == {"r-1", "r-2", "r-3"}
    assert_clean(clone.path)


def test_hooks_do_not_run_and_cannot_stop_us(clone: Repository, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for name in (
        "pre-commit",
        "commit-msg",
        "post-merge",
        "post-commit",
        "post-index-change",
        "reference-transaction",
        "post-checkout",
    ):
        hook = write(clone.git_dir / "hooks" / name, f"#!/bin/sh\ntouch {canary}\nexit 1\n")
        hook.chmod(0o755)
    record(clone, "r-1")
    assert not canary.exists()
    assert runs_at(clone.path) == {"r-1"}


def test_template_and_signing_in_the_users_configuration_do_not_touch_our_commits(
    clone: Repository, own_home: Path
) -> None:
    write(own_home / "template", "TEMPLATE\n")
    for name, value in {
        "commit.template": str(own_home / "template"),
        "commit.gpgsign": "true",
        "gpg.program": "/bin/false",
        "core.editor": "/bin/false",
    }.items():
        git("config", "--global", name, value, cwd=clone.path)
    record(clone, "r-1")
    assert git("log", "-1", "--format=%B", cwd=clone.path).strip() == "run r-1"
    assert_clean(clone.path)


def test_git_variables_of_a_surrounding_command_do_not_reach_us(
    clone: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "-q", "-b", "main", tmp_path / "other", cwd=tmp_path)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other/index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    record(clone, "r-1")
    with create(tmp_path / "new") as new:
        record(new, "r-1")
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name)
    assert_clean(clone.path)
    assert_clean(tmp_path / "new")
    assert git("for-each-ref", cwd=tmp_path / "other") == ""


def test_a_detached_head_only_lets_the_branch_move(clone: Repository) -> None:
    git("checkout", "-q", "--detach", cwd=clone.path)
    head, index = git("rev-parse", "HEAD", cwd=clone.path), (clone.git_dir / "index").read_bytes()
    record(clone, "r-1")
    assert git("rev-parse", "HEAD", cwd=clone.path) == head
    assert (clone.git_dir / "index").read_bytes() == index
    assert not (clone.path / RUNS).exists()
    assert runs_at(clone.path, "main") == {"r-1"}
    assert clone.read_ref("refs/padre/pending") is None
    git("checkout", "-q", "main", cwd=clone.path)
    assert_clean(clone.path)


def test_on_another_branch_only_ours_moves(clone: Repository) -> None:
    git("checkout", "-q", "-b", "ideas", cwd=clone.path)
    write(clone.path / "project.yaml", "mine\n")
    record(clone, "r-1")
    assert runs_at(clone.path, "main") == {"r-1"}
    assert runs_at(clone.path, "ideas") == set()
    assert status(clone.path) == " M project.yaml\n"


def test_an_unborn_branch_gets_its_first_commit(tmp_path: Path) -> None:
    git("init", "-q", "-b", "main", tmp_path / "new", cwd=tmp_path)
    with Repository.open(tmp_path / "new", branch="main") as clone:
        assert clone.tip() is None
        record(clone, "r-1")
        assert_clean(clone.path)
        assert clone.commit(clone.tip() or "").parents == ()


def test_what_is_ours_in_the_users_configuration_is_only_ever_added(
    clone: Repository, own_home: Path
) -> None:
    local = (clone.git_dir / "config").read_text()
    person = (own_home / "gitconfig").read_text()
    record(clone, "r-1")
    assert (clone.git_dir / "config").read_text() == local
    assert (own_home / "gitconfig").read_text() == person
    assert git("config", "--local", "gc.auto", cwd=clone.path) == "0\n"


def test_an_index_of_a_form_that_only_git_knows_is_left_to_git(clone: Repository) -> None:
    record(clone, "r-0")
    for number, setup in enumerate(
        [
            ["update-index", "--index-version", "4"],
            ["update-index", "--split-index"],
            ["sparse-checkout", "set", "--cone", "--sparse-index", "experiments"],
        ]
    ):
        git(*setup, cwd=clone.path)
        write(clone.path / "staged.txt", f"{number}\n")
        git("add", "--sparse", "staged.txt", cwd=clone.path)
        before = git("diff", "--cached", "--raw", "--abbrev=40", cwd=clone.path)
        record(clone, f"r-{number + 1}")
        assert git("diff", "--cached", "--raw", "--abbrev=40", cwd=clone.path) == before
        git("commit", "-qm", "mine", cwd=clone.path)
        assert_clean(clone.path)
    assert runs_at(clone.path) == {"r-0", "r-1", "r-2", "r-3"}


def test_the_fallback_to_git_refuses_a_dirty_file_too(clone: Repository) -> None:
    git("update-index", "--index-version", "4", cwd=clone.path)
    write(clone.path / EXPERIMENT, "mine\n")
    with pytest.raises(ConflictError, match=EXPERIMENT):
        clone.advance(one({EXPERIMENT: b"ours\n", **run_files("r-1")}))
    assert status(clone.path) == f" M {EXPERIMENT}\n"


_TIGHT_LOOP = """
import subprocess, sys, pathlib, itertools
clone, stop = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
lost = made = refused = 0
diary = clone / "diary.txt"
for number in itertools.count():
    if stop.exists():
        break
    with diary.open("a") as file:
        file.write(f"{number}\\n")
    if sys.argv[3:] == ["index"]:
        subprocess.run(["git", "add", "diary.txt"], cwd=clone, capture_output=True)
    how = [] if sys.argv[3:] == ["index"] else sys.argv[3:]
    done = subprocess.run(["git", "commit", "-q", *how, "-m", f"mine {number}"],
                          cwd=clone, capture_output=True, text=True)
    made, refused = made + (done.returncode == 0), refused + (done.returncode != 0)
    stop.with_name("made").write_text(str(made))
    if diary.read_text().splitlines()[-1] != str(number):
        lost += 1
print(made, refused, lost)
"""


@pytest.mark.parametrize(("how", "count"), [("-a", 150), ("diary.txt", 30), ("index", 60)])
def test_a_user_who_commits_in_a_tight_loop_loses_nothing_and_neither_do_we(
    clone: Repository, tmp_path: Path, how: str, count: int
) -> None:
    write(clone.path / "diary.txt", "")
    git("add", "diary.txt", cwd=clone.path)
    git("commit", "-qm", "diary", cwd=clone.path)
    if how == "index":  # the longer git reads, the staler is the index that it writes
        clone.advance(one({f"old/{number}/x": b"" for number in range(1500)}))
    stop = tmp_path / "stop"
    made = write(tmp_path / "made", "0")
    names: list[str] = []
    loop = [sys.executable, "-c", _TIGHT_LOOP, str(clone.path), str(stop), how]
    with subprocess.Popen(loop, stdout=subprocess.PIPE, text=True) as user:
        try:
            # until the user did commit meanwhile
            while len(names) < count or int(made.read_text() or 0) <= 10:
                names.append(f"r-{len(names)}")
                record(clone, names[-1])
        finally:
            stop.touch()
        out, _ = user.communicate(timeout=120)
    _, _, lost = map(int, out.split())
    assert clone.bring_up()
    assert lost == 0
    assert runs_at(clone.path) == set(names)
    lines = (clone.path / "diary.txt").read_text().splitlines()
    assert lines == [str(number) for number in range(len(lines))]
    git("commit", "-qam", "the last word", cwd=clone.path, check=False)
    assert runs_at(clone.path) == set(names), "the user's next commit deletes nothing"
    assert_clean(clone.path)


def test_every_state_that_git_knows_is_recognised(clone: Repository) -> None:
    assert clone.state() is UserState.FREE
    for name, state in {
        "MERGE_HEAD": UserState.MERGING,
        "CHERRY_PICK_HEAD": UserState.PICKING,
        "REVERT_HEAD": UserState.REVERTING,
        "BISECT_START": UserState.BISECTING,
        "rebase-merge/x": UserState.REBASING,
        "rebase-apply/x": UserState.REBASING,
        "index.lock": UserState.INDEX_LOCKED,
    }.items():
        place = write(clone.git_dir / name, "")
        assert clone.state() is state, name
        place.unlink()
        if place.parent != clone.git_dir:
            place.parent.rmdir()
    assert_sound(clone.path)

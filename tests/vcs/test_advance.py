"""One advance: what a plan makes, many writers at once, and a kill at every step."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest

from padre_git.errors import InvalidInputError, InvalidNameError, RepositoryError
from padre_git.messages import Author
from padre_git.vcs import NewCommit, Repository, Snapshot
from tests.conftest import git
from tests.killing import killed
from tests.vcs.clones import (
    RUNS,
    assert_clean,
    one,
    record,
    run_files,
    runs_at,
    status,
    write,
)


def test_a_group_is_one_commit_each_in_one_pack(clone: Repository) -> None:
    packs = clone.git_dir / "objects/pack"
    before = len(list(packs.glob("*.pack")))
    zone = timezone(timedelta(hours=-5, minutes=-30))
    moment = datetime(2026, 11, 21, 10, 15, tzinfo=zone)
    plan = [
        NewCommit(
            edits=run_files(f"r-{n}"),
            text=f"run {n}\n\nPadre-Op: record",
            author=Author(name=f"Person {n}", email=f"p{n}@example.org"),
            time=moment + timedelta(seconds=n),
        )
        for n in range(20)
    ]
    clone.advance(lambda _: plan)
    assert len(list(packs.glob("*.pack"))) == before + 1
    assert runs_at(clone.path) == {f"r-{n}" for n in range(20)}
    lines = git("log", "-20", "--format=%an|%ae|%cn|%ai|%s", cwd=clone.path).splitlines()
    assert lines[0] == "Person 19|p19@example.org|Ada Lovelace|2026-11-21 10:15:19 -0530|run 19"
    assert [c.time for c in clone.log(limit=1)] == [moment + timedelta(seconds=19)]
    assert_clean(clone.path)


def test_nothing_planned_makes_nothing(clone: Repository) -> None:
    before = clone.tip()
    assert clone.advance(lambda _: ()) == before
    same = {path: clone.snapshot().blob(path) for path in ("project.yaml",)}
    assert clone.advance(one(same)) == before
    assert clone.advance(one({"nothing/there": None})) == before
    assert clone.tip() == before


def test_edits_of_one_commit_build_on_the_one_before(clone: Repository) -> None:
    clone.advance(
        lambda _: [
            NewCommit(edits={"a/b": b"1", "a/c": b"2"}, text="one"),
            NewCommit(edits={"a/b": None}, text="two"),
            NewCommit(edits={"a": None, "a/d/e": b"3"}, text="three"),
        ]
    )
    assert dict(clone.snapshot().walk("a")).keys() == {"a/d/e"}
    assert len(clone.log()) == 4
    assert_clean(clone.path)


def test_a_directory_can_be_copied_and_moved_without_reading_a_file(clone: Repository) -> None:
    record(clone, "r-1")

    def rename(snapshot: Snapshot) -> Sequence[NewCommit]:
        entry = snapshot.entry(f"{RUNS}/r-1")
        return [NewCommit(edits={f"{RUNS}/r-1": None, f"{RUNS}/r-2": entry}, text="rename")]

    clone.advance(rename)
    assert runs_at(clone.path) == {"r-2"}
    assert (clone.path / RUNS / "r-2/run.yaml").read_bytes() == run_files("r-1")[
        f"{RUNS}/r-1/run.yaml"
    ]
    assert_clean(clone.path)


def test_a_file_can_become_a_directory_and_the_other_way_round(clone: Repository) -> None:
    clone.advance(one({"a": b"file"}))
    clone.advance(one({"a": None, "a/b": b"inner"}))
    assert_clean(clone.path)
    clone.advance(one({"a": b"file again"}))
    assert_clean(clone.path)
    assert (clone.path / "a").read_bytes() == b"file again"


def test_a_merge_has_its_parents_and_is_made_even_if_nothing_changes(clone: Repository) -> None:
    other = git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "other", cwd=clone.path).strip()
    first = clone.tip()
    new = clone.advance(lambda _: [NewCommit(edits={}, text="merge", parents=(other,))])
    assert clone.commit(new).parents == (first, other)
    assert_clean(clone.path)


def test_a_plan_can_name_a_commit_that_exists(clone: Repository) -> None:
    first = clone.tip() or ""
    ahead = clone.build(first, [NewCommit(edits=run_files("r-1"), text="elsewhere")])
    assert clone.tip() == first
    assert clone.advance(lambda _: ahead) == ahead
    assert runs_at(clone.path) == {"r-1"}
    assert_clean(clone.path)


def test_executable_files_stay_so_and_odd_names_survive(clone: Repository) -> None:
    names = ["ä ö.txt", "tab\there", 'quote"d', "a" * 200, "UPPER", "-rf", "x*?[y]", "a.b", "a-b"]
    clone.advance(one({f"odd/{name}": name.encode() for name in names}))
    script = write(clone.path / "run.sh", "#!/bin/sh\n")
    script.chmod(0o755)
    git("add", "run.sh", cwd=clone.path)
    git("commit", "-qm", "script", cwd=clone.path)
    clone.advance(one({"run.sh": b"#!/bin/sh\nexit 0\n"}))
    assert os.access(script, os.X_OK)
    assert {name for name, _ in clone.snapshot().entries("odd").items()} == set(names)
    assert_clean(clone.path)


@pytest.mark.parametrize(
    "path",
    ["", "/", "a//b", "../x", "a/../b", ".", ".git/config", "a/.GIT/x", "git~1", ".git ", "a\0b",
     "a\\b", ".g\u200cit/config", "/abs", "a/"],
)  # fmt: skip
def test_a_path_that_git_would_not_take_is_refused(clone: Repository, path: str) -> None:
    before = clone.tip()
    with pytest.raises(InvalidNameError):
        clone.advance(one({path: b""}))
    assert clone.tip() == before
    assert status(clone.path) == ""


def test_a_file_cannot_be_stored_below_a_file(clone: Repository) -> None:
    with pytest.raises(InvalidInputError, match=r"project\.yaml"):
        clone.advance(one({"project.yaml/x": b""}))
    assert_clean(clone.path)


def test_a_time_without_zone_is_refused(clone: Repository) -> None:
    plan = [NewCommit(edits={"a": b""}, text="a", time=datetime(2026, 11, 21))]
    with pytest.raises(InvalidInputError, match="zone"):
        clone.advance(lambda _: plan)
    plan = [NewCommit(edits={"a": b""}, text="a", time=datetime(2026, 11, 21, tzinfo=UTC))]
    clone.advance(lambda _: plan)


def test_a_plan_that_fails_changes_nothing(clone: Repository) -> None:
    def broken(_: Snapshot) -> Sequence[NewCommit]:
        raise KeyError("mine")

    before = clone.tip()
    with pytest.raises(KeyError):
        clone.advance(broken)
    assert clone.tip() == before
    record(clone, "r-1")


def test_a_plan_is_asked_again_when_the_branch_has_moved(clone: Repository) -> None:
    seen: list[str | None] = []

    def slow(snapshot: Snapshot) -> Sequence[NewCommit]:
        if not seen:
            git("commit", "-q", "--allow-empty", "-m", "meanwhile", cwd=clone.path)
        seen.append(snapshot.commit)
        return [NewCommit(edits=run_files("r-1"), text="run")]

    clone.advance(slow)
    assert len(seen) == 2
    assert git("log", "--format=%s", cwd=clone.path).splitlines() == ["run", "meanwhile", "create"]
    assert_clean(clone.path)


def test_a_plan_that_refuses_the_second_time_leaves_nothing_of_the_first(clone: Repository) -> None:
    asked = []

    def plan(_: Snapshot) -> Sequence[NewCommit]:
        asked.append(1)
        if len(asked) == 2:
            raise InvalidInputError("somebody was quicker")
        git("commit", "-q", "--allow-empty", "-m", "meanwhile", cwd=clone.path)
        return [NewCommit(edits={**run_files("r-1"), "project.yaml": b"new\n"}, text="run")]

    with pytest.raises(InvalidInputError, match="quicker"):
        clone.advance(plan)
    assert not (clone.path / RUNS).exists()
    assert_clean(clone.path)


def test_a_file_that_took_the_place_of_a_directory_for_nothing_makes_room_again(
    clone: Repository,
) -> None:
    clone.advance(one({"a/b/c": b"1", "a/d": b"2"}))
    asked = []

    def plan(_: Snapshot) -> Sequence[NewCommit]:
        asked.append(1)
        if len(asked) == 2:
            raise InvalidInputError("somebody was quicker")
        git("commit", "-q", "--allow-empty", "-m", "meanwhile", cwd=clone.path)
        edits = {"a/b/c": None, "a/b": b"", "a/d": None, "a/d/e": b"3"}
        return [NewCommit(edits=edits, text="the other way round")]

    with pytest.raises(InvalidInputError, match="quicker"):
        clone.advance(plan)
    assert_clean(clone.path)
    assert (clone.path / "a/b/c").read_bytes() == b"1"
    assert (clone.path / "a/d").read_bytes() == b"2"


def test_what_the_user_commits_of_ours_in_a_race_is_not_committed_twice(clone: Repository) -> None:
    asked = []

    def plan(_: Snapshot) -> Sequence[NewCommit]:
        asked.append(1)
        if len(asked) == 1:
            for path, content in run_files("r-1").items():
                write(clone.path / path, content.decode())
            git("add", "-A", cwd=clone.path)
            git("commit", "-qm", "all of it", cwd=clone.path)
        return [NewCommit(edits=run_files("r-1"), text="run")]

    clone.advance(plan)
    assert git("log", "--format=%s", cwd=clone.path).splitlines() == ["all of it", "create"]
    assert_clean(clone.path)


_WRITER = """
import sys
from padre_git.vcs import NewCommit, Repository
path, name = sys.argv[1:]
with Repository.open(path, branch="main") as clone:
    sys.stdin.readline()
    for number in range(25):
        run = f"experiments/svm/runs/2026-11/r-{name}-{number}"
        edits = {f"{run}/run.yaml": f"{name} {number}\\n".encode(), f"{run}/tags/x": b""}
        clone.advance(lambda _: [NewCommit(edits=edits, text=f"run {name}-{number}")])
        print(f"r-{name}-{number}", flush=True)
"""


def test_four_processes_write_at_once_and_every_acknowledged_run_is_there(
    clone: Repository,
) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(clone.path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    out = [writer.communicate("\n", timeout=150)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 4
    acknowledged = {line for text in out for line in text.split()}
    assert len(acknowledged) == 100
    assert runs_at(clone.path) == acknowledged
    assert len(clone.log()) == 101
    assert_clean(clone.path)


def _work(clone: Repository, number: int, work: str) -> None:
    edits = {
        "record": run_files(f"r-{number}"),
        "replace": {"project.yaml": b"title: %d\n" % number},
        "delete": {f"{RUNS}/r-{number}": None},
    }[work]
    clone.advance(one(edits))


@pytest.mark.parametrize("work", ["record", "replace", "delete"])
def test_a_kill_at_any_step_leaves_the_old_state_or_the_new_one(
    clone: Repository, work: str
) -> None:
    if work == "delete":
        clone.advance(one({p: c for n in range(80) for p, c in run_files(f"r-{n}").items()}))
    number, alive = 1, 0
    while killed(number, clone.path, partial(_work, clone, number, work)):
        before = clone.tip() or ""
        with Repository.open(clone.path, branch="main") as next_one:
            record(next_one, f"after-{number}")
        assert status(clone.path) == "", f"killed at change {number}"
        assert clone.is_ancestor(before, clone.tip() or "")
        run = clone.snapshot().entries(f"{RUNS}/r-{number}")
        assert not run or sorted(run) == ["metrics.yaml", "run.yaml", "tags"]
        alive += bool(run)
        number += 1
    assert number > 10
    assert {f"after-{n}" for n in range(1, number)} <= runs_at(clone.path)
    assert_clean(clone.path)
    if work == "record":
        assert alive > 3, "what was durable is finished by the next call"


def test_a_file_that_was_half_written_when_the_process_was_killed_is_finished(
    clone: Repository,
) -> None:
    base = clone.tip() or ""
    new = clone.build(base, [NewCommit(edits=run_files("r-1"), text="run r-1")])
    write(clone.common_dir / "padre/intent", f"{base} {new}\n")
    write(clone.path / RUNS / "r-1/run.yaml", "schema: ru")
    record(clone, "r-2")
    assert runs_at(clone.path) == {"r-1", "r-2"}
    assert_clean(clone.path)


def test_what_the_user_commits_between_a_kill_and_the_next_call_is_kept(
    clone: Repository,
) -> None:
    base = clone.tip() or ""
    new = clone.build(base, [NewCommit(edits=run_files("r-1"), text="run r-1")])
    write(clone.common_dir / "padre/intent", f"{base} {new}\n")
    write(clone.path / "notes.md", "mine\n")
    git("add", "notes.md", cwd=clone.path)
    git("commit", "-qm", "mine", "--", "notes.md", cwd=clone.path)
    mine = git("rev-parse", "HEAD", cwd=clone.path).strip()
    record(clone, "r-2")
    assert clone.is_ancestor(mine, clone.tip() or "")
    assert runs_at(clone.path) == {"r-1", "r-2"}
    assert (clone.path / "notes.md").read_text() == "mine\n"
    assert_clean(clone.path)


def test_a_note_of_a_commit_that_never_became_durable_is_forgotten(clone: Repository) -> None:
    write(clone.common_dir / "padre/intent", f"{clone.tip()} {'1' * 40}\n")
    record(clone, "r-1")
    assert runs_at(clone.path) == {"r-1"}
    assert_clean(clone.path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_half_a_note_of_a_commit_keeps_nobody_from_writing(clone: Repository, share: float) -> None:
    note = f"{clone.tip()} {clone.tip()}"
    write(clone.common_dir / "padre/intent", note[: int(len(note) * share)])
    record(clone, "r-1")
    assert runs_at(clone.path) == {"r-1"}
    assert_clean(clone.path)


def test_empty_directories_that_a_killed_process_left_make_room_for_a_file(
    clone: Repository,
) -> None:
    clone.advance(one({"a/b/c/d": b"1", "a/b/e/f": b"2"}))
    base = clone.tip() or ""
    new = clone.build(base, [NewCommit(edits={"a/b": b""}, text="a file instead")])
    write(clone.common_dir / "padre/intent", f"{base} {new}\n")
    (clone.path / "a/b/c/d").unlink()
    record(clone, "r-1")
    assert (clone.path / "a/b").read_bytes() == b""
    assert_clean(clone.path)


def test_a_full_disk_is_an_error_and_loses_nothing(clone: Repository) -> None:
    record(clone, "r-1")
    before = clone.tip()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
            clone.advance(one({f"big/{n}": os.urandom(1000) for n in range(20)}))
        except RepositoryError as error:
            code = 0 if "written" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert clone.tip() == before
    assert_clean(clone.path)
    assert list((clone.git_dir / "objects/pack").glob("tmp*")) == []
    record(clone, "r-2")

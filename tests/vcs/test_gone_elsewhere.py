"""A user who goes to another branch while a run is written finds nothing of it there."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from padre_git.errors import ConflictError
from padre_git.vcs import Repository, leaving
from padre_git.vcs.plan import Edit
from tests.conftest import git
from tests.killing import at_change, killed
from tests.vcs.clones import (
    FIRST,
    RUNS,
    assert_clean,
    create,
    one,
    record,
    run_files,
    runs_at,
    status,
    write,
)

EXPERIMENT = "experiments/svm/experiment.yaml"
RUN = f"{RUNS}/r-1/run.yaml"
LATE = f"{RUNS}/late/metrics.yaml"
#: A run more and a run less, a file that is another, and one of those that only we have.
EDITS: dict[str, Edit] = {
    **run_files("r-1"),
    **dict.fromkeys(run_files("r-0")),
    EXPERIMENT: b"new\n",
    LATE: b"accuracy: 0.96\n",
}


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Repository]:
    with create(tmp_path / "iris") as made:
        record(made, "r-0")
        git("checkout", "-q", "-b", "ideas", cwd=made.path)
        write(made.path / "notes.md", "ideas\n")
        git("add", "notes.md", cwd=made.path)
        git("commit", "-q", "-m", "notes", cwd=made.path)
        git("checkout", "-q", "main", cwd=made.path)
        record(made, "late")
        yield made


def move(clone: Repository) -> None:
    with Repository.open(clone.path, branch="main") as opened:
        opened.advance(one(EDITS))


def move_if_possible(clone: Repository) -> None:
    """Makes the move, unless the work tree does not look as if it were on the branch."""
    with suppress(ConflictError):
        move(clone)


def start_again(clone: Repository) -> None:
    clone.advance(
        one(
            {
                EXPERIMENT: FIRST[EXPERIMENT],
                **run_files("r-0"),
                **run_files("late"),
                f"{RUNS}/r-1": None,
                f"{RUNS}/r-2": None,
            }
        )
    )
    assert status(clone.path) == ""


def branch_at(path: Path) -> str:
    return git("symbolic-ref", "--short", "HEAD", cwd=path).strip()


def go(path: Path, branch: str = "ideas") -> None:
    """Goes to another branch, which git refuses while a lock is held."""
    git("checkout", "-q", branch, cwd=path, check=False)


def go_late(path: Path, base: str, branch: str = "ideas") -> None:
    """Does what `git checkout` does that has read our branch before us and goes on after us."""
    old, new = (base, branch) if branch == "ideas" else ("ideas", base)
    git("read-tree", "-m", "-u", old, new, cwd=path)
    why = f"checkout: moving from {branch_at(path)} to {branch}"
    git("symbolic-ref", "-m", why, "HEAD", f"refs/heads/{branch}", cwd=path)


def assert_all_is_well(clone: Repository, moment: str) -> None:
    """Checks the work tree as it is, and then that of the branch."""
    path = clone.path
    assert status(path) == "", moment
    if branch_at(path) == "ideas":
        assert (path / EXPERIMENT).read_bytes() == FIRST[EXPERIMENT], moment
        assert not (path / RUN).parent.exists(), moment
        assert not (path / LATE).exists(), moment
        git("checkout", "-q", "main", cwd=path)
        assert status(path) == "", moment
    assert (path / EXPERIMENT).read_bytes() == b"new\n", moment
    assert runs_at(path) >= {"r-1", "late"}, moment


def test_whoever_leaves_at_any_moment_of_a_move_takes_nothing_of_it_along(
    clone: Repository,
) -> None:
    number, left = 1, 0
    while at_change(number, clone.path, partial(move, clone), partial(go, clone.path)):
        left += branch_at(clone.path) == "ideas"
        assert_all_is_well(clone, f"left at change {number}")
        start_again(clone)
        number += 1
    assert left > 30
    assert_clean(clone.path)


class Slow:
    """Is a `git checkout ideas` that waits between index and HEAD."""

    def __init__(self, path: Path, hooks: Path) -> None:
        self._path, self._hooks = path, hooks
        hooks.mkdir()
        for name in ("reached", "go"):
            os.mkfifo(hooks / name)
        hook = hooks / "post-index-change"
        hook.write_text(f"#!/bin/sh\necho yes > {hooks}/reached\nread line < {hooks}/go\n")
        hook.chmod(0o755)

    def begin(self) -> None:
        checkout = f"git -c core.hooksPath={self._hooks} checkout -q ideas"
        words = f"{checkout} 2> /dev/null || echo no > {self._hooks}/reached"
        subprocess.Popen(["sh", "-c", words], cwd=self._path)
        (self._hooks / "begun").write_text((self._hooks / "reached").read_text())

    def end(self) -> bool:
        """Lets it go on, if it has got there; tells whether it had."""
        has_begun = (self._hooks / "begun").read_text() == "yes\n"
        (self._hooks / "begun").write_text("")
        if has_begun:
            (self._hooks / "go").write_text("\n")
            until = time.monotonic() + 30
            while branch_at(self._path) != "ideas":
                assert time.monotonic() < until
                time.sleep(0.01)
        return has_begun


def test_whoever_leaves_slowly_takes_nothing_along_after_the_next_call(
    clone: Repository, tmp_path: Path
) -> None:
    slow = Slow(clone.path, tmp_path / "hooks")
    number, left = 1, 0
    while at_change(number, clone.path, partial(move_if_possible, clone), slow.begin):
        left += slow.end()
        record(clone, "r-2")
        if "r-1" not in runs_at(clone.path, "main"):
            assert status(clone.path) == "", f"left at change {number}"
            move(clone)
        assert_all_is_well(clone, f"left at change {number}")
        start_again(clone)
        number += 1
    assert left > 30
    assert_clean(clone.path)


def test_whoever_has_read_the_branch_before_a_move_takes_nothing_along_after_the_next_call(
    clone: Repository,
) -> None:
    base = clone.tip()
    assert base is not None
    clone.advance(one({**run_files("r-1"), EXPERIMENT: b"new\n"}))
    clone.advance(one({RUN: b"schema: run/1\n\nname: changed\n"}))
    go_late(clone.path, base)
    assert status(clone.path) != ""
    record(clone, "r-2")
    assert_all_is_well(clone, "left late")


def test_whoever_leaves_while_missed_runs_are_brought_takes_nothing_of_them_along(
    clone: Repository,
) -> None:
    number, left = 1, 0

    def miss() -> None:
        base = clone.tip()
        go(clone.path)
        record(clone, "r-1")
        go_late(clone.path, str(base), "main")
        assert RUN in status(clone.path)

    def heal() -> None:
        with Repository.open(clone.path, branch="main") as opened:
            opened.bring_up()

    miss()
    while at_change(number, clone.path, heal, partial(go, clone.path)):
        left += branch_at(clone.path) == "ideas"
        assert status(clone.path) == "", f"left at change {number}"
        git("checkout", "-q", "main", cwd=clone.path)
        assert status(clone.path) == "", f"left at change {number}"
        clone.advance(one({f"{RUNS}/r-1": None}))
        miss()
        number += 1
    assert left > 5


def test_nothing_is_left_of_a_killed_process_where_the_user_has_gone_elsewhere(
    clone: Repository,
) -> None:
    number = 1
    while killed(number, clone.path, partial(move, clone)):
        (clone.git_dir / "index.lock").unlink(missing_ok=True)  # which git says it is to be
        go(clone.path)
        record(clone, "r-2")
        assert status(clone.path) == "", f"killed at {number}"
        git("checkout", "-q", "main", cwd=clone.path)
        assert status(clone.path) == "", f"killed at {number}"
        start_again(clone)
        number += 1
    assert number > 30
    assert_clean(clone.path)


def test_what_the_user_does_with_it_meanwhile_stays(clone: Repository) -> None:
    base = clone.tip()
    assert base is not None
    clone.advance(one(run_files("r-1")))
    go_late(clone.path, base)
    write(clone.path / RUN, "mine\n")
    write(clone.path / f"{RUNS}/r-1/notes.md", "mine\n")
    git("rm", "-q", "--cached", f"{RUNS}/r-1/metrics.yaml", cwd=clone.path)
    record(clone, "r-2")
    assert (clone.path / RUN).read_text() == "mine\n"
    assert (clone.path / f"{RUNS}/r-1/notes.md").read_text() == "mine\n"
    assert not (clone.path / f"{RUNS}/r-1/metrics.yaml").exists()


@pytest.mark.parametrize(
    "words", [["checkout", "-q", "main", "--", RUNS], ["merge", "-q", "--squash", "main"]]
)
def test_runs_that_the_user_brings_to_another_branch_stay_there(
    clone: Repository, words: list[str]
) -> None:
    record(clone, "r-1")
    go(clone.path)
    git(*words, cwd=clone.path)
    before = status(clone.path)
    assert RUN in before
    record(clone, "r-2")
    assert status(clone.path) == before


@pytest.mark.parametrize("words", [["--orphan", "fresh"], ["--detach"], ["-b", "more"]])
def test_what_is_checked_out_elsewhere_stays_as_it_is(clone: Repository, words: list[str]) -> None:
    record(clone, "r-1")
    git("checkout", "-q", *words, cwd=clone.path)
    before = status(clone.path)
    record(clone, "r-2")
    assert status(clone.path) == before
    assert (clone.path / RUN).exists()


def test_what_may_wait_is_no_conflict_with_the_branch_the_user_has_gone_to(
    clone: Repository,
) -> None:
    clone.put_off(one(EDITS), lambda _: go(clone.path))
    assert branch_at(clone.path) == "ideas"
    assert clone.bring_up()
    assert_all_is_well(clone, "left before the check")


def test_a_linked_work_tree_that_leaves_takes_nothing_along(
    clone: Repository, tmp_path: Path
) -> None:
    git("checkout", "-q", "--detach", cwd=clone.path)
    linked = tmp_path / "linked"
    git("worktree", "add", "-q", linked, "main", cwd=clone.path)
    left = 0
    for number in (13, 14, 16, 20, 22):
        assert at_change(number, clone.path, partial(move, clone), partial(go, linked))
        left += branch_at(linked) == "ideas"
        assert status(linked) == status(clone.path) == ""
        git("checkout", "-q", "main", cwd=linked)
        assert status(linked) == ""
        start_again(clone)
    assert left > 2


def test_a_work_tree_that_is_back_by_then_keeps_what_the_branch_has(
    clone: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = clone.tip()
    assert base is not None
    clone.advance(one(run_files("r-1")))
    head = clone.git_dir / "HEAD"
    git("branch", "same", base, cwd=clone.path)
    why = "checkout: moving from main to same"
    git("symbolic-ref", "-m", why, "HEAD", "refs/heads/same", cwd=clone.path)
    bring = leaving._bring

    def bring_and_return(*arguments: Any) -> None:
        monkeypatch.setattr(leaving, "_bring", bring)
        bring(*arguments)
        assert not (clone.path / RUN).exists()
        head.write_text("ref: refs/heads/main\n")

    monkeypatch.setattr(leaving, "_bring", bring_and_return)
    clone.bring_up()
    assert leaving._bring is bring
    assert_clean(clone.path)

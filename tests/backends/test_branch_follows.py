"""Group commit: who waits is answered when the commit is durable, and the branch follows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from padre_git.backends import GitBackend
from padre_git.backends.grouping import Grouping
from padre_git.backends.handing import read_answer
from padre_git.messages import Author
from padre_git.testing.documents import put, run_key
from padre_git.vcs.advance import PENDING
from padre_git.vcs.repository import Repository
from tests.backends.git_stores import backend, commits, iris
from tests.backends.test_group_commit import waiting, write_of
from tests.conftest import git

__all__ = ["backend", "iris"]

_ZOE = Author(name="Zoë", email="zoe@example.org")


def pending(clone: Path) -> str:
    return git("for-each-ref", PENDING, cwd=clone)


def moves(clone: Path) -> int:
    return len(git("reflog", "main", cwd=clone).splitlines())


def before_each_move(monkeypatch: pytest.MonkeyPatch, look: Callable[[], None]) -> None:
    """Has a look before the branch follows."""
    follow = Repository.bring_up

    def bring_up(repository: Repository) -> bool:
        look()
        return follow(repository)

    monkeypatch.setattr(Repository, "bring_up", bring_up)


def test_who_waits_is_answered_before_the_branch_follows_and_is_seen_by_every_reader(
    backend: GitBackend, iris: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    with waiting(backend, 1, 2) as tickets:

        def look() -> None:
            answers = [ticket.answer() for ticket in tickets]
            if None in answers:
                return
            assert [set(read_answer(a)) for a in answers if a] == [{run_key(1)}, {run_key(2)}]
            assert git("cat-file", "-t", PENDING, cwd=iris) == "commit\n"
            assert git("status", "--porcelain", cwd=iris) == ""
            with GitBackend(backend.root) as other:
                assert set(other.read([run_key(n) for n in range(3)])) == {
                    run_key(n) for n in range(3)
                }
            seen.append("run 1" in commits(iris, "-9"))

        before_each_move(monkeypatch, look)
        put(backend, run_key(0))
    assert seen == [False]
    assert {"run 1", "run 2"} <= set(commits(iris, "-9"))
    assert (pending(iris), git("status", "--porcelain", cwd=iris)) == ("", "")


def test_the_branch_moves_once_for_several_groups(
    backend: GitBackend, iris: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, before, late = Grouping._together, moves(iris), [10, 11, 12]
    repository = backend.repository("iris")
    assert repository is not None
    monkeypatch.setattr("padre_git.backends.grouping._BEHIND", 60.0)
    with ExitStack() as others, waiting(backend, 1):

        def and_one_more_comes(*details: Any) -> Any:
            done = together(*details)
            if late:
                request = write_of(late.pop()).request(_ZOE, datetime.now(UTC))
                others.enter_context(repository.queue.hand_over(request))
            return done

        monkeypatch.setattr(Grouping, "_together", and_one_more_comes)
        put(backend, run_key(0))
    assert {f"run {n}" for n in (1, 10, 11, 12)} <= set(commits(iris, "-9"))
    assert moves(iris) == before + 1
    assert (pending(iris), git("status", "--porcelain", cwd=iris)) == ("", "")


def test_the_branch_does_not_stay_behind_when_the_one_who_would_have_moved_it_is_gone(
    backend: GitBackend, iris: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as gone, waiting(backend, 1):
        gone.setattr(Grouping, "_bring_up", lambda _: None)
        gone.setattr("padre_git.backends.clones.Clones.say_what_waits", lambda *_: None)
        put(backend, run_key(0))
        assert pending(iris)
    assert run_key(1) in backend.read([run_key(1)])
    assert (pending(iris), git("status", "--porcelain", cwd=iris)) == ("", "")
    assert "run 1" in commits(iris, "-9")


def test_while_the_git_of_a_user_is_at_work_the_branch_follows_at_once(
    backend: GitBackend, iris: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (iris / "notes.txt").write_text("0\n")
    git("add", "notes.txt", cwd=iris)
    git("commit", "-q", "-m", "notes", cwd=iris)
    monkeypatch.setattr(Grouping, "_bring_up", lambda _: None)
    with waiting(backend, 1):
        put(backend, run_key(0))
    assert pending(iris) == ""
    assert "run 1" in commits(iris, "-9")
    assert git("log", "--merges", "--oneline", cwd=iris) == ""

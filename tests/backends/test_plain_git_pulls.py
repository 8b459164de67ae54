"""Two people with clones of one project, one of whom knows only ``git pull``."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from padre_git.backends import GitBackend
from padre_git.messages import Event, Notice
from padre_git.model import ABSENT, Record
from padre_git.testing.documents import EXECUTION, EXPERIMENT, IRIS, put, remove, run_key, store
from padre_git.testing.storing import RUN, found
from tests.conftest import git

OTHER = IRIS.experiment("svm-2")


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[GitBackend]:
    """A store with an experiment and a run in it."""
    with GitBackend(tmp_path / "ours") as backend:
        store(backend, IRIS, EXPERIMENT, EXECUTION, RUN)
        yield backend


@pytest.fixture
def theirs(ours: GitBackend, tmp_path: Path) -> Iterator[GitBackend]:
    """A plain clone of it, used as a store."""
    root = tmp_path / "theirs"
    root.mkdir()
    git("clone", "-q", ours.root / "iris", root / "iris", cwd=tmp_path)
    with GitBackend(root) as backend:
        yield backend


def pull(backend: GitBackend) -> str:
    """Runs ``git pull`` and returns the conflicts it reports; without any it must be clean."""
    clone = backend.root / "iris"
    done = subprocess.run(
        ["git", "pull", "-q", "--no-rebase", "--no-edit"], cwd=clone, capture_output=True, text=True
    )
    if done.returncode == 0:
        assert git("status", "--porcelain", cwd=clone) == ""
        assert git("fsck", "--strict", cwd=clone) == ""
    return done.stdout if done.returncode else ""


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda b: put(b, run_key(7)), id="a new run"),
        pytest.param(lambda b: put(b, RUN, {"tags/candidate": b""}), id="a tag"),
        pytest.param(lambda b: put(b, RUN, {"notes/20261122t0911-f3k2.md": b"x"}), id="a note"),
        pytest.param(lambda b: put(b, RUN, seed=99), id="an edit of a run"),
        pytest.param(lambda b: put(b, EXPERIMENT, title="new"), id="an edit of the experiment"),
    ],
)
@pytest.mark.parametrize("similar", [False, True], ids=["", "while similar ones are added"])
def test_what_is_added_to_a_deleted_experiment_is_a_conflict(
    ours: GitBackend, theirs: GitBackend, change: Callable[[GitBackend], object], similar: bool
) -> None:
    remove(ours, EXPERIMENT)
    if similar:
        store(ours, OTHER, run_key(8, OTHER))
    change(theirs)
    assert "CONFLICT" in pull(theirs)


@pytest.mark.parametrize("part", ["tags/candidate", "notes/20261122t0911-f3k2.md"])
def test_what_is_added_to_a_deleted_run_is_a_conflict(
    ours: GitBackend, theirs: GitBackend, part: str
) -> None:
    remove(ours, RUN)
    put(theirs, RUN, {part: b""})
    assert "CONFLICT (file/directory)" in pull(theirs)


def test_deletions_arrive_where_nothing_was_changed(ours: GitBackend, theirs: GitBackend) -> None:
    remove(ours, EXPERIMENT)
    store(ours, OTHER)
    put(theirs, IRIS, title="new")
    assert pull(theirs) == ""
    assert sorted(theirs.scan()) == [IRIS, OTHER]


def test_a_deleted_experiment_that_was_put_back_arrives_with_its_new_run(
    ours: GitBackend, theirs: GitBackend
) -> None:
    remove(ours, EXPERIMENT)
    assert pull(theirs) == ""
    put(ours, EXPERIMENT, expected=ABSENT)
    store(ours, EXECUTION)
    put(ours, run_key(5), {"tags/candidate": b""})
    put(theirs, IRIS, title="new")
    assert pull(theirs) == ""
    assert sorted(theirs.scan()) == sorted([IRIS, EXPERIMENT, EXECUTION, run_key(5)])
    assert found(theirs, run_key(5)) == found(ours, run_key(5))


def test_first_tags_and_runs_of_both_merge(ours: GitBackend, theirs: GitBackend) -> None:
    put(ours, RUN, {"tags/a": b""})
    put(theirs, RUN, {"tags/b": b""})
    store(ours, run_key(5))
    store(theirs, run_key(6))
    assert pull(theirs) == ""
    assert set(found(theirs, RUN)) == {"run.yaml", "tags/a", "tags/b"}
    assert {run_key(5), run_key(6)} < set(theirs.scan())


def test_what_was_pulled_while_commits_wait_is_read_once_the_pull_is_done(
    ours: GitBackend, theirs: GitBackend
) -> None:
    clone = theirs.root / "iris"
    put(theirs, EXPERIMENT, title="mine")
    put(ours, EXPERIMENT, title="yours")
    put(ours, OTHER)
    assert "experiment.yaml" in pull(theirs)
    put(theirs, run_key(7))
    assert git("rev-parse", "-q", "--verify", "refs/padre/pending", cwd=clone)
    assert set(theirs.read([OTHER, run_key(7)])) == {run_key(7)}
    git("checkout", "-q", "--ours", ".", cwd=clone)
    git("commit", "-q", "-a", "--no-edit", cwd=clone)
    assert set(theirs.read([OTHER, run_key(7)])) == {OTHER, run_key(7)}
    assert {OTHER, run_key(7)} <= set(theirs.scan())
    assert git("status", "--porcelain", cwd=clone) == ""


def test_a_reader_leaves_it_to_the_next_write_to_tell_that_what_waits_contradicts(
    ours: GitBackend, theirs: GitBackend
) -> None:
    told: list[Event] = []
    clone = theirs.root / "iris"
    put(theirs, EXPERIMENT, title="mine")
    put(ours, EXPERIMENT, title="yours")
    assert "experiment.yaml" in pull(theirs)
    with GitBackend(theirs.root, notify=told.append) as backend:
        put(backend, EXPERIMENT, title="waiting")
        git("checkout", "-q", "--theirs", ".", cwd=clone)
        git("commit", "-q", "-a", "--no-edit", cwd=clone)
        for _ in range(2):
            record = backend.read([EXPERIMENT])[EXPERIMENT]
            assert isinstance(record, Record)
            assert b"waiting" in record.files["experiment.yaml"]
        assert told == []
        put(backend, run_key(7))
    assert any("commits wait" in event.text for event in told if isinstance(event, Notice))


def test_a_writer_that_is_at_work_does_not_keep_readers_waiting_for_what_was_pulled(
    ours: GitBackend, theirs: GitBackend
) -> None:
    put(ours, OTHER)
    clone = theirs.root / "iris"
    (clone / ".git/MERGE_HEAD").write_text(git("rev-parse", "HEAD", cwd=clone))
    put(theirs, run_key(7))
    (clone / ".git/MERGE_HEAD").unlink()
    assert not pull(theirs)
    with GitBackend(theirs.root) as other:
        repository = other.repository("iris")
        assert repository is not None
        with repository.lock():
            begun = time.monotonic()
            assert set(theirs.read([OTHER, run_key(7)])) == {run_key(7)}
            assert time.monotonic() - begun < 5
    assert set(theirs.read([OTHER, run_key(7)])) == {OTHER, run_key(7)}

"""The git backend beside its users: their files, branches, repositories and processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from padre_git.backends import GitBackend
from padre_git.errors import ConflictError, FormatError, NotFoundError, RepositoryError
from padre_git.format import scaffold
from padre_git.messages import Author, Event, Op, Skipped
from padre_git.model import Key
from padre_git.testing.documents import (
    EXECUTION,
    EXPERIMENT,
    IRIS,
    files_of,
    put,
    remove,
    run_key,
    store,
)
from padre_git.testing.storing import RUN, found
from tests.backends.git_stores import RUN_DIRECTORY, backend, commits, iris
from tests.conftest import git

__all__ = ["backend", "iris"]


# ------------------------------------------------------------------------- the user's own work


def test_reading_answers_from_commits_not_from_files(backend: GitBackend, iris: Path) -> None:
    store(backend, RUN)
    (iris / RUN_DIRECTORY / "run.yaml").write_text("by hand\n")
    (iris / RUN_DIRECTORY / "log.txt").write_text("by hand\n")
    git("rm", "-r", "--quiet", "experiments/svm/executions", cwd=iris)
    assert found(backend, RUN) == files_of(RUN)
    assert list(backend.scan(EXPERIMENT)) == sorted([EXECUTION, RUN])


def test_uncommitted_work_is_never_overwritten(backend: GitBackend, iris: Path) -> None:
    document = iris / "experiments/svm/experiment.yaml"
    document.write_text("title: by hand\n")
    with pytest.raises(ConflictError, match=r"experiment\.yaml"):
        put(backend, EXPERIMENT, title="by program")
    assert document.read_text() == "title: by hand\n"
    store(backend, RUN)
    assert git("status", "--porcelain", cwd=iris) == " M experiments/svm/experiment.yaml\n"
    git("commit", "--quiet", "--all", "--message=mine", cwd=iris)
    assert found(backend, EXPERIMENT) == {"experiment.yaml": b"title: by hand\n"}


def test_deleting_leaves_fetched_data_and_refuses_to_lose_work(
    backend: GitBackend, iris: Path
) -> None:
    put(backend, RUN, {"artifacts.dvc": b"outs: []\n"})
    (iris / RUN_DIRECTORY / "artifacts").mkdir()
    (iris / RUN_DIRECTORY / "artifacts/model").write_text("ignored by git\n")
    (iris / RUN_DIRECTORY / "thesis.txt").write_text("untracked\n")
    with pytest.raises(ConflictError):
        remove(backend, EXPERIMENT)
    assert found(backend, RUN)
    (iris / RUN_DIRECTORY / "thesis.txt").unlink()
    remove(backend, EXPERIMENT)
    assert list(backend.scan()) == [IRIS]
    assert (iris / RUN_DIRECTORY / "artifacts/model").read_text() == "ignored by git\n"
    assert git("status", "--porcelain", cwd=iris) == ""
    store(backend, EXPERIMENT, RUN)
    assert git("status", "--porcelain", cwd=iris) == ""


def test_work_goes_to_the_branch_whatever_is_checked_out(backend: GitBackend, iris: Path) -> None:
    git("switch", "--quiet", "--create", "idea", cwd=iris)
    store(backend, RUN)
    assert commits(iris, "idea") == commits(iris, "main")[1:]
    assert not (iris / RUN_DIRECTORY).exists()
    assert found(backend, RUN) == files_of(RUN)
    with GitBackend(backend.root, branch="idea") as other:
        assert other.read([RUN]) == {}
        put(other, run_key(2))
    assert (iris / "experiments/svm/runs/2026-11" / run_key(2).name).is_dir()
    assert backend.read([run_key(2)]) == {}


def test_what_waits_for_the_user_is_read_at_once(backend: GitBackend, iris: Path) -> None:
    (iris / ".git/index.lock").touch()
    revision = put(backend, RUN)
    assert found(backend, RUN) == files_of(RUN)
    assert list(backend.scan(EXPERIMENT)) == sorted([EXECUTION, RUN])
    put(backend, RUN, seed=2, expected=revision)
    assert len(commits(iris)) == 2
    (iris / ".git/index.lock").unlink()
    store(backend, run_key(2))
    assert len(commits(iris)) == 5
    assert git("status", "--porcelain", cwd=iris) == ""


def test_a_state_is_a_commit_a_tag_a_branch_or_a_date(backend: GitBackend, iris: Path) -> None:
    git("tag", "--annotate", "--message=x", "v1", cwd=iris)
    git("branch", "kept", cwd=iris)
    commit = git("rev-parse", "HEAD", cwd=iris).strip()
    store(backend, RUN)
    assert list(backend.scan(EXPERIMENT)) == sorted([EXECUTION, RUN])
    for at in ("v1", "kept", commit, commit[:10], "main~1"):
        assert list(backend.scan(EXPERIMENT, at=at)) == [EXECUTION]
        assert backend.changes("iris", at).stored == (RUN,)
    assert list(backend.scan(EXPERIMENT, at="2099-01-01")) == sorted([EXECUTION, RUN])
    tree = git("rev-parse", "HEAD^{tree}", cwd=iris).strip()
    with pytest.raises(NotFoundError):
        backend.read([RUN], at=tree)


def test_history_knows_what_was_done_by_hand(backend: GitBackend, iris: Path) -> None:
    (iris / "experiments/svm/experiment.yaml").write_text("schema: experiment/1\ntitle: x\n")
    git("commit", "--quiet", "--all", "--message=by hand\n\nlong story", cwd=iris)
    versions = list(backend.history(EXPERIMENT))
    assert [(v.subject, v.op) for v in versions] == [
        ("by hand", None),
        ("a test writes", Op.PUT),
    ]
    assert versions[0].author == Author(name="Ada Lovelace", email="ada@example.org")


def test_changes_name_what_a_document_alone_hides(backend: GitBackend, iris: Path) -> None:
    """As after a merge: nothing but the experiment's document differs, and its runs are gone."""
    store(backend, RUN)
    document = iris / "experiments/svm/experiment.yaml"
    alive = document.read_bytes()
    document.write_text("schema: deleted/1\n")
    git("commit", "--quiet", "--all", "--message=hide", cwd=iris)
    assert backend.changes("iris", "main~1").deleted == tuple(sorted([EXPERIMENT, EXECUTION, RUN]))
    document.write_bytes(alive)
    git("commit", "--quiet", "--all", "--message=show", cwd=iris)
    assert backend.changes("iris", "main~1").stored == tuple(sorted([EXPERIMENT, EXECUTION, RUN]))
    assert backend.changes("iris", "main~2").stored == ()


# --------------------------------------------------------------------- repositories around ours


def test_a_repository_of_the_users_is_no_project(backend: GitBackend, tmp_path: Path) -> None:
    thesis = backend.root / "thesis"
    git("init", "--quiet", "--initial-branch=main", thesis, cwd=tmp_path)
    git("commit", "--quiet", "--allow-empty", "--message=begin", cwd=thesis)
    with pytest.raises(FormatError, match="not a project"):
        store(backend, Key.project_named("thesis"))
    with pytest.raises(FormatError, match="not a project"):
        backend.read([Key.project_named("thesis")])
    (backend.root / "slides").mkdir()
    events: list[Event] = []
    with GitBackend(backend.root, notify=events.append) as other:
        assert list(other.scan()) == []
    assert events == [], "what is not ours is nothing to tell"
    assert commits(thesis) == ["begin"]


def test_a_project_may_begin_in_an_empty_repository(backend: GitBackend, tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", tmp_path / "bare.git", cwd=tmp_path)
    git("clone", "--quiet", tmp_path / "bare.git", backend.root / "iris", cwd=tmp_path)
    git("symbolic-ref", "HEAD", "refs/heads/main", cwd=backend.root / "iris")
    assert backend.read([IRIS]) == {}
    assert list(backend.scan()) == []
    with pytest.raises(NotFoundError, match="no project 'iris'"):
        backend.changes("iris")
    with pytest.raises(NotFoundError):
        store(backend, EXPERIMENT)
    store(backend, IRIS, EXPERIMENT)
    assert list(backend.scan()) == [IRIS, EXPERIMENT]
    project = backend.root / "iris"
    assert set(scaffold()) <= set(git("ls-files", cwd=project).splitlines())
    assert git("status", "--porcelain", cwd=project) == ""


def test_a_damaged_repository_hides_no_other(tmp_path: Path) -> None:
    events: list[Event] = []
    lab = Key.project_named("lab")
    with GitBackend(tmp_path, notify=events.append) as backend:
        store(backend, IRIS)
        store(backend, lab)
    (tmp_path / "iris/.git/refs/heads/main").write_text("0" * 39 + "1\n")
    with GitBackend(tmp_path, notify=events.append) as backend:
        assert list(backend.scan()) == [lab]
        with pytest.raises(RepositoryError):
            backend.read([IRIS])
    assert [type(event) for event in events] == [Skipped]


def test_a_submodule_is_passed_over(backend: GitBackend, iris: Path) -> None:
    commit = git("rev-parse", "HEAD", cwd=iris).strip()
    for place in ("experiments/module", RUN_DIRECTORY, "datasets/flowers/dataset.yaml"):
        git("update-index", "--add", "--cacheinfo", f"160000,{commit},{place}", cwd=iris)
    git("commit", "--quiet", "--message=modules", cwd=iris)
    assert list(backend.scan()) == sorted([IRIS, EXPERIMENT, EXECUTION])
    assert backend.read([RUN, IRIS.experiment("module"), IRIS.dataset("flowers")]) == {}
    with pytest.raises(ConflictError, match="in the way"):
        store(backend, IRIS.dataset("flowers"))


def test_an_executable_document_is_a_document(backend: GitBackend, iris: Path) -> None:
    git("update-index", "--chmod=+x", "experiments/svm/experiment.yaml", cwd=iris)
    git("commit", "--quiet", "--message=chmod", cwd=iris)
    assert found(backend, EXPERIMENT) == files_of(EXPERIMENT)


def test_a_project_that_was_moved_away_is_gone(backend: GitBackend, iris: Path) -> None:
    iris.rename(backend.root / "iris-old")
    assert backend.read([IRIS]) == {}
    store(backend, IRIS)
    assert list(backend.scan(kind=IRIS.kind)) == [IRIS, Key.project_named("iris-old")]


def test_a_repository_put_in_place_of_another_is_read(
    backend: GitBackend, iris: Path, tmp_path: Path
) -> None:
    git("clone", "--quiet", iris, tmp_path / "copy", cwd=tmp_path)
    store(backend, RUN)
    iris.rename(tmp_path / "old")
    (tmp_path / "copy").rename(iris)
    assert list(backend.scan(EXPERIMENT)) == [EXECUTION]
    store(backend, run_key(2))
    assert list(backend.scan(EXPERIMENT)) == sorted([EXECUTION, run_key(2)])


def test_a_remote_project_is_adopted_whole_or_not_at_all(
    backend: GitBackend, iris: Path, tmp_path: Path
) -> None:
    foreign, empty = tmp_path / "foreign", tmp_path / "empty.git"
    git("init", "--quiet", "--initial-branch=main", foreign, cwd=tmp_path)
    git("commit", "--quiet", "--allow-empty", "--message=x", cwd=foreign)
    git("init", "--quiet", "--bare", empty, cwd=tmp_path)
    with GitBackend(tmp_path / "clones") as clones:
        assert clones.adopt("iris", str(iris))
        assert list(clones.scan()) == list(backend.scan())
        put(clones, RUN)
        assert clones.adopt("iris", str(iris))
        assert found(clones, RUN) == files_of(RUN)
        assert not clones.adopt("empty", str(empty))
        with pytest.raises(FormatError, match="not a project"):
            clones.adopt("foreign", str(foreign))
    assert [path.name for path in (tmp_path / "clones").iterdir()] == ["iris"]


def test_processes_that_write_at_once_lose_nothing(backend: GitBackend, iris: Path) -> None:
    children = []
    for number in range(3):
        child = os.fork()
        if child == 0:
            try:
                for n in range(6):
                    put(backend, run_key(10 * number + n))
            except BaseException:
                os._exit(1)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    written = [run_key(10 * number + n) for number in range(3) for n in range(6)]
    assert list(backend.scan(EXPERIMENT, kind=RUN.kind)) == sorted(written)
    assert len(commits(iris)) == 2 + len(written)
    assert git("status", "--porcelain", cwd=iris) == ""
    assert git("fsck", "--full", "--strict", "--no-dangling", cwd=iris) == ""

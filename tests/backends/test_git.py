"""The git backend passes the suite, and what is special about repositories."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from padre_git.backends import GitBackend
from padre_git.errors import ConflictError, FormatError, NotFoundError, RepositoryError
from padre_git.format import scaffold
from padre_git.messages import Author, Event, Message, Notice, Op, Skipped
from padre_git.model import Change, ChangeSet, Key
from padre_git.testing import BackendSuite
from padre_git.testing.deleting import NEW, rename
from padre_git.testing.documents import (
    EXECUTION,
    EXPERIMENT,
    IRIS,
    files_of,
    message,
    put,
    run_key,
    store,
)
from padre_git.testing.storing import ONE_OF_EACH, RUN, found
from tests.backends.on_disk import OnDisk
from tests.conftest import git

RUN_DIRECTORY = f"experiments/svm/runs/2026-11/{RUN.name}"


class TestGit(BackendSuite, OnDisk):
    def make_backend(self, directory: Path) -> GitBackend:
        return GitBackend(directory)

    def another(self, backend: GitBackend) -> GitBackend:
        return GitBackend(backend.root)

    def reopened(self, backend: GitBackend, directory: Path) -> GitBackend:
        for project in sorted(backend.root.iterdir()):
            git("clone", "--quiet", project.as_uri(), directory / project.name, cwd=backend.root)
        return GitBackend(directory)

    def by_hand(self, backend: GitBackend, edit: Callable[[Path], None]) -> None:
        project = backend.root / "iris"
        edit(project)
        git("add", "--all", cwd=project)
        git("commit", "--quiet", "--message=by hand", cwd=project)


@pytest.fixture
def backend(tmp_path: Path):
    with GitBackend(tmp_path / "store") as backend:
        yield backend


@pytest.fixture
def iris(backend: GitBackend) -> Path:
    """A project with an experiment and an execution, in two commits."""
    store(backend, IRIS)
    store(backend, EXPERIMENT, EXECUTION)
    return backend.root / "iris"


def commits(project: Path, *arguments: str) -> list[str]:
    return git("log", "--format=%s", *arguments, cwd=project).splitlines()


# ------------------------------------------------------------------------------------ commits


def test_a_project_begins_with_one_commit(backend: GitBackend) -> None:
    put(backend, IRIS, title="Iris")
    project = backend.root / "iris"
    assert commits(project) == ["put iris"]
    tracked = git("ls-tree", "-r", "--name-only", "HEAD", cwd=project).splitlines()
    assert set(tracked) == {*scaffold(), "project.yaml"}
    assert git("status", "--porcelain", "--ignored", cwd=project) == ""
    assert git("branch", "--show-current", cwd=project) == "main\n"


def test_a_project_with_all_its_records_may_begin_with_one_commit(backend: GitBackend) -> None:
    store(backend, *ONE_OF_EACH)
    assert len(commits(backend.root / "iris")) == 1
    assert list(backend.scan()) == sorted(ONE_OF_EACH)


def test_a_set_is_one_commit_and_an_unchanged_one_is_none(backend: GitBackend, iris: Path) -> None:
    store(backend, RUN, run_key(2), run_key(3))
    assert commits(iris)[0] == "a test writes"
    assert len(commits(iris)) == 3
    store(backend, RUN, run_key(2), run_key(3))
    assert len(commits(iris)) == 3
    text = git("log", "-1", "--format=%B", cwd=iris)
    assert "Padre-Op: put" in text
    assert text.count("Padre-Key: ") == 3


def test_a_commit_names_only_what_it_changes(backend: GitBackend, iris: Path) -> None:
    store(backend, EXPERIMENT, RUN)
    assert git("log", "-1", "--format=%(trailers:key=Padre-Key,valueonly)", cwd=iris).split() == [
        RUN.text
    ]


def test_a_group_is_one_commit_for_each_write(backend: GitBackend, iris: Path) -> None:
    people = [Author(name=f"Person {n}", email=f"p{n}@example.org") for n in range(3)]
    times = [datetime(2026, 11, 21, 8, n, tzinfo=UTC) for n in range(3)]
    writes = []
    for n in range(3):
        change = Change(key=run_key(n), files=files_of(run_key(n)))
        said = Message(op=Op.RECORD, subject=f"run {n}", author=people[n], time=times[n])
        writes.append((ChangeSet(changes=(change,)), said))
    backend.apply_each(writes)
    assert commits(iris)[:3] == ["run 2", "run 1", "run 0"]
    log = git("log", "-3", "--format=%an <%ae> %aI", cwd=iris).splitlines()
    assert log[0] == "Person 2 <p2@example.org> 2026-11-21T08:02:00+00:00"
    assert log[2] == "Person 0 <p0@example.org> 2026-11-21T08:00:00+00:00"
    assert git("status", "--porcelain", cwd=iris) == ""


def test_a_group_is_whole_or_nothing(backend: GitBackend, iris: Path) -> None:
    good = Change(key=RUN, files=files_of(RUN))
    bad = Change(key=run_key(2), files=files_of(run_key(2)), expected="0" * 40)
    writes = [(ChangeSet(changes=(change,)), message()) for change in (good, bad)]
    with pytest.raises(ConflictError):
        backend.apply_each(writes)
    assert backend.read([RUN]) == {}
    assert len(commits(iris)) == 2


def test_a_revision_is_the_tree_that_git_has(backend: GitBackend, iris: Path) -> None:
    parts = {"log.txt": b"x", "tags/best": b"", "notes/202611220911-f3k2.md": b"why\n"}
    revision = put(backend, RUN, parts)
    assert git("rev-parse", f"HEAD:{RUN_DIRECTORY}", cwd=iris).strip() == revision
    listed = git("ls-tree", "HEAD", f"{RUN_DIRECTORY.rpartition('/')[0]}/", cwd=iris)
    assert revision in listed


def test_renaming_copies_trees_not_runs(backend: GitBackend, iris: Path) -> None:
    store(backend, *(run_key(n) for n in range(300)))
    runs = git("rev-parse", "HEAD:experiments/svm/runs", cwd=iris)
    rename(backend, EXPERIMENT, NEW)
    assert git("rev-parse", f"HEAD:{NEW.path}/runs", cwd=iris) == runs
    new = git("rev-list", "--objects", "--no-object-names", "HEAD", "^HEAD~1", cwd=iris).split()
    assert len(new) < 8
    assert git("status", "--porcelain", cwd=iris) == ""


def test_who_commits_is_gits_own_idea_or_the_given_author(backend: GitBackend, iris: Path) -> None:
    assert git("log", "-1", "--format=%an %cn", cwd=iris) == "Ada Lovelace Ada Lovelace\n"
    grace = Author(name="Grace Hopper", email="grace@example.org")
    put(GitBackend(backend.root, author=grace), RUN)
    assert git("log", "-1", "--format=%an %cn", cwd=iris) == "Grace Hopper Ada Lovelace\n"


def test_without_an_identity_the_login_name_is_taken_and_said_once(
    tmp_path: Path, own_home: Path
) -> None:
    (own_home / "gitconfig").write_text("")
    events: list[Event] = []
    with GitBackend(tmp_path, notify=events.append) as backend:
        store(backend, IRIS)
        store(backend, EXPERIMENT)
        store(backend, Key.project_named("other"))
    (event,) = events
    assert isinstance(event, Notice)
    assert "@localhost" in event.text
    assert git("log", "-1", "--format=%ae", cwd=tmp_path / "iris").strip().endswith("@localhost")


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


# --------------------------------------------------------------------- repositories around ours


def test_a_repository_of_the_users_is_no_project(backend: GitBackend, tmp_path: Path) -> None:
    thesis = backend.root / "thesis"
    git("init", "--quiet", "--initial-branch=main", thesis, cwd=tmp_path)
    git("commit", "--quiet", "--allow-empty", "--message=begin", cwd=thesis)
    with pytest.raises(FormatError, match="not a project"):
        store(backend, Key.project_named("thesis"))
    with pytest.raises(FormatError, match="not a project"):
        backend.read([Key.project_named("thesis")])
    assert list(backend.scan()) == []
    assert commits(thesis) == ["begin"]


def test_a_project_may_begin_in_an_empty_repository(backend: GitBackend, tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", tmp_path / "bare.git", cwd=tmp_path)
    git("clone", "--quiet", tmp_path / "bare.git", backend.root / "iris", cwd=tmp_path)
    git("symbolic-ref", "HEAD", "refs/heads/main", cwd=backend.root / "iris")
    assert backend.read([IRIS]) == {}
    assert list(backend.scan()) == []
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

"""The git backend passes the suite, and what is special about repositories."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from padre_git.backends import GitBackend
from padre_git.errors import ConflictError
from padre_git.format import scaffold
from padre_git.messages import Author, Event, Message, Notice, Op
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
from padre_git.testing.storing import ONE_OF_EACH, RUN
from tests.backends.git_stores import RUN_DIRECTORY, backend, commits, iris
from tests.backends.on_disk import OnDisk
from tests.conftest import git

__all__ = ["backend", "iris"]


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
        assert len(events) == 1
        store(backend, EXPERIMENT)
        store(backend, Key.project_named("other"))
    with GitBackend(tmp_path, notify=events.append) as another:
        put(another, EXPERIMENT, title="new")
    first, second = events
    assert isinstance(first, Notice)
    assert (first.project, "@localhost" in first.text) == ("iris", True)
    assert first == second
    assert git("log", "-1", "--format=%ae", cwd=tmp_path / "iris").strip().endswith("@localhost")


def test_it_keeps_history_and_lends_the_repository_of_a_project(
    backend: GitBackend, iris: Path
) -> None:
    assert GitBackend.keeps_history
    repository = backend.repository("iris")
    assert repository is not None
    assert repository.path == iris
    assert repository.tip() == git("rev-parse", "HEAD", cwd=iris).strip()
    assert backend.repository("nowhere") is None


def children() -> set[str]:
    """Returns the ids of the processes that this one has started."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {pid for task in tasks for pid in task.read_text().split()}


def test_a_closed_backend_leaves_no_process(backend: GitBackend, iris: Path) -> None:
    lent = backend.repository("iris")
    assert lent is not None
    backend.close()
    others = children()  # of stores that earlier tests have left to the garbage collector
    assert backend.read([Key.parse("iris")])
    lent = backend.repository("iris")
    started = children() - others
    assert started, "reading starts one process that is kept"
    backend.close()
    assert not started & children()


def test_the_first_commit_of_a_project_is_by_the_messages_author(tmp_path: Path) -> None:
    grace = Author(name="Grace Hopper", email="grace@example.org")
    alan = Author(name="Alan Turing", email="alan@example.org")
    change = Change(key=IRIS, files=files_of(IRIS))
    for name, own, said, expected in (
        ("own", grace, None, grace),
        ("said", grace, alan, alan),
        ("neither", None, alan, alan),
    ):
        with GitBackend(tmp_path / name, author=own) as backend:
            words = Message(op=Op.PUT, subject="begin", author=said)
            backend.apply(ChangeSet(changes=(change,)), words)
            log = git("log", "-1", "--format=%an", cwd=tmp_path / name / "iris").strip()
            assert log == expected.name


def test_a_group_may_begin_with_a_new_project(tmp_path: Path) -> None:
    with GitBackend(tmp_path / "store") as backend:
        writes = [
            (ChangeSet(changes=(Change(key=key, files=files_of(key)),)), message())
            for key in (IRIS, EXPERIMENT)
        ]
        first, second = backend.apply_each(writes)
        assert (list(first), list(second)) == ([IRIS], [EXPERIMENT])
        assert set(backend.read([IRIS, EXPERIMENT])) == {IRIS, EXPERIMENT}
        assert len(commits(tmp_path / "store" / "iris")) == 2


def test_a_run_in_another_shard_is_the_same_run(backend: GitBackend, iris: Path) -> None:
    store(backend, RUN)
    before = backend.changes("iris").end
    deeper = iris / RUN_DIRECTORY.replace("/2026-11/", "/2026-11/21/")
    deeper.parent.mkdir()
    (iris / RUN_DIRECTORY).rename(deeper)
    git("add", "--all", cwd=iris)
    git("commit", "--quiet", "--message=by hand", cwd=iris)
    found = backend.changes("iris", before)
    assert found.start != found.end
    assert (found.stored, found.deleted) == ((), ())


def test_changes_name_their_states_in_full(backend: GitBackend, iris: Path) -> None:
    ids = git("rev-list", "--reverse", "HEAD", cwd=iris).split()
    for start, end in ((ids[0][:8], ids[1][:8]), ("HEAD~1", "main")):
        found = backend.changes("iris", start, end)
        assert (found.start, found.end) == (ids[0], ids[1])
        assert found.stored == tuple(sorted([EXPERIMENT, EXECUTION]))


def test_what_the_user_did_to_the_files_of_the_scaffold_stays(
    backend: GitBackend, iris: Path
) -> None:
    for path in scaffold():
        if path != ".padre":
            (iris / path).write_text((iris / path).read_text() + "# mine\n")
    git("commit", "-qam", "mine", cwd=iris)
    before = git("ls-tree", "-r", "HEAD", "--", *scaffold(), cwd=iris)
    store(backend, RUN)
    backend.apply_each(
        [
            (ChangeSet(changes=(Change(key=key, files=files_of(key)),)), message())
            for key in (run_key(2), run_key(3))
        ]
    )
    assert git("ls-tree", "-r", "HEAD", "--", *scaffold(), cwd=iris) == before
    assert git("status", "--porcelain", cwd=iris) == ""


def test_other_directories_beside_the_projects_are_nobodys_business(tmp_path: Path) -> None:
    events: list[Event] = []
    with GitBackend(tmp_path, notify=events.append) as backend:
        store(backend, IRIS)
        (tmp_path / "plots").mkdir()
        (tmp_path / "plots/roc.png").write_bytes(b"")
        (tmp_path / "empty").mkdir()
        assert list(backend.scan()) == [IRIS]
    assert events == []


def test_of_many_who_make_a_project_at_once_everybody_is_heard(tmp_path: Path) -> None:
    for turn in range(5):
        root, together = tmp_path / str(turn), Barrier(6)
        experiments = [IRIS.experiment(f"e{n}") for n in range(6)]

        def begin(key: Key, root: Path = root, together: Barrier = together) -> None:
            with GitBackend(root) as backend:
                together.wait()
                store(backend, IRIS, key)

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(begin, experiments))
        with GitBackend(root) as backend:
            assert list(backend.scan()) == sorted([IRIS, *experiments])

"""Two people and a remote: what one puts the other gets, online, offline and beside plain git."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.backends.git import GitBackend
from padre_git.backends.policy import Policy
from padre_git.backends.status import State
from padre_git.errors import (
    ArtifactMissingError,
    AuthenticationError,
    NotFoundError,
    RejectedError,
    RemoteMissingError,
    RemoteUnavailableError,
    UnsupportedError,
    UnsupportedFormatError,
)
from padre_git.messages import Author, Message, Notice, Op, Pushed
from padre_git.model import Change, ChangeSet, Key, Kind
from padre_git.testing.documents import (
    EXECUTION,
    EXPERIMENT,
    IRIS,
    document,
    files_of,
    put,
    run_key,
    store,
)
from padre_git.vcs.places import create
from padre_git.vcs.remotes import RemoteLocation
from tests.backends.dual_stores import Lab, documents
from tests.conftest import git
from tests.waiting import until

RUN = run_key(1)


def record(backend, *keys: Key, **fields: object) -> None:
    """Stores ended runs as the recorder does, all in one commit."""
    changes = tuple(Change(key=key, files=files_of(key, **fields)) for key in keys)
    backend.apply(ChangeSet(changes=changes), Message(op=Op.RECORD, subject="a run ended"))


# -- there and back ----------------------------------------------------------------------------


def test_what_one_puts_another_gets(lab: Lab) -> None:
    ada, ben = lab.store("ada"), lab.store("ben")
    store(ada, IRIS, EXPERIMENT, EXECUTION, RUN)
    assert documents(ben, RUN) == documents(ada, RUN)
    put(ada, RUN, seed=7)
    assert documents(ben, RUN)["run.yaml"] == document(RUN, seed=7)
    put(ben, RUN, seed=8)
    assert documents(ada, RUN)["run.yaml"] == document(RUN, seed=8)
    assert git("status", "--porcelain", cwd=lab.clone("ben")) == ""


def test_a_put_makes_the_repository_and_publishes_before_it_returns(lab: Lab) -> None:
    ada = lab.store("ada", policy=Policy.AUTO)
    store(ada, IRIS)
    assert lab.head() == git("rev-parse", "main", cwd=lab.clone("ada")).strip()
    assert lab.heard(Pushed)[0].commits == 2
    config = git("config", "--local", "--list", cwd=lab.clone("ada"))
    assert f"remote.origin.url=file://{lab.bare()}" in config
    assert "branch.main.remote=origin" in config


def test_a_stored_url_is_where_the_record_is_and_makes_no_other_revision(lab: Lab) -> None:
    ada = lab.store("ada")
    revision = put(ada, IRIS)
    store(ada, EXPERIMENT, IRIS.dataset("flowers"), RUN)
    base = f"file://{lab.bare()}"
    for key, name in (
        (IRIS, "project.yaml"),
        (EXPERIMENT, "experiment.yaml"),
        (IRIS.dataset("flowers"), "dataset.yaml"),
    ):
        url = base if key == IRIS else f"{base}#{key.path}"
        assert re.search(rf'(?m)^url: "?{re.escape(url)}"?$', documents(ada, key)[name].decode())
        assert ada.urls([key]) == {key: url}
    assert ada.urls([RUN]) == {RUN: f"{base}#{RUN.path}"}
    assert ada.read([IRIS])[IRIS].revision == revision
    assert [v.op for v in ada.history(IRIS)] == [Op.PUT]


def test_a_caller_can_neither_set_nor_drop_a_url(lab: Lab) -> None:
    ada = lab.store("ada", policy=Policy.MANUAL)
    put(ada, IRIS, url="https://example.org/elsewhere.git")
    assert documents(ada, IRIS)["project.yaml"] == document(IRIS)
    ada.push("iris")
    published = documents(ada, IRIS)
    head = lab.head()
    put(ada, IRIS)
    put(ada, IRIS, url="https://example.org/elsewhere.git")
    assert documents(ada, IRIS) == published
    ada.push("iris")
    assert lab.head() == head


def test_without_being_asked_a_manual_store_talks_to_nobody(lab: Lab) -> None:
    ada, ben = lab.store("ada"), lab.store("ben", policy=Policy.MANUAL)
    store(ada, IRIS, EXPERIMENT)
    assert ben.read([EXPERIMENT]) == {}
    assert list(ben.scan()) == []
    ben.pull("iris")
    put(ben, RUN)
    assert ben.status("iris").state is State.AHEAD
    assert ada.read([RUN]) == {}
    ben.sync("iris")
    assert RUN in ada.read([RUN])


def test_what_the_remote_was_seen_to_have_is_believed_for_a_while(lab: Lab) -> None:
    ada, ben = lab.store("ada"), lab.store("ben", max_age=3600)
    store(ada, IRIS, EXPERIMENT)
    assert list(ben.scan(IRIS)) == [EXPERIMENT]
    put(ada, EXPERIMENT, title="new")
    put(ada, RUN)
    assert documents(ben, EXPERIMENT)["experiment.yaml"].startswith(document(EXPERIMENT))
    assert RUN in ben.read([RUN])  # nothing here answers for it, so the remote is asked
    assert b"title: new" in documents(ben, EXPERIMENT)["experiment.yaml"]


def test_a_list_shows_what_is_here_and_what_is_there_each_once(lab: Lab) -> None:
    ada, ben = lab.store("ada"), lab.store("ben")
    store(ada, IRIS, EXPERIMENT)
    wine, rice = Key.project_named("wine"), Key.project_named("rice")
    store(ben, wine)
    assert (list(ada.scan(kind=Kind.PROJECT)), set(ada.elsewhere())) == ([IRIS], {wine})
    assert ada.elsewhere()[wine] == ben.read([wine])[wine]
    assert not lab.clone("ada", "wine").exists(), "listing clones nothing"
    lab.go_offline()
    store(ben, rice)
    assert (list(ben.scan(kind=Kind.PROJECT)), set(ben.elsewhere())) == ([rice, wine], set())
    lab.go_online()
    assert (list(ben.scan(kind=Kind.PROJECT)), set(ben.elsewhere())) == ([rice, wine], {IRIS})
    assert list(ben.scan(kind=Kind.PROJECT, after=rice, limit=1)) == [wine]
    assert list(ben.scan(IRIS)) == [EXPERIMENT]


def test_a_state_that_only_the_remote_has_is_got_when_it_is_asked_for(lab: Lab) -> None:
    ada, ben = lab.store("ada"), lab.store("ben", max_age=3600)
    store(ada, IRIS, EXPERIMENT)
    assert set(ben.scan(IRIS)) == {EXPERIMENT}
    put(ada, RUN, seed=1)
    then = lab.head()
    put(ada, RUN, seed=2)
    found = ben.read([RUN], at=then)[RUN]
    assert found.files["run.yaml"] == document(RUN, seed=1)
    assert list(ben.scan(EXPERIMENT, at=then)) == [RUN]
    assert ben.changes("iris", then).stored == (RUN,)
    with pytest.raises(NotFoundError):
        ben.read([RUN], at="0" * 40)


def test_one_repository_is_for_one_project_and_the_others_stay_here(lab: Lab) -> None:
    create(RemoteLocation.parse(lab.remote), "iris", "main")
    wine = Key.project_named("wine")
    local = GitBackend(lab.directory / "ada")
    with DualLayer(local, RemoteLocation.parse(lab.bare()), max_age=0) as ada:
        store(ada, IRIS)
        store(ada, wine)
        assert ada.urls([IRIS, wine]) == {IRIS: f"file://{lab.bare()}"}
        assert set(ada.read([IRIS, wine])) == set(ada.scan()) == {IRIS, wine}
        with pytest.raises(UnsupportedError, match="'iris' only"):
            ada.push("wine")
        with pytest.raises(NotFoundError):
            ada.pull("rice")
    with pytest.raises(NotFoundError):
        lab.store("ben").push("rice")


def test_every_commit_is_by_the_author_of_the_store(lab: Lab) -> None:
    grace = Author(name="Grace Hopper", email="grace@example.org")
    clones = [GitBackend(lab.directory / name, author=grace) for name in ("ada", "ben")]
    ada, ben = (DualLayer(c, RemoteLocation.parse(lab.remote), max_age=0) for c in clones)
    store(ada, IRIS, EXPERIMENT)
    ben.pull("iris")
    lab.go_offline()
    put(ben, run_key(1))
    lab.go_online()
    put(ada, run_key(2))
    ben.sync("iris")
    ben.withdraw(run_key(1))
    authors = git("log", "--format=%an", cwd=lab.bare()).split("\n")
    assert set(authors) == {"Grace Hopper", ""}
    assert len(authors) == 7


# -- ended runs ---------------------------------------------------------------------------------


def test_ended_runs_wait_for_nobody_and_go_out_together(lab: Lab) -> None:
    ada = lab.store("ada", push_every=3600)
    store(ada, IRIS, EXPERIMENT)
    before = lab.head()
    lab.events.clear()
    for number in range(5):
        record(ada, run_key(number))
    assert lab.head() == before
    ada.flush()
    assert [event.commits for event in lab.heard(Pushed)] == [5]
    record(ada, run_key(6))
    ada.close()
    assert run_key(6) in lab.store("ben").read([run_key(6)])


def test_ended_runs_are_published_soon_without_another_call(lab: Lab) -> None:
    ada = lab.store("ada", push_every=0.2)
    store(ada, IRIS, EXPERIMENT)
    record(ada, RUN)
    until(lambda: ada.urls([RUN]))
    assert RUN in lab.store("ben").read([RUN])


# -- offline ------------------------------------------------------------------------------------


def test_offline_a_put_stands_and_the_next_sync_publishes_it(lab: Lab) -> None:
    ada, ben = lab.store("ada", max_age=3600), lab.store("ben")
    store(ada, IRIS, EXPERIMENT)
    lab.go_offline()
    lab.events.clear()
    put(ada, RUN)
    put(ada, run_key(2))
    assert len(lab.heard(Notice)) == 1, "offline is said once"
    assert set(ada.read([RUN, run_key(2)])) == {RUN, run_key(2)}
    assert ada.urls([RUN]) == {}
    with pytest.raises(RemoteUnavailableError):
        ada.sync("iris")
    assert "directory" in str(ada.status("iris").problem)
    assert ada.status("iris").ahead == 2
    lab.go_online()
    ada.sync("iris")
    assert set(ben.read([RUN, run_key(2)])) == {RUN, run_key(2)}


def test_no_url_is_stored_before_the_remote_has_the_record(lab: Lab) -> None:
    ada = lab.store("ada")
    lab.go_offline()
    store(ada, IRIS, EXPERIMENT)
    assert b"url" not in documents(ada, IRIS)["project.yaml"]
    lab.go_online()
    ada.sync("iris")
    assert b"url" in documents(ada, IRIS)["project.yaml"]
    assert git("rev-parse", "main", cwd=lab.clone("ada")).strip() == lab.head()


def test_a_project_made_offline_is_published_later(lab: Lab) -> None:
    lab.go_offline()
    ada = lab.store("ada")
    store(ada, IRIS)
    lab.go_online()
    put(ada, EXPERIMENT)
    assert set(lab.store("ben").read([IRIS, EXPERIMENT])) == {IRIS, EXPERIMENT}


# -- a remote with a mind of its own ------------------------------------------------------------


def hook(lab: Lab, script: str) -> None:
    path = lab.bare() / "hooks" / "pre-receive"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_refused_push_says_why_and_leaves_no_url_behind(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS)
    hook(lab, r'printf "\033[1mmain is protected\033[0m\n" >&2; exit 1')
    with pytest.raises(RejectedError, match="main is protected"):
        put(ada, EXPERIMENT)
    assert documents(ada, EXPERIMENT)["experiment.yaml"] == document(EXPERIMENT)
    assert ada.urls([EXPERIMENT, IRIS]) == {IRIS: f"file://{lab.bare()}"}
    hook(lab, "exit 0")
    ada.sync("iris")
    assert EXPERIMENT in lab.store("ben").read([EXPERIMENT])


def test_a_push_whose_answer_is_lost_is_not_made_twice(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS)
    hook(lab, "exit 0")
    (lab.bare() / "hooks" / "pre-receive").rename(lab.bare() / "hooks" / "post-receive")
    (lab.bare() / "hooks" / "post-receive").write_text("#!/bin/sh\nkill -9 $PPID\n")
    put(ada, EXPERIMENT)
    assert git("rev-parse", "main", cwd=lab.clone("ada")).strip() == lab.head()
    assert git("log", "--format=%s", cwd=lab.bare()).splitlines().count("publish iris") == 2


def test_a_repository_that_is_gone_is_not_made_again(lab: Lab) -> None:
    ada = lab.store("ada")
    store(ada, IRIS)
    shutil.rmtree(lab.bare())
    with pytest.raises(RemoteMissingError, match="gone") as caught:
        put(ada, EXPERIMENT)
    assert "update-ref -d" in str(caught.value.hint)
    with pytest.raises(RemoteMissingError):
        ada.sync("iris")
    assert "gone" in str(ada.status("iris").problem)
    assert not lab.bare().exists()
    assert EXPERIMENT in ada.read([EXPERIMENT])
    git("update-ref", "-d", "refs/remotes/origin/main", cwd=lab.clone("ada"))
    ada.sync("iris")
    assert lab.bare().exists()


def test_a_format_of_tomorrow_stays_at_the_remote(lab: Lab) -> None:
    ada, ben = lab.store("ada"), lab.store("ben")
    store(ada, IRIS, EXPERIMENT)
    ben.pull("iris")
    clone = lab.clone("ada")
    (clone / ".padre/format.yaml").write_text("format: 2\n\nextensions: []\n")
    (clone / "project.yaml").write_text("schema: project/2\n")
    git("commit", "-qam", "upgrade", cwd=clone)
    git("push", "-q", cwd=clone)
    with pytest.raises(UnsupportedFormatError):
        ben.pull("iris")
    assert EXPERIMENT in ben.read([EXPERIMENT])
    assert any("format" in notice.text for notice in lab.heard(Notice))


def test_credentials_that_are_not_accepted_hide_no_record(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = lab.store("ada")
    store(ada, IRIS, EXPERIMENT)
    upload = lab.directory / "git-upload-pack"
    upload.write_text("#!/bin/sh\necho 'Permission denied (publickey).' >&2\nexit 128\n")
    upload.chmod(0o755)
    git("config", "--global", f"remote.file://{lab.bare()}.uploadpack", str(upload), cwd=lab.remote)
    assert EXPERIMENT in ada.read([EXPERIMENT])
    assert any("credentials" in notice.text for notice in lab.heard(Notice))
    with pytest.raises(AuthenticationError):
        ada.pull("iris")


def test_data_goes_first_and_nothing_goes_without_it(lab: Lab) -> None:
    asked: list[int] = []

    def data(path: Path, git_dir: Path, commits: Sequence[str]) -> None:
        assert git_dir == path / ".git"
        assert all(git("cat-file", "-t", commit, cwd=path) == "commit\n" for commit in commits)
        asked.append(len(commits))
        if len(asked) == 2:
            raise ArtifactMissingError("the model is nowhere")

    ada = lab.store("ada", data=data)
    store(ada, IRIS)
    head = lab.head()
    with pytest.raises(ArtifactMissingError):
        store(ada, EXPERIMENT, RUN)
    assert lab.head() == head
    ada.push("iris")
    assert asked == [2, 2, 2]
    assert RUN in lab.store("ben").read([RUN])


def test_a_data_remote_that_is_silent_holds_back_commits_and_no_read(lab: Lab) -> None:
    def data(path: Path, git_dir: Path, commits: Sequence[str]) -> None:
        raise RemoteUnavailableError("the bucket does not answer")

    ada, ben = lab.store("ada", max_age=3600), lab.store("ben")
    store(ben, IRIS, EXPERIMENT)
    away = lab.store("ada", data=data)
    assert EXPERIMENT in away.read([EXPERIMENT])
    put(away, RUN)
    put(away, run_key(2))
    assert sum("bucket" in notice.text for notice in lab.heard(Notice)) == 1
    put(ben, run_key(3))
    assert run_key(3) in away.read([run_key(3)])
    assert ben.read([RUN]) == {}
    ada.sync("iris")
    assert RUN in ben.read([RUN])

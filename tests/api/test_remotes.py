"""Where clones meet: what is remembered, and moving all of it elsewhere."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import padre_git
from padre_git import Event, Notice, RemoteMissingError, Store, UnsupportedError, move_remote
from padre_git.vcs.transport import MOVED
from tests.conftest import git
from tests.servers import Server


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return directory(tmp_path / "lab")


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return directory(tmp_path / "new")


def directory(path: Path) -> Path:
    path.mkdir()
    return path


def store(root: Path, remote: Path | str | None = None) -> Store:
    return padre_git.open(root, remote=remote, max_age=0)


def run(opened: Store, ref: str, data: bytes | None = None) -> str:
    with opened.start_run(ref) as recorder:
        recorder.log_metric("accuracy", 0.9)
        if data is not None:
            path = Path(str(opened.root)).parent / "model.bin"
            path.write_bytes(data)
            recorder.log_artifact(path)
    opened.flush()
    return recorder.key.text


def remembered(root: Path) -> str | None:
    with padre_git.open(root) as opened:
        return opened.remote


def origin(clone: Path) -> str:
    return git("config", "remote.origin.url", cwd=clone).strip()


def commit(bare: Path, name: str = "main") -> str:
    return git("rev-parse", name, cwd=bare).strip()


# -- what is remembered ---------------------------------------------------------------------------


def test_a_remote_that_never_answered_is_not_remembered(tmp_path: Path) -> None:
    root = tmp_path / "ada"
    with store(root, tmp_path / "wrong") as opened:
        assert opened.remote == (tmp_path / "wrong").as_uri()
        opened.ensure("iris")
        assert [project.name for project in opened.projects.list()] == ["iris"]
    assert remembered(root) is None


def test_a_remote_is_remembered_when_it_has_answered(lab: Path, tmp_path: Path) -> None:
    with store(tmp_path / "ada", lab) as opened:
        assert opened.projects.list() == []
    assert remembered(tmp_path / "ada") == lab.as_uri()


def test_a_put_that_is_published_remembers_the_remote(lab: Path, tmp_path: Path) -> None:
    with padre_git.open(tmp_path / "ada", remote=lab) as opened:
        opened.ensure("iris")
    assert remembered(tmp_path / "ada") == lab.as_uri()


def test_a_wrong_remote_does_not_take_the_place_of_a_right_one(lab: Path, tmp_path: Path) -> None:
    with store(tmp_path / "ada", lab) as opened:
        opened.ensure("iris")
    with store(tmp_path / "ada", tmp_path / "wrong") as opened:
        opened.projects.list()
        opened.ensure("iris/svm")
    assert remembered(tmp_path / "ada") == lab.as_uri()


# -- moving ---------------------------------------------------------------------------------------


def test_everything_moves_with_its_data_branches_and_tags(
    lab: Path, new: Path, tmp_path: Path
) -> None:
    ada, ben = tmp_path / "ada", tmp_path / "ben"
    with store(ada, lab) as opened:
        first = run(opened, "iris/svm", b"model" * 1000)
    with store(ben, lab) as opened:
        second = run(opened, "iris/svm")
        wine = run(opened, "wine/forest", b"other" * 1000)
    git("tag", "v1", commit(lab / "iris.git"), cwd=lab / "iris.git")
    git("branch", "ideas", "main", cwd=lab / "iris.git")
    before = commit(lab / "iris.git")
    assert move_remote(new, ada) == ("iris", "wine")
    assert remembered(ada) == new.as_uri()
    assert origin(ada / "iris") == (new / "iris.git").as_uri()
    assert commit(new / "iris.git", "v1") == commit(new / "iris.git", "ideas") == before
    news = git("log", "--format=%s", f"{before}..main", cwd=new / "iris.git").splitlines()
    assert news == ["publish iris"], "one commit brings the new urls"
    assert git("status", "--porcelain", cwd=ada / "iris") == ""
    with store(tmp_path / "cleo", new) as cleo:
        assert {cleo.runs.get(key).key.text for key in (first, second, wine)} == {
            first,
            second,
            wine,
        }
        assert cleo.artifacts.get(first, "model.bin").read_bytes() == b"model" * 1000
        assert cleo.artifacts.get(wine, "model.bin").read_bytes() == b"other" * 1000
        assert cleo.projects.get("iris").url == (new / "iris.git").as_uri()
    assert (lab / "iris.git/HEAD").is_file(), "nothing was taken away"
    assert git("fsck", "--strict", cwd=new / "iris.git") == ""


def test_another_persons_clone_is_told_and_follows_with_the_same_command(
    lab: Path, new: Path, tmp_path: Path
) -> None:
    ada, ben = tmp_path / "ada", tmp_path / "ben"
    with store(ada, lab) as opened:
        run(opened, "iris/svm")
    with store(ben, lab) as opened:
        opened.pull("iris")
    move_remote(new, ada)
    told: list[Event] = []
    with store(ben) as opened:
        opened.subscribe(Notice, told.append)
        assert len(opened.runs.list("iris/svm")) == 1, "reads go on"
        assert any("has moved to" in event.text for event in told if isinstance(event, Notice))
        with pytest.raises(RemoteMissingError, match="has moved to") as caught:
            opened.sync("iris")
        assert f"padre-git remote move {new.as_uri()}" in str(caught.value.hint)
        with pytest.raises(RemoteMissingError, match="has moved to"):
            opened.ensure("iris/forest")
        assert "has moved to" in str(opened.status("iris").problem)
    old = commit(lab / "iris.git")
    move_remote(new, ben)
    assert commit(lab / "iris.git") == old, "nothing more goes to the old place"
    with store(ada) as one, store(ben) as two:
        assert {e.name for e in one.experiments.list("iris")} == {"svm", "forest"}
        two.sync("iris")
        assert commit(ada / "iris") == commit(ben / "iris") == commit(new / "iris.git")


def test_who_opens_the_store_with_the_new_remote_has_followed_too(
    lab: Path, new: Path, tmp_path: Path
) -> None:
    ada, ben = tmp_path / "ada", tmp_path / "ben"
    with store(ada, lab) as opened:
        opened.ensure("iris/svm")
    with store(ben, lab) as opened:
        opened.pull("iris")
    move_remote(new, ada)
    with store(ben) as opened, pytest.raises(RemoteMissingError):
        opened.sync("iris")
    with store(ben, new) as opened:
        opened.ensure("iris/forest")
        opened.sync("iris")
        assert opened.status("iris").problem is None
    assert remembered(ben) == new.as_uri()
    assert commit(ben / "iris") == commit(new / "iris.git")


def test_who_had_published_at_the_old_place_meanwhile_loses_nothing(
    lab: Path, new: Path, tmp_path: Path
) -> None:
    ada, ben = tmp_path / "ada", tmp_path / "ben"
    with store(ada, lab) as opened:
        opened.ensure("iris/svm")
    with store(ben, lab) as opened:
        opened.pull("iris")
        move_remote(new, ada)
        (ben / "iris/notes.txt").write_text("by hand")
        git("add", "notes.txt", cwd=ben / "iris")
        git("commit", "-q", "-m", "by hand", cwd=ben / "iris")
        git("push", "-q", "origin", "main", cwd=ben / "iris")
    move_remote(new, ben)
    assert "by hand" in git("log", "--format=%s", "main", cwd=new / "iris.git")


def test_a_move_that_was_interrupted_is_run_again(lab: Path, new: Path, tmp_path: Path) -> None:
    ada = tmp_path / "ada"
    with store(ada, lab) as opened:
        for name in ("iris", "rice", "wine"):
            run(opened, f"{name}/svm", name.encode() * 1000)
    script = (
        "import os, sys, padre_git\n"
        "def hook(event, words):\n"
        f"    if event == 'subprocess.Popen' and '{new}/rice.git' in repr(words):\n"
        f"        os.path.exists('{new}/iris.git') and os.kill(0, {signal.SIGKILL})\n"
        "sys.addaudithook(hook)\n"
        f"padre_git.move_remote({str(new)!r}, {str(ada)!r})\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], start_new_session=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert remembered(ada) == lab.as_uri()
    assert not (new / "wine.git").exists()
    with store(ada) as opened:
        assert len(opened.runs.list("iris/svm")) == 1
    assert move_remote(new, ada) == ("iris", "rice", "wine")
    assert move_remote(new, ada) == ("iris", "rice", "wine"), "nor does a third time harm"
    with store(tmp_path / "ben", new) as ben:
        for name in ("iris", "rice", "wine"):
            (key,) = [found.key for found in ben.runs.list(f"{name}/svm")]
            assert ben.artifacts.get(key, "model.bin").read_bytes() == name.encode() * 1000
        assert ben.status("iris").ahead == 0


def test_moving_there_and_back_is_as_if_nothing_had_been(
    lab: Path, new: Path, tmp_path: Path
) -> None:
    ada = tmp_path / "ada"
    with store(ada, lab) as opened:
        opened.ensure("iris/svm")
    move_remote(new, ada)
    assert git("for-each-ref", MOVED, cwd=lab / "iris.git") != ""
    move_remote(lab, ada)
    assert git("for-each-ref", MOVED, cwd=lab / "iris.git") == ""
    assert git("for-each-ref", "refs/padre/moving", MOVED, cwd=ada / "iris") == ""
    with store(ada) as opened:
        opened.ensure("iris/forest")
        assert opened.projects.get("iris").url == (lab / "iris.git").as_uri()
    with store(tmp_path / "ben", lab) as ben:
        assert len(ben.experiments.list("iris")) == 2


def test_an_old_remote_that_is_gone_is_no_reason_to_stop(
    lab: Path, new: Path, tmp_path: Path
) -> None:
    ada = tmp_path / "ada"
    told: list[Event] = []
    with store(ada, lab) as opened:
        key = run(opened, "iris/svm", b"model" * 1000)
    shutil.rmtree(lab)
    assert move_remote(new, ada, subscriber=told.append) == ("iris",)
    assert sum("does not answer" in event.text for event in told if isinstance(event, Notice)) == 1
    with store(tmp_path / "ben", new) as ben:
        assert ben.artifacts.get(key, "model.bin").read_bytes() == b"model" * 1000


def test_a_store_without_a_remote_gets_one_by_the_same_command(new: Path, tmp_path: Path) -> None:
    with store(tmp_path / "ada") as opened:
        opened.ensure("iris/svm")
    assert move_remote(new, tmp_path / "ada") == ("iris",)
    assert (new / "iris.git/HEAD").is_file()
    assert remembered(tmp_path / "ada") == new.as_uri()


def test_other_repositories_in_the_root_stay_where_they_are(new: Path, tmp_path: Path) -> None:
    with store(tmp_path / "ada") as opened:
        opened.ensure("iris/svm")
    git("init", "-q", "-b", "main", "website", cwd=tmp_path / "ada")
    git("commit", "-q", "--allow-empty", "-m", "mine", cwd=tmp_path / "ada/website")
    assert move_remote(new, tmp_path / "ada") == ("iris",)
    assert [entry.name for entry in new.glob("*.git")] == ["iris.git"]
    assert git("remote", cwd=tmp_path / "ada/website") == ""


def test_a_sign_cannot_slip_a_command_into_what_a_person_copies(lab: Path, tmp_path: Path) -> None:
    with store(tmp_path / "ada", lab) as opened:
        opened.ensure("iris")
    hints = {"host:/$(touch made);x": "move 'host:/$(touch made);x'"}
    hints |= dict.fromkeys(
        ["-rf", "ext::sh -c x", "https://a:b@host/x", "\x1b[31m", ""], "move NEW"
    )
    for text, hint in hints.items():
        put = subprocess.run(
            ["git", "hash-object", "-w", "--stdin"],
            cwd=lab / "iris.git", input=text.encode(), capture_output=True, check=True,
        )  # fmt: skip
        git("update-ref", MOVED, put.stdout.decode().strip(), cwd=lab / "iris.git")
        with store(tmp_path / "ada") as opened, pytest.raises(RemoteMissingError) as caught:
            opened.sync("iris")
        assert str(caught.value.hint).endswith(hint)


def test_a_repository_of_one_project_is_no_place_for_two(
    lab: Path, new: Path, tmp_path: Path
) -> None:
    with store(tmp_path / "ada", lab) as opened:
        opened.ensure("iris")
        opened.ensure("wine")
    with pytest.raises(UnsupportedError, match="'wine' has no place"):
        move_remote(new / "iris.git", tmp_path / "ada")
    assert list(new.iterdir()) == []
    assert remembered(tmp_path / "ada") == lab.as_uri()


def test_over_ssh_and_back_to_a_directory(
    sshd_kept: Server, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd_kept.lend(monkeypatch)
    with store(tmp_path / "ada", lab) as opened:
        opened.ensure("iris/svm")
    assert move_remote(sshd_kept.base, tmp_path / "ada") == ("iris",)
    assert remembered(tmp_path / "ada") == sshd_kept.base
    with store(tmp_path / "ben", sshd_kept.base) as ben:
        assert [project.name for project in ben.projects.list()] == ["iris"]
    assert move_remote(lab, tmp_path / "ada") == ("iris",)
    assert move_remote(lab, tmp_path / "ben") == ("iris",)
    assert (
        commit(tmp_path / "ada/iris") == commit(tmp_path / "ben/iris") == commit(lab / "iris.git")
    )


def test_where_no_repository_can_be_made_the_move_says_so_and_goes_on_when_there_is_one(
    nginx: Server, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nginx.lend(monkeypatch)
    with store(tmp_path / "ada", lab) as opened:
        opened.ensure("iris/svm")
    with pytest.raises(RemoteMissingError, match="no repository for project 'iris'"):
        move_remote(nginx.base, tmp_path / "ada")
    assert remembered(tmp_path / "ada") == lab.as_uri()
    nginx.create("iris")
    assert move_remote(nginx.base, tmp_path / "ada") == ("iris",)
    with store(tmp_path / "ben", nginx.base) as ben:
        assert ben.experiments.get("iris/svm").name == "svm"

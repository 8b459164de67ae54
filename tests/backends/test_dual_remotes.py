"""Every kind of remote does the same: directories, ssh and HTTP; base, template, repository."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.backends.git import GitBackend
from padre_git.backends.status import State
from padre_git.errors import AuthenticationError, RemoteMissingError, RemoteUnavailableError
from padre_git.messages import Event, Notice
from padre_git.model import Key, Kind, Record
from padre_git.testing.documents import EXPERIMENT, IRIS, put, run_key, store
from padre_git.vcs.remotes import RemoteLocation
from tests.backends.dual_stores import delete, documents, fsck
from tests.conftest import git
from tests.servers import Server
from tests.waiting import quickest

WINE = Key.project_named("wine")


@dataclass(frozen=True, kw_only=True)
class Remote:
    """Is a kind of remote.

    Attributes:
        text: what a person writes.
        bare: where its repository of 'iris' is on the disk.
        makes: whether a first push makes the repository.
        lists: whether it says which projects it has.
    """

    text: str
    bare: Path
    makes: bool
    lists: bool

    def ready(self) -> None:
        """Makes the repository of 'iris', where a person has to."""
        if not self.makes:
            git("init", "-q", "--bare", "-b", "main", self.bare, cwd=self.bare.parent)

    def store(self, directory: Path, events: list[Event] | None = None) -> DualLayer:
        """Opens a person's store."""
        told = (lambda event: None) if events is None else events.append
        local = GitBackend(directory, notify=told)
        return DualLayer(local, RemoteLocation.parse(self.text), max_age=0, notify=told)


def remote(request: pytest.FixtureRequest, kind: str, form: str) -> Remote:
    if kind in ("directory", "file"):
        directory = request.getfixturevalue("tmp_path") / "our lab"
        directory.mkdir()
        base = str(directory) if kind == "directory" else directory.as_uri()
        makes = lists = True
    else:
        server = request.getfixturevalue(kind.removesuffix("_short"))
        assert isinstance(server, Server)
        server.lend(request.getfixturevalue("monkeypatch"))
        directory = server.directory
        base = server.short if kind.endswith("_short") else server.base
        makes = lists = kind in ("sshd", "sshd_short", "sshd_kept")
    text, name = {
        "base": (base, "iris.git"),
        "template": (f"{base}/lab-{{project}}.git", "lab-iris.git"),
        "repository": (f"{base}/iris.git", "iris.git"),
    }[form]
    return Remote(text=text, bare=directory / name, makes=makes, lists=lists)


KINDS = [
    *((kind, "base") for kind in ("directory", "file", "sshd_short", "sshd_without_shell")),
    *((kind, "base") for kind in ("nginx", "apache", "token_server")),
    *(("directory", form) for form in ("template", "repository")),
    ("sshd_kept", "base"),
    ("sshd_kept", "template"),
    ("nginx", "repository"),
]


@pytest.fixture(params=KINDS, ids="-".join)
def lab(request: pytest.FixtureRequest) -> Iterator[Remote]:
    found = remote(request, *request.param)
    yield found
    if found.bare.exists():
        fsck(found.bare)


@pytest.fixture(params=["directory", "sshd_kept"])
def making(request: pytest.FixtureRequest) -> Remote:
    return remote(request, request.param, "base")


def projects(opened: DualLayer) -> list[str]:
    found = {*opened.scan(kind=Kind.PROJECT), *opened.elsewhere()}
    return sorted(key.project for key in found)


def is_alive(opened: DualLayer, key: Key) -> bool:
    return isinstance(opened.read([key]).get(key), Record)


def test_what_one_puts_another_gets_lists_changes_and_deletes(lab: Remote, tmp_path: Path) -> None:
    lab.ready()
    with lab.store(tmp_path / "ada") as ada, lab.store(tmp_path / "ben") as ben:
        store(ada, IRIS, EXPERIMENT, run_key(1))
        assert ada.status("iris").state is State.PUBLISHED
        assert documents(ben, EXPERIMENT) == documents(ada, EXPERIMENT)
        assert list(ben.scan(EXPERIMENT)) == [run_key(1)]
        assert ben.urls([IRIS]) == ada.urls([IRIS])
        assert ada.key_of(ada.urls([EXPERIMENT])[EXPERIMENT]) == EXPERIMENT
        put(ben, run_key(2))
        put(ada, run_key(3))
        ben.sync("iris")
        assert set(ben.scan(EXPERIMENT)) == {run_key(1), run_key(2), run_key(3)}
        delete(ben, run_key(1))
        assert not is_alive(ada, run_key(1))
        ada.sync("iris")
        assert git("rev-parse", "main", cwd=lab.bare) == git(
            "rev-parse", "main", cwd=tmp_path / "ada/iris"
        )


def test_a_project_that_is_not_cloned_is_listed_where_that_can_be_and_comes_when_it_is_asked_for(
    lab: Remote, tmp_path: Path
) -> None:
    lab.ready()
    with lab.store(tmp_path / "ada") as ada, lab.store(tmp_path / "ben") as ben:
        store(ada, IRIS, EXPERIMENT)
        lists = lab.lists or RemoteLocation.parse(lab.text).only is not None
        assert projects(ben) == (["iris"] if lists else [])
        assert not (tmp_path / "ben/iris").exists(), "a list clones nothing"
        assert is_alive(ben, EXPERIMENT)
        assert projects(ben) == ["iris"]


def test_a_first_push_makes_the_repository_or_says_what_to_do(lab: Remote, tmp_path: Path) -> None:
    with lab.store(tmp_path / "ada") as ada:
        if lab.makes:
            store(ada, IRIS)
        else:
            with pytest.raises(
                RemoteMissingError, match="no repository for project 'iris'"
            ) as caught:
                store(ada, IRIS)
            assert f"create an empty repository '{lab.bare.name}'" in str(caught.value.hint)
            assert is_alive(ada, IRIS), "the commit stands"
            lab.ready()
            ada.sync("iris")
        assert ada.status("iris").state is State.PUBLISHED


def test_what_a_push_makes_over_ssh_is_what_it_makes_in_a_directory(
    making: Remote, tmp_path: Path
) -> None:
    with making.store(tmp_path / "ada") as ada:
        store(ada, IRIS)
    assert making.bare.stat().st_mode & 0o077 == 0
    assert git("config", "receive.fsckObjects", cwd=making.bare) == "true\n"
    assert git("symbolic-ref", "HEAD", cwd=making.bare) == "refs/heads/main\n"
    assert [entry.name for entry in making.bare.parent.iterdir()] == ["iris.git"]


def test_in_a_groups_directory_a_repository_is_the_groups(making: Remote, tmp_path: Path) -> None:
    making.bare.parent.chmod(0o2770)
    with making.store(tmp_path / "ada") as ada:
        store(ada, IRIS)
    assert making.bare.stat().st_mode & 0o777 == 0o770
    assert git("config", "core.sharedRepository", cwd=making.bare).strip() in ("1", "group")


def test_a_base_that_is_not_there_is_not_made(making: Remote, tmp_path: Path) -> None:
    shutil.rmtree(making.bare.parent)
    with making.store(tmp_path / "ada") as ada:
        with contextlib.suppress(RemoteMissingError):
            store(ada, IRIS)
        with pytest.raises((RemoteMissingError, RemoteUnavailableError)) as caught:
            ada.push("iris")
        assert caught.value.hint is not None
    assert not making.bare.parent.exists()


def test_a_deleted_project_is_neither_listed_nor_made_again(making: Remote, tmp_path: Path) -> None:
    with making.store(tmp_path / "ada") as ada, making.store(tmp_path / "ben") as ben:
        store(ada, IRIS, EXPERIMENT)
        assert is_alive(ben, EXPERIMENT)
        delete(ada, IRIS)
        with making.store(tmp_path / "cleo") as cleo:
            assert projects(cleo) == []
        assert not is_alive(ben, EXPERIMENT)
        assert projects(ben) == []


def test_a_repository_that_was_removed_is_not_made_again_by_who_has_known_it(
    making: Remote, tmp_path: Path
) -> None:
    with making.store(tmp_path / "ada") as ada, making.store(tmp_path / "ben") as ben:
        store(ada, IRIS, EXPERIMENT)
        assert is_alive(ben, EXPERIMENT)
        shutil.rmtree(making.bare)
        for who in (ada, ben):
            with pytest.raises(RemoteMissingError, match="gone"):
                put(who, run_key(1))
            with pytest.raises(RemoteMissingError, match="gone"):
                who.sync("iris")
        assert not making.bare.exists()
        store(ada, WINE)
        assert (making.bare.parent / "wine.git").is_dir(), "a new one is made all the same"


def test_a_host_without_a_shell_is_asked_for_one_once(
    sshd_without_shell: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd_without_shell.lend(monkeypatch)
    events: list[Event] = []
    lab = Remote(text=sshd_without_shell.base, bare=tmp_path, makes=False, lists=False)
    with lab.store(tmp_path / "ada", events) as ada:
        assert projects(ada) == []
        twenty = quickest(lambda: [projects(ada) for _ in range(20)], enough=0.2)
        assert twenty < 0.2
    assert events == []


def test_a_list_asks_a_host_once_in_max_age_seconds(
    sshd_kept: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd_kept.lend(monkeypatch)
    location = RemoteLocation.parse(sshd_kept.base)
    with (
        DualLayer(GitBackend(tmp_path / "ada"), location) as ada,
        DualLayer(GitBackend(tmp_path / "ben"), location) as ben,
    ):
        assert projects(ben) == []
        store(ada, IRIS)
        assert projects(ben) == [], "asked a moment ago"
        assert is_alive(ben, IRIS), "what is asked for by name is looked for"
        assert projects(ben) == ["iris"]
    with DualLayer(GitBackend(tmp_path / "cleo"), location) as cleo:
        assert projects(cleo) == ["iris"]
        assert is_alive(cleo, IRIS)
        assert projects(cleo) == ["iris"], "once"


def test_a_host_that_does_not_know_the_key_is_told_of_and_lists_nothing(
    sshd: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = sshd.environment["GIT_SSH_COMMAND"]
    monkeypatch.setenv("GIT_SSH_COMMAND", f"{command} -o PubkeyAuthentication=no")
    events: list[Event] = []
    lab = Remote(text=sshd.base, bare=tmp_path, makes=True, lists=True)
    with lab.store(tmp_path / "ada", events) as ada:
        assert projects(ada) == []
        assert any("not listed" in event.text for event in events if isinstance(event, Notice))
        with pytest.raises(AuthenticationError):
            ada.pull("iris")


def test_a_path_on_a_host_is_a_path_and_nothing_else(
    sshd_kept: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd_kept.lend(monkeypatch)
    odd = sshd_kept.directory / 'it\'s $(touch made) `touch made`; "a" * lab'
    odd.mkdir()
    for text in (f"lab:{odd}", f"lab:{odd}/our-{{project}}.git"):
        lab = Remote(text=text, bare=odd, makes=True, lists=True)
        with (
            lab.store(tmp_path / f"ada{len(text)}") as ada,
            lab.store(tmp_path / f"b{len(text)}") as ben,
        ):
            store(ada, WINE)
            assert projects(ben) == ["wine"]
    assert sorted(entry.name for entry in odd.iterdir()) == ["our-wine.git", "wine.git"]


def test_a_relative_path_and_a_tilde_are_below_the_home_of_the_host(
    sshd_kept: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd_kept.lend(monkeypatch)
    home = Path("~root").expanduser()
    name = f".padre-test-{sshd_kept.directory.name}-{time.monotonic_ns()}"
    (home / name).mkdir()
    try:
        for form in (
            f"lab:{name}",
            f"lab:~/{name}",
            f"ssh://lab/~/{name}",
            f"ssh://lab/~root/{name}",
        ):
            lab = Remote(text=form, bare=home, makes=True, lists=True)
            with lab.store(tmp_path / f"c{len(form)}{form[-4]}") as cleo:
                if form.startswith("lab:."):
                    store(cleo, WINE)
                else:
                    assert projects(cleo) == ["wine"]
    finally:
        shutil.rmtree(home / name)


def test_the_persons_own_words_for_urls_and_ssh_hold(
    sshd_kept: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    command = sshd_kept.environment["GIT_SSH_COMMAND"]
    git("config", "--global", "core.sshCommand", command, cwd=tmp_path)
    git("config", "--global", f"url.{sshd_kept.base}/.insteadOf", "work:", cwd=tmp_path)
    lab = Remote(text="work:lab", bare=tmp_path, makes=True, lists=True)
    (sshd_kept.directory / "lab").mkdir()
    with lab.store(tmp_path / "ada") as ada, lab.store(tmp_path / "ben") as ben:
        store(ada, IRIS)
        assert projects(ben) == ["iris"]
    assert (sshd_kept.directory / "lab/iris.git/HEAD").is_file()

"""A project that is not here, and a remote that cannot be asked: nobody hears "not found"."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import padre_git
from padre_git import (
    NotFoundError,
    OfflineError,
    Project,
    RemoteError,
    RemoteUnavailableError,
    Store,
)
from padre_git.cli.group import commands
from tests.conftest import git

HOUR = 3600.0


class Host:
    """A remote that answers or does not, as the test says; it counts the questions."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self._asked = base.parent / "asked"
        self._says = base.parent / "says"
        program = base.parent / "upload-pack"
        program.write_text(
            f"#!/bin/sh\necho x >> {self._asked}\n"
            f"[ -e {self._says} ] && {{ cat {self._says} >&2; exit 128; }}\n"
            'exec git-upload-pack "$@"\n'
        )
        program.chmod(0o755)
        for project in ("iris", "wine", "rice"):
            name = f"remote.file://{base}/{project}.git.uploadpack"
            git("config", "--global", name, program, cwd=base)

    def fails(self, text: str) -> None:
        self._says.write_text(text)

    def is_silent(self) -> None:
        self.fails("ssh: Could not resolve hostname lab: Name or service not known\n")

    def is_back(self) -> None:
        self._says.unlink()

    @property
    def asked(self) -> int:
        return len(self._asked.read_text().split()) if self._asked.exists() else 0


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """The remote, with two projects."""
    (tmp_path / "lab").mkdir()
    with padre_git.open(tmp_path / "ada", remote=tmp_path / "lab") as store:
        for name in ("iris", "wine"):
            store.projects.put(Project(name=name))
            with store.start_run(f"{name}/svm", {"C": 1}):
                pass
    return Host(tmp_path / "lab")


def ben(host: Host, policy: str = "auto") -> Store:
    return padre_git.open(host.base.parent / "ben", remote=host.base, policy=policy, max_age=HOUR)


READS: dict[str, Callable[[Store], object]] = {
    "get": lambda store: store.projects.get("wine"),
    "get a run": lambda store: store.runs.get("wine/svm/k3v9"),
    "list": lambda store: store.runs.list("wine/svm"),
    "exists": lambda store: store.experiments.exists("wine/svm"),
    "key": lambda store: store.key("wine/svm"),
    "history": lambda store: store.history("wine"),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_what_nobody_could_look_for_is_not_said_to_be_missing(
    host: Host, read: Callable[[Store], object]
) -> None:
    host.is_silent()
    with ben(host) as store:
        for _ in range(2):
            asked = host.asked
            with pytest.raises(RemoteUnavailableError, match="'wine' is not here") as error:
                read(store)
            assert error.value.key == "wine"
            assert host.asked > asked, "whoever asks again is not answered from memory"


def test_the_remote_is_asked_once_for_each_read(host: Host) -> None:
    host.is_silent()
    with ben(host) as store:
        for number in (1, 2, 3):
            with pytest.raises(RemoteUnavailableError):
                store.projects.get("wine")
            assert host.asked == number


def test_as_soon_as_the_remote_is_back_a_read_finds_what_it_has(host: Host) -> None:
    host.is_silent()
    with ben(host) as store:
        with pytest.raises(RemoteUnavailableError):
            store.projects.get("wine")
        host.is_back()
        assert store.projects.get("wine").name == "wine"
        with pytest.raises(NotFoundError):
            store.experiments.get("wine/tree")
        with pytest.raises(NotFoundError):
            store.projects.get("rice")


def test_another_process_that_found_silence_changes_nothing(host: Host) -> None:
    host.is_silent()
    with ben(host) as store, pytest.raises(RemoteUnavailableError):
        store.projects.get("wine")
    host.is_back()
    with ben(host) as store:
        assert len(store.runs.list("wine/svm")) == 1


def test_a_remote_that_refuses_is_not_one_that_has_nothing(host: Host) -> None:
    host.fails("fatal: Authentication failed for 'lab'\n")
    with ben(host) as store, pytest.raises(RemoteError):
        store.projects.get("wine")


def test_what_is_here_is_read_without_another_question(host: Host) -> None:
    with ben(host) as store:
        store.pull("iris")
        host.is_silent()
        with pytest.raises(RemoteUnavailableError):
            store.pull("iris")
        asked = host.asked
        assert len(store.runs.list("iris/svm")) == 1
        with pytest.raises(NotFoundError):
            store.experiments.get("iris/tree")
        assert host.asked == asked


def test_who_said_that_there_is_no_network_is_told_so(host: Host) -> None:
    with ben(host, policy="offline") as store, pytest.raises(OfflineError):
        store.projects.get("wine")
    with ben(host, policy="manual") as store, pytest.raises(NotFoundError):
        store.projects.get("wine")
    assert host.asked == 0


def test_new_work_begins_without_the_remote(host: Host) -> None:
    host.is_silent()
    with ben(host) as store:
        with store.start_run("rice/svm", {"C": 1}) as run:
            run.log_metric("accuracy", 0.5)
        store.projects.put(Project(name="oats"))
        assert store.ensure("barley/svm")
        assert {project.name for project in store.projects.list()} == {"rice", "oats", "barley"}
        assert len(store.runs.list("rice")) == 1
        options = ["--root", str(store.root), "--remote", str(host.base)]
    done = CliRunner().invoke(commands, [*options, "init", "hops"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(commands, [*options, "show", "wine/svm"])
    assert done.exit_code == 4, done.output

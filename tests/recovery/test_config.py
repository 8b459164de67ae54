"""A damaged configuration: what the person has set stays, and what is known comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

import padre_git
from tests.conftest import git
from tests.recovery.clinic import records

_OWN = '[status]\n\tshort = true\n[user]\n\tname = "J\xfcrgen"\n'


@pytest.fixture
def config(store: padre_git.Store, clone: Path) -> Path:
    """The configuration of a clone that somebody has added to, and that was written to since."""
    path = clone / ".git" / "config"
    with path.open("ab") as file:
        file.write(_OWN.encode("latin-1"))
    with store.start_run("iris/tree") as run:
        run.log_metric("accuracy", 1.0)
    return path


def test_what_a_person_has_set_is_no_damage(store: padre_git.Store, config: Path) -> None:
    before = config.read_bytes()
    assert store.verify("iris") == store.repair("iris") == ()
    assert config.read_bytes() == before


def test_lines_that_git_cannot_read_go_and_all_others_stay(
    store: padre_git.Store, clone: Path, config: Path
) -> None:
    url = git("config", "remote.origin.url", cwd=clone)
    content = (
        config.read_bytes().replace(b"[remote", b"[rem\xffote").replace(b"bare = f", b"bare = \xe6")
    )
    config.write_bytes(b"[core\n" + content)
    before = records(store)
    (found,) = store.verify("iris")
    assert (found.piece.value, found.problem) == ("configuration", "damaged")
    assert store.repair("iris") == ()
    assert git("config", "status.short", cwd=clone) == "true\n"
    assert git("config", "remote.origin.url", cwd=clone) == url
    assert git("config", "core.bare", cwd=clone) == "false\n"
    assert records(store) == before


def test_no_password_is_remembered(store: padre_git.Store, clone: Path, config: Path) -> None:
    git("config", "remote.other.url", "https://me:secret@example.org/x.git", cwd=clone)
    git("config", "remote.third.url", "ssh://git:secret@example.org/x.git", cwd=clone)
    git("config", "user.signingKey", "secret", cwd=clone)
    with store.start_run("iris/tree") as run:
        run.log_metric("accuracy", 1.0)
    kept = (clone / ".git/padre/config").read_text()
    assert "secret" not in kept
    assert "https://example.org/x.git" in kept
    assert "ssh://git@example.org/x.git" in kept


def test_a_cut_within_a_long_value_takes_nothing_of_what_comes_back(
    store: padre_git.Store, clone: Path, config: Path
) -> None:
    url = git("config", "remote.origin.url", cwd=clone)
    config.write_bytes(b'[user]\n\tname = "Ada \\\n\tL"\n\temail = ada@example.org\\\n')
    before = records(store)
    assert store.repair("iris") == ()
    assert store.verify("iris") == ()
    assert git("config", "remote.origin.url", cwd=clone) == url
    assert git("config", "user.email", cwd=clone) == "ada@example.org\n"
    assert records(store) == before

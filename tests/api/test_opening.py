"""Opening stores: where they are, and what they remember."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from padre_git.api.opening import open_store
from padre_git.errors import (
    DocumentError,
    InvalidInputError,
    NotFoundError,
    UnsupportedFormatError,
)
from padre_git.model import Project
from tests.conftest import git

# ------------------------------------------------------------------------------- where it is


def test_the_root_is_the_argument_then_the_environment_then_the_configuration_then_home(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_store().root == own_home / "padre"
    config = own_home / ".config" / "padre-git"
    config.mkdir(parents=True)
    (config / "config.yaml").write_text(f"root: {tmp_path / 'configured'}\n")
    assert open_store().root == tmp_path / "configured"
    monkeypatch.setenv("PADRE_ROOT", str(tmp_path / "environment"))
    assert open_store().root == tmp_path / "environment"
    assert open_store("~/argument").root == own_home / "argument"
    assert not any(path.exists() for path in tmp_path.glob("*/*"))


@pytest.mark.parametrize("text", ["root: [1]\n", "rot: /x\n", "root: 3\n", "root: /x\nmore: 1\n"])
def test_a_wrong_configuration_is_told(own_home: Path, text: str) -> None:
    config = own_home / ".config" / "padre-git"
    config.mkdir(parents=True)
    (config / "config.yaml").write_text(text)
    with pytest.raises(DocumentError, match=r"config\.yaml"):
        open_store()


def test_opening_makes_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path / "root") as store:
        assert store.projects.list() == []
        assert store.runs.list() == []
        assert not store.projects.exists("iris")
        with pytest.raises(NotFoundError):
            store.projects.get("iris")
    assert not (tmp_path / "root").exists()


def test_a_root_in_somebody_elses_work_tree_is_refused(tmp_path: Path) -> None:
    git("init", "--quiet", cwd=tmp_path)
    for root in (tmp_path, tmp_path / "store", tmp_path / "deep" / "store"):
        with pytest.raises(InvalidInputError, match="lies in the git work tree"):
            open_store(root)
    outside = tmp_path.with_name(f"{tmp_path.name}-outside")
    outside.symlink_to(tmp_path / "store")
    with pytest.raises(InvalidInputError, match="lies in the git work tree"):
        open_store(outside)
    (tmp_path / ".gitignore").write_text("/store/\n")
    store = open_store(tmp_path / "store")
    store.projects.put(Project(name="iris"))
    assert open_store(tmp_path / "store").projects.exists("iris")
    with pytest.raises(InvalidInputError, match="lies in the git work tree"):
        open_store(tmp_path / "store" / "iris")


@pytest.mark.parametrize("root", ["", "  ", "a\0b"])
def test_what_is_no_directory_is_no_root(root: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        open_store(root)
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match="is a file"):
        open_store(tmp_path / "file")


# ------------------------------------------------------------------------- what it remembers


def test_remote_artifacts_and_branch_are_given_once(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    with open_store(
        tmp_path / "a", remote=tmp_path / "lab", artifacts=tmp_path / "data", branch="work"
    ) as opened:
        opened.projects.list()  # the remote is remembered when it has answered
    text = (tmp_path / "a" / "padre-git.yaml").read_text()
    assert text == (
        "schema: store/1\n\n"
        f"remote: file://{tmp_path}/lab\n\n"
        f"artifacts: {tmp_path}/data\n\n"
        "branch: work\n"
    )
    with open_store(tmp_path / "a") as store:
        store.projects.put(Project(name="iris"))
        assert store.projects.get("iris").url == f"file://{tmp_path}/lab/iris.git"
    assert git("branch", cwd=tmp_path / "lab" / "iris.git").split() == ["*", "work"]
    assert (tmp_path / "a" / "padre-git.yaml").read_text() == text


def test_a_relative_remote_is_where_it_was_when_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lab").mkdir()
    monkeypatch.chdir(tmp_path)
    with open_store("a", remote="lab", artifacts="data") as opened:
        opened.projects.list()
    monkeypatch.chdir("/")
    text = (tmp_path / "a" / "padre-git.yaml").read_text()
    assert f"file://{tmp_path}/lab\n" in text
    assert f"{tmp_path}/data\n" in text


@pytest.mark.parametrize(
    "options",
    [
        {"remote": "https://me:secret@host/lab"},
        {"remote": "ext::sh -c true"},
        {"remote": "--upload-pack=x"},
        {"remote": ""},
        {"artifacts": "https://me:secret@host/data"},
        {"artifacts": ""},
        {"branch": "a..b"},
        {"branch": "-x"},
        {"branch": ""},
        {"branch": "HEAD"},
        {"branch": "x.lock"},
        {"policy": "sometimes"},
        {"max_age": -1},
        {"max_age": float("nan")},
        {"push_every": "soon"},
        {"author": "Ada"},
        {"author": "Ada <ada>\nx"},
    ],
)
def test_bad_options_are_refused_and_not_remembered(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        open_store(tmp_path / "a", **options)
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("schema: store/2\n", UnsupportedFormatError),
        ("schema: project/1\n", DocumentError),
        ("schema: store/1\n\ncolour: red\n", DocumentError),
        ("schema: store/1\n\nbranch: 3\n", DocumentError),
        ("<<<<<<< HEAD\n", DocumentError),
    ],
)
def test_settings_that_cannot_be_read_are_told(
    tmp_path: Path, text: str, error: type[Exception]
) -> None:
    (tmp_path / "padre-git.yaml").write_text(text)
    with pytest.raises(error, match=r"padre-git\.yaml"):
        open_store(tmp_path)

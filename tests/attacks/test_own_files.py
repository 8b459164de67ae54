"""Our own files in a clone of somebody: links, pipes and nonsense in their places do no harm."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from padre_git.artifacts.consent import check_place
from padre_git.backends.asked import Asked
from padre_git.backends.decisions import Decisions
from padre_git.errors import ArtifactError
from tests.artifacts.conftest import write

PLACE = "file:///srv/lab"


def a_link(path: Path) -> None:
    path.symlink_to(path.parents[4] / "precious")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_directory(path: Path) -> None:
    path.mkdir()


def nonsense(path: Path) -> None:
    path.write_bytes(b"[" * 200_000)


def no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")


def a_list(path: Path) -> None:
    path.write_bytes(b"[1, 2]")


@pytest.fixture(params=[a_link, a_pipe, a_directory, nonsense, no_text, a_list])
def planted(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    plant: Callable[[Path], None] = request.param
    return plant


@pytest.fixture
def padre(tmp_path: Path) -> Path:
    write(tmp_path / "precious", b"precious")
    path = tmp_path / "root" / "iris" / ".git" / "padre"
    path.mkdir(parents=True)
    return path


def test_when_a_remote_was_asked(padre: Path, planted: Callable[[Path], None]) -> None:
    planted(padre / "asked")
    asked = Asked(padre.parents[2], PLACE)
    assert asked.since("iris") is None
    asked.answered("iris")
    assert (padre.parents[3] / "precious").read_bytes() == b"precious"
    assert asked.since("iris") is not None or (padre / "asked").is_dir()


def test_that_a_remote_is_silent(padre: Path, planted: Callable[[Path], None]) -> None:
    root = padre.parents[2]
    (root / ".padre" / "x" / "y").mkdir(parents=True)
    planted(padre / "silent")
    (padre / "silent").rename(root / ".padre" / "silent")
    asked = Asked(root, PLACE)
    assert asked.silence() is None
    asked.silent("no route")
    assert (padre.parents[3] / "precious").read_bytes() == b"precious"


def test_what_was_decided(padre: Path, planted: Callable[[Path], None]) -> None:
    planted(padre / "decisions.json")
    decisions = Decisions(padre)
    assert decisions.entries() == {}
    if planted is not a_directory:
        decisions.write({"mark": {"choice": "ours"}})
        assert Decisions(padre).entries() == {"mark": {"choice": "ours"}}
    assert (padre.parents[3] / "precious").read_bytes() == b"precious"


def test_where_the_data_goes(padre: Path, planted: Callable[[Path], None]) -> None:
    planted(padre / "data-remote")
    project = padre.parents[1]
    write(project / ".dvc" / "config", b"['remote \"lab\"']\n    url = /srv/lab\n")
    with pytest.raises(ArtifactError, match="the project's data remote has changed"):
        check_place(project, project / ".git", "lab")

"""The commands about remotes: what they show, remember and move."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from padre_git.cli.group import commands


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "lab").mkdir()
    return tmp_path / "lab"


def padre(*words: str | Path) -> Result:
    return CliRunner().invoke(commands, [str(word) for word in words])


def shown(root: Path) -> dict[str, str | None]:
    found = json.loads(padre("--root", root, "remote", "--json").stdout)
    assert isinstance(found, dict)
    return found


def test_a_wrong_remote_is_told_and_not_remembered(tmp_path: Path) -> None:
    for words in (["iris"], []):
        done = padre("--root", tmp_path / "ada", "clone", tmp_path / "wrong", *words)
        assert done.exit_code in (1, 4)
        assert "no directory" in done.stderr
    assert shown(tmp_path / "ada")["remote"] is None


def test_a_clone_remembers_the_remote_and_so_does_a_put(lab: Path, tmp_path: Path) -> None:
    done = padre("--root", tmp_path / "ada", "--remote", lab, "init", "iris")
    assert done.exit_code == 0, done.stderr
    assert shown(tmp_path / "ada") == {
        "root": str(tmp_path / "ada"),
        "remote": lab.as_uri(),
        "data": str(lab / "<project>.dvc"),
    }
    assert padre("--root", tmp_path / "ben", "clone", lab).exit_code == 0
    assert shown(tmp_path / "ben")["remote"] == lab.as_uri()


def test_cloning_another_remote_into_a_root_that_has_one_says_what_to_do(
    lab: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    padre("--root", tmp_path / "ada", "--remote", lab, "init", "iris")
    padre("--root", tmp_path / "ben", "--remote", tmp_path / "other", "init", "wine")
    done = padre("--root", tmp_path / "ada", "clone", tmp_path / "other")
    assert done.exit_code == 1
    assert f"the clones in '{tmp_path / 'ada'}' meet at '{lab.as_uri()}'" in done.stderr
    assert "--root" in done.stderr
    assert "remote move" in done.stderr
    assert shown(tmp_path / "ada")["remote"] == lab.as_uri()


def test_a_move_names_every_project(lab: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for name in ("iris", "wine"):
        padre("--root", tmp_path / "ada", "--remote", lab, "init", name)
    done = padre("--root", tmp_path / "ada", "remote", "move", tmp_path / "new")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.split() == ["iris", "wine"]
    assert "from now on" in done.stderr
    assert shown(tmp_path / "ada")["remote"] == (tmp_path / "new").as_uri()
    assert padre("--root", tmp_path / "ada", "--offline", "remote", "move", lab).exit_code == 4
    lines = padre("--root", tmp_path / "ada", "remote").stdout.splitlines()
    assert lines[1] == f"remote  {(tmp_path / 'new').as_uri()}"


def test_a_groups_directory_is_made_by_init(tmp_path: Path) -> None:
    done = padre("init", "--bare", "--shared", "group", tmp_path / "lab")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "lab")
    assert "in the group" in done.stderr
    assert stat.S_IMODE((tmp_path / "lab").stat().st_mode) == 0o2770
    assert (
        padre("--root", tmp_path / "ada", "--remote", tmp_path / "lab", "init", "iris").exit_code
        == 0
    )
    assert (tmp_path / "lab/iris.git").stat().st_mode & 0o070 == 0o070
    assert padre("init", "--shared", "group", "iris").exit_code == 2
    assert padre("init", "--bare", tmp_path / "lab").exit_code == 1


def test_a_project_that_is_nowhere_says_how_to_make_it(lab: Path, tmp_path: Path) -> None:
    done = padre("--root", tmp_path / "ada", "clone", lab, "iris")
    assert done.exit_code == 1
    assert "neither here nor at the remote\nhint: to make it: padre-git init iris" in done.stderr


def test_without_a_remote_sync_says_how_to_name_one_and_that_works(
    lab: Path, tmp_path: Path
) -> None:
    padre("--root", tmp_path / "ada", "init", "iris")
    said = padre("--root", tmp_path / "ada", "sync").stderr
    assert "padre-git --remote REMOTE sync" in said
    assert padre("--root", tmp_path / "ada", "--remote", lab, "sync").exit_code == 0
    assert shown(tmp_path / "ada")["remote"] == lab.as_uri()

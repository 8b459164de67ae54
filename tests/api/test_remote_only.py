"""Projects that only the remote has: they are listed, and brought here by whoever asks for one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import padre_git
from padre_git import ConflictError, Experiment, NotFoundError, Project, State, Store
from padre_git.cli.group import commands


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A remote with two projects."""
    (tmp_path / "lab").mkdir()
    with padre_git.open(tmp_path / "ada", remote=tmp_path / "lab") as store:
        store.projects.put(Project(name="iris", title="flowers"))
        store.experiments.put(Experiment(project="iris", name="svm"))
        store.projects.put(Project(name="wine", title="bottles", description="red and white"))
        with store.start_run("wine/forest", {"C": 1}):
            pass
    return tmp_path / "lab"


@pytest.fixture
def ben(tmp_path: Path, lab: Path) -> Iterator[Store]:
    """Somebody who has one of them."""
    with padre_git.open(tmp_path / "ben", remote=lab, max_age=0) as store:
        store.pull("iris")
        yield store


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path / "ben"


def cli(root: Path, *words: str) -> Result:
    done = CliRunner().invoke(commands, ["--root", str(root), *words])
    assert done.exit_code == 0, done.output
    return done


def clones(root: Path) -> list[str]:
    return sorted(path.parent.name for path in root.glob("*/.git"))


def test_a_list_shows_what_only_the_remote_has_and_brings_nothing_here(
    ben: Store, here: Path
) -> None:
    iris, wine = ben.projects.list()
    assert (iris.name, iris.remote_only, wine.name, wine.remote_only) == (
        "iris", False, "wine", True,
    )  # fmt: skip
    assert (wine.title, wine.description) == ("bottles", "red and white")
    assert wine.url is not None
    assert ben.projects.list(where="remote_only = true") == [wine]
    assert ben.projects.list(order_by="-name", limit=1) == [wine]
    assert ben.remote_only() == [wine]
    assert clones(here) == ["iris"]


def test_what_is_in_them_is_not_listed_and_no_reference_leads_there_by_chance(
    ben: Store, here: Path
) -> None:
    assert ben.runs.list() == []
    assert [experiment.name for experiment in ben.experiments.list()] == ["svm"]
    with pytest.raises(NotFoundError):
        ben.experiments.get("forest")
    with pytest.raises(NotFoundError):
        ben.key("k3v9x2")
    assert clones(here) == ["iris"]


def test_getting_one_or_naming_it_brings_it_here(ben: Store, here: Path) -> None:
    assert ben.projects.get("wine").remote_only is False
    assert clones(here) == ["iris", "wine"]
    ben.projects.delete("wine", mode="local")
    assert len(ben.runs.list("wine")) == 1
    assert clones(here) == ["iris", "wine"]


def test_a_clone_that_was_dropped_stays_away(ben: Store, here: Path) -> None:
    ben.projects.get("wine")
    ben.projects.delete("wine", mode="local")
    ben.projects.list()
    ben.runs.list()
    for words in (["list"], ["status"], ["sync"], ["push"], ["pull"], ["list", "--kind", "run"]):
        cli(here, *words)
        assert clones(here) == ["iris"], words


def test_a_listed_project_can_be_changed_and_put(ben: Store) -> None:
    (wine,) = ben.remote_only()
    stored = ben.projects.put(wine.replace(title="white bottles"))
    assert (stored.title, stored.description) == ("white bottles", "red and white")
    assert not stored.remote_only
    assert ben.status("wine").state is State.PUBLISHED


def test_of_a_single_repository_the_name_is_known_and_putting_it_overwrites_nothing(
    lab: Path, tmp_path: Path
) -> None:
    with padre_git.open(tmp_path / "cleo", remote=f"{lab}/wine.git") as cleo:
        (wine,) = cleo.projects.list()
        assert (wine.name, wine.title, wine.remote_only) == ("wine", None, True)
        assert clones(tmp_path / "cleo") == []
        with pytest.raises(ConflictError):
            cleo.projects.put(wine.replace(title="mine"))
        assert cleo.projects.get("wine").title == "bottles"


def test_the_command_line_says_which_are_at_the_remote_only(ben: Store, here: Path) -> None:
    lines = cli(here, "list").stdout.splitlines()
    assert "remote only" in next(line for line in lines if "wine" in line)
    assert "remote only" not in next(line for line in lines if "iris" in line)
    listed = json.loads(cli(here, "list", "--json").stdout)
    assert {one["name"]: one["remote_only"] for one in listed} == {"iris": False, "wine": True}
    states = {
        one["project"]: one["state"] for one in json.loads(cli(here, "status", "--json").stdout)
    }
    assert states == {"iris": "published", "wine": "remote only"}
    for verb in ("sync", "push", "pull"):
        assert "only at the remote: wine" in cli(here, verb).stderr


def test_status_without_a_name_takes_nothing_over(ben: Store, here: Path, tmp_path: Path) -> None:
    with padre_git.open(tmp_path / "ada") as ada:
        ada.experiments.put(Experiment(project="iris", name="tree"))
    assert " behind " in cli(here, "status").stdout
    assert " behind " in cli(here, "status").stdout


def test_a_store_without_remote_has_none(tmp_path: Path) -> None:
    with padre_git.open(tmp_path / "alone") as store:
        store.projects.put(Project(name="iris"))
        assert store.remote_only() == []
        assert [project.remote_only for project in store.projects.list()] == [False]


def test_deleted_projects_and_broken_documents_hide_no_other(
    ben: Store, lab: Path, here: Path
) -> None:
    with padre_git.open(here.parent / "ada") as ada:
        ada.projects.put(Project(name="rice"))
        ada.projects.delete("wine")
    assert [project.name for project in ben.projects.list()] == ["iris", "rice"]
    assert clones(here) == ["iris"]

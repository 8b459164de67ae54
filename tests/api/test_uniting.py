"""Two people add artifacts to one run: both are there, and a contradiction is told as such."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import padre_git
from padre_git import Choice, Notice
from tests.conftest import git

RUN = "demo/svm/k3v9"


@pytest.fixture
def ada(tmp_path: Path) -> Iterator[padre_git.Store]:
    (tmp_path / "lab").mkdir()
    with padre_git.open(tmp_path / "ada", remote=tmp_path / "lab", policy="manual") as store:
        with store.start_run("demo/svm", id="r-20261121t101500-k3v9x2m7q4tz"):
            pass
        store.sync("demo")
        yield store


@pytest.fixture
def ben(tmp_path: Path, ada: padre_git.Store) -> Iterator[padre_git.Store]:
    with padre_git.open(tmp_path / "ben", remote=tmp_path / "lab", policy="manual") as store:
        store.pull("demo")
        yield store


def put(store: padre_git.Store, name: str, text: str) -> None:
    assert store.root is not None
    file = store.root.parent / f"{store.root.name}-{name}"
    file.write_text(text)
    store.artifacts.put(RUN, file, name=name)


def artifacts(store: padre_git.Store) -> dict[str, str]:
    found = store.artifacts.list(RUN)
    return {a.name: Path(store.artifacts.get(RUN, a.name)).read_text() for a in found}


def test_first_artifacts_of_two_people_come_together(
    ada: padre_git.Store, ben: padre_git.Store, tmp_path: Path
) -> None:
    put(ada, "model.bin", "ada's")
    put(ben, "plot.svg", "ben's")
    for store in (ada, ben, ada):
        store.sync("demo")
    wanted = {"model.bin": "ada's", "plot.svg": "ben's"}
    assert artifacts(ada) == artifacts(ben) == wanted
    with padre_git.open(tmp_path / "cleo", remote=tmp_path / "lab") as cleo:
        cleo.pull("demo")
        assert artifacts(cleo) == wanted
    assert git("status", "--porcelain", cwd=tmp_path / "ben/demo") == ""
    assert ben.conflicts("demo") == ()


def test_what_one_replaced_or_took_away_is_so(ada: padre_git.Store, ben: padre_git.Store) -> None:
    for name in ("a", "b", "c"):
        put(ada, name, f"first {name}")
    ada.sync("demo")
    ben.sync("demo")
    put(ada, "a", "second a")
    ben.artifacts.delete(RUN, "b")
    put(ben, "d", "new")
    for store in (ada, ben, ada):
        store.sync("demo")
    wanted = {"a": "second a", "c": "first c", "d": "new"}
    assert artifacts(ada) == artifacts(ben) == wanted


def test_two_contents_under_one_name_are_a_conflict_that_is_settled(
    ada: padre_git.Store, ben: padre_git.Store
) -> None:
    put(ada, "model.bin", "ada's")
    put(ben, "model.bin", "ben's")
    ada.sync("demo")
    with pytest.raises(padre_git.ConflictError) as caught:
        ben.sync("demo")
    (conflict,) = caught.value.conflicts
    assert conflict.field == "artifacts.dvc"
    assert ben.settle("demo", rest=Choice.THEIRS) == ()
    ben.sync("demo")
    ada.sync("demo")
    assert artifacts(ada) == artifacts(ben) == {"model.bin": "ada's"}


def test_while_the_data_is_out_of_reach_it_is_a_conflict_that_says_why(
    ada: padre_git.Store, ben: padre_git.Store, tmp_path: Path
) -> None:
    put(ada, "model.bin", "ada's")
    put(ben, "plot.svg", "ben's")
    ada.sync("demo")
    (store,) = (path for path in (tmp_path / "lab").iterdir() if path.suffix != ".git")
    store.rename(tmp_path / "unmounted")
    said: list[Notice] = []
    ben.subscribe(Notice, said.append)
    with pytest.raises(padre_git.ConflictError):
        ben.sync("demo")
    assert any("not put together" in notice.text for notice in said)
    (tmp_path / "unmounted").rename(store)
    ben.sync("demo")
    assert artifacts(ben) == {"model.bin": "ada's", "plot.svg": "ben's"}

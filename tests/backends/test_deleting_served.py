"""Deleting whole projects over smart HTTP with a password: the same table as over a directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import padre_git
from padre_git import ConflictError, NotFoundError, Store
from padre_git.backends.status import State
from tests.conftest import git
from tests.servers import Server

Open = Callable[..., Store]


@pytest.fixture
def people(nginx: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens the store of a person; all share one server."""
    nginx.lend(monkeypatch)
    nginx.create("iris")
    opened: list[Store] = []

    def person(name: str, **options: object) -> Store:
        given = {"remote": nginx.base, "max_age": 0, **options}
        opened.append(padre_git.open(tmp_path / name, **given))  # type: ignore[arg-type]
        return opened[-1]

    yield person
    for store in opened:
        store.close()


@pytest.fixture
def ada(people: Open) -> Store:
    """A store whose project the others have, too; Cleo has a run that nobody else has."""
    store = people("ada")
    with store.start_run("iris/svm", {"C": 1.0}):
        pass
    store.flush()
    for name in ("ben", "cleo"):
        people(name).pull("iris")
    with people("cleo", policy="manual").start_run("iris/svm", {"C": 2.0}):
        pass
    return store


@pytest.mark.parametrize("mode", ["all", "remote", "local"])
def test_every_replica_of_a_deleted_project(
    ada: Store, people: Open, nginx: Server, tmp_path: Path, mode: str
) -> None:
    runs = ada.runs.list("iris/svm")
    ada.projects.delete("iris", mode=mode)
    cleo = people("cleo", policy="manual")
    if mode == "local":
        assert not (tmp_path / "ada/iris").exists()
        cleo.sync("iris")
        assert len(ada.runs.list("iris/svm")) == 2
        return
    assert [p.name for p in ada.projects.list()] == ([] if mode == "all" else ["iris"])
    assert "deleted/1" in git("show", "main:project.yaml", cwd=nginx.bare("iris"))
    for name in ("ben", "dora"):
        with pytest.raises(NotFoundError, match="deleted"):
            people(name).projects.get("iris")
    with pytest.raises(ConflictError):
        cleo.sync("iris")
    assert len(cleo.runs.list("iris/svm")) == 2
    if mode == "remote":
        assert ada.status("iris").records == {ada.key("iris"): State.KEPT}
    people("ben" if mode == "all" else "ada").projects.restore("iris")
    assert people("dora").runs.list("iris/svm") == runs
    cleo.sync("iris")
    assert len(ada.runs.list("iris/svm")) == 2
    assert git("fsck", "--strict", "--no-dangling", cwd=nginx.bare("iris")) == ""

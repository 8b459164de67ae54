"""What people add to an aborted run stays when the run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import padre_git
from padre_git import Notice, Store

RUN = "demo/svm/k3v9"
ID = "r-20261121t101500-k3v9x2m7q4tz"


@pytest.fixture
def ada(tmp_path: Path) -> Iterator[Store]:
    """A store with a run that was aborted when it had logged two artifacts."""
    (tmp_path / "lab").mkdir()
    with padre_git.open(tmp_path / "ada", remote=tmp_path / "lab", policy="manual") as store:
        run = store.start_run("demo/svm", id=ID)
        run.log_text("a.txt", "run's")
        run.log_text("b.txt", "run's")
        run.end("aborted")
        store.sync("demo")
        yield store


def put(store: Store, name: str, text: str) -> None:
    assert store.root is not None
    file = store.root.parent / f"{store.root.name}-file"
    file.write_text(text)
    store.artifacts.put(RUN, file, name=name)


def go_on(store: Store, *texts: str, status: str = "finished") -> None:
    run = store.start_run("demo/svm", id=ID)
    for name in texts:
        run.log_text(name, "run's, later")
    run.end(status)


def artifacts(store: Store) -> dict[str, str]:
    found = store.artifacts.list(RUN)
    return {a.name: Path(store.artifacts.get(RUN, a.name)).read_text() for a in found}


def test_what_another_process_adds_to_an_aborted_run_stays(ada: Store) -> None:
    with padre_git.open(ada.root, policy="manual") as other:
        put(other, "plot.svg", "added")
        put(other, "a.txt", "changed")
        other.artifacts.delete(RUN, "b.txt")
    go_on(ada, "c.txt")
    wanted = {"a.txt": "changed", "c.txt": "run's, later", "plot.svg": "added"}
    assert artifacts(ada) == wanted


def test_what_the_run_logs_again_counts(ada: Store) -> None:
    put(ada, "a.txt", "changed")
    put(ada, "plot.svg", "added")
    go_on(ada, "a.txt")
    wanted = {"a.txt": "run's, later", "b.txt": "run's", "plot.svg": "added"}
    assert artifacts(ada) == wanted
    assert ada.runs.get(RUN).status == "finished"


def test_it_stays_however_often_the_run_is_aborted(ada: Store) -> None:
    ada.artifacts.delete(RUN, "b.txt")
    for turn in range(3):
        put(ada, f"plot-{turn}.svg", "added")
        go_on(ada, f"{turn}.txt", status="aborted")
    go_on(ada)
    assert artifacts(ada).keys() == {
        "a.txt", "0.txt", "1.txt", "2.txt", "plot-0.svg", "plot-1.svg", "plot-2.svg",
    }  # fmt: skip


def test_a_run_without_artifacts_keeps_those_of_others(ada: Store) -> None:
    run = ada.start_run("demo/svm", id="r-20261121t101501-k3v9x2m7q4tz")
    run.end("aborted")
    file = Path(str(ada.root)).parent / "plot.svg"
    file.write_text("added")
    ada.artifacts.put(run.key, file)
    with ada.start_run("demo/svm", id=run.id):
        pass
    assert [a.name for a in ada.artifacts.list(run.key)] == ["plot.svg"]


def added_far_away(ada: Store, tmp_path: Path) -> None:
    with padre_git.open(tmp_path / "ben", remote=tmp_path / "lab", policy="manual") as ben:
        ben.pull("demo")
        put(ben, "plot.svg", "ben's")
        ben.sync("demo")
    ada.pull("demo")


def test_what_comes_from_another_clone_stays(ada: Store, tmp_path: Path) -> None:
    added_far_away(ada, tmp_path)
    go_on(ada, "c.txt")
    wanted = {"a.txt": "run's", "b.txt": "run's", "c.txt": "run's, later", "plot.svg": "ben's"}
    assert artifacts(ada) == wanted
    ada.sync("demo")
    with padre_git.open(tmp_path / "cleo", remote=tmp_path / "lab", policy="manual") as cleo:
        cleo.pull("demo")
        assert artifacts(cleo) == wanted


def test_where_its_list_cannot_be_had_the_run_ends_and_says_where_it_is(
    ada: Store, tmp_path: Path
) -> None:
    added_far_away(ada, tmp_path)
    (far,) = (path for path in (tmp_path / "lab").iterdir() if path.suffix != ".git")
    far.rename(tmp_path / "unmounted")
    said: list[Notice] = []
    ada.subscribe(Notice, said.append)
    go_on(ada, "c.txt")
    assert artifacts(ada).keys() == {"a.txt", "b.txt", "c.txt"}
    (text,) = (notice.text for notice in said if "added to" in notice.text)
    (tmp_path / "unmounted").rename(far)
    at = text.rpartition(" ")[2]
    with ada.artifacts.open(RUN, "plot.svg", at=at) as stream:
        assert stream.read() == b"ben's"

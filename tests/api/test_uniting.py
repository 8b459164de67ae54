"""Two people add artifacts to one run: both are there, and a contradiction is told as such."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import padre_git
from padre_git import Choice, Decision, Notice
from padre_git.errors import Conflict
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


def between(store: padre_git.Store) -> tuple[Conflict, ...]:
    """Returns what stands between a clone and what is published."""
    with pytest.raises(padre_git.ConflictError) as caught:
        store.sync("demo")
    assert store.conflicts("demo") == caught.value.conflicts
    return caught.value.conflicts


def described(text: str) -> dict[str, object]:
    return {"md5": hashlib.md5(text.encode()).hexdigest(), "size": len(text)}


def test_two_contents_under_one_name_are_a_conflict_that_names_it(
    ada: padre_git.Store, ben: padre_git.Store
) -> None:
    put(ada, "model.bin", "ada's")
    put(ben, "model.bin", "ben's own")
    put(ben, "plot.svg", "ben's")
    ada.sync("demo")
    (conflict,) = between(ben)
    assert conflict.field == "artifacts/model.bin"
    assert conflict.base is None
    assert (conflict.ours, conflict.theirs) == (described("ben's own"), described("ada's"))
    assert ben.settle("demo", rest=Choice.THEIRS) == ()
    ben.sync("demo")
    ada.sync("demo")
    assert artifacts(ada) == artifacts(ben) == {"model.bin": "ada's", "plot.svg": "ben's"}


def test_contradictions_about_files_are_settled_one_by_one(
    ada: padre_git.Store, ben: padre_git.Store, tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        put(ada, name, f"ada's {name}")
        put(ben, name, f"ben's {name}")
    ada.sync("demo")
    found = between(ben)
    assert [conflict.field for conflict in found] == ["artifacts/a", "artifacts/b", "artifacts/c"]
    left = ben.settle("demo", Decision(found[0], Choice.OURS))
    assert [conflict.field for conflict in left] == ["artifacts/b", "artifacts/c"]
    with padre_git.open(tmp_path / "ben", policy="manual") as again:  # another process goes on
        left = again.settle("demo", Decision(found[1], Choice.THEIRS))
        assert [conflict.field for conflict in left] == ["artifacts/c"]
        with pytest.raises(padre_git.InvalidInputError, match="is a file"):
            again.settle("demo", Decision(found[2], Choice.VALUE, "x"))
        assert again.settle("demo", Decision(found[2], Choice.OURS)) == ()
    ben.sync("demo")
    ada.sync("demo")
    wanted = {"a": "ben's a", "b": "ada's b", "c": "ben's c"}
    assert artifacts(ada) == artifacts(ben) == wanted
    log = git("log", "--merges", "-1", "--format=%B", cwd=tmp_path / "ben/demo")
    assert "artifacts/b: theirs" in log


def dataset(ada: padre_git.Store, ben: padre_git.Store, tmp_path: Path) -> None:
    """Gives both a dataset with one file."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("first")
    ada.datasets.put(padre_git.Dataset(project="demo", name="iris"), data=tmp_path / "data")
    ada.sync("demo")
    ben.sync("demo")


def add(store: padre_git.Store, name: str, text: str) -> None:
    assert store.root is not None
    file = store.root.parent / f"{store.root.name}-{name}"
    file.write_text(text)
    store.artifacts.put("demo/iris", file, name=name)


def data_of(store: padre_git.Store) -> dict[str, str]:
    directory = store.datasets.data("demo/iris")
    return {file.name: file.read_text() for file in directory.iterdir()}


def test_different_files_that_two_people_add_to_a_dataset_come_together(
    ada: padre_git.Store, ben: padre_git.Store, tmp_path: Path
) -> None:
    dataset(ada, ben, tmp_path)
    add(ada, "b.csv", "ada's")
    add(ben, "c.csv", "ben's")
    for store in (ada, ben, ada):
        store.sync("demo")
    wanted = {"a.csv": "first", "b.csv": "ada's", "c.csv": "ben's"}
    assert data_of(ada) == data_of(ben) == wanted
    versions = {store.datasets.get("demo/iris").version for store in (ada, ben)}
    assert len(versions) == 1
    (version,) = versions
    document = (tmp_path / "ben/demo/datasets/iris/dataset.yaml").read_text()
    assert str(version) in document, "the document says what the data is"


def test_a_file_of_a_dataset_that_both_changed_is_settled_and_its_version_follows(
    ada: padre_git.Store, ben: padre_git.Store, tmp_path: Path
) -> None:
    dataset(ada, ben, tmp_path)
    add(ada, "a.csv", "ada's")
    add(ada, "b.csv", "ada's")
    add(ben, "a.csv", "ben's")
    ada.sync("demo")
    (conflict,) = between(ben)
    assert conflict.field == "data/a.csv"
    assert conflict.base == described("first")
    assert ben.settle("demo", Decision(conflict, Choice.OURS)) == ()
    ben.sync("demo")
    ada.sync("demo")
    assert data_of(ada) == data_of(ben) == {"a.csv": "ben's", "b.csv": "ada's"}
    assert ada.datasets.get("demo/iris").version == ben.datasets.get("demo/iris").version


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


def wait_while_busy(ben: padre_git.Store, tmp_path: Path, name: str, text: str) -> Path:
    """Puts while the user's index is locked, and has plain git bring what is published then."""
    clone = tmp_path / "ben" / "demo"
    lock = clone / ".git" / "index.lock"
    lock.touch()
    try:
        put(ben, name, text)
    finally:
        lock.unlink()
    assert git("rev-parse", "refs/padre/pending", cwd=clone)
    git("pull", "-q", "--ff-only", "origin", "main", cwd=clone)
    return clone


def waits(clone: Path) -> bool:
    return bool(git("for-each-ref", "refs/padre/pending", cwd=clone))


def test_what_waited_while_the_user_was_busy_is_united_too(
    ada: padre_git.Store, ben: padre_git.Store, tmp_path: Path
) -> None:
    put(ada, "model.bin", "ada's")
    ada.sync("demo")
    clone = wait_while_busy(ben, tmp_path, "plot.svg", "ben's")
    ben.experiments.put(padre_git.Experiment(project="demo", name="other"))
    assert not waits(clone), "the next write takes it along"
    wanted = {"model.bin": "ada's", "plot.svg": "ben's"}
    assert artifacts(ben) == wanted
    for store in (ben, ada):
        store.sync("demo")
    assert artifacts(ada) == wanted
    assert git("status", "--porcelain", cwd=clone) == ""


def test_a_file_that_both_changed_is_settled_by_name_also_where_it_waited(
    ada: padre_git.Store, ben: padre_git.Store, tmp_path: Path
) -> None:
    put(ada, "model.bin", "ada's")
    put(ada, "a", "a")
    ada.sync("demo")
    clone = wait_while_busy(ben, tmp_path, "model.bin", "ben's own")
    (conflict,) = between(ben)
    assert conflict.field == "artifacts/model.bin"
    assert {str(conflict.ours), str(conflict.theirs)} == {
        str(described("ben's own")), str(described("ada's")),
    }  # fmt: skip
    assert artifacts(ben)["model.bin"] == "ben's own", "what was acknowledged is what is read"
    assert ben.settle("demo", rest=Choice.THEIRS) == ()
    assert not waits(clone)
    ben.sync("demo")
    ada.sync("demo")
    assert artifacts(ada) == artifacts(ben) == {"model.bin": "ben's own", "a": "a"}


def test_what_waited_is_united_when_its_data_can_be_reached(
    ada: padre_git.Store, ben: padre_git.Store, tmp_path: Path
) -> None:
    put(ada, "model.bin", "ada's")
    ada.sync("demo")
    (far,) = (path for path in (tmp_path / "lab").iterdir() if path.suffix != ".git")
    far.rename(tmp_path / "unmounted")
    clone = wait_while_busy(ben, tmp_path, "plot.svg", "ben's")
    ben.experiments.put(padre_git.Experiment(project="demo", name="other"))
    assert waits(clone)
    assert artifacts(ben) == {"plot.svg": "ben's"}
    (tmp_path / "unmounted").rename(far)
    ben.sync("demo")
    assert not waits(clone)
    assert artifacts(ben) == {"model.bin": "ada's", "plot.svg": "ben's"}

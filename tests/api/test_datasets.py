"""Datasets: data from files and objects, every version of it, and as a run saw it."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from padre_git.api.opening import open_store
from padre_git.api.store import Store
from padre_git.errors import (
    AmbiguousReferenceError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
)
from padre_git.model import Column, Dataset, Project
from tests.artifacts.test_dvc_agrees import dvc
from tests.conftest import git


@pytest.fixture(autouse=True)
def project(store: Store) -> None:
    store.projects.put(Project(name="iris"))


def iris(**fields: object) -> Dataset:
    return Dataset(project="iris", name="iris-data", **fields)  # type: ignore[arg-type]


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "length": [5.1, 0.1 + 0.2, float("nan")],
            "count": [1, 2, 2**62],
            "species": ["setosa", "NA", "virginica, or not"],
            "seen": pd.to_datetime(
                ["2026-01-01", "2026-02-01T10:00:00.123456", "NaT"], format="ISO8601"
            ),
            "size": pd.Categorical(["small", "large", "small"]),
            "wild": [True, False, True],
        }
    )


def test_a_table_comes_back_as_it_was(store: Store) -> None:
    stored = store.datasets.put(iris(title="Iris"), data=table())
    pd.testing.assert_frame_equal(store.datasets.load("iris/iris-data"), table())
    assert stored.version is not None
    assert stored.version.startswith("md5:")
    assert store.datasets.data(stored).joinpath("iris-data.csv").read_text().startswith("length,")


def test_its_document_and_its_data_are_one_commit(store: Store) -> None:
    store.datasets.put(iris(), data=table())
    path = store.project_path("iris")
    assert git("log", "--format=%s", "-1", "--name-only", cwd=path).splitlines() == [
        "put dataset iris-data with its data",
        "",
        "datasets/iris-data/data.dvc",
        "datasets/iris-data/dataset.yaml",
    ]
    assert git("status", "--porcelain", cwd=path) == ""


def test_the_columns_of_a_table_are_described(store: Store) -> None:
    known = Column(name="species", level="nominal", target=True)
    columns = store.datasets.put(iris(columns=[known]), data=table()).columns
    assert [c.name for c in columns] == list(table().columns)
    assert columns[2] == Column(name="species", type="str", level="nominal", target=True)
    assert columns[4].level == "nominal"
    assert columns[0].type == "float64"


def test_a_column_that_is_not_there_cannot_be_described(store: Store) -> None:
    with pytest.raises(InvalidInputError, match="no column 'colour'"):
        store.datasets.put(iris(columns=[Column(name="colour")]), data=table())
    assert not store.datasets.exists("iris/iris-data")


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.int16).reshape(3, 4),
        np.asfortranarray(np.random.default_rng(1).normal(size=(4, 3))),
        np.array([(1, 2.5)], dtype=[("a", "<i4"), ("b", "<f8")]),
        np.array(3.5),
    ],
)
def test_an_array_comes_back_as_it_was(store: Store, array: np.ndarray) -> None:
    store.datasets.put(iris(), data=array)
    found = store.datasets.load("iris/iris-data")
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


def test_nothing_is_pickled(store: Store) -> None:
    with pytest.raises(InvalidInputError, match="pickled"):
        store.datasets.put(iris(), data=np.array([{}], dtype=object))
    assert not store.datasets.exists("iris/iris-data")


def test_nothing_is_unpickled(store: Store, tmp_path: Path) -> None:
    np.save(tmp_path / "bad.npy", np.array([Path()], dtype=object), allow_pickle=True)
    store.datasets.put(iris(), data=tmp_path / "bad.npy")
    with pytest.raises(InvalidInputError, match=r"cannot read 'bad\.npy'"):
        store.datasets.load("iris/iris-data")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["", "a", None], "would lose something"),
        ([1, "a", 2.5], "would lose something"),
        ([[1], [2], [3]], "would lose something"),
    ],
)
def test_a_table_that_csv_would_change_is_refused(
    store: Store, column: list[object], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message) as failed:
        store.datasets.put(iris(), data=pd.DataFrame({"odd": column}))
    assert "parquet" in str(failed.value.hint)
    assert not store.datasets.exists("iris/iris-data")


def test_an_index_is_not_lost_silently(store: Store) -> None:
    with pytest.raises(InvalidInputError, match="index"):
        store.datasets.put(iris(), data=table().set_index("count"))


@pytest.mark.parametrize("names", [["a", "a"], ["a", 1]])
def test_columns_need_names(store: Store, names: list[object]) -> None:
    with pytest.raises(InvalidInputError, match="different names"):
        store.datasets.put(iris(), data=pd.DataFrame([[1, 2]], columns=pd.Index(names)))


def test_parquet_keeps_what_csv_cannot(store: Store) -> None:
    odd = pd.DataFrame({"odd": ["", "a", None]}, index=[3, 4, 5])
    store.datasets.put(iris(), data=odd, format="parquet")
    pd.testing.assert_frame_equal(store.datasets.load("iris/iris-data"), odd)


@pytest.mark.parametrize(
    ("data", "format"), [(table(), "npy"), (np.zeros(2), "csv"), (table(), "pickle"), ("f", "csv")]
)
def test_formats_have_their_data(store: Store, data: object, format: str) -> None:
    with pytest.raises(InvalidInputError):
        store.datasets.put(iris(), data=data, format=format)


def test_other_objects_are_refused(store: Store) -> None:
    with pytest.raises(InvalidInputError, match="not dict"):
        store.datasets.put(iris(), data={"a": 1})


def test_files_and_directories_are_stored_as_they_are(store: Store, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "one.txt").write_text("1")
    (tmp_path / "many" / "two.txt").write_text("2")
    store.datasets.put(iris(), data=tmp_path / "many")
    assert sorted(p.name for p in store.datasets.data("iris/iris-data").iterdir()) == [
        "one.txt",
        "two.txt",
    ]
    with pytest.raises(NotFoundError, match="2 files"):
        store.datasets.load("iris/iris-data")
    store.datasets.put(iris(), data=str(tmp_path / "many" / "one.txt"))
    with pytest.raises(UnsupportedError, match=r"one.txt.*neither"):
        store.datasets.load("iris/iris-data")


def test_the_same_data_is_the_same_version_and_no_commit(store: Store) -> None:
    first = store.datasets.put(iris(), data=table())
    assert store.datasets.put(iris(), data=table()) == first
    assert len(store.datasets.history("iris/iris-data")) == 1


def test_a_put_without_data_keeps_it(store: Store) -> None:
    first = store.datasets.put(iris(), data=table())
    second = store.datasets.put(iris(title="New"))
    assert second.version == first.version
    pd.testing.assert_frame_equal(store.datasets.load(second)[["count"]], table()[["count"]])


def test_a_transaction_stores_data_with_the_rest(store: Store) -> None:
    with store.transaction("iris", "everything"):
        store.datasets.put(iris(), data=table())
        store.datasets.put(Dataset(project="iris", name="other"), data=np.zeros(3))
    assert store.datasets.load("iris/other").tolist() == [0, 0, 0]
    assert git("log", "--format=%s", "-1", cwd=store.project_path("iris")) == "everything\n"


def test_each_version_comes_back(store: Store) -> None:
    versions = [str(store.datasets.put(iris(), data=np.arange(n)).version) for n in (2, 3, 4)]
    for number, version in zip((2, 3, 4), versions, strict=True):
        for reference in (version, version.removeprefix("md5:"), version[4:12]):
            assert len(store.datasets.load(f"iris/iris-data@{reference}")) == number
        assert store.datasets.get(f"iris/iris-data@{version}").version == version
        path = store.artifacts.get(f"iris/iris-data@{version}", "iris-data.npy")
        assert len(np.load(path)) == number


def test_a_version_that_never_was_is_not_found(store: Store) -> None:
    store.datasets.put(iris(), data=np.arange(2))
    with pytest.raises(NotFoundError, match="never had data"):
        store.datasets.get("iris/iris-data@0000")
    with pytest.raises(InvalidInputError, match="a version and a state"):
        store.datasets.get("iris/iris-data@0000", at="main")


def test_a_beginning_of_two_versions_is_ambiguous(store: Store) -> None:
    seen: dict[str, int] = {}
    for number in range(2000):
        data = np.arange(number)
        version = _version_of(store, data)
        if version[:4] in seen:
            store.datasets.put(iris(), data=np.arange(seen[version[:4]]))
            store.datasets.put(iris(), data=data)
            with pytest.raises(AmbiguousReferenceError, match="2 versions"):
                store.datasets.get(f"iris/iris-data@{version[:4]}")
            return
        seen[version[:4]] = number
    pytest.fail("no two versions begin with the same four digits")


def _version_of(store: Store, data: np.ndarray) -> str:
    stream = io.BytesIO()
    np.save(stream, data)
    md5 = hashlib.md5(stream.getvalue(), usedforsecurity=False).hexdigest()
    listing = json.dumps([{"md5": md5, "relpath": "iris-data.npy"}])
    return hashlib.md5(listing.encode(), usedforsecurity=False).hexdigest()


def test_a_dataset_comes_back_as_a_run_saw_it(store: Store) -> None:
    first = store.datasets.put(iris(title="first"), data=np.arange(2))
    plain = store.datasets.put(Dataset(project="iris", name="plain", title="as it was"))
    with store.start_run("iris/svm") as run:
        run.use_dataset(first)
        run.use_dataset(plain)
    store.datasets.put(iris(title="second"), data=np.arange(3))
    store.datasets.put(plain.replace(title="later", revision=None))
    seen = store.datasets.used_by(run.key)
    assert [d.title for d in seen] == ["first", "as it was"]
    assert store.runs.get(run.key).datasets[0] == f"iris-data@{first.version}"
    assert store.datasets.load(f"iris/iris-data@{seen[0].version}").tolist() == [0, 1]


def test_a_renamed_dataset_is_found_by_the_version_that_a_run_used(store: Store) -> None:
    first = store.datasets.put(iris(), data=np.arange(2))
    with store.start_run("iris/svm") as run:
        run.use_dataset(first)
    store.datasets.put(iris(), data=np.arange(3))
    store.datasets.rename("iris/iris-data", "flowers")
    assert store.datasets.used_by(run.key)[0].version == first.version


def test_data_that_dvc_added_has_a_version(store: Store) -> None:
    store.datasets.put(iris(), data=np.arange(2))
    path = store.project_path("iris")
    data = path / "datasets" / "iris-data" / "data"
    data.mkdir()
    (data / "more.txt").write_text("more")
    dvc("add", "datasets/iris-data/data", cwd=path)
    git("commit", "-qam", "by hand", cwd=path)
    found = store.datasets.get("iris/iris-data")
    pointer = (data.parent / "data.dvc").read_text()
    assert str(found.version).removeprefix("md5:") in pointer
    assert store.datasets.data(found).joinpath("more.txt").read_text() == "more"


def test_a_colleague_loads_it(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    with open_store(tmp_path / "here", remote=lab) as here:
        here.projects.put(Project(name="iris"))
        first = here.datasets.put(iris(), data=table())
        here.datasets.put(iris(), data=np.arange(3))
    with open_store(tmp_path / "there", remote=lab) as there:
        assert there.datasets.load("iris/iris-data").tolist() == [0, 1, 2]
        pd.testing.assert_frame_equal(
            there.datasets.load(f"iris/iris-data@{first.version}"), table()
        )

"""What an earlier version wrote stays readable: a project of each format is kept for ever.

The files below ``samples`` are never changed. A new format gets a sample of its own beside them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from padre_git.format import (
    check_format,
    decode,
    decode_series,
    decode_splits,
    encode,
    encode_series,
    encode_splits,
    locate,
    read_tombstone,
    same,
)
from padre_git.model import (
    Array,
    Code,
    Column,
    Computation,
    Dataset,
    Entity,
    Environment,
    Execution,
    Experiment,
    Key,
    Note,
    Point,
    Project,
    Record,
    Results,
    Run,
    Split,
    Status,
    Tombstone,
)

FORMAT_1 = Path(__file__).parent / "samples" / "format-1"
AT = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
EXECUTION = "iris/experiments/svm-baseline/executions/x-7946e7f99383"
ENVIRONMENT = "e-69c6406ab681"
RUN = Key.parse("iris/experiments/svm-baseline/runs/r-20261121t101500-k3v9x2m7q4tz")
FAILED = Key.parse("iris/experiments/svm-baseline/runs/r-20261121t111500-0a1b2c3d4e5f")

ENTITIES: tuple[Entity, ...] = (
    Project(
        name="iris",
        title="Iris, once more",
        description="What is the simplest model\nthat tells the species apart?\n",
        settings={"inline": 50_000},
        attributes={"grant": "P-12345", "members": ["Ada", "Grace"]},
        url="https://git.example.org/lab/iris.git",
    ),
    Dataset(
        project="iris",
        name="iris-data",
        title="Fisher's iris flowers",
        source="https://archive.example.org/iris",
        license="CC-BY-4.0",
        version="md5:0123456789abcdef0123456789abcdef",
        columns=(
            Column(name="sepal length", type="float64", unit="cm", level="ratio"),
            Column(name="species", type="text", level="nominal", target=True),
        ),
    ),
    Dataset(project="iris", name="by-hand", title="no", attributes={"rows": 150, "checked": True}),
    Environment(
        project="iris",
        id=ENVIRONMENT,
        python="CPython 3.11.7",
        platform="Linux x86_64",
        packages={"numpy": "2.0", "scikit-learn": "1.5.2"},
    ),
    Experiment(
        project="iris",
        name="svm-baseline",
        title="SVM: the baseline",
        dataset="iris-data",
        seed=7,
        parameters={"C": 1.0, "kernel": "rbf", "model": {"lr": 1e-05, "layers": [64, 32]}},
        metrics={"accuracy": "max", "val/loss": "min"},
        tags={"paper": "", "table": "2"},
        url="https://git.example.org/lab/iris.git#experiments/svm-baseline",
    ),
    Execution(
        experiment="iris/experiments/svm-baseline",
        id=EXECUTION.rpartition("/")[2],
        code=Code(repository="1" * 40, commit="a" * 40, snapshot="b" * 40),
        entry_point="train.py",
    ),
    Run(
        execution=EXECUTION,
        id=RUN.name,
        title='C=10, "rbf"',
        environment=ENVIRONMENT,
        datasets=("iris-data@md5:0123456789abcdef0123456789abcdef",),
        parent_run=FAILED.name,
        status=Status.FINISHED,
        started=AT,
        ended=AT + timedelta(minutes=2, microseconds=250_000),
        argv=("train.py", "--C", "10"),
        seed=7,
        defaults={"C": 1.0},
        parameters={
            "C": 10,
            "gamma": None,
            "shuffle": True,
            "tol": -0.0,
            "version": "1e3",
            "1": "yes",
            "model": {"lr": 1e-05, "layers": [64, [32, {"drop": 0.5}], []], "extra": {}},
            "größe": "NEL \x85 and tab\t",
        },
        metrics={"accuracy": 0.9533, "val/loss": float("inf"), "n": 1},
        computations=(
            Computation(run=RUN, name="prepare", started=AT, parameters={"scale": "minmax"}),
            Computation(run=RUN, name="fit", predecessor="prepare", metrics={"loss": 0.25}),
        ),
        tags={"candidate": "", "table": "2", "top 5": ""},
        notes=(Note(text="Looks *good*.\n", name="20261122t0911-f3k2.md"),),
        attributes={"figure": "3a"},
    ),
    Run(execution=EXECUTION, id=FAILED.name, status=Status.FAILED, argv=("train.py",)),
)
POINTS = (
    Point(step=0, time=AT, values={"loss": 1.5, "val/loss": 2.0}),
    Point(step=1, time=AT + timedelta(seconds=1), values={"loss": 0.25}),
)
SPLITS = (
    Split(
        run=RUN,
        number=0,
        train=Array([0, 1, 2, 3]),
        test=Array([4, 5]),
        metrics={"accuracy": 0.5},
        results=Results(
            truth=Array(["setosa", "virginica"]),
            predicted=Array(["setosa", "setosa"]),
            probabilities=Array([(0.75, 0.25), (0.5, 0.5)]),
        ),
    ),
)
REVISIONS = {
    "iris/datasets/by-hand": "977498615e98ac7040b7e8ce54c66c26c79f22ac",
    "iris/datasets/iris-data": "ae6f064efd2bc3d5e0c1b86e65a0a9667fe342a2",
    "iris/environments/e-69c6406ab681": "552d7459bc11fe7eeae683243232bbe275d1d07e",
    "iris/experiments/first-try": "c0182fe7e6abe1d90247f627cef4cfd131ac4b98",
    "iris/experiments/svm": "0bc6a3b0bf13cca82d933acbcec58e903ae4e15d",
    EXECUTION: "18feaa6c7bc6865fef53ae690b323b2e1b1867fa",
    "iris/experiments/svm-baseline": "0a2916cd6189c21d5905e3ef7ec453d069b52a25",
    RUN.text: "3c7ddd80d82b27d242a04f51d414b72b7061e5e3",
    FAILED.text: "c5f216d3a1ed6927576818c81d77b2784e7efb06",
    "iris": "57b53d5752d0cc9c16fa0f33b7ed857320088fb7",
}
TOMBSTONES = {
    "iris/experiments/first-try": None,
    "iris/experiments/svm": "iris/experiments/svm-baseline",
}


def _records(directory: Path) -> dict[Key, Record]:
    """Returns the records of a sample, by key."""
    found: dict[Key, dict[str, bytes]] = {}
    for path in sorted(directory.rglob("*")):
        place = locate(path.relative_to(directory).as_posix(), "iris") if path.is_file() else None
        if place is not None:
            found.setdefault(place[0], {})[place[1]] = path.read_bytes()
    return {key: Record(key=key, files=files) for key, files in found.items()}


RECORDS = _records(FORMAT_1)


def test_format_1_is_known() -> None:
    check_format((FORMAT_1 / ".padre" / "format.yaml").read_bytes(), "iris")


def test_the_sample_has_these_records_and_no_others() -> None:
    living = {entity.key.text for entity in ENTITIES}
    assert {key.text for key in RECORDS} == living | set(TOMBSTONES)


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.key.path or "project")
def test_a_record_of_format_1_means_what_it_meant(entity: Entity) -> None:
    record = RECORDS[entity.key]
    found = decode(record)
    assert found == entity
    assert getattr(found, "url", None) == getattr(entity, "url", None)
    assert same(entity.key.kind, record.files, {**record.files, **encode(entity)})
    assert read_tombstone(record.document, record.key) is None


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.key.path or "project")
def test_format_1_is_written_as_it_was(entity: Entity) -> None:
    record = RECORDS[entity.key]
    assert encode(decode(record), previous=record) == record.files
    if entity.key.name != "by-hand":
        for name, data in encode(entity).items():
            assert record.files[name] == data


def test_series_and_splits_of_format_1_mean_what_they_meant() -> None:
    files = RECORDS[RUN].files
    assert decode_series(files["series.csv"]) == POINTS
    assert encode_series(POINTS) == files["series.csv"]
    assert decode_splits(RUN, files) == SPLITS
    assert encode_splits(SPLITS) == {n: files[n] for n in ("splits.yaml", "results.csv")}


@pytest.mark.parametrize("text", TOMBSTONES)
def test_tombstones_of_format_1_are_tombstones(text: str) -> None:
    key, target = Key.parse(text), TOMBSTONES[text]
    moved_to = None if target is None else Key.parse(target)
    found = read_tombstone(RECORDS[key].document, key)
    assert found == Tombstone(key=key, moved_to=moved_to)


def test_revisions_of_format_1_are_what_they_were() -> None:
    assert {key.text: record.revision for key, record in RECORDS.items()} == REVISIONS

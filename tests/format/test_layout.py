"""Paths and records: which belongs to which, and where a new run goes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padre_git.errors import InvalidNameError
from padre_git.format.annotations import encode_tag
from padre_git.format.layout import (
    LIMIT,
    LONGEST_PATH,
    children_directory,
    is_part,
    is_shard,
    locate,
    part_path,
    place_run,
    record_directories,
    shards_of,
)
from padre_git.model import DOCUMENTS, Key, Kind
from padre_git.model.ids import ALPHABET

RUN_ID = "r-20261121t101500-k3v9x2m7q4tz"
PROJECT = Key.project_named("iris")
EXPERIMENT = PROJECT.experiment("svm")
RUN = EXPERIMENT.run(RUN_ID)
KEYS = [
    PROJECT,
    PROJECT.dataset("iris-data"),
    PROJECT.environment("e-41c09be2d7f3"),
    EXPERIMENT,
    EXPERIMENT.execution("x-3f9c2a71b0de"),
    RUN,
]
PARTS = {
    Kind.PROJECT: ["project.yaml"],
    Kind.DATASET: ["dataset.yaml", "data.dvc"],
    Kind.ENVIRONMENT: ["environment.yaml"],
    Kind.EXPERIMENT: ["experiment.yaml"],
    Kind.EXECUTION: ["execution.yaml", "code.patch", "code.dvc"],
    Kind.RUN: [
        "run.yaml",
        "metrics.yaml",
        "series.csv",
        "log.txt",
        "error.txt",
        "splits.yaml",
        "results.csv",
        "artifacts.dvc",
        "tags/candidate",
        "tags/table=2",
        "notes/20261122t0911-f3k2.md",
    ],
}

run_ids = st.builds(
    lambda at, tail: f"r-{at:%Y%m%dt%H%M%S}-{tail}",
    st.datetimes(min_value=__import__("datetime").datetime(1000, 1, 1)),
    st.text(ALPHABET, min_size=12, max_size=12),
)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.kind.value)
def test_every_part_of_every_kind_is_found_again_from_its_path(key: Key) -> None:
    for directory in record_directories(key):
        for part in PARTS[key.kind]:
            assert is_part(key.kind, part)
            assert locate(part_path(key, directory, part), "iris") == (key, part)


def test_the_paths_are_those_of_the_format() -> None:
    assert part_path(PROJECT, "", "project.yaml") == "project.yaml"
    assert record_directories(KEYS[1]) == ("datasets/iris-data",)
    assert record_directories(EXPERIMENT) == ("experiments/svm",)
    assert part_path(KEYS[2], "environments", "environment.yaml") == (
        "environments/e-41c09be2d7f3.yaml"
    )
    assert record_directories(RUN) == (
        f"experiments/svm/runs/2026-11/{RUN_ID}",
        f"experiments/svm/runs/2026-11/21/{RUN_ID}",
        f"experiments/svm/runs/2026-11/21/k/{RUN_ID}",
        f"experiments/svm/runs/2026-11/21/k/3/{RUN_ID}",
    )


def test_children_lie_in_a_directory_named_by_their_kind() -> None:
    assert children_directory(PROJECT, Kind.EXPERIMENT) == "experiments"
    assert children_directory(EXPERIMENT, Kind.RUN) == "experiments/svm/runs"
    with pytest.raises(InvalidNameError, match="a dataset has no runs"):
        children_directory(KEYS[1], Kind.RUN)


@given(run_ids)
def test_a_reader_probes_four_places_and_every_one_is_a_shard(run_id: str) -> None:
    key = EXPERIMENT.run(run_id)
    directories = record_directories(key)
    assert len(directories) == 4
    assert all(is_shard(shard) for shard in shards_of(run_id))
    assert {locate(part_path(key, d, "run.yaml"), "iris") for d in directories} == {
        (key, "run.yaml")
    }


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "experiments/README.md",
        "experiments/svm/notes.txt",
        "experiments/svm/executions/x-3f9c2a71b0de/model.bin",
        "experiments/svm/executions/x-zzz/execution.yaml",
        "experiments/SVM/experiment.yaml",
        "experiments/con/experiment.yaml",
        "experiments/svm/runs/run.yaml",
        f"experiments/svm/runs/{RUN_ID}/run.yaml",
        f"experiments/svm/runs/2026-10/{RUN_ID}/run.yaml",
        f"experiments/svm/runs/2026-11/22/{RUN_ID}/run.yaml",
        f"experiments/svm/runs/2026-11/21/3/{RUN_ID}/run.yaml",
        f"experiments/svm/runs/2026-11/21/k/3/v/{RUN_ID}/run.yaml",
        f"experiments/svm/runs/2026-11/{RUN_ID}/{RUN_ID}/run.yaml",
        f"experiments/svm/runs/2026-11/{RUN_ID}",
        f"experiments/svm/runs/2026-11/{RUN_ID}/artifacts/run.yaml",
        f"experiments/svm/runs/2026-11/{RUN_ID}/tags/a b",
        f"experiments/svm/runs/2026-11/{RUN_ID}/tags/a/b",
        f"experiments/svm/runs/2026-11/{RUN_ID}/notes/a.txt",
        f"experiments/svm/runs/2026-11/{RUN_ID}/run.yaml/run.yaml",
        "environments/e-41c09be2d7f3",
        "environments/e-41c09be2d7f3.yml",
        "environments/e-41c09be2d7f3/environment.yaml",
        "environments/x/e-41c09be2d7f3.yaml",
        "datasets/iris-data/data",
        "datasets/iris-data.yaml/dataset.yaml",
        "datasets",
        ".padre/format.yaml",
        ".gitattributes",
        "",
        "//",
        "/project.yaml",
        "../project.yaml",
    ],
)
def test_a_path_that_is_not_ours_belongs_to_nothing(path: str) -> None:
    assert locate(path, "iris") is None


@given(st.lists(st.sampled_from(["", "..", "experiments", "svm", "runs", "2026-11", "21", "k", "3",
    RUN_ID, "run.yaml", "executions", "x-3f9c2a71b0de", "environments", "project.yaml", "tags",
    "e-41c09be2d7f3.yaml", "datasets", "dataset.yaml"]), max_size=10))  # fmt: skip
def test_what_is_located_lies_where_a_reader_looks(names: list[str]) -> None:
    path = "/".join(names)
    found = locate(path, "iris")
    if found is not None:
        key, part = found
        assert path in {part_path(key, d, part) for d in record_directories(key)}


def test_a_new_run_takes_the_first_level_that_is_not_full() -> None:
    full: set[str] = set()
    places = []
    for shard in (*shards_of(RUN_ID), None):
        places.append(place_run(RUN_ID, lambda s: LIMIT if s in full else LIMIT - 1))
        full.add(str(shard))
    assert [place.removesuffix(f"/{RUN_ID}") for place in places] == [
        "2026-11",
        "2026-11/21",
        "2026-11/21/k",
        "2026-11/21/k/3",
        "2026-11/21/k/3",
    ]


def test_the_page_says_when_a_shard_is_full() -> None:
    page = (Path(__file__).parents[2] / "docs/format/layout.rst").read_text()
    assert page.count(f"if fewer than {LIMIT} runs lie directly in it") == 3


def test_a_writer_asks_for_a_shard_at_most_once() -> None:
    asked: list[str] = []
    place_run(RUN_ID, lambda shard: asked.append(shard) or LIMIT)  # type: ignore[func-returns-value]
    assert asked == list(shards_of(RUN_ID)[:3])


def test_no_directory_grows_beyond_300_entries_even_for_100_000_runs_in_a_minute() -> None:
    import random

    rng = random.Random(7)
    counts: Counter[str] = Counter()
    below: dict[str, set[str]] = {}
    for _ in range(100_000):
        tail = "".join(rng.choices(ALPHABET, k=12))
        run_id = f"r-20261121t1015{rng.randrange(60):02}-{tail}"
        shard = place_run(run_id, counts.__getitem__).removesuffix(f"/{run_id}")
        counts[shard] += 1
        while "/" in shard:
            parent, _, name = shard.rpartition("/")
            below.setdefault(parent, set()).add(name)
            shard = parent
    sizes = {shard: counts[shard] + len(below.get(shard, ())) for shard in counts}
    assert max(sizes.values()) <= 300


def test_no_path_of_ours_is_longer_than_it_may_be() -> None:
    key = Key.project_named("p" * 40).experiment("e" * 40).run(RUN_ID)
    tags = [encode_tag("t" * n, "v" * m)[0] for n in (1, 20, 41, 42, 250) for m in (0, 1, 250)]
    tags.append(encode_tag("ä" * 250)[0])
    note = f"notes/{'n' * 37}.md"
    assert is_part(Kind.RUN, note)
    assert not is_part(Kind.RUN, f"notes/{'n' * 38}.md")
    parts = [*PARTS[Kind.RUN], *tags, note]
    longest = max(
        len(part_path(key, directory, part))
        for directory in record_directories(key)
        for part in parts
    )
    assert longest == LONGEST_PATH


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_a_document_is_a_part_of_its_own_kind_only(kind: Kind) -> None:
    assert [k for k in Kind if is_part(k, DOCUMENTS[kind])] == [kind]

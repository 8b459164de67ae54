"""Entities become files and come back as they were; what did not change keeps its bytes."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from padre_git.errors import (
    DocumentError,
    InvalidInputError,
    InvalidValueError,
)
from padre_git.format import decode, encode, identify, parse_document, same
from padre_git.format.equality import equal
from padre_git.model import (
    DOCUMENTS,
    Code,
    Column,
    Computation,
    Dataset,
    Entity,
    Environment,
    Execution,
    Experiment,
    Key,
    Kind,
    Note,
    Project,
    Record,
    Run,
)
from padre_git.model.ids import content_id
from tests.format import strategies as some

_many = settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
RUN = Key.parse(some.RUN)
EXECUTION = "iris/experiments/svm/executions/x-0123456789ab"
AT = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)


def _record(entity: Entity, **changed: bytes) -> Record:
    return Record(key=entity.key, files=encode(entity) | changed)


def _run(**values: Any) -> Run:
    return Run(execution=EXECUTION, id=RUN.name, **values)  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    """Returns an entity as plain values, whose equality is exact (1 is not 1.0, NaN is NaN)."""
    if is_dataclass(value):
        found = {field.name: getattr(value, field.name) for field in fields(value)}
        return {name: _plain(item) for name, item in found.items() if name != "revision"}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Key | datetime) else value


@pytest.mark.parametrize("kind", some.KINDS)
@_many
@given(st.data())
def test_an_entity_comes_back_exactly_as_it_was(kind: str, data: st.DataObject) -> None:
    entity = data.draw(some.KINDS[kind])
    record = _record(entity)
    found = decode(record)
    assert equal(_plain(found), _plain(entity))
    assert found.revision == record.revision


@pytest.mark.parametrize("kind", some.KINDS)
@_many
@given(st.data())
def test_putting_what_was_got_changes_no_byte(kind: str, data: st.DataObject) -> None:
    entity = data.draw(some.KINDS[kind])
    record = _record(entity)
    assert encode(decode(record)) == record.files
    assert encode(decode(record), previous=record) == record.files
    assert same(entity.key.kind, record.files, encode(decode(record)))


@pytest.mark.parametrize("kind", some.KINDS)
@_many
@given(st.data())
def test_different_entities_do_not_say_the_same(kind: str, data: st.DataObject) -> None:
    one, other = data.draw(some.KINDS[kind]), data.draw(some.KINDS[kind])
    a, b = encode(one), encode(other)
    assert same(one.key.kind, a, b) is (a == b)  # names are in the path, not in the files


# ------------------------------------------------------------------------------ bytes as they look


def test_a_run_looks_like_this() -> None:
    run = _run(
        title="RBF, C=10",
        started=AT,
        ended=AT + timedelta(seconds=2, microseconds=500_000),
        seed=7,
        defaults={"C": 1.0},
        parameters={"C": 10, "model": {"lr": 1e-05}},
        metrics={"accuracy": 0.9533, "val/acc": 1},
        argv=("train.py", "--C", "10"),
        environment="e-41c09be2d7f3",
        datasets=("iris-data@md5:" + "0" * 32,),
        tags={"candidate": "", "table": "2"},
        notes=(Note(text="Looks good.\n", name="20261122t0911-f3k2.md"),),
        computations=(Computation(run=RUN, name="fit", metrics={"loss": 0.5}, started=AT),),
        attributes={"paper": "fig. 2"},
    )
    assert encode(run) == {
        "run.yaml": b"""\
schema: run/1

title: RBF, C=10

execution: x-0123456789ab

environment: e-41c09be2d7f3

datasets:
  - iris-data@md5:00000000000000000000000000000000

status: finished

started: "2026-11-21T10:15:00Z"

ended: "2026-11-21T10:15:02.500000Z"

argv:
  - train.py
  - "--C"
  - "10"

seed: 7

defaults:
  C: 1.0

parameters:
  C: 10
  model:
    lr: 1.0e-05

computations:
  - name: fit
    started: "2026-11-21T10:15:00Z"
    metrics:
      loss: 0.5

attributes:
  paper: fig. 2
""",
        "metrics.yaml": b"accuracy: 0.9533\n\nval/acc: 1\n",
        "tags/candidate": b"",
        "tags/table=2": b"",
        "notes/20261122t0911-f3k2.md": b"Looks good.\n",
    }


def test_the_least_entities_have_the_shortest_documents() -> None:
    assert encode(Project(name="iris")) == {"project.yaml": b"schema: project/1\n"}
    assert encode(Dataset(project="iris", name="d")) == {"dataset.yaml": b"schema: dataset/1\n"}
    assert encode(Experiment(project="iris", name="e")) == {
        "experiment.yaml": b"schema: experiment/1\n"
    }
    assert encode(_run()) == {
        "run.yaml": b"schema: run/1\n\nexecution: x-0123456789ab\n\nstatus: finished\n"
    }


def test_the_times_of_a_computation_come_back() -> None:
    step = Computation(run=RUN, name="fit", started=AT, ended=AT + timedelta(microseconds=1))
    found = decode(_record(_run(computations=(step,)))).computations[0]  # type: ignore[attr-defined]
    assert (found.started, found.ended) == (step.started, step.ended)


def test_times_are_stored_in_utc() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    run = _run(started=AT.astimezone(east), ended=AT)
    found = decode(_record(run))
    assert found.started == AT  # type: ignore[attr-defined]
    assert found.started.tzinfo is UTC  # type: ignore[attr-defined]
    assert encode(found) == encode(run)


@pytest.mark.parametrize(
    "written", ["2026-11-21T11:15:00+01:00", "2026-11-21t10:15:00z", "2026-11-21 10:15:00.000Z"]
)
def test_every_form_of_rfc_3339_is_read(written: str) -> None:
    data = encode(_run(started=AT))["run.yaml"].replace(b"2026-11-21T10:15:00Z", written.encode())
    record = _record(_run(started=AT), **{"run.yaml": data})
    assert decode(record).started == AT  # type: ignore[attr-defined]
    assert same(Kind.RUN, record.files, encode(_run(started=AT)))
    assert encode(decode(record), previous=record) == record.files


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="has no time zone"):
        encode(_run(started=datetime(2026, 11, 21)))


def test_columns_come_back() -> None:
    columns = (
        Column(name="a", type="float64", unit="cm", level="ratio"),
        Column(name="b", target=True),
    )
    dataset = Dataset(project="iris", name="d", columns=columns)
    assert decode(_record(dataset)) == dataset
    assert b"target: true" in encode(dataset)["dataset.yaml"]
    assert encode(dataset)["dataset.yaml"].count(b"target") == 1


# ------------------------------------------------------------------------------ names by content


def test_an_id_is_the_hash_of_the_document() -> None:
    execution = identify(
        Execution(
            experiment="iris/experiments/svm",  # type: ignore[arg-type]
            code=Code(repository="a" * 40, commit="b" * 40),
            entry_point="train.py",
        )
    )
    document = encode(execution)["execution.yaml"]
    assert execution.id == content_id("x", document)
    assert identify(execution) == execution
    environment = identify(
        Environment(project="iris", python="CPython 3.11.7", platform="Linux x86_64")
    )
    assert environment.id == content_id("e", encode(environment)["environment.yaml"])


def test_an_execution_has_the_same_id_in_every_experiment() -> None:
    code = Code(package="iris", version="1.0")
    ids = {
        identify(Execution(experiment=f"iris/experiments/{name}", code=code)).id  # type: ignore[arg-type]
        for name in ("svm", "forest")
    }
    assert len(ids) == 1


def test_the_order_of_packages_does_not_matter() -> None:
    packages = {"numpy": "2.0", "attrs": "23.1"}
    one, other = (
        identify(Environment(project="iris", python="3", platform="Linux", packages=given))
        for given in (packages, dict(reversed(packages.items())))
    )
    assert encode(one) == encode(other)
    assert one.id == other.id


def test_a_document_under_another_id_is_refused() -> None:
    environment = identify(Environment(project="iris", python="3.11", platform="Linux x86_64"))
    files = encode(environment)
    forged = {"environment.yaml": files["environment.yaml"].replace(b"3.11", b"3.12")}
    with pytest.raises(DocumentError, match="does not belong to this environment"):
        decode(Record(key=environment.key, files=forged))
    with pytest.raises(InvalidInputError, match="does not belong to this environment"):
        encode(environment.replace(python="3.12"))
    reordered = b"# by hand\nplatform: Linux x86_64\npython: '3.11'\nschema: environment/1\n"
    assert decode(Record(key=environment.key, files={"environment.yaml": reordered})) == environment


@pytest.mark.parametrize(
    "body",
    ["", "package: a\ncontent: " + "a" * 64 + "\n", "snapshot: " + "a" * 40 + "\npackage: a\n"],
)
def test_a_code_version_has_exactly_one_shape(body: str) -> None:
    key = Key.parse(EXECUTION)
    files = {"execution.yaml": f"schema: execution/1\n{body}".encode()}
    with pytest.raises(DocumentError, match="a code version is") as caught:
        decode(Record(key=key, files=files))
    assert caught.value.key == EXECUTION


# ------------------------------------------------------------------------------ what is refused


def test_a_record_without_its_document_is_refused() -> None:
    with pytest.raises(DocumentError, match="the document is missing"):
        decode(Record(key=RUN, files={"metrics.yaml": b"a: 1\n"}))


def test_an_entity_without_id_has_no_place() -> None:
    with pytest.raises(InvalidInputError, match="no id"):
        encode(Run(execution=EXECUTION))  # type: ignore[arg-type]


def test_a_computation_belongs_to_its_run() -> None:
    other = RUN.text[:-1] + "0"
    with pytest.raises(InvalidInputError, match="'fit' belongs to another run"):
        encode(_run(computations=(Computation(run=other, name="fit"),)))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [None, "", "../x.md", "a/b.md", "note.txt", ".md", "x\n.md"])
def test_a_note_has_a_file_name(name: str | None) -> None:
    with pytest.raises(InvalidInputError, match="a note cannot have the name"):
        encode(_run(notes=(Note(text="x", name=name),)))


def test_a_note_is_text() -> None:
    with pytest.raises(InvalidValueError, match="surrogate"):
        encode(_run(notes=(Note(text="\ud800", name="1.md"),)))
    with pytest.raises(DocumentError, match="not UTF-8"):
        decode(_record(_run(), **{"notes/1.md": b"\xff"}))


def test_errors_of_other_parts_name_the_record() -> None:
    with pytest.raises(DocumentError) as caught:
        decode(_record(_run(), **{"metrics.yaml": b"a: b\n"}))
    assert (caught.value.key, caught.value.file, caught.value.line) == (RUN.text, "metrics.yaml", 1)


def test_every_kind_has_a_codec() -> None:
    for kind in Kind:
        assert DOCUMENTS[kind]
    drawn = {parse_document(next(iter(encode(Project(name="a")).values()))).values["schema"]}
    assert drawn == {"project/1"}

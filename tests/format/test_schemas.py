"""Each document has the keys of its table, and the table is in docs/format.rst."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from padre_git.errors import DocumentError, InvalidValueError, UnsupportedFormatError
from padre_git.format import decode, encode, identify, parse_document, schemas, write_document
from padre_git.model import (
    DOCUMENTS,
    Code,
    Execution,
    Experiment,
    Key,
    Kind,
    Project,
    Record,
    Run,
)

PAGE = Path(__file__).parents[2] / "docs" / "format.rst"
RUN = Key.parse("iris/experiments/svm/runs/r-20261121t101500-k3v9x2m7q4tz")
LEAST: dict[Kind, dict[str, Any]] = {
    Kind.PROJECT: {},
    Kind.DATASET: {},
    Kind.EXPERIMENT: {},
    Kind.EXECUTION: {"package": "iris"},
    Kind.ENVIRONMENT: {"python": "CPython 3.11.7", "platform": "Linux x86_64"},
    Kind.RUN: {"execution": "x-0123456789ab", "status": "finished"},
}


def _sections() -> dict[str, str]:
    """Returns the text below each heading of the page."""
    found: dict[str, str] = {}
    heading, lines = "", PAGE.read_text().splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if re.fullmatch(r"([=~^-])\1+", below) and len(below) == len(line):
            heading = line.strip("`")
        found[heading] = found.get(heading, "") + line + "\n"
    return found


def _rows(section: str) -> dict[str, bool]:
    """Returns the fields of a section's table and whether they are required."""
    rows = re.findall(
        r"(?m)^   \* - ``([a-z_]+)``\n     - .*(?:\n       .*)*\n     - (yes|no)$", section
    )
    return {name: required == "yes" for name, required in rows}


TABLES = {
    "project.yaml": schemas.PROJECT.fields,
    "dataset.yaml": schemas.DATASET.fields,
    "environments/e-….yaml": schemas.ENVIRONMENT.fields,
    "experiment.yaml": schemas.EXPERIMENT.fields,
    "execution.yaml": schemas.EXECUTION.fields,
    "run.yaml": schemas.RUN.fields,
    "Tombstones": schemas.DELETED.fields,
    **schemas.PARTS,
}


@pytest.mark.parametrize("heading", TABLES)
def test_the_page_documents_every_field_in_order(heading: str) -> None:
    documented = _rows(_sections()[heading])
    assert list(documented.items()) == [(f.name, f.required) for f in TABLES[heading]]


def test_the_page_names_every_schema() -> None:
    for name in schemas.SCHEMAS:
        assert f"``schema: {name}``" in PAGE.read_text()


def test_every_schema_has_a_table_on_the_page() -> None:
    fields = [schema.fields for schema in schemas.SCHEMAS.values()]
    assert [f for f in fields if f not in TABLES.values()] == []


def _document(kind: Kind, **values: Any) -> bytes:
    given = {"schema": schemas.OF_KIND[kind].name, **LEAST[kind], **values}
    return write_document({name: value for name, value in given.items() if value is not None})


def _key(kind: Kind) -> Key:
    texts = {
        Kind.PROJECT: "iris",
        Kind.DATASET: "iris/datasets/iris-data",
        Kind.EXPERIMENT: "iris/experiments/svm",
        Kind.EXECUTION: "iris/experiments/svm/executions/x-0123456789ab",
        Kind.ENVIRONMENT: "iris/environments/e-0123456789ab",
        Kind.RUN: RUN.text,
    }
    return Key.parse(texts[kind])


def _decode(kind: Kind, data: bytes) -> Any:
    return decode(Record(key=_key(kind), files={DOCUMENTS[kind]: data}))


WRONG: list[tuple[Kind, str, Any, str]] = [
    (Kind.PROJECT, "title", 5, "is 5, not text"),
    (Kind.PROJECT, "title", "a\nb", "more than one line"),
    (Kind.PROJECT, "title", "a\u2028b", "more than one line"),
    (Kind.PROJECT, "description", ["a"], "is a list, not text"),
    (Kind.PROJECT, "description", False, "is False, not text"),
    (Kind.PROJECT, "settings", [1], "is a list, not a mapping"),
    (Kind.PROJECT, "settings.inline", -1, "is negative"),
    (Kind.PROJECT, "settings.inline", 1.0, "is 1.0, not an integer"),
    (Kind.PROJECT, "settings.inline", True, "is True, not an integer"),
    (Kind.PROJECT, "settings.review", "often", "is 'often', not one of required"),
    (Kind.PROJECT, "settings.colour", "red", "is not a known key"),
    (Kind.PROJECT, "url", "https://ada:secret@example.org/x", "names a user"),
    (Kind.PROJECT, "url", "git@example.org:x", "names a user"),
    (Kind.PROJECT, "url", "a\nb", "more than one line"),
    (Kind.PROJECT, "attributes", "x", "is 'x', not a mapping"),
    (Kind.PROJECT, "name", "iris", "is not a known key"),
    (Kind.PROJECT, "colour", "red", "below 'attributes'"),
    (Kind.DATASET, "version", "1.0", "is '1.0', not a version"),
    (Kind.DATASET, "columns", {"a": 1}, "is a mapping, not a list"),
    (Kind.DATASET, "columns[0]", "a", "is 'a', not a mapping"),
    (Kind.DATASET, "columns[0].name", None, "is missing"),
    (Kind.DATASET, "columns[0].colour", "red", "is not a known key"),
    (Kind.DATASET, "columns[0].name", " a", "is an invalid column name"),
    (Kind.DATASET, "columns[0].target", "yes", "is 'yes', not true or false"),
    (Kind.EXPERIMENT, "dataset", "../x", "is an invalid dataset name"),
    (Kind.EXPERIMENT, "dataset", "con", "Windows device"),
    (Kind.EXPERIMENT, "seed", "7", "is '7', not an integer"),
    (Kind.EXPERIMENT, "parameters", 1, "is 1, not a mapping"),
    (Kind.EXPERIMENT, "parameters.a", float("nan"), "not a finite number"),
    (Kind.EXPERIMENT, "metrics.accuracy", "up", "is 'up', not one of max, min"),
    (Kind.EXPERIMENT, "tags.a", 1, "is 1, not text"),
    (Kind.EXPERIMENT, "tags. a", "", "is an invalid tag name"),
    (Kind.EXPERIMENT, "tags.a", " b", "is an invalid tag value name"),
    (Kind.EXPERIMENT, "metrics. a", "max", "is an invalid metric name"),
    (Kind.ENVIRONMENT, "packages.a ", "1", "is an invalid package name"),
    (Kind.EXECUTION, "commit", "main", "not a git object id"),
    (Kind.EXECUTION, "commit", "0" * 39, "not a git object id"),
    (Kind.EXECUTION, "content", "0" * 63, "not a SHA-256"),
    (Kind.EXECUTION, "entry_point", ["train.py"], "is a list, not text"),
    (Kind.ENVIRONMENT, "python", None, "is missing"),
    (Kind.ENVIRONMENT, "platform", None, "is missing"),
    (Kind.ENVIRONMENT, "packages.numpy", 2.0, "is 2.0, not text"),
    (Kind.RUN, "execution", None, "is missing"),
    (Kind.RUN, "execution", "../../x", "is an invalid execution id"),
    (Kind.RUN, "environment", "e-1", "is an invalid environment id"),
    (Kind.RUN, "parent_run", "r-1", "is an invalid run id"),
    (Kind.RUN, "status", None, "is missing"),
    (Kind.RUN, "status", "done", "is 'done', not one of running"),
    (Kind.RUN, "started", "yesterday", "is not a time"),
    (Kind.RUN, "started", "2026-11-21", "is not a time"),
    (Kind.RUN, "started", "2026-11-21T10:15:00", "is not a time"),
    (Kind.RUN, "started", "2026-02-30T10:15:00Z", "is not a time"),
    (Kind.RUN, "started", "0001-01-01T00:00:00+09:00", "is not a time"),
    (Kind.RUN, "started", 20261121, "is 20261121, not text"),
    (Kind.RUN, "argv", "train.py", "is 'train.py', not a list"),
    (Kind.RUN, "argv[0]", 1, "is 1, not text"),
    (Kind.RUN, "datasets[0]", "Iris", "is an invalid dataset name"),
    (Kind.RUN, "datasets[0]", "iris@1", "is '1', not a version"),
    (Kind.RUN, "seed", 1.5, "is 1.5, not an integer"),
    (Kind.RUN, "parameters.a", float("inf"), "not a finite number"),
    (Kind.RUN, "computations[0].name", None, "is missing"),
    (Kind.RUN, "computations[0].metrics", {"a": "1"}, "is '1', not a number"),
    (Kind.RUN, "computations[0].metrics", {"a": True}, "is True, not a number"),
    (Kind.RUN, "computations[0].ended", "never", "is not a time"),
    (Kind.RUN, "metrics", {"accuracy": 1.0}, "is not a known key"),
    (Kind.RUN, "id", RUN.name, "is not a known key"),
]


def _nested(field: str, value: Any) -> tuple[str, Any]:
    """Returns the top-level key and value in which a dotted field has a value."""
    top, *steps = re.findall(r"[^.\[\]]+", field)
    for step in reversed(steps):
        value = [value] if step.isdigit() else {step: value} if value is not None else {"unit": "x"}
        if step == "name" and value == {"unit": "x"} and top == "computations":
            value = {"predecessor": "x"}
        if step == "colour" and top == "columns":
            value["name"] = "a"
        if step in ("metrics", "ended", "target"):
            value["name"] = "a"
    return top, value


@pytest.mark.parametrize(("kind", "field", "value", "said"), WRONG)
def test_a_wrong_value_is_refused_with_field_and_line(
    kind: Kind, field: str, value: Any, said: str
) -> None:
    top, given = _nested(field, value)
    data = _document(kind, **{top: given})
    with pytest.raises(DocumentError) as caught:
        _decode(kind, data)
    error = caught.value
    assert said in str(error)
    assert (error.field or "").startswith(field)
    assert error.file == DOCUMENTS[kind]
    assert error.key == _key(kind).text
    if given is not None:
        lines = data.decode().splitlines()
        assert error.line is not None
        last = re.findall(r"[^.\[\]]+", error.field or "")[-1]
        assert last in lines[error.line - 1] or "missing" in said or last.isdigit()


def test_a_parameter_deep_down_is_found() -> None:
    data = _document(Kind.RUN, parameters={"model": {"lr": [1, {"x": float("nan")}]}}, argv=["a"])
    with pytest.raises(DocumentError) as caught:
        _decode(Kind.RUN, data)
    assert caught.value.field == "parameters.model.lr[1].x"
    assert caught.value.message == "'parameters.model.lr[1].x': 'nan' is not a finite number"
    assert "x: .nan" in data.decode().splitlines()[(caught.value.line or 0) - 1]


def test_a_parameter_of_a_computation_is_found_there() -> None:
    steps = [{"name": "a"}, {"name": "b", "parameters": {"c": float("nan")}}]
    data = _document(Kind.RUN, parameters={"c": 1}, computations=steps)
    with pytest.raises(DocumentError) as caught:
        _decode(Kind.RUN, data)
    assert caught.value.field == "computations[1].parameters.c"
    assert "c: .nan" in data.decode().splitlines()[(caught.value.line or 0) - 1]


def test_two_computations_of_one_name_are_refused() -> None:
    data = _document(Kind.RUN, computations=[{"name": "a"}, {"name": "b"}, {"name": "a"}])
    with pytest.raises(DocumentError, match=r"'computations\[2\].name' is 'a' for the second time"):
        _decode(Kind.RUN, data)


def test_names_that_collide_when_flattened_are_refused() -> None:
    data = _document(Kind.RUN, parameters={"a.b": 1, "a": {"b": 1}})
    with pytest.raises(DocumentError, match=r"when flattened \(field 'parameters.a.b'\)"):
        _decode(Kind.RUN, data)


@pytest.mark.parametrize("name", ["", " a", "a\nb", "a\u200bb", "x" * 251, "e\u0301"])
def test_labels_are_checked_on_the_way_out(name: str) -> None:
    for field in ("parameters", "attributes", "defaults"):
        with pytest.raises(DocumentError, match=field):
            _decode(Kind.RUN, _document(Kind.RUN, **{field: {name: 1}}))


@pytest.mark.parametrize("kind", list(Kind))
def test_the_least_document_is_enough(kind: Kind) -> None:
    if kind in (Kind.EXECUTION, Kind.ENVIRONMENT):
        with pytest.raises(DocumentError, match="does not belong to this"):
            _decode(kind, _document(kind))
    else:
        assert _decode(kind, _document(kind)).key == _key(kind)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_document_must_say_its_schema(kind: Kind) -> None:
    values = parse_document(_document(kind)).values
    del values["schema"]
    with pytest.raises(DocumentError, match="'schema' is missing"):
        _decode(kind, write_document(values or {"title": "x"}))


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    "given", ["deleted/1", "rnu/1", "run", "run/0", "run/01", "run/x", "run/-1", "run/1.0", 1, ""]
)
def test_a_document_of_another_schema_is_refused(kind: Kind, given: Any) -> None:
    with pytest.raises(DocumentError, match=r"'schema' is .* \(field 'schema'\)") as caught:
        _decode(kind, _document(kind, schema=given))
    assert caught.value.line == 1


@pytest.mark.parametrize("kind", list(Kind))
def test_a_document_of_a_later_version_is_refused_with_advice(kind: Kind) -> None:
    with pytest.raises(UnsupportedFormatError) as caught:
        _decode(kind, _document(kind, schema=f"{kind}/2", whatever={"a": 1}))
    assert f"'{kind}/2'" in caught.value.message
    assert "pip install --upgrade padre-git" in (caught.value.hint or "")
    assert caught.value.key == _key(kind).text


def test_every_setting_can_be_set() -> None:
    project = Project(name="iris", settings={"inline": 0, "review": "required"})
    assert decode(Record(key=project.key, files=encode(project))) == project


def test_a_huge_value_is_not_spelled_out() -> None:
    with pytest.raises(InvalidValueError, match=r"it is a huge integer, not text$"):
        encode(Project(name="iris", title=10**5000))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url", ["https://example.org/a@b.git", "file:///home/a@b/iris.git", "host:a/b@c", "/srv/a@b"]
)
def test_an_address_may_have_an_at_sign_in_its_path(url: str) -> None:
    project = Project(name="iris", url=url)
    assert decode(Record(key=project.key, files=encode(project))).url == url  # type: ignore[attr-defined]


@pytest.mark.parametrize("url", ["git@host:lab", "ssh://git@host/lab", "https://t0ken@host"])
def test_an_address_names_no_user(url: str) -> None:
    with pytest.raises(InvalidValueError, match="names a user or has a token in it"):
        encode(Project(name="iris", url=url))


def test_the_users_repository_may_have_long_object_ids() -> None:
    code = Code(repository="a" * 64, commit="b" * 64)
    execution = identify(Execution(experiment="iris/experiments/svm", code=code))  # type: ignore[arg-type]
    assert decode(Record(key=execution.key, files=encode(execution))) == execution


def test_empty_optional_fields_mean_nothing() -> None:
    data = _document(Kind.RUN) + b"\nparameters: {}\n\nargv: []\n\ntitle: null\n\nenvironment:\n"
    assert _decode(Kind.RUN, data) == _decode(Kind.RUN, _document(Kind.RUN))


def test_what_cannot_be_read_cannot_be_written() -> None:
    for entity, field in (
        (Project(name="iris", title="a\nb"), "title"),
        (Project(name="iris", settings={"colour": "red"}), "settings.colour"),
        (Project(name="iris", url="https://me@example.org"), "url"),
        (Project(name="iris", description="\ud800"), "description"),
        (Experiment(project="iris", name="svm", title=5), "title"),  # type: ignore[arg-type]
        (Experiment(project="iris", name="svm", title=10**5000), "title"),  # type: ignore[arg-type]
        (Run(execution=_key(Kind.EXECUTION), id=RUN.name, environment="e-1"), "environment"),
        (Run(execution=_key(Kind.EXECUTION), id=RUN.name, argv=("\udcff",)), "argv[0]"),
        (Run(execution=_key(Kind.EXECUTION), id=RUN.name, datasets=("X",)), "datasets[0]"),
    ):
        with pytest.raises(InvalidValueError, match=re.escape(f"cannot store '{field}'")) as caught:
            encode(entity)
        assert caught.value.field == field
        assert caught.value.key == entity.key.text


METRICS = [
    (b"accuracy: high\n", "accuracy", "is 'high', not a number"),
    (b"accuracy: true\n", "accuracy", "is True, not a number"),
    (b"a: 1\n\naccuracy:\n  best: 1\n", "accuracy", "is a mapping, not a number"),
    (b"' a': 1\n", " a", "is an invalid metric name"),
    (b"schema: metrics/1\n", "schema", "not a number"),
]


@pytest.mark.parametrize(("data", "field", "said"), METRICS)
def test_metrics_are_numbers_by_label(data: bytes, field: str, said: str) -> None:
    files = {"run.yaml": _document(Kind.RUN), "metrics.yaml": data}
    with pytest.raises(DocumentError, match=said) as caught:
        decode(Record(key=RUN, files=files))
    assert (caught.value.file, caught.value.field) == ("metrics.yaml", field)
    assert caught.value.line == data.count(b"\n") - data.count(b"best")


def test_metrics_may_be_nan_and_infinite() -> None:
    files = {"run.yaml": _document(Kind.RUN), "metrics.yaml": b"a: .inf\n\nb: .nan\n\nc: 1\n"}
    found = decode(Record(key=RUN, files=files)).metrics  # type: ignore[attr-defined]
    assert found["a"] == float("inf")
    assert found["b"] != found["b"]
    assert type(found["c"]) is int

"""Documents are read by YAML 1.2's core schema, with the place of everything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from padre_git.errors import DocumentError
from padre_git.format import parse_document, write_document
from padre_git.format.equality import equal
from padre_git.format.reading import event_parsers, parse_strictly
from tests.format import strategies as some


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("nULL", "nULL"),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("false", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("0o8", "0o8"),
        ("-0x1", "-0x1"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2026-11-21", "2026-11-21"),
        ("2026-11-21T10:15:00Z", "2026-11-21T10:15:00Z"),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5e-1", -0.05),
        ("1.5E+2", 150.0),
        (".", "."),
        ("-", None),
        ("+", "+"),
        ("1e", "1e"),
        ("-0.0", -0.0),
        (".inf", float("inf")),
        ("+.Inf", float("inf")),
        ("+.inf", float("inf")),
        ("+.INF", float("inf")),
        (".Inf", float("inf")),
        (".INF", float("inf")),
        ("-.inf", float("-inf")),
        ("-.Inf", float("-inf")),
        ("-.INF", float("-inf")),
        (".nan", float("nan")),
        (".NaN", float("nan")),
        (".NAN", float("nan")),
        ("0." + "1" * 398, float("0." + "1" * 398)),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e-400", 0.0),
        ("<<", "<<"),
        ("=", "="),
        ("'12'", "12"),
        ('"a\\u0085\\x41\\n"', "a\x85A\n"),
        ("'it''s'", "it's"),
        ("[1, a, [b]]", [1, "a", ["b"]]),
        ("{a: 1, 'b': {}}", {"a": 1, "b": {}}),
        ("|\n  x\n   y\n", "x\n y\n"),
        (">\n  x\n  y\n", "x y\n"),
        ("- 1", [1]),
        ("٣", "٣"),
    ],
)
def test_scalars_are_those_of_the_core_schema(written: str, value: Any) -> None:
    lead = "\n" if written in ("-", "- 1") else " "
    found = parse_document(f"x:{lead}{written}\n".encode()).values["x"]
    assert equal(found, [None] if written == "-" else value)
    assert type(found) is type([None] if written == "-" else value)


def test_order_comments_flow_style_and_windows_line_ends_are_accepted() -> None:
    plain = parse_document(b"schema: run/1\n\nseed: 7\n\nargv:\n  - a\n").values
    other = parse_document(
        b"# by hand\r\n---\r\nargv: ['a']   # what\r\n'seed' : 7\r\n? schema\r\n: run/1\r\n...\r\n"
    ).values
    assert equal(plain, other)


def test_a_document_may_mark_its_start() -> None:
    assert parse_document(b"---\na: 1\n").values == {"a": 1}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_field_has_its_line(newline: str) -> None:
    text = "# c\nschema: x\n\ncolumns:\n  - name: a\n    unit: cm\n  - name: b\n\n"
    text += "p:\n  q.r:\n    s: 1\n"
    document = parse_document(text.replace("\n", newline).encode())
    assert document.lines == {
        "schema": 2,
        "columns": 4,
        "columns[0]": 5,
        "columns[0].name": 5,
        "columns[0].unit": 6,
        "columns[1]": 7,
        "columns[1].name": 7,
        "p": 9,
        "p.q.r": 10,
        "p.q.r.s": 11,
    }


def test_an_error_about_a_field_has_the_line_of_what_encloses_it() -> None:
    document = parse_document(b"a: 1\nb:\n  c: 2\n", file="x.yaml")
    assert document.error("is odd", "b.c").line == 3
    assert document.error("is odd", "b.d.e[3]").line == 2
    assert document.error("is odd", "d").line is None
    assert document.error("is odd").field is None
    assert str(document.error("'b.c' is odd", "b.c")) == "x.yaml:3: 'b.c' is odd (field 'b.c')"


def test_comments_are_found_with_windows_line_ends() -> None:
    assert parse_document(b"# c\r\na: 1\r\n# d\r\n").comments == {"a": "# c", "": "# d"}


@pytest.mark.parametrize("parser", event_parsers(), ids=lambda parser: parser.__name__)
def test_comments_above_a_key_are_found_after_any_value(parser: Any) -> None:
    for value in (
        "1",
        "'x'",
        "|\n  x\n  # y\n",
        "[1,\n 2]",
        "\n  - |\n   x\n",
        "{}",
        "",
        ">\n  x\n\n",
    ):
        text = f"a: {value}\n# one\n\n# two\nb: 1\n"
        _, (_, comments) = parse_strictly(text, parser=parser)
        assert comments == {"b": "# one\n# two"}, value


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(some.documents)
def test_both_parsers_of_pyyaml_read_the_same(values: dict) -> None:
    text = write_document(values).decode()
    found = [parse_strictly(text, parser=parser) for parser in event_parsers()]
    for read, (lines, comments) in found:
        assert equal(read, values)
        assert (lines, comments) == found[0][1]


# what people write; without "1_0", dates, "=", "<<" and ".5e3", which ruamel reads as 1.1 does
_WORDS = "a c: 1 -2 0.5 1e3 012 0o14 0x1F 5. +1 .inf -.INF .NaN null ~ True yes no on 1:30 ' \\"
_BY_HAND = (
    *_WORDS.split(),
    *("b: ", ": ", "\n", "\n  ", "\n    ", "\n- ", "- ", '"', "'x'", '"y z"', "[a, 1]", "{a: 1}"),
    *("[", "]", ",", " # c", "|\n  x\n  y\n", ">-\n  x\n  y\n", "? ", " "),
)


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(st.sampled_from(_BY_HAND), max_size=10).map("".join), st.sampled_from(["", "k: "]))
def test_what_people_write_is_what_another_reader_of_yaml_1_2_reads(text: str, key: str) -> None:
    written = f"{key}{text}\n"
    try:
        values = parse_document(written.encode()).values
    except DocumentError:
        return
    assert equal(YAML(typ="safe", pure=True).load(written), values)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.text(alphabet="ab: \n-#'\"|>[]{},&*!%?1.~\\", max_size=40))
def test_both_parsers_of_pyyaml_refuse_the_same(text: str) -> None:
    found = []
    for parser in event_parsers():
        try:
            found.append(parse_strictly(text + "\n", parser=parser)[0])
        except DocumentError as error:
            found.append(error.line is not None)
    if all(isinstance(one, dict) for one in found):
        assert all(equal(one, found[0]) for one in found)

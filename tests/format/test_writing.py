"""Documents are written in one way, which every YAML reader understands alike."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from padre_git.errors import DocumentError, InvalidValueError
from padre_git.format import parse_document, write_document
from padre_git.format.equality import equal
from padre_git.format.scalars import write_text
from tests.format import strategies as some

_quick = settings(
    max_examples=500, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


def _in_yaml_1_1(data: bytes) -> Any:
    return yaml.safe_load(data)


def _in_yaml_1_1_with_libyaml(data: bytes) -> Any:
    return yaml.load(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


_ruamel = YAML(typ="safe", pure=True)


def _in_yaml_1_2(data: bytes) -> Any:
    return _ruamel.load(data.decode())


@_quick
@given(some.documents)
def test_all_readers_agree_on_what_was_written(values: dict) -> None:
    data = write_document(values)
    assert equal(parse_document(data).values, values)
    for read in (_in_yaml_1_1, _in_yaml_1_1_with_libyaml, _in_yaml_1_2):
        assert equal(read(data), values), read.__name__


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@settings(_quick, max_examples=10_000)
@given(some.documents)
def test_all_readers_agree_all_night(values: dict) -> None:
    data = write_document(values)
    for read in (_in_yaml_1_1_with_libyaml, _in_yaml_1_2):
        assert equal(read(data), values), read.__name__
    assert equal(parse_document(data).values, values)


@settings(_quick, max_examples=500)
@given(some.documents)
def test_writing_what_was_read_gives_the_same_bytes(values: dict) -> None:
    data = write_document(values)
    assert write_document(parse_document(data).values) == data


@pytest.mark.parametrize("text", some.TRICKY)
def test_a_tricky_text_is_the_same_text_everywhere(text: str) -> None:
    data = write_document({"value": text, "list": [text], "last": {"deep": text}})
    for read in (_in_yaml_1_1, _in_yaml_1_1_with_libyaml, _in_yaml_1_2):
        assert read(data) == {"value": text, "list": [text], "last": {"deep": text}}, read.__name__
    assert parse_document(data).values["value"] == text


@settings(_quick, max_examples=500)
@given(some.texts)
def test_a_text_in_quotes_is_json(text: str) -> None:
    assert json.loads(write_text(text)) == text


@settings(_quick, max_examples=500)
@given(st.floats())
def test_a_float_is_exact_and_has_a_dot_and_a_signed_exponent(value: float) -> None:
    text = write_document({"x": value}).decode().removeprefix("x: ").strip()
    read = parse_document(f"x: {text}\n".encode()).values["x"]
    assert equal(read, value)
    if math.isfinite(value):
        mantissa, e, exponent = text.partition("e")
        assert "." in mantissa
        assert not e or exponent[0] in "+-"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-7, "-7"),
        (10**99, "1" + "0" * 99),
        (0.1, "0.1"),
        (1e-05, "1.0e-05"),
        (1e16, "1.0e+16"),
        (1.5e-7, "1.5e-07"),
        (-0.0, "-0.0"),
        (float("nan"), ".nan"),
        (float("inf"), ".inf"),
        (float("-inf"), "-.inf"),
        (5e-324, "5.0e-324"),
        ("svm", "svm"),
        ("SVM, C=10 (baseline)", "SVM, C=10 (baseline)"),
        ("größe", "größe"),
        ("train.py", "train.py"),
        ("/data/x", "/data/x"),
        ("md5:0a", "md5:0a"),
        ("yes", '"yes"'),
        ("Null", '"Null"'),
        ("NaN", '"NaN"'),
        ("1e3", '"1e3"'),
        ("0123456", '"0123456"'),
        ("2026-11-21", '"2026-11-21"'),
        ("--C", '"--C"'),
        ("a  b", '"a  b"'),
        ("a: b", '"a: b"'),
        ("a:", '"a:"'),
        ("a#b", '"a#b"'),
        ("[a]", '"[a]"'),
        ("a b ", '"a b "'),
        ("a\tb", '"a\\tb"'),
        ("\x85\u2028\u2029\ufeff\xa0\u200b", '"\\u0085\\u2028\\u2029\\ufeff\\u00a0\\u200b"'),
        ("\x00\x1b", '"\\u0000\\u001b"'),
        ("", '""'),
        ([], "[]"),
        ({}, "{}"),
        ("a\nb\n", "|\n  a\n  b"),
        ("a\nb", "|-\n  a\n  b"),
        ("a\n", "|\n  a"),
        ("X\n", "|\n  X"),
        ("\u3000a\n\n#b", "|-\n  \u3000a\n\n  #b"),
        ("\n", '"\\n"'),
        ("a\n ", '"a\\n "'),
        ("a\nb\t", '"a\\nb\\t"'),
        ("a\n\n  b", "|-\n  a\n\n    b"),
        ("a\tb\nc", "|-\n  a\tb\n  c"),
        ("a\nb\n\n", '"a\\nb\\n\\n"'),
        (" a\nb", '" a\\nb"'),
        ("a \nb", '"a \\nb"'),
        ("a\n\tb", '"a\\n\\tb"'),
        ("\na", '"\\na"'),
        ("a\r\nb", '"a\\r\\nb"'),
        ("a\nb\x85", '"a\\nb\\u0085"'),
        (
            [1, [2, [3]], {"a": 1, "b": [4]}],
            "\n  - 1\n  - - 2\n    - - 3\n  - a: 1\n    b:\n      - 4",
        ),
        ({"a": {"b": 1}, "c d": 2, "1": 3}, '\n  a:\n    b: 1\n  c d: 2\n  "1": 3'),
    ],
)
def test_each_value_is_written_in_one_way(value: Any, written: str) -> None:
    head, _, rest = write_document({"x": value}).decode().partition(":")
    assert (head, rest) == ("x", f" {written}\n" if written[0] != "\n" else f"{written}\n")


_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def test_every_character_of_ascii_stands_for_itself() -> None:
    letters = "".join(filter(str.isalpha, _ASCII))
    assert write_document({"x": letters}) == f"x: {letters}\n".encode()
    marks = "".join(mark for mark in _ASCII if mark not in "#:[]{}`")
    assert write_document({"x": f"a{marks}"}) == f"x: a{marks}\n".encode()
    assert write_document({"x": f"{_ASCII}\n"}) == f"x: |\n  {_ASCII}\n".encode()
    quoted = _ASCII.replace("\\", "\\\\").replace('"', '\\"')
    assert write_document({"x": _ASCII}) == f'x: "{quoted}"\n'.encode()


@pytest.mark.parametrize(
    "word",
    ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity", "none"],
)
def test_words_that_some_parser_misreads_are_quoted(word: str) -> None:
    for text in (word, word.upper(), word.title()):
        assert write_document({text: text}) == f'"{text}": "{text}"\n'.encode()
    assert write_document({"x": "undefined"}) == b'x: "undefined"\n'
    assert write_document({"x": f"{word} more"}) == f"x: {word} more\n".encode()


def test_one_blank_line_separates_top_level_keys_and_nothing_else() -> None:
    data = write_document({"schema": "run/1", "a": {"b": 1, "c": [1, 2]}, "d": "x\n\ny\n", "e": 2})
    assert data == (
        b"schema: run/1\n\na:\n  b: 1\n  c:\n    - 1\n    - 2\n\nd: |\n  x\n\n  y\n\ne: 2\n"
    )


def test_tuples_are_written_as_lists() -> None:
    assert write_document({"a": (1, (2,))}) == write_document({"a": [1, [2]]})


@pytest.mark.parametrize(
    "value",
    [{1, 2}, b"x", 1j, object(), 10**100, -(10**100), pytest.param(10**5000, id="huge"),
     "\ud800", {1: 2}, {None: 1}, {"k" * 1001: 1}, {"\udfff": 1}],
)  # fmt: skip
def test_what_has_no_exact_place_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"^cannot write"):
        write_document({"x": value})


def test_a_document_has_keys() -> None:
    with pytest.raises(InvalidValueError, match="without keys"):
        write_document({})


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"k": v}])
@pytest.mark.parametrize("inner", ["x", [], {}], ids=repr)
def test_nesting_is_bounded_exactly_as_it_is_for_reading(wrap: Any, inner: Any) -> None:
    value = inner
    for _ in range(31 if inner == "x" else 30):  # the document itself is the 32nd level
        value = wrap(value)
    data = write_document({"x": value})
    assert parse_document(data).values == {"x": value}
    with pytest.raises(InvalidValueError, match="nested deeper than 32"):
        write_document({"x": wrap(value)})
    with pytest.raises(DocumentError, match="nested deeper than 32"):
        parse_document(b"y: " + json.dumps(wrap(value)).encode() + b"\n")


def test_a_key_is_no_longer_than_yaml_allows() -> None:
    for name, longer in (("k" * 1000, "k"), ("1" * 998, "1"), ("\x85" * 166, "\x85")):
        data = write_document({name: {name: 1}})
        for read in (_in_yaml_1_1, _in_yaml_1_1_with_libyaml, _in_yaml_1_2):
            assert read(data) == {name: {name: 1}}
        assert parse_document(data + b"# strict\n").values == {name: {name: 1}}
        with pytest.raises(InvalidValueError, match="too long"):
            write_document({name + longer: 1})


def test_comments_above_top_level_keys_and_at_the_end_are_kept() -> None:
    text = b"# head\nschema: x\n\n# two\n# lines\na: 1 # lost\n\n#c\nb:\n  # lost\n  c: 1\n# end\n"
    document = parse_document(text)
    assert document.comments == {"schema": "# head", "a": "# two\n# lines", "b": "#c", "": "# end"}
    written = write_document(document.values, comments=document.comments)
    assert written == (b"# head\nschema: x\n\n# two\n# lines\na: 1\n\n#c\nb:\n  c: 1\n\n# end\n")
    assert parse_document(written).comments == document.comments


def test_a_hash_inside_a_value_is_no_comment() -> None:
    values = {"a": "x\n# y\n", "b": "# z", "c": 1}
    document = parse_document(write_document(values))
    assert document.values == values
    assert document.comments == {}


def test_a_line_of_a_quoted_text_is_no_comment() -> None:
    document = parse_document(b'a: "x\n# y\n# z"\n# comment\nb: 1\n')
    assert document.values == {"a": "x # y # z", "b": 1}
    assert document.comments == {"b": "# comment"}


@settings(_quick, max_examples=300)
@given(some.documents, st.lists(st.text(alphabet="ab #:-'\"", max_size=9), max_size=3))
def test_comments_never_change_values(values: dict, comments: list[str]) -> None:
    kept = {name: "\n".join(f"#{c}" for c in comments) for name in values if comments}
    data = write_document(values, comments=kept)
    document = parse_document(data)
    assert equal(document.values, values)
    assert write_document(document.values, comments=document.comments) == write_document(
        values, comments={n: "\n".join(f"#{c}".rstrip() for c in comments) for n in kept}
    )

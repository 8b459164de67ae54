"""The quick reader reads as the strict one does, or gives up."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from padre_git.errors import DocumentError
from padre_git.format import encode, parse_document, write_document
from padre_git.format.equality import equal
from padre_git.format.quick import MOST_CHARACTERS, read_quickly
from padre_git.format.reading import parse_strictly
from tests.format import strategies as some

_many = settings(
    max_examples=500, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


def _agrees(text: str) -> bool:
    """Returns whether the quick reader read this text; if so, the strict one agrees."""
    quick = read_quickly(text)
    if quick is None:
        return False
    strict = parse_document((text + "# a comment, which is for the strict reader\n").encode())
    assert equal(quick, strict.values), text
    assert list(quick) == list(strict.values)
    return True


@_many
@given(some.documents)
def test_it_agrees_on_documents_that_we_write(values: dict) -> None:
    _agrees(write_document(values).decode())


@_many
@given(some.entities)
def test_it_agrees_on_records(entity: object) -> None:
    for name, data in encode(entity).items():
        if name.endswith(".yaml"):
            _agrees(data.decode())


_PIECES = (
    *("a", "b: ", "c:", ":", " ", "  ", "    ", "\n", "\n\n", "- ", "- - ", "-", '"', '"x"', "'y'"),
    *(
        '"\\n"',
        "1",
        "-2",
        "0.5",
        "1e3",
        "1.0e+05",
        "1.0e+999",
        ".nan",
        ".inf",
        "-.inf",
        "null",
        "Null",
    ),
    *("true", "~", "[]", "{}", "[a]", "{a: 1}", "#", " #", "# c", "\t", "|", "|-\n  x", ">", "&a "),
    *(
        "*a",
        "!t ",
        "%",
        "@",
        "`",
        "---",
        "...",
        "? ",
        "<<",
        "=",
        ",",
        "\\",
        "\\u0041",
        "0x1",
        "012",
    ),
    *("é", "\x85", "\u2028", "\xa0", "\ufeff", "\r"),
)


_LINES = [
    indent + line
    for indent in ("", "  ", "    ")
    for line in ("a: 1", "b: x", "a:", "b:", "- 1", "- a: 1", "- b:", "- - 1", "- []", "1")
]


def test_it_agrees_on_every_arrangement_of_four_lines() -> None:
    read = [
        _agrees("\n".join(lines) + "\n")
        for lines in itertools.product(["a:", "a: 1", "  - 1", "b:"], *[_LINES] * 3)
    ]
    assert len(read) == 108_000
    assert sum(read) == 537


@settings(_many, max_examples=1000)
@given(st.lists(st.sampled_from(_PIECES), max_size=14).map("".join))
def test_it_agrees_on_what_resembles_documents(text: str) -> None:
    _agrees(text + "\n")


@st.composite
def _edited(draw: st.DrawFn) -> str:
    text = write_document(draw(some.documents)).decode()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        end = draw(st.integers(at, min(len(text), at + 6)))
        text = text[:at] + draw(st.sampled_from(_PIECES)) + text[end:]
    return text


@settings(_many, max_examples=400)
@given(_edited())
def test_it_agrees_on_edited_documents(text: str) -> None:
    _agrees(text + "\n")


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@settings(_many, max_examples=20_000)
@given(_edited())
def test_it_agrees_all_night(text: str) -> None:
    _agrees(text + "\n")


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n",
        "a: 1\n\nb: 2\n",
        "a:\n  b: 1\n  c:\n    d: x y\n\ne: z\n",
        "a:\n  - 1\n  - b: 1\n    c: 2\n  - - 1\n    - 2\n  - x: y\n",
        "a: []\n\nb: {}\n",
        'a: "x\\n\\u0085\\"y\\\\"\n\n"b c: ": "1"\n',
        "a: .nan\n\nb: -.inf\n\nc: -0.0\n\nd: 1.0e-05\n",
        "a: null\n\nb: true\n\nc: false\n\nd: True\n\ne: Null\n",
        "größe: ü, y=1 (z)\n",
        "a: md5:0a\n\nval/acc: 1.0\n",
        "a: 012\n\nb: -0\n",
        "a: no\n",
    ],
)
def test_it_reads_our_own_form(text: str) -> None:
    assert _agrees(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "a: 1",
        "a: 1\nb: 2",
        "a:\n",
        "a:\nb: 1\n",
        "a: \n",
        "a:\n- 1\n",
        "a:\n   - 1\n",
        "a:\n    b: 1\n",
        "a:\n  b: 1\n c: 1\n",
        "a: 1\n  b: 1\n",
        "a:\n  - 1\n  b: 1\n",
        "a:\n  b: 1\n  - 1\n",
        "a:\n  - \n",
        "a:\n  -\n",
        "a:\n  - b:\n",
        "a: 1\na: 2\n",
        '"a": 1\na: 2\n',
        "null: 1\n",
        "True: 1\n",
        "1: 1\n",
        "a: 'x'\n",
        "a: [1]\n",
        "a: # c\n",
        "# c\na: 1\n",
        "a: 1 # c\n",
        "a: |\n  x\n",
        "a: x\n  y\n",
        "- a\n",
        "a\n",
        "  a: 1\n",
        "a:  1\n",
        "a: 1 \n",
        "a : 1\n",
        "a: b: c\n",
        "a: 1e3\n",
        "a: +1\n",
        "a: 0x1\n",
        "a: 1.0e+999\n",
        "a: " + "9" * 101 + "\n",
        "a: " + "9" * 5000 + "\n",
        'a: "\\ud83d\\ude00"\n',
        'a: "\\x41"\n',
        'a: "\\/"\n',
        'a: "\t"\n',
        "a: x\ty\n",
        "a: &x 1\n",
        "a: *x\n",
        "a: !t x\n",
        "---\na: 1\n",
        "a: 1\n...\n",
        "a: 1\r\n",
        "a: x\x85y\n",
        "a: x\u2028y\n",
        "a: x\ufeff\n",
        "\ufeffa: 1\n",
        "a: 1\n\n\nb: 2\n",
        "\na: 1\n",
        '"' + "k" * 999 + '": 1\n',
        '"' + "\\u0085" * 200 + '": 1\n',
        "k" * 1001 + ": 1\n",
        "k" * 1001 + ":\n  a: 1\n",
        "<<<<<<< HEAD\na: 1\n",
        "a: 1\n" + "x" * MOST_CHARACTERS + ": 1\n",
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_it_gives_up_on_everything_else(text: str) -> None:
    assert read_quickly(text) is None


def test_it_gives_up_on_deep_nesting_before_the_strict_reader_does() -> None:
    for depth in range(1, 45):
        for text in (
            "".join("  " * n + "a:\n" for n in range(depth)) + "  " * depth + "a: 1\n",
            "a:\n  " + "- " * depth + "1\n",
            "a:\n  " + "- " * depth + "b: 1\n",
        ):
            if not _agrees(text):
                assert depth > 25
    assert read_quickly("a:\n  " + "- " * 100 + "1\n") is None


def test_places_are_found_when_they_are_asked_for() -> None:
    document = parse_document(b"a: 1\n\nb:\n  - c: 2\n")
    assert read_quickly("a: 1\n\nb:\n  - c: 2\n") == document.values
    assert document.lines == {"a": 1, "b": 3, "b[0]": 4, "b[0].c": 4}
    assert document.comments == {}


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "x " * 500_000 + "\n",
        "a: " + "x:" * 500_000 + "\n",
        'a: "' + "\\n" * 500_000 + "\n",
        '"' + '\\"' * 500_000 + "\n",
        "a: " + "1" * 1_000_000 + "\n",
        "- " * 500_000 + "\n",
        " " * 1_000_000 + "\n",
        "\n" * 1_000_000,
        "a: -" * 250_000 + "\n",
        "a: x\n" * 200_000,
        "".join(f"k{n}: {n}\n" for n in range(90_000)),
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_its_time_is_linear(text: str) -> None:
    start = time.process_time()
    read_quickly(text)
    assert time.process_time() - start < 5


def test_it_is_quicker() -> None:
    """A ratio, since machines differ; docs/decisions/0004-yaml-subset has figures."""
    text = write_document(
        {"schema": "run/1", "argv": ["train.py"], "parameters": {f"p{n}": n / 7 for n in range(40)}}
    ).decode()

    def best(read: object) -> float:
        times = []
        for _ in range(15):
            start = time.process_time()
            for _ in range(10):
                read(text)  # type: ignore[operator]
            times.append(time.process_time() - start)
        return min(times)

    assert best(read_quickly) * 2 < best(parse_strictly)


def test_what_is_refused_is_refused_with_its_place_by_the_strict_reader() -> None:
    with pytest.raises(DocumentError) as caught:
        parse_document(b"a: 1\n\nb: 2\n\na: 3\n")
    assert caught.value.line == 5

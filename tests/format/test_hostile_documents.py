"""What could be understood in two ways, or hurt, is refused with file, line and field."""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from padre_git.errors import DocumentError, FormatError, PadreGitError
from padre_git.format import decode, encode, parse_document, write_document
from padre_git.format.reading import MOST_BYTES, event_parsers, parse_strictly
from padre_git.model import DOCUMENTS, Record
from tests.format import strategies as some

REFUSED = [
    # bytes, what is said, line, field
    pytest.param(b"", "is empty", None, None, id="empty"),
    pytest.param(b" \n\n", "is empty", None, None, id="blank"),
    pytest.param(b"# only\n", "not a mapping", None, None, id="comment only"),
    pytest.param(b"a: 1\nb: \xff\n", "is not UTF-8", 2, None, id="latin-1"),
    pytest.param("a: ä\n".encode("utf-16"), "is not UTF-8", 1, None, id="utf-16"),
    pytest.param(b"a: \xed\xa0\x80\n", "is not UTF-8", 1, None, id="surrogate"),
    pytest.param(b"a: \xc0\xaf\n", "is not UTF-8", 1, None, id="overlong"),
    pytest.param(b"\xef\xbb\xbfa: 1\n", "a byte order mark", 1, None, id="bom"),
    pytest.param("a: 1\nb: x\ufeffy\n".encode(), "a byte order mark", 2, None, id="bom inside"),
    pytest.param(b"a: 1\nb: x\0y\n", "U+0000", 2, None, id="nul"),
    pytest.param(b"a: \x1b[31m\n", "U+001B", 1, None, id="escape"),
    pytest.param(b"a: \x7f\n", "U+007F", 1, None, id="delete"),
    pytest.param("a: x\x85y\n".encode(), "U+0085", 1, None, id="nel"),
    pytest.param("a: x\u2028y\n".encode(), "U+2028", 1, None, id="line separator"),
    pytest.param("a: x\uffff\n".encode(), "U+FFFF", 1, None, id="noncharacter"),
    pytest.param(b"a: x\rb: y\n", "U+000D", 1, None, id="carriage return"),
    pytest.param(b"a: 1\nb: 2", "does not end with a line break", 2, None, id="cut in a line"),
    pytest.param(b'a: "x\n', "not valid YAML", 2, None, id="cut in quotes"),
    pytest.param(b"a: [1,\n", "not valid YAML", 2, None, id="cut in a list"),
    pytest.param(b"a: 1\nb\n", "not valid YAML", 3, None, id="cut in a key"),
    pytest.param(
        b"a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> topic\n",
        "has conflict markers", 2, None, id="conflict",
    ),
    pytest.param(b"a: 1\nb: 1\n>>>>>>> topic\n", "has conflict markers", 3, None, id="half of one"),
    pytest.param(b"a: 1\n||||||| base\n", "has conflict markers", 2, None, id="diff3"),
    pytest.param(b"%YAML 1.1\n---\na: 1\n", "%YAML", 1, None, id="yaml directive"),
    pytest.param(b"%TAG ! tag:x,2000:\n---\na: 1\n", "%TAG", 1, None, id="tag directive"),
    pytest.param(b"a: 1\n---\nb: 2\n", "more than one document", 2, None, id="two documents"),
    pytest.param(b"a: 1\n...\n---\nb: 2\n", "more than one document", 3, None, id="two marked"),
    pytest.param(b"- a\n", "not a mapping", 1, None, id="list"),
    pytest.param(b"just text\n", "not a mapping", 1, None, id="text"),
    pytest.param(b"12\n", "not a mapping", 1, None, id="number"),
    pytest.param(b"a: &x 1\n", "the anchor '&x'", 1, "a", id="anchor"),
    pytest.param(b"&x a: 1\n", "the anchor '&x'", 1, None, id="anchor on key"),
    pytest.param(b"&x\na: 1\n", "the anchor '&x'", 1, None, id="anchor on top"),
    pytest.param(b"a:\n  b: *x\n", "the alias '*x'", 2, "a.b", id="alias"),
    pytest.param(b"a: &a [*a]\n", "the anchor '&a'", 1, "a", id="cycle"),
    pytest.param(b"a: 1\n*a : 2\n", "the alias '*a'", 2, None, id="alias as key"),
    pytest.param(b"a: !!int '1'\n", "the tag", 1, "a", id="tag"),
    pytest.param(b"a: ! x\n", "the tag", 1, "a", id="non-specific tag"),
    pytest.param(b"a: !!python/object/apply:os.system [true]\n", "the tag", 1, "a", id="python"),
    pytest.param(b"!!map\na: 1\n", "the tag", 1, None, id="tag on top"),
    pytest.param(b"a: !!set {b}\n", "the tag", 1, "a", id="set"),
    pytest.param(b"a: 1\nb: 2\na: 3\n", "'a' twice (first in line 1)", 3, "a", id="twice"),
    pytest.param(b"a:\n  b: 1\n  'b': 1\n", "'b' twice", 3, "a.b", id="twice inside"),
    pytest.param(b"a:\n  - b: 1\n    b: 1\n", "'b' twice", 3, "a[0].b", id="twice in a list"),
    pytest.param(b"1: a\n", "'1', which is not text", 1, None, id="number as key"),
    pytest.param(b"a:\n  1.5: a\n", "'1.5', which is not text", 2, "a", id="float as key"),
    pytest.param(b"true: a\n", "'true', which is not text", 1, None, id="flag as key"),
    pytest.param(b"~: a\n", "'~', which is not text", 1, None, id="null as key"),
    pytest.param(b"? \n: a\n", "which is not text", 1, None, id="nothing as key"),
    pytest.param(b"[a]: 1\n", "a key that is not text", 1, None, id="list as key"),
    pytest.param(b"? {a: 1}\n: 1\n", "a key that is not text", 1, None, id="mapping as key"),
    pytest.param(b"a: 1" + b"0" * 5000 + b"\n", "characters, more than", 1, "a", id="huge integer"),
    pytest.param(b"a: 1" + b"0" * 100 + b"\n", "more than 100 digits", 1, "a", id="101 digits"),
    pytest.param(b"a: 0x" + b"f" * 84 + b"\n", "more than 100 digits", 1, "a", id="huge hex"),
    pytest.param(b"a: 0x" + b"f" * 5000 + b"\n", "characters, more than", 1, "a", id="huger hex"),
    pytest.param(b"a: 1e999\n", "too large for a float", 1, "a", id="huge float"),
    pytest.param(b"a: 0." + b"1" * 500 + b"\n", "characters, more than", 1, "a", id="long float"),
    pytest.param(b"1" + b"0" * 500 + b": a\n", "more than", 1, None, id="huge integer as key"),
    pytest.param(b'a: "\\ud800"\n', "", 1, None, id="escaped surrogate"),
    pytest.param(b'a: "\\ud83d\\ude00"\n', "", 1, None, id="surrogate pair"),
    pytest.param(b'a: "\\q"\n', "not valid YAML", 1, None, id="unknown escape"),
    pytest.param(b"a: " + b"[" * 40 + b"]" * 40 + b"\n", "deeper than 32", 1, "", id="deep list"),
    pytest.param(b"a: " + b"{a: " * 40 + b"}" * 40 + b"\n", "deeper than 32", 1, "", id="deep map"),
    pytest.param(b"".join(b" " * n + b"a:\n" for n in range(40)), "deep", 33, "", id="deep block"),
    pytest.param(b"- " * 40 + b"a\n", "not a mapping", 1, None, id="deep dashes"),
    pytest.param(b"a:\n" + b"- " * 40 + b"a\n", "deeper than 32", 2, "", id="deep dashes below"),
    pytest.param(b"a: b: c\n", "not valid YAML", 1, None, id="two colons"),
    pytest.param(b"a: 1\n\tb: 2\n", "not valid YAML", 2, None, id="tab"),
    pytest.param(b"a:\n  b: 1\n c: 2\n", "not valid YAML", 3, None, id="bad indent"),
    pytest.param(b"a: @b\n", "not valid YAML", 1, None, id="reserved"),
    pytest.param(b"a: |\n  x\n b: 1\n", "not valid YAML", 3, None, id="after a block"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "said", "line", "field"), REFUSED)
def test_it_is_refused_with_its_place(
    data: bytes, said: str, line: int | None, field: str | None
) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_document(data, file="a/b.yaml")
    error = caught.value
    assert said in error.message
    assert error.file == "a/b.yaml"
    assert str(error).startswith("a/b.yaml:")
    assert "\n" not in error.message
    if line is not None:
        assert error.line == line
    if field != "":
        assert error.field == field


@pytest.mark.parametrize("parser", event_parsers(), ids=lambda parser: parser.__name__)
@pytest.mark.parametrize(("data", "said", "line", "field"), REFUSED)
def test_it_is_refused_by_either_parser(
    parser: type, data: bytes, said: str, line: int | None, field: str | None
) -> None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return  # refused before any parser sees it
    try:
        parse_document(data)
    except DocumentError as error:
        expected = error
    if any(word in expected.message for word in ("UTF-8", "U+", "byte order", "empty", "markers")):
        return
    if "line break" in expected.message:
        return
    with pytest.raises(DocumentError):
        parse_strictly(text, parser=parser)


def test_conflict_markers_come_with_advice() -> None:
    with pytest.raises(DocumentError) as caught:
        parse_document(b"<<<<<<< HEAD\n")
    assert "resolve the merge" in (caught.value.hint or "")


def _spent_by_others() -> float:
    """Returns the seconds of work that processes took which were started here and have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


@pytest.mark.parametrize(
    "hostile",
    [
        "b'a: ' + b'[' * 2_000_000 + b'\\n'",
        "b'[' * 2_000_000 + b'\\n'",
        "b'a: ' + b'[' * 2_000_000 + b']' * 2_000_000 + b'\\n'",
        "b'{a: ' * 2_000_000 + b'\\n'",
        "b'a: ' + b'{' * 2_000_000 + b'\\n'",
        "b'- ' * 2_000_000 + b'\\n'",
        "b'a:\\n' + b'- ' * 2_000_000 + b'\\n'",
        "b'? ' * 2_000_000 + b'\\n'",
        "b'a: ' + b'&a ' * 2_000_000 + b'\\n'",
        "b'a: !' + b'x' * 2_000_000 + b'\\n'",
        "b'a: \"' + b'\\n' * 2_000_000 + b'\\n'",
        "b'#' * 2_000_000 + b'\\n'",
        "b'a: ' + b'9' * 2_000_000 + b'\\n'",
        "b'9' * 2_000_000 + b': a\\n'",
        "b'x' * (17 * 2**20)",
    ],
)
@pytest.mark.parametrize("number", range(len(event_parsers())))
def test_it_is_refused_without_harm_to_the_process(hostile: str, number: int) -> None:
    """A process of its own, since a parser that is overwhelmed ends with a signal."""
    program = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
from padre_git.errors import DocumentError
from padre_git.format import reading
parsers = reading.event_parsers()
reading.event_parsers = lambda: parsers[{number}:]
try:
    reading.parse_document({hostile})
except DocumentError as error:
    print(len(str(error)) < 1000)
"""
    start = _spent_by_others()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr[-500:]
    assert _spent_by_others() - start < 30


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    rows = [b"a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [b"a%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)]
    start = time.process_time()
    with pytest.raises(DocumentError, match="anchor"):
        parse_document(b"\n".join(rows) + b"\n")
    assert time.process_time() - start < 1


def test_the_size_is_bounded_before_anything_is_looked_at() -> None:
    assert MOST_BYTES == 16 * 2**20
    parse_document(b"a: 1\n#" + b"x" * (MOST_BYTES - 7) + b"\n")
    with pytest.raises(DocumentError, match=f"more than {MOST_BYTES}"):
        parse_document(b"a: 1\n#" + b"\xff" * (MOST_BYTES - 6) + b"\n")


_fuzz = settings(
    max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


@_fuzz
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode()))
def test_any_bytes_are_understood_or_refused(data: bytes) -> None:
    for tried in (data, data + b"\n", b"a: " + data + b"\n"):
        try:
            values = parse_document(tried).values
        except DocumentError:
            continue
        assert isinstance(values, dict)


@st.composite
def _damaged(draw: st.DrawFn) -> tuple[object, dict[str, bytes]]:
    """Draws an entity whose document lost, gained or changed some bytes."""
    entity = draw(some.entities)
    files = encode(entity)
    name = DOCUMENTS[entity.key.kind]
    data = files[name]
    start = draw(st.integers(0, len(data)))
    end = draw(st.integers(start, min(len(data), start + 40)))
    inserted = draw(
        st.binary(max_size=6) | st.sampled_from([b"\n", b": ", b"- ", b"'", b"#", b"x"])
    )
    return entity, files | {name: data[:start] + inserted + data[end:]}


@_fuzz
@given(_damaged())
def test_a_damaged_record_is_read_or_refused_but_never_breaks(case: tuple) -> None:
    entity, files = case
    record = Record(key=entity.key, files=files)
    try:
        found = decode(record)
    except FormatError as error:
        refused = error
    else:
        assert found.key == entity.key
        assert decode(Record(key=found.key, files=encode(found, previous=record))) == found
        return
    assert refused.key == entity.key.text


@_fuzz
@given(some.entities, st.data())
def test_a_truncated_record_is_never_taken_for_the_whole(
    entity: object, data: st.DataObject
) -> None:
    files = encode(entity)
    name = DOCUMENTS[entity.key.kind]
    end = data.draw(st.integers(0, len(files[name]) - 1))
    cut = files[name][:end]
    if cut.endswith(b"\n"):
        return  # at the end of a line, nobody can tell
    with pytest.raises(DocumentError):
        decode(Record(key=entity.key, files=files | {name: cut}))


def test_every_error_is_one_of_ours() -> None:
    assert issubclass(DocumentError, PadreGitError)
    assert parse_document(write_document({"a": 1})).values == {"a": 1}

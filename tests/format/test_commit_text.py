"""A commit's text says the result, and names the records for programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from padre_git.format import commit_text, read_trailers
from padre_git.messages import Message, Op
from padre_git.model import Key
from tests.conftest import git

KEY = Key.parse("iris/experiments/svm/runs/r-20261121t101500-k3v9x2m7q4tz")


def _text(subject: str, keys: list[Key] | None = None, op: Op = Op.PUT) -> str:
    return commit_text(Message(op=op, subject=subject), [KEY] if keys is None else keys)


def _subject(subject: str) -> str:
    return _text(subject).splitlines()[0]


def test_a_commit_looks_like_this() -> None:
    assert _text("svm k3v9x2: accuracy 0.9533, C=10", op=Op.RECORD) == (
        "svm k3v9x2: accuracy 0.9533, C=10\n"
        "\n"
        "Padre-Op: record\n"
        "Padre-Key: iris/experiments/svm/runs/r-20261121t101500-k3v9x2m7q4tz\n"
    )


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("short", "short"),
        ("x" * 72, "x" * 72),
        ("x" * 73, "x" * 71 + "…"),
        ("word " * 14 + "ab", "word " * 14 + "ab"),
        ("word " * 14 + "abc", "word " * 13 + "word…"),
        ("word " * 13 + "seven, more and more", "word " * 13 + "seven…"),
        ("a " + "x" * 90, "a " + "x" * 69 + "…"),
        ("a" * 36 + " " + "x" * 90, "a" * 36 + "…"),
        ("a" * 35 + " " + "x" * 90, "a" * 35 + " " + "x" * 35 + "…"),
        ("word " * 13 + "abc; ,more", "word " * 13 + "abc…"),
        ("ä" * 80, "ä" * 71 + "…"),
        ("  two\nlines\r\n\tand  blanks ", "two lines and blanks"),
        ("a\x00b\x1b[31mc\x7f", "a b [31mc"),
        ("X\u202eb\u200bX\ufeff", "X b X"),
        ("a\ud800b", "a b"),
        ("", "put"),
        ("\n\x00\n", "put"),
        ("a\n\nPadre-Op: delete", "a Padre-Op: delete"),
    ],
)
def test_the_subject_is_one_clean_line_of_72(subject: str, expected: str) -> None:
    assert _subject(subject) == expected


@settings(max_examples=300, deadline=None, database=None)
@given(st.text(max_size=120))
def test_no_subject_forges_trailers(subject: str) -> None:
    text = _text(subject)
    first, blank, *rest = text.split("\n")
    assert 1 <= len(first) <= 72
    assert blank == ""
    assert rest == ["Padre-Op: put", f"Padre-Key: {KEY}", ""]
    assert read_trailers(text) == (Op.PUT, (KEY.text,))


def test_at_most_twenty_keys_are_named() -> None:
    keys = [Key.parse(f"iris/datasets/d{n}") for n in range(25)]
    text = _text("many", keys)
    assert text.count("Padre-Key:") == 20
    assert text.endswith("Padre-Key: iris/datasets/d19\nPadre-Count: 25\n")
    assert read_trailers(text) == (Op.PUT, tuple(key.text for key in keys[:20]))
    assert "Padre-Count" not in _text("many", keys[:20])


def test_a_merge_may_name_no_record() -> None:
    text = _text("merge", [], Op.MERGE)
    assert text == "merge\n\nPadre-Op: merge\n"
    assert read_trailers(text) == (Op.MERGE, ())


@pytest.mark.parametrize("op", list(Op))
def test_every_operation_is_read_back(op: Op) -> None:
    assert read_trailers(_text("x", op=op))[0] is op


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (None, ())),
        ("Padre-Op: put\n", (None, ())),
        ("Padre-Op: put\nPadre-Key: iris\n", (None, ())),
        ("by hand\n\nno trailers here\n", (None, ())),
        ("x\n\nPadre-Op: conquer\nPadre-Key: iris\n", (None, ("iris",))),
        ("x\n\nPadre-Op: put\n\nand a last paragraph\n", (None, ())),
        (
            "x\n\nPadre-Key: iris\nSigned-off-by: Ada <ada@example.org>\nPadre-Op: put\n",
            (Op.PUT, ("iris",)),
        ),
        ("x\r\n\r\nPadre-Op: put\r\nPadre-Key: iris\r\n", (Op.PUT, ("iris",))),
        ("x\n \t\nPadre-Op: put\n", (Op.PUT, ())),
        ("x\n\nPadre-Op: put\nPadre-Key: two words\n", (Op.PUT, ())),
    ],
)
def test_any_text_can_be_read(text: str, expected: tuple) -> None:
    assert read_trailers(text) == expected


def test_git_reads_the_same_trailers(tmp_path: Path) -> None:
    git("init", "-q", cwd=tmp_path)
    text = _text("svm: more", [KEY, Key.parse("iris")])
    git("commit", "-q", "--allow-empty", "-m", text, cwd=tmp_path)
    read = git("log", "-1", "--format=%(trailers:only)", cwd=tmp_path)
    assert read.strip() == text.partition("\n\n")[2].strip()
    assert git("log", "-1", "--format=%s", cwd=tmp_path) == "svm: more\n"
    kept = git("log", "-1", "--format=%B", cwd=tmp_path)
    assert read_trailers(kept) == (Op.PUT, (KEY.text, "iris"))
    by_key = subprocess.run(
        ["git", "log", "--format=%s", f"--grep=Padre-Key: {KEY}"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert by_key.stdout == "svm: more\n"

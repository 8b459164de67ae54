"""Tags are empty files, notes are files with unique names."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from padre_git.errors import DocumentError, InvalidNameError
from padre_git.format.annotations import (
    decode_notes,
    decode_tag,
    decode_tags,
    encode_tag,
    encode_tags,
    is_note_part,
    is_tag_part,
    new_note_name,
)
from padre_git.model import Note

labels = (
    st.text(min_size=1, max_size=60)
    .map(lambda text: unicodedata.normalize("NFC", text.strip()))
    .filter(lambda text: 1 <= len(text) <= 250 and text.isprintable() and text == text.strip())
)


def test_a_tag_is_an_empty_file_whose_name_says_everything() -> None:
    assert encode_tags({"candidate": "", "table": "2", "top 5": "a/b=c"}) == {
        "tags/candidate": b"",
        "tags/table=2": b"",
        "tags/top%205=a%2Fb%3Dc": b"",
    }


@given(st.dictionaries(labels, st.just("") | labels, max_size=5))
def test_tags_come_back_as_they_were(tags: dict[str, str]) -> None:
    files = encode_tags(tags)
    assert all(is_tag_part(part) for part in files)
    assert len(files) == len(tags)
    assert decode_tags(files) == tags


@given(labels, labels)
def test_no_file_name_of_a_tag_means_harm(name: str, value: str) -> None:
    part, _ = encode_tag(name, value)
    head, _, last = part.partition("/")
    assert head == "tags"
    assert "/" not in last
    assert not last.startswith((".", "-rf/"))
    assert not last.endswith(".")
    assert last.isascii()
    assert len(last) <= 41


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (".", "%2E"),
        ("..", "%2E%2E"),
        (".git", "%2Egit"),
        ("con", "%63on"),
        ("NUL.txt", "%4EUL.txt"),
        ("a.b", "a.b"),
        ("a.", "a%2E"),
        ("-rf", "-rf"),
        ("50%", "50%25"),
        ("ä", "%C3%A4"),
        ("~x", "%7Ex"),
    ],
)
def test_names_that_git_or_windows_would_refuse_are_written_another_way(
    name: str, written: str
) -> None:
    assert encode_tag(name) == (f"tags/{written}", b"")
    assert decode_tag(f"tags/{written}") == (name, "")


def test_names_move_into_the_file_beyond_41_characters() -> None:
    assert encode_tag("t" * 41) == (f"tags/{'t' * 41}", b"")
    assert decode_tag(f"tags/{'t' * 41}") == ("t" * 41, "")
    assert is_tag_part(f"tags/{'t' * 41}")
    assert not is_tag_part(f"tags/{'t' * 42}")
    part, content = encode_tag("t" * 42)
    assert len(part) == len("tags/~") + 24
    assert content == b"t" * 42 + b"\n"
    assert encode_tag("t" * 39, "v") == (f"tags/{'t' * 39}=v", b"")
    assert encode_tag("t" * 40, "v")[1] != b""


def test_a_note_may_have_40_characters() -> None:
    assert is_note_part(f"notes/{'n' * 37}.md")
    assert not is_note_part(f"notes/{'n' * 38}.md")
    assert len(new_note_name(datetime(2026, 11, 22, tzinfo=UTC))) == len(
        "20261122t091100123456-f3k2.md"
    )


def test_a_long_tag_keeps_its_name_inside_the_file() -> None:
    part, content = encode_tag("mlflow.source.git.commit", "3f" * 20)
    assert part.startswith("tags/~")
    assert content == b"mlflow.source.git.commit=" + b"3f" * 20 + b"\n"
    assert decode_tag(part, content) == ("mlflow.source.git.commit", "3f" * 20)


@pytest.mark.parametrize("name", ["", " a", "a\n", "e\u0301", "x" * 251, None, 1, "a\x00b"])
def test_what_is_not_a_label_is_no_tag(name: object) -> None:
    with pytest.raises(InvalidNameError):
        encode_tag(name)  # type: ignore[arg-type]


def test_a_value_that_is_not_a_label_is_refused() -> None:
    with pytest.raises(InvalidNameError, match="tag value"):
        encode_tag("a", "line\nline")


@pytest.mark.parametrize(
    "part",
    [
        "tags/",
        "tags/a b",
        "tags/a=",
        "tags/=a",
        "tags/a=b=c",
        "tags/%c3%a4",
        "tags/%41",
        "tags/%FF",
        "tags/con",
        "tags/.",
        "tags/a/b",
        "tags/~short",
        "tags/" + "x" * 42,
        "tag/a",
        "candidate",
    ],
)
def test_a_file_that_we_would_not_have_written_is_no_tag(part: str) -> None:
    assert not is_tag_part(part)
    with pytest.raises(DocumentError):
        decode_tag(part)
    assert decode_tags({part: b""}) == {}


@pytest.mark.parametrize("content", [b"", b"other\n", b"a b\n", b"\xff\n", b"x" * 50])
def test_a_long_tag_with_another_content_is_damaged(content: bytes) -> None:
    part, _ = encode_tag("x" * 50)
    with pytest.raises(DocumentError, match="does not belong"):
        decode_tags({part: content})


def test_a_tag_with_two_values_shows_both() -> None:
    assert decode_tags({"tags/table=2": b"", "tags/table=1": b"", "tags/table": b""}) == {
        "table": "1, 2"
    }


def test_two_long_values_of_a_tag_leave_the_run_readable() -> None:
    files = dict(encode_tag("table", letter * 250) for letter in "ab")
    (value,) = decode_tags(files).values()
    assert value == "a" * 249 + "…"
    assert decode_tags(encode_tags({"table": value})) == {"table": value}


def test_notes_come_in_the_order_of_their_times_and_other_files_are_not_notes() -> None:
    files = {
        "notes/20261122t0911-f3k2.md": b"second\n",
        "notes/20261121t0911-zzzz.md": "első\n".encode(),
        "notes/image.png": b"\x89",
        "run.yaml": b"",
    }
    assert decode_notes(files) == (
        Note(text="első\n", name="20261121t0911-zzzz.md"),
        Note(text="second\n", name="20261122t0911-f3k2.md"),
    )


def test_a_note_that_is_not_text_is_named() -> None:
    with pytest.raises(DocumentError, match=r"notes/a\.md: the note is not UTF-8"):
        decode_notes({"notes/a.md": b"\xff"})


@given(st.datetimes(timezones=st.just(timezone(timedelta(hours=5)))))
def test_notes_of_one_moment_are_named_by_the_utc_time_in_the_order_of_writing(
    at: datetime,
) -> None:
    assume(1000 < at.year < 9999)
    taken = [at.astimezone(UTC).strftime("%Y%m%dt%H%M-zzzz.md")]  # as earlier versions did
    for _ in range(5):
        taken.append(new_note_name(at, taken=taken))
    assert taken[1].startswith(at.astimezone(UTC).strftime("%Y%m%dt%H%M%S%f-"))
    assert all(is_note_part(f"notes/{name}") for name in taken)
    assert taken == sorted(set(taken))
    odd = ["of-a-person.md", f"{taken[1][:15]}zzz.md"]
    assert is_note_part(f"notes/{new_note_name(at, taken=odd)}")


@pytest.mark.parametrize("part", ["notes/a", "notes/.md", "notes/a/b.md", "notes/ä.md", "a.md"])
def test_a_file_with_another_name_is_no_note(part: str) -> None:
    assert not is_note_part(part)

"""A repository that this version cannot understand is refused before anything is read."""

from __future__ import annotations

import pytest

from padre_git.errors import DocumentError, UnsupportedFormatError
from padre_git.format import FORMAT, FORMAT_FILE, check_format, format_document, scaffold


def test_this_version_writes_format_1() -> None:
    assert FORMAT == 1
    assert format_document() == b"format: 1\n\nextensions: []\n"
    assert scaffold()[FORMAT_FILE] == format_document()


@pytest.mark.parametrize(
    "data",
    [
        format_document(),
        b"format: 1\n",
        b"# keep\nextensions:\nformat: 0x1\n",
        b"extensions: []\r\nformat: 1\r\n",
    ],
)
def test_format_1_is_understood_however_it_is_written(data: bytes) -> None:
    check_format(data, "iris")


def test_a_repository_without_format_is_no_project() -> None:
    with pytest.raises(UnsupportedFormatError, match=r"'iris' is not a project") as caught:
        check_format(None, "iris")
    assert caught.value.key == "iris"


@pytest.mark.parametrize(
    ("data", "said", "advice"),
    [
        (b"format: 2\n", "has format 2; this version reads up to 1", "'padre-git'"),
        (b"format: 999999999\nnew: {a: 1}\n", "has format 999999999", "'padre-git'"),
        (b"format: 2\nrequires: '2.1'\n", "has format 2", "'padre-git>=2.1'"),
        (b"format: 2\nrequires: 'x; rm -rf'\n", "has format 2", "'padre-git'"),
        (
            b"format: 2\nrequires: '1.2.3.4.5.6.7.8.9.0'\n",
            "format 2",
            "'padre-git>=1.2.3.4.5.6.7.8.9.0'",
        ),
        (b"format: 2\nrequires: '1.2.3.4.5.6.7.8.9.10'\n", "format 2", "'padre-git'"),
        (b"format: 2\nrequires: 2.1\n", "has format 2", "'padre-git'"),
        (b"format: 1\nextensions: [signed]\n", "the extension 'signed'", "'padre-git'"),
        (b"format: 1\nextensions: [signed]\nrequires: '1.4'\n", "'signed'", "'padre-git>=1.4'"),
    ],
)
def test_what_is_newer_is_refused_with_what_to_install(data: bytes, said: str, advice: str) -> None:
    with pytest.raises(UnsupportedFormatError) as caught:
        check_format(data, "iris")
    assert said in caught.value.message
    assert caught.value.hint == f"upgrade: pip install --upgrade {advice}"
    assert caught.value.key == "iris"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"<<<<<<< HEAD\nformat: 1\n", "conflict markers"),
        (b"extensions: []\n", "'format' is None, not a number from 1 "),
        (b"format: '1'\n", "'format' is '1'"),
        (b"format: 1.0\n", "'format' is 1.0"),
        (b"format: true\n", "'format' is True"),
        (b"format: 0\n", "'format' is 0"),
        (b"format: [1]\n", "'format' is a list"),
        (b"format: 1\nextensions: signed\n", "'extensions' is not a list"),
        (b"format: 1\nextensions: [1]\n", "'extensions' is not a list of names "),
        (b"format: 1\ncolour: red\n", "'colour' is not a known key"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(data: bytes, said: str) -> None:
    with pytest.raises(DocumentError, match=said) as caught:
        check_format(data, "iris")
    assert (caught.value.key, caught.value.file) == ("iris", FORMAT_FILE)

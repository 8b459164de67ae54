"""Listings: DVC's own bytes out, and no path that leads out of the directory in."""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from padre_git.artifacts import Listing, Pointer, ProjectData, listings, write_settings
from padre_git.errors import ArtifactCorruptError, ArtifactError, DocumentError

A = "b026324c6904b2a9cb4b88d6d61c81d1"
B = "26ab0db90d72e28ad0ba1e22ee510510"


def test_it_is_written_as_dvc_writes_it() -> None:
    listing = Listing({"sub/ü": B, "a": A})
    assert listing.encode() == (
        b'[{"md5": "b026324c6904b2a9cb4b88d6d61c81d1", "relpath": "a"}, '
        b'{"md5": "26ab0db90d72e28ad0ba1e22ee510510", "relpath": "sub/\\u00fc"}]'
    )


@settings(deadline=None)
@given(
    st.dictionaries(
        st.lists(st.sampled_from(["a", "b", "ü", "x y", "0"]), min_size=3, max_size=3).map(
            "/".join
        ),
        st.sampled_from([A, B]),
    )
)
def test_it_comes_back(entries: dict[str, str]) -> None:
    listing = Listing(entries)
    assert Listing.parse(listing.encode()) == listing == entries
    assert list(listing) == sorted(entries)


@pytest.mark.parametrize(
    "relpath",
    [
        "../../.git/hooks/pre-commit",
        "/etc/passwd",
        ".git/config",
        "a/.GIT/x",
        "a\\..\\b",
        "..",
        "",
        "a//b",
        "e\u0301",
        7,
        None,
    ],
)
def test_paths_that_lead_out_are_refused(relpath: object) -> None:
    data = json.dumps([{"md5": A, "relpath": relpath}]).encode()
    with pytest.raises(DocumentError):
        Listing.parse(data, name="x.dir")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"null",
        b"[1]",
        b"[[]]",
        b'[{"relpath": "a"}]',
        b'[{"md5": "x", "relpath": "a"}]',
        b'[{"md5": "b026324c6904b2a9cb4b88d6d61c81d1.dir", "relpath": "a"}]',
        b'[{"md5": "b026324c6904b2a9cb4b88d6d61c81d1", "relpath": "a", "cmd": "x"}]',
        b'[{"md5": "b026324c6904b2a9cb4b88d6d61c81d1", "relpath": "a"},'
        b' {"md5": "b026324c6904b2a9cb4b88d6d61c81d1", "relpath": "a"}]',
        b'[{"md5": "b026324c6904b2a9cb4b88d6d61c81d1", "relpath": "a"},'
        b' {"md5": "b026324c6904b2a9cb4b88d6d61c81d1", "relpath": "a/b"}]',
        b"[" * 100_000,
        b"\xff\xfe",
        b"[" + b"9" * 10_000 + b"]",
    ],
)
def test_what_is_no_listing_is_refused(data: bytes) -> None:
    with pytest.raises(DocumentError):
        Listing.parse(data, name="x.dir")


def test_more_entries_than_allowed_are_refused_before_they_are_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listings, "ENTRIES", 100)
    with pytest.raises(DocumentError, match="too large"):
        Listing.parse(b"[" + b"[]," * 1000 + b"[]]")
    with pytest.raises(ArtifactError, match="more than 100"):
        Listing({f"f{n}": A for n in range(101)})


def a_million(key: str) -> bytes:
    entries = (f'{{"md5": "{n:032x}", "{key}": "d{n // 1000}/f{n}"}}' for n in range(1_000_000))
    return f"[{', '.join(entries)}]".encode()


def test_a_million_entries_are_refused_before_they_take_memory() -> None:
    data = a_million("relpath")
    tracemalloc.start()
    try:
        with pytest.raises(DocumentError, match="a directory of 1000000 files: more than 500000"):
            Listing.parse(data, name="x.dir")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_a_million_entries_that_hide_are_refused_in_bounded_time() -> None:
    data = a_million("\\u0072elpath")  # the same word to JSON
    began = time.process_time()
    with pytest.raises(DocumentError, match="a directory of 1000000 files"):
        Listing.parse(data, name="x.dir")
    assert time.process_time() - began < 20


@pytest.mark.parametrize("where", ["here", "remote"])
def test_a_listing_that_is_too_large_is_not_even_read(
    data: ProjectData, tmp_path: Path, where: str
) -> None:
    far = tmp_path / "far"
    write_settings(data.project, str(far))
    pointer = Pointer(md5=f"{A}.dir", path="data", size=1, nfiles=1)
    cached = data.cache.path(pointer.md5)
    place = cached if where == "here" else far / "files/md5" / A[:2] / f"{A[2:]}.dir"
    place.parent.mkdir(parents=True)
    place.touch()
    os.truncate(place, listings.LARGEST + 1)  # without blocks
    with pytest.raises((DocumentError, ArtifactCorruptError), match="too large"):
        data.listing(pointer)
    assert cached.exists() == (where == "here"), "nothing was fetched"


def test_members_cover_what_is_below_them() -> None:
    listing = Listing({"model": A, "model.txt": A, "plots/a": A, "plots/b/c": B, "plotsx": A})
    assert listing.below("plots") == {"plots/a": A, "plots/b/c": B}
    assert listing.below("model") == {"model": A}
    assert list(listing.without("plots")) == ["model", "model.txt", "plotsx"]

"""An overlay is the tree that its edits would make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padre_git.backends.overlay import EMPTY, Overlay
from padre_git.vcs.objects import DIRECTORY, FILE, Entry

PATHS = ["a", "a/b", "a/b/c", "a/b/d", "a/e", "f", "f/g", "ab/c"]
DIRECTORIES = ["", "a", "a/b", "a/b/c", "f", "ab", "none"]


class Plain:
    """Is a tree of content by path, read in the slowest way."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)

    def entries(self, directory: str) -> dict[str, Entry]:
        found = {}
        start = f"{directory}/" if directory else ""
        for path in self.files:
            if path.startswith(start) and path != directory:
                name, below, _ = path.removeprefix(start).partition("/")
                found[name] = Entry(DIRECTORY if below else FILE, "")
        return found

    def blobs(self, paths: Iterable[str]) -> dict[str, bytes]:
        return {path: self.files[path] for path in paths if path in self.files}

    def prefetch(self, paths: Iterable[str]) -> None:
        self.asked = list(paths)

    def edit(self, edits: Mapping[str, bytes | None]) -> None:
        for path, value in edits.items():
            if value is None:
                self._drop(path)
        for path, value in edits.items():
            if value is not None:
                self._drop(path)
                self.files[path] = value

    def _drop(self, path: str) -> None:
        self.files = {p: d for p, d in self.files.items() if p != path and not below(p, path)}


def below(path: str, directory: str) -> bool:
    return path.startswith(f"{directory}/")


def possible(files: Iterable[str]) -> bool:
    """Returns whether no file is where another one needs a directory."""
    files = set(files)
    return not any(below(one, other) for one in files for other in files)


trees = st.dictionaries(st.sampled_from(PATHS), st.binary(max_size=2)).filter(possible)
edits = st.dictionaries(st.sampled_from(PATHS), st.none() | st.binary(max_size=2)).filter(
    lambda drawn: possible(path for path, value in drawn.items() if value is not None)
)


@given(base=trees, steps=st.lists(edits, max_size=5))
def test_an_overlay_is_the_edited_tree(
    base: dict[str, bytes], steps: list[dict[str, bytes | None]]
) -> None:
    overlay, plain = Overlay(Plain(base)), Plain(base)
    for step in steps:
        after = Plain(plain.files)
        after.edit(step)
        if possible(after.files):  # nobody writes below a file that stays
            overlay.edit(step)
            plain = after
    assert dict(overlay.blobs(PATHS)) == plain.files
    for directory in DIRECTORIES:
        seen = {
            n: e for n, e in overlay.entries(directory).items() if not empty(overlay, directory, n)
        }
        assert seen == plain.entries(directory)


def empty(overlay: Overlay, directory: str, name: str) -> bool:
    """Returns whether an entry is a directory without files, which git would not have."""
    path = f"{directory}/{name}".lstrip("/")
    if not overlay.entries(directory)[name].is_tree:
        return False
    return all(empty(overlay, path, inner) for inner in overlay.entries(path))


def test_an_overlay_leaves_its_base_alone() -> None:
    base = Plain({"a/b": b"1"})
    overlay = Overlay(base)
    overlay.edit({"a/b": None, "a/c": b"2"})
    assert base.files == {"a/b": b"1"}
    assert dict(overlay.entries("a")) == {"c": Entry(FILE, "")}


def test_what_is_asked_for_is_passed_on() -> None:
    base = Plain({})
    Overlay(base).prefetch(["a/b"])
    assert base.asked == ["a/b"]


def test_an_overlay_takes_no_objects_of_git() -> None:
    with pytest.raises(TypeError):
        Overlay(EMPTY).edit({"a": Entry(FILE, "0" * 40)})


def test_an_empty_tree_has_nothing() -> None:
    EMPTY.prefetch(["a"])
    assert EMPTY.entries("") == {}
    assert EMPTY.blobs(["a"]) == {}

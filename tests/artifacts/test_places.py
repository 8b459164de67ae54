"""Writing below a directory: nothing leaves it, whatever lies there."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.artifacts import Cache
from padre_git.artifacts.places import check_relpath
from padre_git.errors import ArtifactError


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "/etc/passwd",
        "a/../b",
        "../../.git/hooks/pre-commit",
        "a//b",
        "a/",
        "./a",
        ".git/hooks/pre-commit",
        "sub/.GIT/config",
        ".git./x",
        ".git /x",
        "git~1/x",
        ".git::$INDEX_ALLOCATION/x",
        "c:x",
        "C:/x",
        "a\\b",
        "..\\..\\x",
        "a\0b",
        "a\nb",
        "\ud800",
        ".g\u200cit/config",
        "e\u0301.csv",
        "x" * 256,
        "/".join(["x" * 200] * 11),
        None,
        7,
    ],
)
def test_paths_that_lead_elsewhere_are_refused(path: object):
    with pytest.raises(ArtifactError):
        check_relpath(path)


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "a/b.c",
        "größe.csv",
        "a b",
        "..a",
        "a..",
        ".gitignore",
        "x.git",
        ".github/x",
        "名前",
        "model:v1",
    ],
)
def test_ordinary_paths_are_accepted(path: str):
    assert check_relpath(path) == path


def test_a_link_to_a_directory_is_not_followed(cache: Cache, tmp_path: Path):
    hooks = tmp_path / "clone" / ".git" / "hooks"
    hooks.mkdir(parents=True)
    (tmp_path / "clone" / "artifacts").symlink_to(hooks)
    md5 = cache.add_bytes(b"#!/bin/sh\n").md5
    with pytest.raises(ArtifactError, match="cannot write"):
        cache.materialise(
            md5,
            tmp_path / "clone" / "artifacts" / "pre-commit",
            within=tmp_path / "clone",
            executable=True,
        )
    assert list(hooks.iterdir()) == []


def test_a_link_in_the_place_of_the_file_is_replaced(cache: Cache, tmp_path: Path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / "model").symlink_to(victim)
    md5 = cache.add_bytes(b"weights").md5
    cache.materialise(md5, tmp_path / "model")
    assert victim.read_bytes() == b"mine"
    assert not (tmp_path / "model").is_symlink()
    assert (tmp_path / "model").read_bytes() == b"weights"


def test_nothing_is_written_outside(cache: Cache, tmp_path: Path):
    md5 = cache.add_bytes(b"x").md5
    for target in (tmp_path / "b" / "x", tmp_path / "a" / ".." / "b" / "x", tmp_path / "a"):
        with pytest.raises(ArtifactError, match="outside"):
            cache.materialise(md5, target, within=tmp_path / "a")
    assert not (tmp_path / "b").exists()


def test_a_directory_in_the_way_is_an_error_and_stays(cache: Cache, tmp_path: Path):
    (tmp_path / "model" / "x").mkdir(parents=True)
    with pytest.raises(ArtifactError, match="cannot write"):
        cache.materialise(cache.add_bytes(b"x").md5, tmp_path / "model")
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".tmp")] == []

"""DVC agrees: its own commands work on what we write, and what they write is ours to read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from padre_git.artifacts import (
    Cache,
    Pointer,
    ProjectData,
    add_member,
    place,
    pointer_to,
    publish_data,
    read_pointer,
    write_pointer,
    write_settings,
)
from tests.artifacts.conftest import RUN, commit, damage, make_project, write
from tests.conftest import git

pytestmark = pytest.mark.timeout(120)


def dvc(*arguments: str | Path, cwd: Path, check: bool = True) -> str:
    """Runs plain dvc as a user would and returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"dvc {arguments} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Is a directory with a project, a bare remote and a store in which all data is."""
    base = tmp_path_factory.mktemp("agree")
    project = make_project(base / "iris")
    data = ProjectData(project, project / ".git")
    write(base / "model" / "weights.bin", b"weights" * 1000)
    write(base / "model" / "sub" / "größe.txt", b"42\n")
    model = place(data.cache, base / "model")
    run = add_member(data.cache, None, "artifacts", "model", model)
    run = add_member(data.cache, run, "artifacts", "log.txt", {"": data.cache.add_bytes(b"")})
    write(project / RUN / "artifacts.dvc", write_pointer(run))
    file = pointer_to(data.cache, "data", place(data.cache, write(base / "iris.csv", b"1,2\n")))
    write(project / "datasets" / "iris-data" / "data.dvc", write_pointer(file))
    head = commit(project, "a run and a dataset")
    write_settings(project, str(base / "iris.dvc"))
    assert publish_data(ProjectData(project, project / ".git"), [head]).sent.objects == 5
    git("clone", "-q", "--bare", project, base / "iris.git", cwd=base)
    return base


def fresh_clone(published: Path, path: Path) -> Path:
    """Clones with plain git and names the data remote as a user of plain dvc would."""
    git("clone", "-q", published / "iris.git", path, cwd=published)
    write(
        path / ".dvc" / "config.local",
        f"[core]\nremote = s\n['remote \"s\"']\nurl = {published / 'iris.dvc'}\n".encode(),
    )
    return path


def test_dvc_pulls_what_we_pushed_and_finds_nothing_to_do(published: Path, tmp_path: Path):
    clone = fresh_clone(published, tmp_path / "clone")
    dvc("pull", cwd=clone)
    assert (clone / RUN / "artifacts" / "model" / "weights.bin").read_bytes() == b"weights" * 1000
    assert (clone / RUN / "artifacts" / "model" / "sub" / "größe.txt").read_bytes() == b"42\n"
    assert (clone / RUN / "artifacts" / "log.txt").read_bytes() == b""
    assert (clone / "datasets" / "iris-data" / "data").read_bytes() == b"1,2\n"
    assert json.loads(dvc("status", "--json", cwd=clone)) == {}
    assert json.loads(dvc("status", "--cloud", "--json", cwd=clone)) == {}
    assert git("status", "--porcelain", cwd=clone) == ""
    # what dvc put into its cache is our cache
    data = ProjectData(clone, clone / ".git")
    pointer = read_pointer((clone / RUN / "artifacts.dvc").read_bytes())
    assert all(data.cache.has(md5) for md5 in data.names(pointer).values())


def test_dvc_collects_no_garbage_of_ours(published: Path, tmp_path: Path):
    clone = fresh_clone(published, tmp_path / "clone")
    data = ProjectData(clone, clone / ".git")
    pointer = read_pointer((clone / RUN / "artifacts.dvc").read_bytes())
    data.ensure(data.names(pointer).values())
    stray = data.cache.add_bytes(b"of no record").md5
    dvc("gc", "-w", "-f", cwd=clone)
    assert not data.cache.has(stray)
    assert all(data.cache.has(md5) for md5 in [pointer.md5, *data.names(pointer).values()])


def test_dvc_adds_what_we_write_in_the_same_bytes(tmp_path: Path):
    """One directory and one file, placed by both: equal pointers, equal objects."""
    project = make_project(tmp_path / "iris")
    write(project / "own" / "tree" / "a", b"1")
    write(project / "own" / "tree" / "sub" / "größe.csv", b"22")
    write(project / "own" / "tree" / "empty", b"")
    write(project / "own" / "run.sh", b"#!/bin/sh\n").chmod(0o755)
    dvc("add", "-q", "own/tree", "own/run.sh", cwd=project)
    ours = Cache(tmp_path / "ours")
    theirs = Cache(project / ".git" / "padre" / "cache")
    for name in ("tree", "run.sh"):
        written = (project / "own" / f"{name}.dvc").read_bytes()
        pointer = pointer_to(ours, name, place(ours, project / "own" / name))
        assert write_pointer(pointer) == written
        assert read_pointer(written) == pointer
        assert theirs.read(pointer.md5) == ours.read(pointer.md5)
    kept = [p.relative_to(ours.root) for p in (ours.root / "files").rglob("*") if p.is_file()]
    assert all((theirs.root / path).is_file() for path in kept)
    # and what was added is published like anything of ours
    head = commit(project, "mine")
    write_settings(project, str(tmp_path / "iris.dvc"))
    done = publish_data(ProjectData(project, project / ".git"), [head])
    assert (done.pointers, done.sent.objects, done.skipped) == (2, 5, ())


def test_dvc_pushes_what_we_placed_and_we_notice_what_it_does_not(tmp_path: Path):
    """A damaged and a lost object: dvc push succeeds (measured), our check does not."""
    project = make_project(tmp_path / "iris")
    data = ProjectData(project, project / ".git")
    pointer: Pointer | None = None
    for name, content in (("a", b"1"), ("b", b"22")):
        item = data.cache.add_bytes(content)
        pointer = add_member(data.cache, pointer, "artifacts", name, {"": item})
    assert pointer is not None
    write(project / RUN / "artifacts.dvc", write_pointer(pointer))
    commit(project, "a run")
    write_settings(project, str(tmp_path / "store"))
    damage(data.cache.path(data.names(pointer)["a"]), b"")
    data.cache.discard(data.names(pointer)["b"])
    dvc("push", cwd=project)
    remote = data.remote
    assert remote is not None
    assert remote.missing(data.names(pointer).values()) == set(data.names(pointer).values())
    for content in (b"1", b"22"):
        data.cache.add_bytes(content)
    assert remote.push([pointer]).objects >= 2
    assert json.loads(dvc("status", "--cloud", "--json", cwd=project)) == {}

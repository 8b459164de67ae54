"""Pointers and listings from somebody else's clone: refused, named, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git import ArtifactError, DocumentError, Run
from padre_git.api.opening import open_store
from padre_git.api.store import Store
from padre_git.artifacts import Cache, Pointer, write_pointer
from tests.artifacts.conftest import write
from tests.conftest import git


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "lab").mkdir()
    return tmp_path / "lab"


@pytest.fixture
def store(tmp_path: Path, lab: Path) -> Iterator[Store]:
    with open_store(tmp_path / "ada", remote=str(lab), policy="manual") as store:
        yield store


@pytest.fixture
def run(store: Store, tmp_path: Path) -> Run:
    with store.start_run("iris/svm", {"C": 1.0}) as run:
        run.log_artifact(write(tmp_path / "a", b"1"))
    store.sync("iris")
    return store.runs.get(run.key)


@pytest.fixture
def colleague(run: Run, lab: Path, tmp_path: Path) -> Path:
    """Is a plain clone of somebody who means no good."""
    git("clone", "-q", lab / "iris.git", tmp_path / "eve", cwd=tmp_path)
    return tmp_path / "eve"


def arrive(colleague: Path, store: Store) -> None:
    git("add", "-A", "-f", cwd=colleague)
    git("commit", "-q", "-m", "nothing to see", cwd=colleague)
    git("push", "-q", cwd=colleague)
    store.pull("iris")


def hostile_listing(colleague: Path, lab: Path, relpath: bytes) -> Pointer:
    """Puts a listing and what it leads to on the data remote and points at it."""
    data = Cache(lab / "iris.dvc")
    hook = data.add_bytes(b"#!/bin/sh\ntouch /tmp/owned\n").md5
    listing = b'[{"md5": "%s", "relpath": "%s"}]' % (hook.encode(), relpath)
    md5, _ = data.keep_bytes(listing, suffix=".dir")
    pointer = Pointer(md5=md5, path="artifacts", size=27, nfiles=1, executable=True)
    next(colleague.rglob("artifacts.dvc")).write_bytes(write_pointer(pointer))
    return pointer


def hooks(store: Store) -> list[str]:
    found = (store.project_path("iris") / ".git" / "hooks").glob("*")
    return [path.name for path in found if not path.name.endswith(".sample")]


@pytest.mark.parametrize(
    "relpath", [b"../../../../../../.git/hooks/pre-commit", b"/tmp/x", b"a/../b"]
)
def test_a_listing_that_leads_out_is_refused(
    store: Store, run: Run, colleague: Path, lab: Path, relpath: bytes
):
    hostile_listing(colleague, lab, relpath)
    arrive(colleague, store)
    for use in (store.artifacts.get, store.artifacts.list):
        with pytest.raises(DocumentError):
            use(run.key)
    assert hooks(store) == []
    assert store.runs.get(run.key).parameters == {"C": 1.0}
    assert [found.key for found in store.runs.list("iris/svm")] == [run.key]


@pytest.mark.parametrize("path", ["../../../../../.git/hooks", "/etc", ".git", "a/b"])
def test_a_pointer_that_leads_out_is_refused(store: Store, run: Run, colleague: Path, path: str):
    pointer = next(colleague.rglob("artifacts.dvc"))
    text = pointer.read_text().replace("path: artifacts", f"path: {path}")
    pointer.write_text(text)
    arrive(colleague, store)
    with pytest.raises(DocumentError, match=r"artifacts\.dvc"):
        store.artifacts.get(run.key)
    assert hooks(store) == []


def test_a_link_in_the_place_of_the_artifacts_is_not_followed(
    store: Store, run: Run, colleague: Path, lab: Path
):
    hostile_listing(colleague, lab, b"pre-commit")
    directory = next(colleague.rglob("artifacts.dvc")).parent
    up = "../" * len(directory.relative_to(colleague).parts)
    (directory / "artifacts").symlink_to(f"{up}.git/hooks")
    arrive(colleague, store)
    path = store.artifacts.get(run.key, "pre-commit")
    assert path.is_relative_to(store.project_path("iris") / ".git" / "padre")
    assert hooks(store) == []
    assert store.data is not None
    data = store.data.of("iris")
    link = data.project / directory.relative_to(colleague) / "artifacts"
    assert link.is_symlink()
    with pytest.raises(ArtifactError, match="cannot write"):
        data.cache.materialise(
            store.artifacts.list(run.key)[0].md5, link / "pre-commit", within=data.project
        )
    assert hooks(store) == []


def test_a_pointer_to_another_kind_of_thing_is_refused(store: Store, run: Run, colleague: Path):
    pointer = next(colleague.rglob("artifacts.dvc"))
    pointer.write_text("cmd: touch /tmp/owned\n" + pointer.read_text())
    arrive(colleague, store)
    with pytest.raises(DocumentError, match="cmd"):
        store.artifacts.list(run.key)


def test_a_hostile_run_does_not_stop_the_others_from_being_published(
    store: Store, run: Run, colleague: Path, lab: Path, tmp_path: Path
):
    hostile_listing(colleague, lab, b"../x")
    arrive(colleague, store)
    with store.start_run("iris/svm") as other:
        other.log_artifact(write(tmp_path / "b", b"2"))
    store.sync("iris")
    assert git("rev-parse", "main", cwd=lab / "iris.git") == git(
        "rev-parse", "main", cwd=store.project_path("iris")
    )

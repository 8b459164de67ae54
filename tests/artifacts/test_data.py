"""The data of a clone: fetched on demand, healed from the remote, never handed out unchecked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from padre_git.artifacts import (
    Cache,
    Pointer,
    ProjectData,
    add_member,
    place,
    pointer_to,
    write_settings,
)
from padre_git.errors import (
    ArtifactCorruptError,
    ArtifactError,
    ArtifactMissingError,
    NotFoundError,
    RemoteUnavailableError,
)
from tests.artifacts.conftest import damage, write
from tests.conftest import git


@pytest.fixture
def pointer(data: ProjectData, tmp_path: Path) -> Pointer:
    write(tmp_path / "m" / "a", b"1")
    write(tmp_path / "m" / "sub" / "b", b"22")
    model = place(data.cache, tmp_path / "m")
    whole = add_member(data.cache, None, "artifacts", "model", model)
    return add_member(data.cache, whole, "artifacts", "log.txt", {"": data.cache.add_bytes(b"l")})


@pytest.fixture
def shared(data: ProjectData, pointer: Pointer, tmp_path: Path) -> Path:
    """Pushes the pointer's data to a store and returns the store."""
    store = tmp_path / "store"
    write_settings(data.project, str(store))
    assert data.remote is not None
    data.remote.push([pointer])
    return store


@pytest.fixture
def elsewhere(data: ProjectData, shared: Path, tmp_path: Path) -> ProjectData:
    """Is the same project in a clone without any data."""
    clone = tmp_path / "clone"
    git("clone", "-q", data.project, clone, cwd=tmp_path)
    write_settings(clone, str(shared))
    return ProjectData(clone, clone / ".git")


def objects(cache: Cache) -> int:
    return sum(1 for path in (cache.root / "files").rglob("*") if path.is_file())


def test_names_need_no_data(elsewhere: ProjectData, pointer: Pointer):
    assert list(elsewhere.names(pointer)) == ["log.txt", "model/a", "model/sub/b"]
    assert objects(elsewhere.cache) == 1


def test_only_what_is_asked_for_is_fetched(elsewhere: ProjectData, pointer: Pointer):
    path = elsewhere.get(pointer, "log.txt")
    assert path.name == "log.txt"
    assert path.read_bytes() == b"l"
    assert objects(elsewhere.cache) == 2


def test_a_directory_comes_with_its_files(elsewhere: ProjectData, pointer: Pointer):
    path = elsewhere.get(pointer, "model")
    assert (path / "sub" / "b").read_bytes() == b"22"
    assert sorted(p.name for p in path.iterdir()) == ["a", "sub"]


def test_all_of_it_comes_under_the_pointers_name(elsewhere: ProjectData, pointer: Pointer):
    path = elsewhere.get(pointer)
    assert path == elsewhere.get(pointer, "artifacts")
    assert path.name == "artifacts"
    assert (path / "model" / "a").read_bytes() == b"1"
    assert (path / "log.txt").read_bytes() == b"l"


def test_a_copy_that_somebody_changed_is_made_anew(data: ProjectData, pointer: Pointer):
    path = data.get(pointer, "model")
    (path / "a").write_bytes(b"changed")
    (path / "new").write_bytes(b"")
    assert data.get(pointer, "model") == path
    assert (path / "a").read_bytes() == b"1"
    assert not (path / "new").exists()


def test_a_copy_that_is_whole_is_left_alone(data: ProjectData, pointer: Pointer):
    before = data.get(pointer, "log.txt").stat()
    assert data.get(pointer, "log.txt").stat().st_mtime_ns == before.st_mtime_ns


def test_copies_are_outside_of_the_work_tree(data: ProjectData, pointer: Pointer):
    assert data.get(pointer, "log.txt").is_relative_to(data.project / ".git")
    assert git("status", "--porcelain", cwd=data.project) == ""


def test_a_stream_gives_the_bytes(elsewhere: ProjectData, pointer: Pointer):
    with elsewhere.open(pointer, "model/sub/b") as stream:
        assert stream.read() == b"22"


def test_what_is_not_in_it_is_not_found(data: ProjectData, pointer: Pointer):
    for name in ("x", "mod", "model/"):
        with pytest.raises(NotFoundError):
            data.get(pointer, name)
        with pytest.raises(NotFoundError):
            data.open(pointer, name)


def test_a_single_file_goes_by_the_pointers_name(data: ProjectData, tmp_path: Path):
    pointer = pointer_to(data.cache, "data", place(data.cache, write(tmp_path / "x", b"1,2\n")))
    assert list(data.names(pointer)) == ["data"]
    assert data.get(pointer, "data").read_bytes() == b"1,2\n"
    with pytest.raises(NotFoundError):
        data.get(pointer, "x")


@pytest.mark.parametrize("left", [b"", b"23"])
def test_a_damaged_object_is_fetched_again(
    data: ProjectData, pointer: Pointer, shared: Path, left: bytes
):
    md5 = data.names(pointer)["model/sub/b"]
    damage(data.cache.path(md5), left)
    assert data.get(pointer, "model/sub/b").read_bytes() == b"22"
    damage(data.cache.path(md5), left)
    with data.open(pointer, "model/sub/b") as stream:
        assert stream.read() == b"22"


def test_a_damaged_listing_is_fetched_again(data: ProjectData, pointer: Pointer, shared: Path):
    damage(data.cache.path(pointer.md5), b"[]")
    assert len(data.listing(pointer)) == 3


def test_a_damaged_object_without_another_copy_is_named(data: ProjectData, pointer: Pointer):
    md5 = data.names(pointer)["log.txt"]
    damage(data.cache.path(md5), b"x")
    with pytest.raises(ArtifactCorruptError, match=md5):
        data.get(pointer, "log.txt")


def test_a_damaged_object_with_a_damaged_copy_is_named(
    data: ProjectData, pointer: Pointer, shared: Path
):
    md5 = data.names(pointer)["log.txt"]
    damage(data.cache.path(md5), b"x")
    damage(shared / "files" / "md5" / md5[:2] / md5[2:], b"y")
    with pytest.raises(ArtifactCorruptError, match=md5):
        data.get(pointer, "log.txt")


def test_what_is_nowhere_is_named(data: ProjectData, pointer: Pointer):
    md5 = data.names(pointer)["log.txt"]
    data.cache.discard(md5)
    with pytest.raises(ArtifactMissingError, match=md5) as caught:
        data.get(pointer, "log.txt")
    assert "no artifact remote" in (caught.value.hint or "")


def test_what_is_here_needs_no_remote(data: ProjectData, pointer: Pointer):
    write_settings(data.project, "/no/such/disk")
    assert data.get(pointer, "log.txt").read_bytes() == b"l"
    data.cache.discard(data.names(pointer)["log.txt"])
    with pytest.raises(RemoteUnavailableError):
        data.open(pointer, "log.txt")


def test_writing_into_a_work_tree_follows_no_link(
    data: ProjectData, pointer: Pointer, tmp_path: Path
):
    outside = tmp_path / "outside"
    outside.mkdir()
    (data.project / "model").symlink_to(outside)
    with pytest.raises(ArtifactError, match="cannot write"):
        data.write(pointer, "model", data.project)
    assert list(outside.iterdir()) == []
    (data.project / "model").unlink()
    data.write(pointer, "model", data.project)
    assert (data.project / "model" / "a").read_bytes() == b"1"


def test_evicted_data_comes_back(data: ProjectData, pointer: Pointer, shared: Path):
    shutil.rmtree(data.cache.root)
    assert data.get(pointer, "log.txt").read_bytes() == b"l"


def test_copies_can_be_dropped(data: ProjectData, pointer: Pointer):
    paths = [data.get(pointer, name) for name in (None, "model", "model/sub", "log.txt")]
    data.drop_copies(pointer)
    assert not any(path.exists() for path in paths)
    assert data.get(pointer, "log.txt").read_bytes() == b"l"


def test_a_url_that_is_configured_keeps_its_options(data: ProjectData, tmp_path: Path):
    write_settings(data.project, "https://host.example/data")
    same = ProjectData(data.project, data.project / ".git", url="https://host.example/data")
    assert same.remote is not None
    assert same.remote.settings.name == "padre"
    other = ProjectData(data.project, data.project / ".git", url=str(tmp_path / "x"))
    assert other.remote is not None
    assert other.remote.settings.name is None


def test_without_the_list_of_names_what_the_pointer_says_is_said(
    elsewhere: ProjectData, pointer: Pointer, shared: Path
):
    shared.rename(shared.with_name("unmounted"))
    for broken in (
        elsewhere,
        ProjectData(elsewhere.project, elsewhere.project / ".git", url="/no/disk"),
    ):
        with pytest.raises((RemoteUnavailableError, ArtifactMissingError)) as failed:
            broken.names(pointer)
        assert "3 files of 4 bytes" in str(failed.value.hint)
    shared.with_name("unmounted").rename(shared)
    assert list(elsewhere.names(pointer)) == ["log.txt", "model/a", "model/sub/b"]
    shared.rename(shared.with_name("unmounted"))
    assert list(elsewhere.names(pointer)) == ["log.txt", "model/a", "model/sub/b"], "known now"

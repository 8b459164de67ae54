"""Publishing: the data of every commit is on the remote before the commit is."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.artifacts import (
    Pointer,
    ProjectData,
    add_member,
    publish_data,
    read_settings,
    write_pointer,
    write_settings,
)
from padre_git.artifacts.commits import introduced_pointers
from padre_git.errors import (
    ArtifactMissingError,
    DamagedError,
    DocumentError,
    RemoteUnavailableError,
)
from tests.artifacts.conftest import RUN, commit, write
from tests.conftest import git


@pytest.fixture
def store(project: Path, tmp_path: Path) -> Path:
    write_settings(project, str(tmp_path / "iris.dvc"))
    return tmp_path / "iris.dvc"


def put(data: ProjectData, name: str, content: bytes, before: Pointer | None = None) -> Pointer:
    pointer = add_member(data.cache, before, "artifacts", name, {"": data.cache.add_bytes(content)})
    write(data.project / RUN / "artifacts.dvc", write_pointer(pointer))
    return pointer


def stored(store: Path) -> int:
    return sum(1 for path in store.rglob("*") if path.is_file())


def test_the_data_of_a_commit_is_pushed(data: ProjectData, store: Path):
    put(data, "model", b"weights")
    done = publish_data(data, [commit(data.project, "a run")])
    assert (done.pointers, done.sent.objects, done.local_only) == (1, 2, False)
    assert stored(store) == 2


def test_data_that_a_later_commit_replaces_is_pushed_too(data: ProjectData, store: Path):
    first = put(data, "model", b"old")
    one = commit(data.project, "one")
    put(data, "model", b"new", first)
    two = commit(data.project, "two")
    assert publish_data(data, [one, two]).sent.objects == 4


def test_commits_without_pointers_need_no_remote(data: ProjectData):
    write(data.project / "README.md", b"hello\n")
    head = commit(data.project, "words")
    write_settings(data.project, "/no/such/disk")
    assert publish_data(data, [head]).pointers == 0
    assert publish_data(data, []).pointers == 0


def test_a_pointer_that_git_cannot_read_is_damage(data: ProjectData):
    put(data, "model", b"weights")
    head = commit(data.project, "a run")
    (lost,) = introduced_pointers(data.project, [head])
    (data.project / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    with pytest.raises(DamagedError, match=lost):
        publish_data(data, [head])


def test_a_first_commit_counts(data: ProjectData):
    first = git("rev-list", "--max-parents=0", "HEAD", cwd=data.project).strip()
    assert introduced_pointers(data.project, [first]) == {}
    put(data, "model", b"x")
    tree = git("write-tree", cwd=data.project) if commit(data.project, "x") else ""
    root = git("commit-tree", "-m", "root", tree.strip(), cwd=data.project).strip()
    assert len(introduced_pointers(data.project, [root])) == 1


def test_a_merge_counts_for_what_is_in_no_parent(data: ProjectData):
    put(data, "model", b"base")
    base = commit(data.project, "base")
    git("checkout", "-q", "-b", "other", cwd=data.project)
    write(data.project / "datasets" / "d" / "data.dvc", write_pointer(put(data, "x", b"theirs")))
    git("checkout", "-q", "--", RUN, cwd=data.project)
    commit(data.project, "theirs")
    git("checkout", "-q", "main", cwd=data.project)
    write(data.project / "README.md", b"ours\n")
    commit(data.project, "ours")
    git("merge", "-q", "--no-edit", "other", cwd=data.project)
    merge = git("rev-parse", "HEAD", cwd=data.project).strip()
    assert introduced_pointers(data.project, [merge]) == {}
    git("merge", "-q", "-s", "ours", "--no-commit", base, cwd=data.project, check=False)
    put(data, "model", b"evil")
    git("commit", "-q", "-a", "--amend", "--no-edit", cwd=data.project)
    evil = git("rev-parse", "HEAD", cwd=data.project).strip()
    assert len(introduced_pointers(data.project, [evil])) == 1


def test_without_a_remote_the_data_stays_here(data: ProjectData):
    put(data, "model", b"weights")
    done = publish_data(data, [commit(data.project, "a run")])
    assert (done.pointers, done.local_only) == (1, True)


def test_data_that_is_nowhere_stops_the_commit(data: ProjectData, store: Path):
    pointer = put(data, "model", b"weights")
    data.cache.discard(data.names(pointer)["model"])
    head = commit(data.project, "a run")
    with pytest.raises(ArtifactMissingError, match="artifacts/model"):
        publish_data(data, [head])


def test_a_remote_that_is_away_stops_the_commit(data: ProjectData):
    write_settings(data.project, "/no/such/disk")
    put(data, "model", b"weights")
    head = commit(data.project, "a run")
    with pytest.raises(RemoteUnavailableError):
        publish_data(data, [head])


def test_a_hostile_pointer_of_a_record_stops_the_commit(data: ProjectData, store: Path):
    write(data.project / RUN / "artifacts.dvc", b"outs:\n- md5: x\n  path: ../../x\n")
    with pytest.raises(DocumentError) as caught:
        publish_data(data, [commit(data.project, "bad")])
    assert caught.value.file == f"{RUN}/artifacts.dvc"


def test_what_people_add_with_dvc_is_pushed_or_reported(data: ProjectData, store: Path):
    item = data.cache.add_bytes(b"theirs")
    pointer = Pointer(md5=item.md5, path="extra", size=item.size)
    write(data.project / "own" / "extra.dvc", write_pointer(pointer))
    write(data.project / "own" / "import.dvc", b"deps:\n- path: x\nouts: []\n")
    lost = Pointer(md5="0" * 32, path="lost", size=1)
    write(data.project / "own" / "lost.dvc", write_pointer(lost))
    done = publish_data(data, [commit(data.project, "mine")])
    assert done.sent.objects == 1
    assert [path for path, _ in done.skipped] == ["own/import.dvc", "own/lost.dvc"]


def test_a_link_named_like_a_pointer_is_no_pointer(data: ProjectData, store: Path):
    (data.project / RUN).mkdir(parents=True)
    (data.project / RUN / "artifacts.dvc").symlink_to("/etc/passwd")
    head = commit(data.project, "a link")
    assert publish_data(data, [head]).pointers == 0


def test_names_with_odd_characters_are_found(data: ProjectData, store: Path):
    item = data.cache.add_bytes(b"x")
    text = write_pointer(Pointer(md5=item.md5, path="data", size=1))
    write(data.project / "own" / 'ü "\t.dvc', text)
    done = publish_data(data, [commit(data.project, "odd")])
    assert done.sent.objects == 1


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Is a directory where repositories are shared."""
    (tmp_path / "lab").mkdir()
    return tmp_path / "lab"


def cloned(source: Path, origin: Path, path: Path) -> ProjectData:
    if not origin.exists():
        git("clone", "-q", "--bare", source, origin, cwd=source)
    git("clone", "-q", origin, path, cwd=source)
    return ProjectData(path, path / ".git")


def test_a_directory_of_repositories_gets_a_store_beside_them(
    project: Path, lab: Path, tmp_path: Path
):
    data = cloned(project, lab / "iris.git", tmp_path / "a" / "iris")
    pointer = put(data, "model", b"weights")
    done = publish_data(data, [commit(data.project, "a run")])
    assert done.sent.objects == 2
    assert stored(lab / "iris.dvc") == 2
    assert git("status", "--porcelain", cwd=data.project) == ""
    found = read_settings(data.project)
    assert found is not None
    assert found.directory == lab / "iris.dvc"
    # and another clone finds it without being told
    other = cloned(project, lab / "iris.git", tmp_path / "b" / "iris")
    assert other.get(pointer, "model").read_bytes() == b"weights"


def test_a_store_can_be_named_for_all_projects(project: Path, tmp_path: Path):
    data = ProjectData(project, project / ".git", url=str(tmp_path / "{project}-data"))
    put(data, "model", b"weights")
    publish_data(data, [commit(data.project, "a run")])
    assert stored(tmp_path / "iris-data") == 2
    assert read_settings(data.project) is not None


def test_a_remote_without_a_place_for_data_means_local_only(data: ProjectData):
    git("remote", "add", "origin", "https://host.example/lab/iris.git", cwd=data.project)
    put(data, "model", b"weights")
    assert publish_data(data, [commit(data.project, "a run")]).local_only

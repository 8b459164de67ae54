"""As many copies as somebody wants: counted on data remotes, made, and only then dropped here."""

from __future__ import annotations

from pathlib import Path

import pytest

from padre_git.artifacts import (
    Pointer,
    ProjectData,
    only_here,
    publish_data,
    read_pointer,
    shed,
)
from padre_git.artifacts.bringing import bring_all
from padre_git.artifacts.spare import clear, unneeded
from padre_git.artifacts.upkeep import Problem, mend, survey
from padre_git.errors import (
    ArtifactCorruptError,
    ArtifactError,
    DocumentError,
    InvalidInputError,
    RemoteUnavailableError,
)
from tests.artifacts.conftest import RUN, commit, damage, write
from tests.artifacts.test_upkeep import grow_old, publish, put
from tests.conftest import git

LAB = "[core]\n    remote = lab\n['remote \"lab\"']\n    url = {}\n"
MORE = "['remote \"{}\"']\n    url = {}\n"


def configure(project: Path, **more: Path | str) -> None:
    """Names the data remote of a clone, and other places of its owner's."""
    text = LAB.format(project.parent / "lab")
    text += "".join(MORE.format(name, url) for name, url in more.items())
    (project / ".dvc" / "config.local").write_text(text)


@pytest.fixture
def data(project: Path, tmp_path: Path) -> ProjectData:
    configure(project, disk=tmp_path / "disk")
    return ProjectData(project, project / ".git")


def at(place: Path, md5: str) -> Path:
    return place / "files" / "md5" / md5[:2] / md5[2:]


def test_nothing_goes_before_enough_places_have_it(data: ProjectData, tmp_path: Path) -> None:
    md5 = put(data, b"weights")
    publish(data)
    grow_old(data)
    assert unneeded(data, copies=2) == ()
    (found,) = survey(data, copies=2)[:1]
    assert found.problem is Problem.TOO_FEW
    assert mend(data, survey(data, copies=2), copies=2) == ()
    assert survey(data, copies=2) == ()
    assert at(tmp_path / "disk", md5).read_bytes() == b"weights"
    (spare,) = unneeded(data, copies=2)
    assert (spare.md5, spare.size) == (md5, 7)
    assert "model.bin" in spare.path
    assert unneeded(data) == (), "without a word about copies only what nothing means goes"
    assert clear(data, copies=2) == (spare,)
    assert not data.cache.has(md5)
    assert survey(data, copies=2) == ()
    assert data.names(pointer_of(data)) == {"model.bin": md5}, "what there is, is still known"
    with data.open(pointer_of(data), "model.bin") as stream:
        assert stream.read() == b"weights"


def pointer_of(data: ProjectData, run: str = RUN) -> Pointer:
    return read_pointer((data.project / run / "artifacts.dvc").read_bytes())


def test_a_copy_of_another_size_is_none(data: ProjectData, tmp_path: Path) -> None:
    md5 = put(data, b"weights")
    publish(data)
    mend(data, survey(data, copies=2), copies=2)
    grow_old(data)
    damage(at(tmp_path / "disk", md5), b"weigh")
    assert clear(data, copies=2) == ()
    assert [one.md5 for one in survey(data, copies=2)] == [md5]
    assert clear(data, copies=1)[0].md5 == md5


def test_what_is_not_published_stays_whoever_has_it(data: ProjectData) -> None:
    """Whoever cleans the data remote up cannot know of it."""
    put(data, b"weights")
    publish(data)
    mend(data, survey(data, copies=2), copies=2)
    git("update-ref", "-d", "refs/remotes/origin/main", cwd=data.project)
    grow_old(data)
    assert clear(data, copies=2) == ()


def test_what_a_running_run_has_logged_stays(data: ProjectData) -> None:
    md5 = put(data, b"weights")
    publish(data)
    spool = data.project / ".git" / "padre" / "spool" / "r-x"
    write(spool / "events.jsonl", f'["artifact","model","{md5}"]\n'.encode())
    grow_old(data)
    assert clear(data, copies=1) == ()


@pytest.mark.parametrize("copies", [0, -1, 3])
def test_a_number_that_cannot_be_is_refused(data: ProjectData, copies: int) -> None:
    put(data, b"weights")
    publish(data)
    grow_old(data)
    with pytest.raises(InvalidInputError, match=r"copies"):
        clear(data, copies=copies)
    with pytest.raises(InvalidInputError, match=r"copies"):
        survey(data, copies=copies)


def test_one_place_under_two_names_is_one_copy(data: ProjectData, tmp_path: Path) -> None:
    put(data, b"weights")
    publish(data)
    (tmp_path / "again").symlink_to(tmp_path / "lab")
    for other in (f"{tmp_path}/lab/../lab/", tmp_path / "again", "remote://lab", "../../lab"):
        configure(data.project, other=other)
        with pytest.raises(InvalidInputError, match="has 1 data remote"):
            survey(data, copies=2)


def test_the_cache_of_the_clone_is_no_copy(data: ProjectData) -> None:
    md5 = put(data, b"weights")
    publish(data)
    grow_old(data)
    configure(data.project, own=data.cache.root)
    with pytest.raises(InvalidInputError, match="has 1 data remote"):
        clear(data, copies=2)
    assert data.cache.has(md5)


def test_what_only_the_tracked_configuration_names_is_no_copy(
    data: ProjectData, tmp_path: Path
) -> None:
    """Else whoever can push could have others drop their data."""
    put(data, b"weights")
    publish(data)
    configure(data.project)
    tracked = data.project / ".dvc" / "config"
    tracked.write_text(tracked.read_text() + MORE.format("theirs", tmp_path / "disk"))
    with pytest.raises(InvalidInputError, match="has 1 data remote"):
        clear(data, copies=2)


def test_a_silent_place_has_nothing(data: ProjectData, tmp_path: Path) -> None:
    md5 = put(data, b"weights")
    publish(data)
    grow_old(data)
    configure(data.project, disk=tmp_path / "not" / "mounted")
    with pytest.raises(RemoteUnavailableError, match="mounted"):
        clear(data, copies=2)
    (tmp_path / "not").mkdir()
    assert clear(data, copies=2) == ()
    assert data.cache.has(md5)
    configure(data.project, gone=tmp_path / "no" / "thing", disk=tmp_path / "disk")
    mended = ProjectData(data.project, data.project / ".git")
    (tmp_path / "no").mkdir()
    mend(mended, survey(mended, copies=3), copies=3)
    (tmp_path / "no" / "thing").rename(tmp_path / "elsewhere")
    (tmp_path / "no").rmdir()
    assert [one.md5 for one in clear(data, copies=2)] == [md5], "two others do answer"


def test_what_one_place_lost_comes_from_another(data: ProjectData, tmp_path: Path) -> None:
    md5 = put(data, b"weights")
    publish(data)
    mend(data, survey(data, copies=2), copies=2)
    data.cache.discard(md5)
    at(tmp_path / "lab", md5).unlink()
    with data.open(pointer_of(data), "model.bin") as stream:
        assert stream.read() == b"weights"
    damage(data.cache.path(md5), b"Weights")
    with data.open(pointer_of(data), "model.bin") as stream:
        assert stream.read() == b"weights"
    data.cache.discard(md5)
    (found,) = survey(data, copies=2)
    assert found.problem is Problem.MISSING
    assert mend(data, [found], copies=2) == ()
    assert at(tmp_path / "lab", md5).read_bytes() == b"weights"


def test_damage_in_every_place_is_named_and_never_handed_out(
    data: ProjectData, tmp_path: Path
) -> None:
    md5 = put(data, b"weights")
    publish(data)
    mend(data, survey(data, copies=2), copies=2)
    for file in (data.cache.path(md5), at(tmp_path / "lab", md5), at(tmp_path / "disk", md5)):
        damage(file, b"Weights")
    with pytest.raises(ArtifactCorruptError, match=md5):
        data.open(pointer_of(data), "model.bin")


def test_nobody_else_says_half_of_where_a_place_of_ones_own_is(data: ProjectData) -> None:
    """A tracked end point would be given the credentials that are meant for another."""
    configure(data.project, backup="s3://mine/data")
    tracked = data.project / ".dvc" / "config"
    before = tracked.read_text()
    tracked.write_text(before + "['remote \"backup\"']\n    endpointurl = http://127.0.0.1:1\n")
    with pytest.raises(ArtifactError, match="this clone's own"):
        _ = data.remotes
    commit(data.project, "a run")
    local = data.project / ".dvc" / "config.local"
    local.write_text(local.read_text() + "    endpointurl = http://127.0.0.1:2\n")
    assert len(data.remotes) == 2


def test_copies_that_were_handed_out_go_with_what_they_are_copies_of(data: ProjectData) -> None:
    put(data, b"weights")
    publish(data)
    kept = put(data, b"other", path=f"{RUN}-2/artifacts.dvc")
    paths = [data.get(pointer_of(data), name) for name in ("model.bin", "")]
    other = data.get(pointer_of(data, f"{RUN}-2"), "model.bin")
    grow_old(data)
    assert len(clear(data, copies=1)) == 1
    assert not any(path.exists() for path in paths)
    assert other.read_bytes() == b"other"
    assert data.cache.has(kept)


def test_a_clone_without_data_remote_drops_copies_of_what_is_evicted(data: ProjectData) -> None:
    md5 = put(data, b"weights")
    (data.project / ".dvc" / "config.local").unlink()
    path = data.get(pointer_of(data), "model.bin")
    shed(data, {"a.dvc": (data.project / RUN / "artifacts.dvc").read_bytes()}, {})
    assert not path.exists()
    assert data.cache.has(md5), "there is no other copy"


def test_a_pointer_that_only_dvc_understands_is_counted_among_what_is_only_here(
    data: ProjectData,
) -> None:
    md5 = data.cache.add_bytes(b"of an import").md5
    text = f"deps:\n- path: x\nouts:\n- md5: {md5}\n  path: x\n" + "#" * 200_000
    write(data.project / "raw" / "x.dvc", text.encode())
    head = commit(data.project, "a huge pointer")
    assert only_here(data, [head]) == ["raw/x.dvc"]
    assert bring_all(data, [head]) == ("raw/x.dvc",)
    (skipped,) = publish_data(data, [head]).skipped
    assert skipped[0] == "raw/x.dvc"
    write(data.project / RUN / "artifacts.dvc", b"#" * 200_000)
    with pytest.raises(DocumentError, match="200000 bytes"):
        publish_data(data, [commit(data.project, "one of ours")])

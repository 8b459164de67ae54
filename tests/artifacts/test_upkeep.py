"""Upkeep of data: damage is found and mended, and nothing that anything means is removed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from padre_git.artifacts import ProjectData, place, pointer_to, publish_data, write_pointer
from padre_git.artifacts.references import references
from padre_git.artifacts.spare import clear, unneeded
from padre_git.artifacts.upkeep import Problem, mend, survey
from padre_git.errors import ArtifactMissingError
from tests.artifacts.conftest import RUN, commit, damage, write
from tests.conftest import git


@pytest.fixture
def data(project: Path, tmp_path: Path) -> ProjectData:
    (project / ".dvc" / "config.local").write_text(
        f"[core]\n    remote = lab\n['remote \"lab\"']\n    url = {tmp_path / 'lab'}\n"
    )
    return ProjectData(project, project / ".git")


def put(data: ProjectData, content: bytes, *, path: str = f"{RUN}/artifacts.dvc") -> str:
    """Commits a pointer to a directory with one file, and returns the file's hash."""
    source = write(data.project.parent / "source" / "model.bin", content).parent
    pointer = pointer_to(data.cache, "artifacts", place(data.cache, source))
    write(data.project / path, write_pointer(pointer))
    commit(data.project, "data")
    return data.cache.add_bytes(content).md5


def publish(data: ProjectData) -> None:
    """Has everything at the data remote, and notes that the branch is at the remote."""
    head = git("rev-parse", "HEAD", cwd=data.project).strip()
    commits = git("rev-list", "HEAD", cwd=data.project).split()
    publish_data(data, commits)
    git("update-ref", "refs/remotes/origin/main", head, cwd=data.project)


def there(data: ProjectData, md5: str) -> Path:
    return data.project.parent / "lab" / "files" / "md5" / md5[:2] / md5[2:]


def grow_old(data: ProjectData) -> None:
    """Lets every object be older than what is left alone for its youth."""
    past = time.time() - 3 * 24 * 3600
    for file in (data.cache.root / "files").rglob("*"):
        os.utime(file, (past, past))


# -- finding and mending ---------------------------------------------------------------------------


def test_sound_data_has_nothing_wrong(data: ProjectData) -> None:
    put(data, b"1")
    assert survey(data) == ()
    publish(data)
    assert survey(data) == ()


def test_a_damaged_byte_is_found_and_fetched_again(data: ProjectData) -> None:
    md5 = put(data, b"weights")
    publish(data)
    damage(data.cache.path(md5), b"Weights")
    (found,) = survey(data)
    assert (found.md5, found.problem) == (md5, Problem.DAMAGED)
    assert "model.bin" in found.path
    assert "artifacts.dvc" in found.path
    assert mend(data, [found]) == ()
    assert survey(data) == ()
    assert data.cache.read(md5) == b"weights"


def test_what_the_remote_has_lost_is_sent_again(data: ProjectData) -> None:
    md5 = put(data, b"weights")
    publish(data)
    there(data, md5).unlink()
    (found,) = survey(data)
    assert found.problem is Problem.NOT_PUBLISHED
    assert mend(data, [found]) == ()
    assert there(data, md5).read_bytes() == b"weights"


def test_what_was_never_published_is_not_missed_there(data: ProjectData) -> None:
    put(data, b"1")
    publish(data)
    put(data, b"2")
    assert survey(data) == ()


def test_what_is_nowhere_is_said_and_cannot_be_mended(data: ProjectData) -> None:
    md5 = put(data, b"weights")
    publish(data)
    there(data, md5).unlink()
    data.cache.discard(md5)
    (found,) = survey(data)
    assert found.problem is Problem.MISSING
    assert mend(data, [found]) == (found,)


def test_damage_without_another_copy_stays_damage(data: ProjectData) -> None:
    md5 = put(data, b"weights")
    damage(data.cache.path(md5), b"Weights")
    (found,) = survey(data)
    assert mend(data, [found]) == (found,)


def test_a_listing_that_is_nowhere_is_said(data: ProjectData) -> None:
    put(data, b"weights")
    for listing in (data.cache.root / "files").rglob("*.dir"):
        listing.unlink()
    problems = {found.problem for found in survey(data)}
    assert problems == {Problem.UNKNOWN, Problem.MISSING}


def test_data_that_is_only_on_the_remote_is_not_wrong(data: ProjectData) -> None:
    md5 = put(data, b"weights")
    publish(data)
    data.cache.discard(md5)
    assert survey(data) == ()


def test_old_versions_are_looked_at_too(data: ProjectData) -> None:
    md5 = put(data, b"old")
    put(data, b"new")
    damage(data.cache.path(md5), b"odd")
    (found,) = survey(data)
    assert found.md5 == md5


# -- removing what nothing means -------------------------------------------------------------------


def test_what_nothing_means_is_removed(data: ProjectData) -> None:
    kept = put(data, b"kept")
    stray = data.cache.add_bytes(b"nobody's").md5
    grow_old(data)
    (found,) = unneeded(data)
    assert (found.md5, found.size) == (stray, 8)
    assert data.cache.has(stray), "looking removes nothing"
    assert clear(data) == (found,)
    assert not data.cache.has(stray)
    assert data.cache.has(kept)


def test_what_is_young_is_left_alone(data: ProjectData) -> None:
    put(data, b"kept")
    data.cache.add_bytes(b"being committed")
    assert unneeded(data) == ()


@pytest.mark.parametrize(
    "ref",
    [
        "refs/heads/another",
        "refs/tags/v1",
        "refs/remotes/origin/proposals/x",
        "refs/padre/pending",
        "refs/padre/kept/iris.experiments.svm",
        "refs/stash",
    ],
)
def test_what_any_ref_means_is_kept(data: ProjectData, ref: str) -> None:
    before = git("rev-parse", "HEAD", cwd=data.project).strip()
    md5 = put(data, b"elsewhere")
    git("update-ref", ref, "HEAD", cwd=data.project)
    git("reset", "-q", "--hard", before, cwd=data.project)
    git("reflog", "expire", "--expire=now", "--all", cwd=data.project)
    grow_old(data)
    assert unneeded(data) == ()
    git("update-ref", "-d", ref, cwd=data.project)
    git("reflog", "expire", "--expire=now", "--all", cwd=data.project)
    assert md5 in {found.md5 for found in unneeded(data)}


def test_what_the_reflog_means_is_kept(data: ProjectData) -> None:
    before = git("rev-parse", "HEAD", cwd=data.project).strip()
    put(data, b"reset by mistake")
    git("reset", "-q", "--hard", before, cwd=data.project)
    grow_old(data)
    assert unneeded(data) == ()


def test_what_another_work_tree_has_checked_out_is_kept(data: ProjectData, tmp_path: Path) -> None:
    before = git("rev-parse", "HEAD", cwd=data.project).strip()
    put(data, b"there")
    git("worktree", "add", "-q", "--detach", tmp_path / "linked", cwd=data.project)
    git("reset", "-q", "--hard", before, cwd=data.project)
    git("reflog", "expire", "--expire=now", "--all", cwd=data.project)
    grow_old(data)
    assert unneeded(data) == ()


def test_what_is_not_committed_is_kept(data: ProjectData) -> None:
    source = write(data.project.parent / "source" / "a", b"new").parent
    for name, content in (("staged", b"1"), ("lying", b"2")):
        write(source / "a", content)
        pointer = pointer_to(data.cache, name, place(data.cache, source))
        write(data.project / f"{name}.dvc", write_pointer(pointer))
    git("add", "staged.dvc", cwd=data.project)
    (data.project / "staged.dvc").unlink()
    grow_old(data)
    assert unneeded(data) == ()


def test_what_a_running_run_has_logged_is_kept(data: ProjectData) -> None:
    md5 = data.cache.add_bytes(b"model").md5
    spool = data.project / ".git" / "padre" / "spool" / "r-x"
    write(spool / "events.jsonl", f'["artifact","model","{md5}"]\n'.encode())
    grow_old(data)
    assert unneeded(data) == ()


def test_nothing_is_removed_when_nobody_can_say_what_is_meant(data: ProjectData) -> None:
    put(data, b"1")
    data.cache.add_bytes(b"perhaps a member")
    for listing in (data.cache.root / "files").rglob("*.dir"):
        listing.unlink()
    grow_old(data)
    with pytest.raises(ArtifactMissingError, match="nothing can be removed"):
        unneeded(data)


def test_what_has_come_to_be_meant_meanwhile_stays(data: ProjectData) -> None:
    data.cache.add_bytes(b"later")
    grow_old(data)
    seen = references(data)
    md5 = put(data, b"later")
    assert md5 not in seen
    new = references(data, seen=seen)
    assert md5 in new
    grow_old(data)
    assert clear(data) == ()


def grow_older(file: Path) -> None:
    past = time.time() - 3 * 24 * 3600
    os.utime(file, (past, past))


@pytest.mark.parametrize("way", ["bytes", "copied", "linked", "batch"])
def test_what_is_added_again_is_young_again(data: ProjectData, tmp_path: Path, way: str) -> None:
    md5 = data.cache.add_bytes(b"old and about to be meant").md5
    grow_old(data)
    source = write(tmp_path / "source.bin", b"old and about to be meant")
    grow_older(source)
    found = unneeded(data)
    assert [one.md5 for one in found] == [md5]
    if way == "batch":
        with data.cache.batch() as cache:
            cache.add(source)
    elif way == "bytes":
        data.cache.add_bytes(source.read_bytes())
    else:
        data.cache.add(source, link=way == "linked")
    assert unneeded(data) == ()
    assert clear(data) == ()
    assert data.cache.has(md5)


@pytest.mark.parametrize("size", [10, 3_000_000])
@pytest.mark.parametrize("together", [False, True], ids=["alone", "batch"])
def test_an_old_file_that_is_moved_here_is_young(
    data: ProjectData, tmp_path: Path, size: int, *, together: bool
) -> None:
    source = write(tmp_path / "source.bin", b"x" * size)
    grow_older(source)
    if together:
        with data.cache.batch() as cache:
            cache.add(source, link=True)
    else:
        data.cache.add(source, link=True)
    assert unneeded(data) == ()


def test_what_was_added_again_after_the_last_look_is_not_removed(data: ProjectData) -> None:
    md5 = data.cache.add_bytes(b"again").md5
    grow_old(data)
    oldest = time.time() - 3600
    data.cache.add_bytes(b"again")
    assert not data.cache.discard_older(md5, oldest)
    assert data.cache.has(md5)
    grow_old(data)
    assert data.cache.discard_older(md5, oldest)
    assert not data.cache.discard_older(md5, oldest)


def test_nothing_is_lost_between_those_who_add_and_those_who_remove(data: ProjectData) -> None:
    """What ``add_bytes`` has acknowledged is there, whatever somebody removes meanwhile."""
    script = (
        "import sys, time; from pathlib import Path\n"
        "from padre_git.artifacts.cache import Cache\n"
        "cache, md5, ends = Cache(Path(sys.argv[1])), sys.argv[2], time.time() + 2\n"
        "while time.time() < ends: cache.discard_older(md5, time.time() - 3600)\n"
    )
    md5 = data.cache.add_bytes(b"wanted").md5
    command = [sys.executable, "-c", script, str(data.cache.root), md5]
    lost = 0
    with subprocess.Popen(command) as remover:
        while remover.poll() is None:
            data.cache.add_bytes(b"wanted")
            lost += not data.cache.has(md5)
            grow_older(data.cache.path(md5))
    assert remover.returncode == 0
    assert lost == 0


@pytest.mark.parametrize("where", ["committed", "staged", "lying"])
@pytest.mark.parametrize("file", ["dvc.lock", "raw/import.dvc"])
def test_what_only_dvc_understands_is_kept(data: ProjectData, file: str, where: str) -> None:
    source = write(data.project.parent / "source" / "a", b"of a stage").parent
    pointer = pointer_to(data.cache, "out", place(data.cache, source))
    entry = f"- path: out\n  hash: md5\n  md5: {pointer.md5}\n"
    text = f"deps:\n- path: train.py\n  md5: {'a' * 32}\nouts:\n{entry}{entry}"
    write(data.project / file, text.encode())
    if where == "committed":
        commit(data.project, "a stage")
        git("rm", "--quiet", file, cwd=data.project)
        commit(data.project, "not any more")
    elif where == "staged":
        git("add", file, cwd=data.project)
        (data.project / file).unlink()
    grow_old(data)
    assert unneeded(data) == ()
    assert survey(data) == ()


def test_a_huge_pointer_of_somebody_stops_nothing(data: ProjectData) -> None:
    write(data.project / "huge.dvc", b"#" * 200_000)
    commit(data.project, "huge")
    md5 = data.cache.add_bytes(b"nobody").md5
    grow_old(data)
    assert [one.md5 for one in unneeded(data)] == [md5]

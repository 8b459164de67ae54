"""After a power cut: the first writer mends the work tree, and nothing that somebody did to it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from padre_git.vcs import NewCommit, Repository
from padre_git.vcs.restarts import Restarts
from tests.conftest import git
from tests.vcs.clones import RUNS, assert_clean, record, run_files, runs_at, status, write


def cut_short(path: Path, size: int) -> None:
    """Leaves of a file what a power cut leaves: less of it, and nobody has touched it."""
    before = path.stat()
    os.truncate(path, size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def write_after_a_restart(clone: Repository, run: str) -> None:
    (clone.common_dir / "padre/starts").write_text("another-time\n")
    with Repository.open(clone.path, branch="main") as later:
        record(later, run)


def test_files_that_a_power_cut_has_emptied_or_cut_short_are_whole_again(
    clone: Repository,
) -> None:
    record(clone, "r-1")
    record(clone, "r-2")
    cut_short(clone.path / RUNS / "r-1/run.yaml", 0)
    cut_short(clone.path / RUNS / "r-2/metrics.yaml", 3)
    cut_short(clone.path / "project.yaml", 0)
    write_after_a_restart(clone, "r-3")
    assert_clean(clone.path)
    assert (clone.path / RUNS / "r-1/run.yaml").read_bytes() == run_files("r-1")[
        f"{RUNS}/r-1/run.yaml"
    ]


def test_what_somebody_has_shortened_or_changed_stays(clone: Repository) -> None:
    record(clone, "r-1")
    record(clone, "r-2")
    shortened, changed = clone.path / RUNS / "r-1/run.yaml", clone.path / RUNS / "r-2/run.yaml"
    os.truncate(shortened, 3)
    changed.write_text("mine\n")
    (clone.path / RUNS / "r-1/metrics.yaml").unlink()
    write_after_a_restart(clone, "r-3")
    assert len(shortened.read_bytes()) == 3
    assert changed.read_text() == "mine\n"
    assert len(status(clone.path).splitlines()) == 3


def test_empty_files_of_a_record_that_was_never_committed_are_out_of_the_way(
    clone: Repository,
) -> None:
    record(clone, "r-1")
    for name in ("run.yaml", "metrics.yaml", "tags/good"):
        write(clone.path / RUNS / "r-2" / name, "")
    write(clone.path / RUNS / "r-1/artifacts.dvc", "")
    write(clone.path / RUNS / "r-1/tags/mine", "")
    write(clone.path / RUNS / "r-1/edits/0123456789ab", "")
    write(clone.path / RUNS / "r-1/edits/mine", "")
    write(clone.path / RUNS / "r-9/run.yaml", "written by hand\n")
    write(clone.path / "notes.md", "")
    write_after_a_restart(clone, "r-3")
    assert not (clone.path / RUNS / "r-2").exists()
    others = ["notes.md", *(f"{RUNS}/{n}" for n in ("r-1/edits/", "r-1/tags/mine", "r-9/"))]
    assert sorted(line[3:] for line in status(clone.path).splitlines()) == sorted(others)
    assert [path.name for path in (clone.path / RUNS / "r-1/edits").iterdir()] == ["mine"]
    with Repository.open(clone.path, branch="main") as later:
        record(later, "r-2")


def test_a_commit_that_only_its_note_tells_of_is_finished(clone: Repository) -> None:
    base = clone.tip() or ""
    new = clone.build(base, [NewCommit(edits=run_files("r-1"), text="run r-1")])
    own = clone.common_dir / "padre"
    write(own / "ref.4711.1", f"{new}\n")
    write(own / "index.4711", "half an index")
    (own / "intent").write_bytes(b"")
    git("read-tree", new, cwd=clone.path)  # the index was in place already
    write(clone.path / RUNS / "r-1/run.yaml", "")
    write_after_a_restart(clone, "r-2")
    assert runs_at(clone.path) == {"r-1", "r-2"}
    assert_clean(clone.path)
    assert not list(own.glob("ref.*")) + list(own.glob("index.*"))


def test_a_note_of_a_commit_that_was_overtaken_is_only_taken_away(clone: Repository) -> None:
    new = clone.build(clone.tip() or "", [NewCommit(edits=run_files("r-1"), text="run r-1")])
    record(clone, "r-2")
    write(clone.common_dir / "padre/ref.4711.1", f"{new}\n")
    write(clone.common_dir / "padre/ref.4712.1", f"{'1' * 40}\n")
    write_after_a_restart(clone, "r-3")
    assert runs_at(clone.path) == {"r-2", "r-3"}
    assert_clean(clone.path)


def test_what_a_killed_process_was_writing_goes_with_the_first_write_of_another(
    clone: Repository,
) -> None:
    own = clone.common_dir / "padre"
    with subprocess.Popen(["sleep", "60"]) as alive:
        try:
            with subprocess.Popen(["true"]) as dead:
                dead.wait()
            left = [own / f"{name}.{dead.pid}" for name in ("file", "index", "recent")]
            left.append(own / f"ref.{dead.pid}.4711")
            others = [own / f"index.{alive.pid}", own / "index.bak", own / "index.1.2.3"]
            for path in (*left, *others):
                write(path, "half")
            with Repository.open(clone.path, branch="main") as another_process:
                record(another_process, "r-1")
            assert [path for path in (*left, *others) if path.exists()] == others
        finally:
            alive.kill()
    assert_clean(clone.path)


def test_only_the_first_writer_after_a_start_looks(clone: Repository) -> None:
    record(clone, "r-1")
    own = clone.common_dir / "padre"
    assert not Restarts(own).is_first()
    cut_short(clone.path / RUNS / "r-1/run.yaml", 0)
    record(clone, "r-2")
    assert status(clone.path) != ""
    write(own / "starts", "another-time\n")
    assert Restarts(own).is_first()


def test_several_machines_that_share_a_clone_do_not_make_each_other_look(tmp_path: Path) -> None:
    write(tmp_path / "starts", "one\ntwo\n")
    Restarts(tmp_path).note()
    assert not Restarts(tmp_path).is_first()
    assert (tmp_path / "starts").read_text().split()[:2] == ["one", "two"]
    for _ in range(40):
        Restarts(tmp_path).note()
    assert len((tmp_path / "starts").read_text().split()) == 16

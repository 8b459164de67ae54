"""Two projects on one data remote: nothing of ours removes there, and DVC has to name both."""

from __future__ import annotations

from pathlib import Path

import padre_git
from tests.artifacts.conftest import write
from tests.artifacts.test_dvc_agrees import dvc
from tests.artifacts.test_upkeep import grow_older
from tests.conftest import git

STRAY = "0123456789abcdef0123456789abcdef"


def on_a_branch_that_only_the_remote_has(directory: Path, name: str, shared: Path) -> None:
    """Has a colleague with plain git and DVC publish a branch with a file of its own."""
    clone = directory / "colleagues" / name
    clone.parent.mkdir(exist_ok=True)
    git("clone", "-q", directory / "lab" / f"{name}.git", clone, cwd=directory)
    git("checkout", "-q", "-b", "idea", cwd=clone)
    write(clone / "own" / "idea", f"an idea for {name}".encode())
    dvc("remote", "add", "--local", "-d", "shared", shared, cwd=clone)
    dvc("add", "own/idea", cwd=clone)
    git("add", "-A", cwd=clone)
    git("commit", "-q", "-m", "an idea", cwd=clone)
    dvc("push", cwd=clone)
    git("push", "-q", "origin", "idea", cwd=clone)


def test_what_two_projects_share_is_removed_only_when_both_are_asked(tmp_path: Path) -> None:
    """The commands of docs/artifacts.rst, "Copies"."""
    (tmp_path / "lab").mkdir()
    shared = tmp_path / "data"
    with padre_git.open(
        tmp_path / "mine", remote=tmp_path / "lab", artifacts=shared, policy="manual"
    ) as store:
        for name in ("iris", "birds"):
            with store.start_run(f"{name}/svm") as run:
                run.log_artifact(write(tmp_path / name, f"model of {name}".encode()))
                run.log_artifact(write(tmp_path / "both", b"of both"))
            store.sync(name)
        stray = write(shared / "files" / "md5" / STRAY[:2] / STRAY[2:], b"nobody's")
        before = sum(path.is_file() for path in shared.rglob("*"))
        for file in (tmp_path / "mine").glob("*/.git/padre/cache/files/md5/*/*"):
            grow_older(file)
        assert [store.artifacts.gc(name) for name in ("iris", "birds")] == [(), ()]
        assert len(store.artifacts.gc("iris", copies=1)) == 2
        assert sum(path.is_file() for path in shared.rglob("*")) == before
        iris, birds = (store.project_path(name) for name in ("iris", "birds"))
        for name in ("iris", "birds"):
            on_a_branch_that_only_the_remote_has(tmp_path, name, shared)
            before += 1
            fetched = "+refs/*:refs/remotes/all/*"
            git("fetch", "-q", "origin", fetched, cwd=store.project_path(name))
        dvc("gc", "--force", "--cloud", "--all-commits", "--projects", birds, cwd=iris)
        assert not stray.exists()
        assert sum(path.is_file() for path in shared.rglob("*")) == before - 1
        for name in ("iris", "birds"):
            assert store.artifacts.verify(name) == ()
            (ended,) = store.runs.list(f"{name}/svm")
            assert store.artifacts.get(ended, "both").read_bytes() == b"of both"
        dvc("gc", "--force", "--cloud", "--all-commits", cwd=iris)
        lost = {damage.problem.value for damage in store.artifacts.verify("birds")}
        assert lost == {"missing", "not on the remote"}, "whoever is not named has it no more"
        left = store.artifacts.repair("birds")
        assert left == store.artifacts.verify("birds")
        assert [damage.path for damage in left] == ["own/idea.dvc"], "only its author has that"

"""Two projects on one data remote: nothing of ours removes there, and DVC has to name both."""

from __future__ import annotations

from pathlib import Path

import padre_git
from tests.artifacts.conftest import write
from tests.artifacts.test_dvc_agrees import dvc
from tests.artifacts.test_upkeep import grow_older

STRAY = "0123456789abcdef0123456789abcdef"


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
        dvc("gc", "--force", "--cloud", "--all-commits", "--projects", birds, cwd=iris)
        assert not stray.exists()
        assert sum(path.is_file() for path in shared.rglob("*")) == before - 1
        for name in ("iris", "birds"):
            assert store.artifacts.verify(name) == ()
            (run,) = store.runs.list(f"{name}/svm")
            assert store.artifacts.get(run, "both").read_bytes() == b"of both"
        dvc("gc", "--force", "--cloud", "--all-commits", cwd=iris)
        lost = {damage.problem.value for damage in store.artifacts.verify("birds")}
        assert lost == {"not on the remote"}, "whoever is not named has it no more"
        assert store.artifacts.repair("birds") == ()
        assert store.artifacts.verify("birds") == ()

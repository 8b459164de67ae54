"""Is this point done? Answered without reading every run, whoever has changed what."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest

from padre_git.api.opening import open_store
from padre_git.api.store import Store
from padre_git.errors import InvalidInputError, NotFoundError
from padre_git.model import Experiment, Found, Key, Run, Status
from tests.conftest import git


def run(store: Store, parameters: dict[str, object], status: str = "finished", **more: int) -> Key:
    begun = store.start_run("iris/svm", parameters, seed=more.get("seed"))
    begun.end(status)
    return begun.key


def index_of(store: Store) -> Path:
    return store.project_path("iris") / ".git/padre/points.sqlite"


def found(store: Store, parameters: dict[str, object], **more: object) -> Key | None:
    one = store.runs.find("iris/svm", parameters, **more)  # type: ignore[arg-type]
    return None if one is None else one.key


def test_a_sweep_asks_what_is_left_to_do(store: Store) -> None:
    store.ensure("iris")
    store.experiments.put(Experiment(project="iris", name="svm", parameters={"kernel": "rbf"}))
    first = run(store, {"C": 1})
    second = run(store, {"C": 1.0}, seed=5)
    failed = run(store, {"C": 10}, "failed")
    nested = run(store, {"C": 1, "model": {"layers": [1, 2], "on": True}})
    assert found(store, {"C": 1}) == second
    assert found(store, {"C": 1, "kernel": "rbf"}) == second
    assert found(store, {"C": True}, seed=5) == second
    assert found(store, {"C": 1, "kernel": "linear"}) is None
    assert found(store, {"C": 1.0, "model": {"layers": (1, 2.0), "on": 1}}) == nested
    assert found(store, {"C": 1, "model.layers": [1, 2], "model.on": True}) == nested
    assert found(store, {"C": 10}) is None
    assert found(store, {"C": 10}, status="failed") == failed
    assert found(store, {"C": 10}, status=("finished", "failed")) == failed
    assert found(store, {"C": 10}, status=None) == failed
    assert found(store, {}) is None
    assert first != second
    with store.start_run("iris/svm", {"C": 10}) as running:
        assert found(store, {"C": 10}, status=("finished", "running")) == running.key
        assert found(store, {"C": 10}, status=None) == running.key
        assert found(store, {"C": 10}) is None
    assert found(store, {"C": 10}) == running.key
    with pytest.raises(InvalidInputError, match="'done' is not a valid status"):
        found(store, {"C": 1}, status="done")


def test_whoever_changes_runs_is_seen(store: Store, reopened: Store, tmp_path: Path) -> None:
    first = run(store, {"C": 1})
    clone = store.project_path("iris")
    assert found(reopened, {"C": 1}) == first
    second = run(store, {"C": 2})
    assert found(reopened, {"C": 2}) == second, "by another process"
    store.runs.put(store.runs.get(second).replace(status="failed"))
    assert found(reopened, {"C": 2}) is None, "changed"
    assert found(reopened, {"C": 2}, status="failed") == second
    before = git("rev-parse", "HEAD", cwd=clone).strip()
    store.runs.delete(first)
    assert found(reopened, {"C": 1}) is None, "deleted"
    store.runs.restore(first)
    assert found(reopened, {"C": 1}) == first, "restored"
    git("reset", "-q", "--hard", before + "^", cwd=clone)
    assert found(reopened, {"C": 2}) == second, "reset by plain git"
    git("-c", "gc.reflogExpire=now", "reflog", "expire", "--expire=now", "--all", cwd=clone)
    git("gc", "-q", "--prune=now", cwd=clone)
    run(store, {"C": 3})
    assert found(reopened, {"C": 2}) == second, "the state that was seen is gone"
    other = tmp_path / "other"
    git("clone", "-q", clone, other, cwd=tmp_path)
    git("rm", "-rq", "experiments/svm", cwd=other)
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x", cwd=other)
    git("pull", "-q", other, "main", cwd=clone)
    with pytest.raises(NotFoundError):
        found(reopened, {"C": 2})
    assert reopened.runs.count("iris") == {}


def test_an_experiment_that_is_renamed_takes_its_points_along(store: Store) -> None:
    first = run(store, {"C": 1})
    assert found(store, {"C": 1}) == first
    store.experiments.rename("iris/svm", "svc")
    one = store.runs.find("iris/svc", {"C": 1})
    assert one is not None
    assert one.key.name == first.name
    assert store.runs.find("iris/svm", {"C": 1}) == one


@pytest.mark.parametrize("what", ["removed", "garbage", "emptied", "another form", "torn"])
def test_the_index_can_be_thrown_away_or_damaged(store: Store, reopened: Store, what: str) -> None:
    first = run(store, {"C": 1})
    assert found(store, {"C": 1}) == first
    file = index_of(store)
    assert file.is_file()
    if what == "removed":
        file.unlink()
    elif what == "garbage":
        file.write_bytes(b"no database at all" * 1000)
    elif what == "emptied":
        file.write_bytes(b"")
    elif what == "another form":
        with sqlite3.connect(file) as index:
            index.execute("DROP TABLE runs")
            index.execute("PRAGMA user_version = 77")
    else:
        file.write_bytes(file.read_bytes()[:5000])
    second = run(store, {"C": 2})
    assert found(reopened, {"C": 1}) == first
    assert found(store, {"C": 2}) == second
    assert reopened.runs.count("iris") == {Status.FINISHED: 2}
    assert git("status", "--porcelain", cwd=store.project_path("iris")) == ""


def test_only_what_changed_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = store.runs.get(run(store, {"C": -1})).execution
    with store.transaction("iris", "import"):
        for n in range(300):
            store.runs.put(Run(execution=execution, parameters={"C": n}))
    assert found(store, {"C": 77})
    read: list[Key] = []
    backend = store._backend
    reading = backend.read

    def counted(keys: Iterable[Key], *, at: str | None = None) -> dict[Key, Found]:
        wanted = list(keys)
        read.extend(wanted)
        return reading(wanted, at=at)

    monkeypatch.setattr(backend, "read", counted)
    run(store, {"C": 1000})
    read.clear()
    assert found(store, {"C": 1000})
    assert found(store, {"C": 78})
    assert len(read) < 10


def test_runs_are_counted_by_status(store: Store) -> None:
    run(store, {"C": 1})
    run(store, {"C": 2})
    run(store, {"C": 3}, "failed")
    with store.start_run("iris/svm"):
        assert store.runs.count("iris") == {
            Status.RUNNING: 1,
            Status.FINISHED: 2,
            Status.FAILED: 1,
        }
    with pytest.raises(NotFoundError):
        store.runs.count("nothing")


def test_a_point_that_came_from_the_remote_is_found(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    with (
        open_store(tmp_path / "a", remote=lab) as ours,
        open_store(tmp_path / "b", remote=lab) as theirs,
    ):
        run(ours, {"C": 1})
        ours.sync("iris")
        assert theirs.runs.find("iris/svm", {"C": 1}) is not None
        second = run(ours, {"C": 2})
        ours.sync("iris")
        theirs.sync("iris")
        assert found(theirs, {"C": 2}) == second

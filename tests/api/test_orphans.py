"""Spools that processes have left: what can be read of them is kept, nothing else suffers."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from padre_git.api.opening import open_store
from padre_git.api.spool import EVENTS, is_blank
from padre_git.api.store import Store
from padre_git.errors import DamagedError, LockedError, PadreGitError
from padre_git.format.spools import START, line_of
from padre_git.messages import Notice, Skipped
from padre_git.model import Status
from tests.api.test_recorder_ends import Process
from tests.api.test_resume import OTHER, RUN, killed, spool_of
from tests.conftest import git
from tests.servers.processes import needs_root, workshop


class Heard:
    """What a store tells."""

    def __init__(self, store: Store) -> None:
        self.notices: list[str] = []
        self.errors: list[PadreGitError] = []
        store.subscribe(Notice, lambda notice: self.notices.append(notice.text))
        store.subscribe(Skipped, lambda skipped: self.errors.append(skipped.error))


@pytest.fixture
def orphan(tmp_path: Path) -> Path:
    """The root of a store with a run whose process was killed after ten steps."""
    program = killed(
        tmp_path, "for step in range(10):\n    run.log_metric('loss', step, step=step)"
    )
    return program.root


@pytest.mark.parametrize("status", ["finished", "failed"])
def test_a_run_that_ended_and_was_not_committed_is_recorded_as_it_ended(
    tmp_path: Path, status: str
) -> None:
    error = repr("Traceback: no" if status == "failed" else None)
    program = killed(
        tmp_path,
        "run.log_metric('loss', 1)\n"
        f"run._write('end', {status!r}, '2026-11-22T03:00:01+00:00', {error})",
    )
    with open_store(program.root, policy="manual") as store:
        (found,) = store.reconcile()
        assert (found.status, found.metrics, found.notes) == (status, {"loss": 1}, ())
        assert found.ended is not None
        assert store.runs.error(found).startswith("Trace" if status == "failed" else "")


def test_what_cannot_be_read_is_told_and_costs_nothing_else(orphan: Path) -> None:
    events = spool_of(orphan) / EVENTS
    lines = events.read_bytes().splitlines(keepends=True)
    lines[4] = b"\0" * len(lines[4])
    lines[6] = lines[6].replace(b'"loss":4', b'"loss":9')
    lines[8:8] = [
        line_of("dance", 1),
        line_of("metrics", "x", None, 7),
        line_of("artifact", "../x", {}),
    ]
    lines[3:3] = [
        line_of("artifact", "a", {"a": ["../../../etc", 1, False]}),
        line_of("end", "gone", "x", 1),
    ]
    events.write_bytes(b"".join(lines) + b'["metrics",11')
    with open_store(orphan, policy="manual") as store:
        heard = Heard(store)
        (found,) = store.reconcile()
        steps = [point.step for point in store.runs.series(found)]
        assert len(steps) == 8
        assert set(steps) < set(range(10))
        assert "pieces of its log are lost" in heard.notices[-1]
        assert any(note.text.startswith("Of its log is lost:") for note in found.notes)
        assert found.status is Status.ABORTED


def test_the_start_of_a_run_is_there_twice(orphan: Path) -> None:
    events = spool_of(orphan) / EVENTS
    events.write_bytes(b"\0" + events.read_bytes()[1:])
    with open_store(orphan, policy="manual") as store:
        (found,) = store.reconcile()
        assert len(store.runs.series(found)) == 10


def test_a_spool_without_a_start_is_left_and_told_and_keeps_nobody_else_from_it(
    tmp_path: Path, orphan: Path
) -> None:
    killed(tmp_path, "run.log_metric('loss', 7)", run_id=OTHER)
    spool = spool_of(orphan)
    (spool / START).unlink()
    (spool / EVENTS).write_bytes(b"#" + (spool / EVENTS).read_bytes())
    with open_store(orphan, policy="manual") as store:
        heard = Heard(store)
        for _ in range(2):
            assert [run.status for run in store.runs.list()] in (["lost"], ["aborted"])
            store.reconcile()
        assert {type(error) for error in heard.errors} == {DamagedError}
        assert "does not say how its run began" in str(heard.errors[0])
        assert len(list(spool.glob("owner.*"))) == 1
        assert (spool / EVENTS).is_file()
        with pytest.raises(DamagedError):
            store.start_run("iris/svm", {"C": 1}, id=RUN)


@pytest.mark.parametrize("what", ["nothing", "no events", "an owner"])
def test_a_spool_of_a_process_that_died_at_once_goes(orphan: Path, what: str) -> None:
    spool = spool_of(orphan)
    owner = (spool / "owner.1").read_bytes()
    shutil.rmtree(spool)
    spool.mkdir()
    if what != "nothing":
        (spool / EVENTS).touch()
    if what == "an owner":
        (spool / "owner.1").write_bytes(owner)
    for path in (*spool.iterdir(), spool):
        os.utime(path, (1, 1))
    with open_store(orphan, policy="manual") as store:
        heard = Heard(store)
        assert store.runs.list() == []
        assert store.reconcile() == []
        assert not spool.exists()
        assert heard.notices == []


def test_a_link_is_no_spool(orphan: Path, tmp_path: Path) -> None:
    spool = spool_of(orphan)
    spool.rename(tmp_path / "elsewhere")
    spool.symlink_to(tmp_path / "elsewhere")
    with open_store(orphan, policy="manual") as store:
        assert store.runs.list() == []
        assert store.reconcile() == []
        assert (tmp_path / "elsewhere" / EVENTS).is_file()


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_events_that_lie_elsewhere_are_not_read(orphan: Path, tmp_path: Path, kind: str) -> None:
    events = spool_of(orphan) / EVENTS
    events.rename(tmp_path / "events")
    events.symlink_to(tmp_path / "events") if kind == "link" else os.mkfifo(events)
    with open_store(orphan, policy="manual") as store:
        heard = Heard(store)
        assert store.runs.list() == []
        assert store.reconcile() == []
        assert "its spool cannot be read" in heard.notices[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", "iris/experiments/svm/runs/r-20261122t030001-0123456789ac"),
        ("key", "other/experiments/svm/runs/r-20261122t030000-0123456789ab"),
        ("execution", "other/experiments/svm/executions/x-000000000000"),
        ("started", "soon"),
        ("argv", 7),
    ],
)
def test_a_spool_says_nothing_of_other_runs(orphan: Path, field: str, value: object) -> None:
    spool = spool_of(orphan)
    name, version, begun, documents, _ = json.loads((spool / START).read_text())
    (spool / EVENTS).write_bytes(line_of(name, version, begun | {field: value}, documents))
    with open_store(orphan, policy="manual") as store:
        heard = Heard(store)
        assert store.runs.list() == []
        assert store.reconcile() == []
        assert {type(error) for error in heard.errors} == {DamagedError}


def test_a_spool_of_a_later_version_is_left_to_it(orphan: Path) -> None:
    spool = spool_of(orphan)
    begun = json.loads((spool / START).read_text())[2:4]
    (spool / EVENTS).write_bytes(line_of("start", 99, *begun))
    with open_store(orphan, policy="manual") as store:
        heard = Heard(store)
        assert store.reconcile() == []
        assert "written by a later version" in str(heard.errors[0])


def test_what_somebody_has_deleted_does_not_come_back_with_a_lost_run(
    store: Store, tmp_path: Path
) -> None:
    with store.start_run("iris/svm"):
        pass
    killed(tmp_path, "run.log_metric('loss', 7)")
    store.experiments.delete("iris/svm")
    heard = Heard(store)
    assert store.reconcile() == []
    assert "its experiment was deleted" in str(heard.errors[0])
    assert not store.experiments.exists("iris/svm")
    store.restore("iris/svm")
    assert [run.metrics for run in store.reconcile()] == [{"loss": 7}]


def test_a_lost_run_goes_below_its_experiment_as_it_is_called_now(
    store: Store, tmp_path: Path
) -> None:
    with store.start_run("iris/svm"):
        pass
    killed(tmp_path, "run.log_metric('loss', 7)")
    store.experiments.rename("iris/svm", "svc")
    (found,) = store.reconcile()
    assert found.key.parent == store.key("iris/svc")
    assert not store.experiments.list("iris", where="name = svm")


def test_two_that_reconcile_at_once_record_a_run_once(orphan: Path, tmp_path: Path) -> None:
    text = f"store = open_store({str(orphan)!r})\nprint(len(store.reconcile()))"
    programs = []
    for name in "abc":
        (tmp_path / name).mkdir()
        programs.append(Process(tmp_path / name, text))
    assert sorted(int(program.ended()[1]) for program in programs) == [0, 0, 1]
    with open_store(orphan, policy="manual") as store:
        assert len(store.history(RUN)) == 1


def test_a_full_disk_while_reconciling_loses_nothing(orphan: Path) -> None:
    with open_store(orphan, policy="manual") as store:
        place = store.project_path("iris")
        place.write_text("in the way")
        heard = Heard(store)
        assert store.reconcile() == []
        assert heard.errors or heard.notices
        place.unlink()
        assert [run.metrics for run in store.reconcile()] == [{"loss": 9}]


def test_the_spool_of_a_run_that_does_not_return_goes_after_two_weeks(orphan: Path) -> None:
    with open_store(orphan, policy="manual") as store:
        store.reconcile()
        spool = spool_of(orphan)
        assert store.reconcile() == []
        assert spool.is_dir()
        old = time.time() - 15 * 86400
        os.utime(spool / "settled", (old, old))
        assert store.reconcile() == []
        assert not spool.exists()
        assert len(store.runs.list()) == 1


def test_a_run_that_was_recorded_as_lost_is_no_reason_to_keep_a_clone(
    orphan: Path, tmp_path: Path
) -> None:
    (tmp_path / "lab").mkdir()
    with open_store(orphan, remote=tmp_path / "lab") as store:
        store.sync("iris")
        assert [run.status for run in store.runs.list()] == ["aborted"]
        store.projects.delete("iris", mode="local")


def test_the_project_can_be_used_with_any_garbage_among_the_spools(store: Store) -> None:
    with store.start_run("iris/svm") as run:
        pass
    spools = store.project_path("iris") / ".git/padre/spool"
    spools.mkdir(exist_ok=True)
    (spools / "file").write_text("x")
    (spools / RUN).write_text("x")
    (spools / "directory").mkdir()
    (spools / OTHER).mkdir()
    (spools / OTHER / EVENTS).mkdir()
    assert store.reconcile() == []
    assert [found.key for found in store.runs.list()] == [run.key]
    with store.start_run("iris/svm"):
        pass
    assert git("status", "--porcelain", cwd=store.project_path("iris")) == ""


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory that every user can enter."""
    with contextlib.ExitStack() as ends:
        yield workshop(ends)


def test_the_spool_of_another_user_is_left_alone(shared: Path) -> None:
    needs_root()
    killed(shared, "run.log_metric('loss', 7)")
    with open_store(shared / "store", policy="manual") as store:
        heard = Heard(store)
        os.seteuid(65534)
        try:
            assert store.reconcile() == []
            assert store.runs.list() == []
        finally:
            os.seteuid(0)
        assert "belongs to another user" in heard.notices[0]
        assert len(store.reconcile()) == 1


@pytest.mark.parametrize("begun", [None, b"", b'["start",1,{"key":"iris/exp'])
def test_a_run_whose_process_died_before_it_began_is_none_and_says_nothing(
    orphan: Path, begun: bytes | None
) -> None:
    spool = spool_of(orphan)
    blank = shutil.copytree(spool, spool.with_name(OTHER))
    (blank / START).unlink()
    (blank / EVENTS).unlink()
    if begun is not None:
        (blank / EVENTS).write_bytes(begun)
    with open_store(orphan) as store:
        heard = Heard(store)
        assert [run.id for run in store.runs.list()] == [RUN]
        assert [run.id for run in store.reconcile("iris")] == [RUN]
        assert heard.errors == []
    assert not blank.exists()


def test_a_run_that_begins_while_somebody_looks_is_running_and_says_nothing(
    orphan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = spool_of(orphan)
    begun = (spool / EVENTS).read_bytes()
    (spool / START).unlink()
    (spool / EVENTS).write_bytes(b"")

    def begins(directory: Path) -> bool:
        (directory / EVENTS).write_bytes(begun)
        return is_blank(directory)

    monkeypatch.setattr("padre_git.api.watching.is_blank", begins)
    with open_store(orphan) as store:
        heard = Heard(store)
        assert [run.id for run in store.runs.list()] == [RUN]
        assert heard.errors == []


def test_a_run_that_has_not_ended_cannot_be_tagged_by_others_and_says_so(
    orphan: Path, tmp_path: Path
) -> None:
    with open_store(tmp_path / "other") as store:
        store.start_run("iris/svm").end()
        with store.start_run("iris/svm") as run:
            with pytest.raises(LockedError, match=r"is running: process \d+"):
                store.runs.tag(run.id, "best")
            with pytest.raises(LockedError, match=r"is running: process \d+"):
                store.runs.note(run.id, "good")
    with open_store(orphan) as store:
        with pytest.raises(LockedError, match="is lost, and no record yet"):
            store.runs.tag(RUN, "best")
        store.reconcile()
        assert store.runs.tag(RUN, "best").tags == {"best": ""}

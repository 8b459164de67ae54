"""Runs that go on in another process, and runs that nobody will end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from padre_git.api.opening import open_store
from padre_git.api.store import Store
from padre_git.errors import AlreadyExistsError, InvalidInputError, LockedError, NotFoundError
from padre_git.model import Status
from tests.api.test_recorder_ends import Process
from tests.conftest import git
from tests.servers.processes import needs

RUN = "r-20261122t030000-0123456789ab"
NAMED = "r-20261122t030002-0123456789ad"
OTHER = "r-20261122t030001-0123456789ac"


def killed(place: Path, text: str, run_id: str = RUN, **environment: str) -> Process:
    """Starts a program that begins a run and is killed in the middle of it."""
    code = f'with store.start_run("iris/svm", {{"C": 1}}, id={run_id!r}) as run:\n'
    body = "".join(f"    {line}\n" for line in [*text.splitlines(), "wait()"])
    place.mkdir(exist_ok=True)
    program = Process(place, code + body)
    assert program.killed_by(signal.SIGKILL)[0] == -signal.SIGKILL
    (place / "ready").unlink()
    (place / "train.py").unlink()
    return program


def spool_of(root: Path, run_id: str = RUN) -> Path:
    (found,) = (p for p in root.rglob(f"spool/**/{run_id}") if p.is_dir())
    return found


def elsewhere(spool: Path, *, silent: float = 0) -> None:
    """Makes the last owner of a spool a process of another machine."""
    owner = max(spool.glob("owner.*"), key=lambda path: int(path.suffix[1:]))
    about = json.loads(owner.read_text()) | {"host": "node17", "machine": "m", "pid": 4711}
    owner.write_text(json.dumps(about))
    for file in spool.iterdir():
        os.utime(file, (time.time() - silent,) * 2)


# ------------------------------------------------------------------------------- going on


def test_a_killed_run_goes_on_with_everything_that_it_logged(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("weights")
    program = killed(
        tmp_path,
        f"""
for step in range(6):
    run.log_metric("loss", 1 / (step + 1), step=step)
run.log_param("gamma", 0.5)
run.log_metric("start", 7)
run.set_tag("candidate")
run.add_note("began well")
run.log_text("log.txt", "one")
run.log_artifact({str(tmp_path / "note.txt")!r}, "model/weights.txt")
run.put_split(0, train=[0, 1], test=[2])
run.log_computation("load")
""",
    )
    with open_store(program.root, policy="manual") as store:
        with store.start_run("iris/svm", {"C": 1}, id=RUN) as run:
            assert (run.is_continued, run.last_step) == (True, 5)
            assert run.parameters == {"C": 1, "gamma": 0.5}
            assert run.metrics == {"loss": 1 / 6, "start": 7}
            run.log_metrics({"loss": 40.0}, step=4)
            run.log_metric("loss", 50.0, step=5)
            run.log_metric("loss", 60.0, step=6)
            run.log_metric("start", 8)
            run.put_results(0, [1], [1])
            run.log_computation("load")
            run.log_text("late.txt", "late")
            with pytest.raises(AlreadyExistsError, match="parameter 'C' is 1 already"):
                run.log_param("C", 2)
        found = store.runs.get(RUN)
        assert found.status is Status.FINISHED
        assert found.metrics == {"loss": 60.0, "start": 8}
        points = store.runs.series(RUN)
        assert [(p.step, p.values["loss"]) for p in points] == [
            (0, 1.0), (1, 0.5), (2, 1 / 3), (3, 0.25), (4, 40.0), (5, 50.0), (6, 60.0),
        ]  # fmt: skip
        assert all("start" not in point.values for point in points)
        assert (found.tags, [n.text for n in found.notes]) == ({"candidate": ""}, ["began well"])
        assert store.runs.log(RUN) == "one"
        assert [c.name for c in found.computations] == ["load"]
        assert list(store.splits.get(found.key, 0).train or ()) == [0, 1]
        names = {a.name for a in store.artifacts.list(found)}
        assert names == {"model/weights.txt", "late.txt"}
        assert store.artifacts.get(found, "model/weights.txt").read_text() == "weights"
        assert not list(program.root.rglob("events.jsonl"))
        assert git("status", "--porcelain", cwd=store.project_path("iris")) == ""


@pytest.mark.parametrize("times", [3])
def test_a_run_goes_on_as_often_as_it_is_killed(tmp_path: Path, times: int) -> None:
    for n in range(times):
        first = f"run.log_metric('loss', {n}, step={n})\nrun.log_metric('loss', 0.5, step=100)"
        program = killed(tmp_path, first)
    with (
        open_store(program.root, policy="manual") as store,
        store.start_run("iris/svm", {"C": 1}, id=RUN),
    ):
        pass
    with open_store(program.root, policy="manual") as store:
        assert [(p.step, p.values["loss"]) for p in store.runs.series(RUN)] == [
            (0, 0), (1, 1), (2, 2), (100, 0.5),
        ]  # fmt: skip


def test_parameters_and_seed_that_are_given_again_must_agree(tmp_path: Path) -> None:
    program = killed(tmp_path, "run.log_metric('loss', 1)")
    with open_store(program.root, policy="manual") as store:
        with pytest.raises(AlreadyExistsError, match="parameter 'C' is 1 already, not 2"):
            store.start_run("iris/svm", {"C": 2}, id=RUN)
        with pytest.raises(AlreadyExistsError, match="has the seed None already, not 3"):
            store.start_run("iris/svm", {"C": 1}, seed=3, id=RUN)
        with store.start_run("iris/svm", {"C": 1.0, "kernel": "rbf"}, id=RUN) as run:
            assert run.parameters == {"C": 1, "kernel": "rbf"}


def test_a_run_that_is_running_elsewhere_is_refused_with_who_has_it(tmp_path: Path) -> None:
    program = Process(
        tmp_path, f'with store.start_run("iris/svm", id={RUN!r}) as run:\n    wait()\n'
    )
    program.until_ready()
    try:
        with open_store(program.root, policy="manual") as store:
            with pytest.raises(LockedError) as caught:
                store.start_run("iris/svm", id=RUN)
            assert f"process {program.process.pid} on '{socket.gethostname()}'" in str(caught.value)
            assert "end that process" in str(caught.value)
            assert store.reconcile() == []
    finally:
        assert program.killed_by(signal.SIGTERM)[0] == -signal.SIGTERM


def test_a_run_of_this_process_is_not_begun_twice(store: Store) -> None:
    with (
        store.start_run("iris/svm", id=RUN),
        pytest.raises(LockedError, match=f"process {os.getpid()}"),
    ):
        store.start_run("iris/svm", id=RUN)
    with pytest.raises(AlreadyExistsError, match="it is finished"):
        store.start_run("iris/svm", id=RUN)


def test_a_process_of_elsewhere_is_believed_until_it_is_silent_for_ten_minutes(
    tmp_path: Path,
) -> None:
    program = killed(tmp_path, "run.log_metric('loss', 1)")
    elsewhere(spool_of(program.root), silent=590)
    with open_store(program.root, policy="manual") as store:
        assert [run.status for run in store.runs.list()] == ["running"]
        with pytest.raises(LockedError, match="process 4711 on 'node17'"):
            store.start_run("iris/svm", id=RUN)
        elsewhere(spool_of(program.root), silent=610)
        assert [run.status for run in store.runs.list()] == ["lost"]
        with store.start_run("iris/svm", id=RUN) as run:
            assert run.metrics == {"loss": 1}


def test_a_process_whose_id_belongs_to_another_one_is_dead(tmp_path: Path) -> None:
    program = killed(tmp_path, "run.log_metric('loss', 1)")
    (owner,) = spool_of(program.root).glob("owner.*")
    about = json.loads(owner.read_text())
    before = {"boot": "before", "began": "", "seen": 0.0}
    for change in ({"pid": os.getpid()}, {"pid": os.getpid()} | before):
        owner.write_text(json.dumps(about | change))
        with open_store(program.root, policy="manual") as store:
            assert [run.status for run in store.runs.list()] == ["lost"]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"pid": "x", "host": 7, "attempt": true}'])
def test_an_owner_that_cannot_be_read_is_believed_for_ten_minutes(
    tmp_path: Path, content: str
) -> None:
    program = killed(tmp_path, "run.log_metric('loss', 1)")
    spool = spool_of(program.root)
    (owner,) = spool.glob("owner.*")
    owner.write_text(content)
    with open_store(program.root, policy="manual") as store:
        with pytest.raises(LockedError, match="an unknown process has it"):
            store.start_run("iris/svm", id=RUN)
        for file in spool.iterdir():
            os.utime(file, (1, 1))
        assert [run.status for run in store.reconcile()] == ["aborted"]


def test_a_clock_that_is_ahead_takes_no_living_run(tmp_path: Path) -> None:
    needs("faketime")
    program = killed(tmp_path, "run.log_metric('loss', 1)")
    elsewhere(spool_of(program.root))
    words = ["faketime", "-f", "+20m", sys.executable, "-m", "padre_git"]
    asked = {**os.environ, "NO_FAKE_STAT": "1"}
    done = subprocess.run(
        [*words, "--root", str(program.root), "reconcile"],
        env=asked,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "no run is lost" in done.stdout + done.stderr
    with open_store(program.root, policy="manual") as store:
        assert [run.status for run in store.runs.list()] == ["running"]


def test_the_environment_names_the_run_of_a_program_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PADRE_RUN_ID", NAMED)
    with store.start_run("iris/svm") as run, store.start_run("iris/svm", parent=run) as child:
        assert run.id == NAMED
        assert child.id != NAMED
    with store.start_run("iris/svm") as second:
        assert second.id not in {NAMED, child.id}
    monkeypatch.setenv("PADRE_RUN_ID", "best")
    with pytest.raises(InvalidInputError, match="invalid run id: 'best'"):
        store.start_run("iris/svm")


def test_the_environment_continues_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = killed(tmp_path, "run.log_metric('loss', 1)", run_id=OTHER)
    monkeypatch.setenv("PADRE_RUN_ID", OTHER)
    with (
        open_store(program.root, policy="manual") as store,
        store.start_run("iris/svm") as run,
    ):
        assert run.id == OTHER
        assert run.metrics == {"loss": 1}


# ------------------------------------------------------------------------- watching, orphans


def test_a_running_run_is_seen_by_other_processes_with_its_present_values(
    store: Store, reopened: Store
) -> None:
    with store.start_run("iris/svm", {"C": 1}) as ended:
        pass
    with store.start_run("iris/svm", {"C": 2}) as run:
        run.log_metric("loss", 0.5, step=3)
        run.set_tag("candidate")
        found = reopened.runs.get(run.id[-12:-6])
        assert (found.key, found.status, found.ended) == (run.key, Status.RUNNING, None)
        assert (found.parameters, found.metrics) == ({"C": 2}, {"loss": 0.5})
        run.log_metric("loss", 0.25, step=4)
        run.add_note("halfway")
        found = reopened.runs.get(run.key)
        assert (found.metrics, found.notes[0].text) == ({"loss": 0.25}, "halfway")
        assert [p.step for p in reopened.runs.series(run.key)] == [3, 4]
        assert [r.key for r in reopened.runs.list("iris/svm")] == [ended.key, run.key]
        running = reopened.runs.list("iris/svm", where="status = running")
        assert [r.key for r in running] == [run.key]
        assert [r.key for r in reopened.runs.list(where={"status": "finished"})] == [ended.key]
        assert reopened.runs.exists(run.key)
        assert len(reopened.shorten([ended.key, run.key])) == 2
    assert [r.status for r in reopened.runs.list("iris/svm")] == ["finished", "finished"]


def test_the_first_run_of_a_project_is_seen_while_it_runs(store: Store, reopened: Store) -> None:
    with store.start_run("iris/svm") as run:
        run.log_metric("loss", 1)
        assert [found.metrics for found in reopened.runs.list()] == [{"loss": 1}]
        assert reopened.runs.get(run.key).status is Status.RUNNING


def test_a_lost_run_becomes_an_aborted_one_with_everything_that_it_logged(tmp_path: Path) -> None:
    program = killed(
        tmp_path, "for step in range(1000):\n    run.log_metric('loss', step / 7, step=step)"
    )
    with open_store(program.root, policy="manual") as store:
        assert store.runs.get(RUN).status is Status.LOST
        (found,) = store.reconcile("iris")
        assert (found.status, found.metrics) == (Status.ABORTED, {"loss": 999 / 7})
        assert found == store.runs.get(RUN)
        assert len(store.runs.series(RUN)) == 1000
        assert found.notes[0].text == "The process of this run ended without ending it."
        assert store.reconcile() == []
        assert [run.status for run in store.runs.list("iris/svm")] == ["aborted"]
        assert git("status", "--porcelain", cwd=store.project_path("iris")) == ""


def test_a_run_that_was_taken_for_lost_goes_on_if_it_returns(tmp_path: Path) -> None:
    program = killed(tmp_path, "run.log_metric('loss', 1, step=1)\nrun.log_text('log.txt', 'x')")
    with open_store(program.root, policy="manual") as store:
        store.reconcile()
        store.runs.tag(RUN, "strange")
        store.runs.note(RUN, "what happened?")
        with store.start_run("iris/svm", id=RUN) as run:
            assert store.runs.get(RUN).status is Status.RUNNING
            run.log_metric("loss", 2, step=2)
        found = store.runs.get(RUN)
        assert (found.status, found.metrics) == (Status.FINISHED, {"loss": 2})
        assert [p.step for p in store.runs.series(RUN)] == [1, 2]
        assert "strange" in found.tags
        ended = "The process of this run ended without ending it."
        assert {note.text for note in found.notes} == {ended, "what happened?"}
        assert len(store.history(RUN)) == 4
        assert not list(program.root.rglob("events.jsonl"))


def test_a_process_that_was_only_silent_ends_its_run_itself(store: Store, reopened: Store) -> None:
    with store.start_run("iris/svm", id=RUN) as run:
        run.log_metric("loss", 1)
        elsewhere(spool_of(tmp_root(store)), silent=700)
        assert [r.status for r in reopened.reconcile()] == ["aborted"]
        run.log_metric("accuracy", 2)
        assert reopened.runs.get(RUN).metrics == {"loss": 1, "accuracy": 2}
    found = store.runs.get(RUN)
    assert (found.status, found.metrics) == (Status.FINISHED, {"loss": 1, "accuracy": 2})


def test_a_process_whose_run_another_one_has_taken_over_does_not_end_it(
    store: Store, reopened: Store
) -> None:
    run = store.start_run("iris/svm", id=RUN)
    run.log_metric("loss", 1)
    elsewhere(spool_of(tmp_root(store)), silent=700)
    with reopened.start_run("iris/svm", id=RUN) as other:
        with pytest.raises(LockedError, match=f"process {os.getpid()}"):
            run.end()
        other.log_metric("accuracy", 2)
    assert store.runs.get(RUN).metrics == {"loss": 1, "accuracy": 2}
    with pytest.raises(AlreadyExistsError, match="ended by another process: it is finished"):
        run.end()
    assert run.status == "finished"
    assert store.runs.get(RUN).metrics == {"loss": 1, "accuracy": 2}


def tmp_root(store: Store) -> Path:
    assert store.root is not None
    return store.root


def test_a_run_that_is_aborted_goes_on_too(store: Store) -> None:
    run = store.start_run("iris/svm", {"C": 1})
    run.log_metric("loss", 1, step=1)
    run.end("aborted")
    assert store.runs.get(run.key).status is Status.ABORTED
    assert store.reconcile() == []
    with store.start_run("iris/svm", {"C": 1}, id=run.id) as again:
        again.log_metric("loss", 2, step=2)
        assert store.runs.count("iris") == {Status.RUNNING: 1}
        with pytest.raises(LockedError):
            store.runs.delete(run.key)
    assert store.runs.count("iris") == {Status.FINISHED: 1}
    assert [point.step for point in store.runs.series(run.key)] == [1, 2]


def test_an_aborted_run_that_is_deleted_does_not_go_on(store: Store) -> None:
    run = store.start_run("iris/svm")
    run.log_metric("loss", 1)
    run.end("aborted")
    store.runs.delete(run.key)
    with store.start_run("iris/svm", id=run.id) as anew:
        assert (anew.is_continued, dict(anew.metrics)) == (False, {})


def test_an_aborted_run_whose_log_is_gone_does_not_go_on(store: Store) -> None:
    run = store.start_run("iris/svm", id=NAMED[:-1] + "z")
    run.end("aborted")
    shutil.rmtree(spool_of(tmp_root(store), run.id))
    with pytest.raises(AlreadyExistsError, match="not kept here any more"):
        store.start_run("iris/svm", id=run.id)


def test_a_lost_run_can_be_deleted(tmp_path: Path) -> None:
    program = killed(tmp_path, "run.log_metric('loss', 1)")
    with open_store(program.root, policy="manual") as store:
        store.runs.delete(RUN)
        assert store.runs.list() == []
        assert store.reconcile() == []
        with pytest.raises(NotFoundError):
            store.runs.delete(RUN)

"""What each policy promises, against a remote that takes a connection and never says a word."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import padre_git
from padre_git import Experiment, Notice, Project
from padre_git.backends.batching import Batch
from padre_git.backends.dual import DualLayer
from padre_git.backends.git import GitBackend
from padre_git.backends.policy import Policy
from padre_git.backends.status import State
from padre_git.errors import RemoteUnavailableError
from padre_git.messages import Message, Op
from padre_git.model import Change, ChangeSet, Key
from padre_git.testing.documents import EXPERIMENT, IRIS, files_of, run_key, store
from padre_git.vcs.remotes import RemoteLocation
from padre_git.vcs.transport import Terms
from tests.backends.dual_stores import Lab
from tests.conftest import git
from tests.waiting import until

RUN = run_key(1)
#: Far below any limit of git or of ours, far above what local work takes on a busy machine.
SOON = 20.0


@pytest.fixture
def silence() -> Iterator[str]:
    """The URL of a host that accepts connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"git://127.0.0.1:{listening.getsockname()[1]}/lab"


@pytest.fixture
def lab(lab: Lab) -> Lab:
    store(lab.store("ada"), IRIS, EXPERIMENT)
    return lab


def record(backend: DualLayer, *keys: Key) -> None:
    changes = tuple(Change(key=key, files=files_of(key)) for key in keys)
    backend.apply(ChangeSet(changes=changes), Message(op=Op.RECORD, subject="a run ended"))


def stalled(lab: Lab, silence: str, **options: object) -> DualLayer:
    local = GitBackend(lab.directory / "ada", notify=lab.events.append)
    options = {"notify": lab.events.append, "terms": Terms(ask=60), **options}
    return DualLayer(local, RemoteLocation.parse(silence), **options)


def gits(silence: str) -> set[str]:
    """Returns the processes that talk to the silent host."""
    shown = subprocess.run(["ps", "-ewwo", "pid,args"], capture_output=True, text=True).stdout
    return {line for line in shown.splitlines() if silence in line}


# -- recording ----------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["auto", "always", "manual"])
def test_a_recorder_block_never_waits_for_the_network(
    tmp_path: Path, lab: Lab, silence: str, policy: str
) -> None:
    root = tmp_path / "ada"
    begun = time.monotonic()
    store = padre_git.open(root, remote=silence, policy=policy, max_age=0, push_every=3600)
    with store.start_run("iris/svm", {"C": 1}, seed=7) as run:
        run.log_metric("accuracy", 0.9)
    assert time.monotonic() - begun < SOON
    assert git("log", "--format=%s", "-1", "main", cwd=root / "iris").startswith("svm ")
    store._backend._batch._take(1e12)  # nothing is left for the end
    store.close()


def test_a_run_of_a_project_that_is_new_waits_once_to_ask_for_it(
    tmp_path: Path, silence: str
) -> None:
    location = RemoteLocation.parse(silence)
    dual = DualLayer(GitBackend(tmp_path / "eve"), location, terms=Terms(ask=1))
    with padre_git.Store(dual, root=tmp_path / "eve") as opened:
        begun = time.monotonic()
        for number in range(3):
            with opened.start_run("rice/svm", {"C": number}):
                pass
        assert time.monotonic() - begun < SOON
        assert len(opened.runs.list("rice/svm")) == 3


def test_an_experiment_that_only_the_remote_has_is_got_before_the_run_begins(lab: Lab) -> None:
    with padre_git.open(lab.directory / "ben", remote=lab.remote, max_age=3600) as ben:
        ben.pull("iris")
        with padre_git.open(lab.directory / "cleo", remote=lab.remote) as cleo:
            cleo.pull("iris")
            forest = Experiment(project="iris", name="forest", parameters={"trees": 10})
            cleo.experiments.put(forest)
        with ben.start_run("iris/forest") as run:
            pass
        assert ben.runs.get(run.key).defaults == {"trees": 10}


def test_recording_with_auto_asks_no_more_than_with_manual(lab: Lab, tmp_path: Path) -> None:
    spy = tmp_path / "asked"
    pack = tmp_path / "upload-pack"
    pack.write_text(f'#!/bin/sh\necho x >> {spy}\nexec git-upload-pack "$@"\n')
    pack.chmod(0o755)
    git("config", "--global", f"remote.file://{lab.bare()}.uploadpack", pack, cwd=tmp_path)
    opened = padre_git.open(
        lab.directory / "ada", remote=lab.remote, policy="auto", max_age=0, push_every=3600
    )
    for number in range(3):
        with opened.start_run("iris/svm", {"C": number}):
            pass
    assert not spy.exists()
    opened.close()


# -- flush, close and the end -------------------------------------------------------------------


def test_flush_raises_what_failed_and_what_waits_is_shown(lab: Lab, silence: str) -> None:
    ada = stalled(lab, silence, push_every=3600, terms=Terms(ask=1))
    record(ada, RUN)
    found = ada.status("iris")
    assert found.records == {RUN: State.LOCAL_ONLY}
    assert found.ahead == 1
    with pytest.raises(RemoteUnavailableError):
        ada.flush()
    ada.flush()  # nothing is waiting any more, until the next run or push
    ada.close()


def test_closing_is_bounded_and_says_what_was_not_published(lab: Lab, silence: str) -> None:
    ada = stalled(lab, silence, push_every=3600)
    ada._batch._closing = 1.0
    record(ada, RUN)
    lab.events.clear()
    begun = time.monotonic()
    ada.close()
    assert time.monotonic() - begun < SOON
    assert not gits(silence), "no process is left"
    told = [notice.text for notice in lab.heard(Notice)]
    assert any("not published within 1 seconds" in text for text in told), told
    with lab.store("ada") as again:
        again.push("iris")
    assert RUN in lab.store("fresh").read([RUN])


def test_closing_in_the_middle_of_a_push_ends_it(lab: Lab, silence: str) -> None:
    ada = stalled(lab, silence, push_every=0)
    ada._batch._closing = 0.5
    record(ada, RUN)
    until(lambda: gits(silence))
    ada.close()
    assert not gits(silence)
    assert RUN in ada.read([RUN])
    ada.close()


def test_a_silence_that_is_known_is_not_waited_for_again_at_the_end(lab: Lab, silence: str) -> None:
    ada = stalled(lab, silence, push_every=3600, max_age=3600, terms=Terms(ask=1))
    with pytest.raises(RemoteUnavailableError):
        ada.pull("iris")
    lab.events.clear()
    record(ada, RUN)
    with stalled(lab, silence, push_every=3600, max_age=3600) as another:
        record(another, run_key(2))
        begun = time.monotonic()
    ada.close()
    assert time.monotonic() - begun < SOON
    assert sum("waits here" in notice.text for notice in lab.heard(Notice)) == 1


END = """
import sys, padre_git
store = padre_git.open(sys.argv[1], remote=sys.argv[2], push_every=3600)
run = store.start_run("iris/svm", {"C": 1})
run.log_metric("accuracy", 1)
sys.exit(int(sys.argv[3]))
"""


@pytest.mark.parametrize("code", [0, 1])
def test_a_run_that_only_the_end_of_the_process_ends_is_published_then(lab: Lab, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", END, lab.directory / "ada", lab.remote, str(code)],
        capture_output=True, text=True, cwd=lab.directory,
    )  # fmt: skip
    assert done.returncode == code
    assert done.stderr == ""
    with padre_git.open(lab.directory / "ben", remote=lab.remote) as ben:
        assert len(ben.runs.list("iris/svm")) == 1


def test_a_process_that_ends_beside_a_silent_remote_ends_soon(lab: Lab, silence: str) -> None:
    code = END.replace(
        "store =", "import padre_git.backends.batching as b\nb._CLOSING = 1\nstore ="
    )
    code = code.replace("run =", "store._backend._batch._closing = 1\nrun =")
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, lab.directory / "ada", silence, "0"],
        capture_output=True, text=True, cwd=lab.directory,
    )  # fmt: skip
    assert done.returncode == 0
    assert "not published within" in done.stderr
    assert time.monotonic() - begun < 2 * SOON
    assert not gits(silence)


def test_a_fork_publishes_what_it_has_recorded_and_nothing_of_its_parents(lab: Lab) -> None:
    ada = lab.store("ada", policy=Policy.AUTO, push_every=3600)
    record(ada, RUN)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            ada.flush()  # what waits is the parent's
            record(ada, run_key(2))
            ada.close()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert run_key(2) in lab.store("fresh").read([run_key(2)])
    ada.close()
    assert set(lab.store("fresh").scan(EXPERIMENT)) == {RUN, run_key(2)}


def test_what_a_silent_remote_did_not_take_goes_out_when_it_answers(lab: Lab) -> None:
    ada = lab.store("ada", policy=Policy.AUTO, push_every=0.1, max_age=0.1)
    ada._batch._delay = 0.1
    lab.go_offline()
    record(ada, RUN)
    until(lambda: lab.heard(Notice))
    lab.go_online()
    until(lambda: ada.urls([RUN]))
    assert RUN in lab.store("fresh").read([RUN]), "without another call"


def test_many_runs_wait_together_and_nobody_counts_them(lab: Lab) -> None:
    pushed: list[str] = []
    batch = Batch(pushed.append, delay=0.2, tell=lambda *_: None)
    threads = [threading.Thread(target=batch.add, args=("iris",)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batch.close()
    assert pushed == ["iris"]


# -- open runs ----------------------------------------------------------------------------------


def test_closing_a_store_ends_no_run_and_says_which_are_open(lab: Lab) -> None:
    told: list[str] = []
    opened = padre_git.open(lab.directory / "ada", remote=lab.remote)
    opened.subscribe(Notice, lambda event: told.append(event.text))
    ended = opened.start_run("iris/svm", {"C": 1})
    ended.end()
    run = opened.start_run("iris/svm", {"C": 2})
    opened.close()
    assert [text for text in told if "still open" in text] == [
        f"run '{run.key}' is still open; it is recorded when it ends"
    ]
    run.log_metric("accuracy", 1)
    assert run.end().status == "finished"
    opened.close()
    assert len([text for text in told if "still open" in text]) == 1
    with padre_git.open(lab.directory / "ben", remote=lab.remote) as ben:
        assert ben.runs.get(run.key).metrics == {"accuracy": 1}


def test_a_block_of_a_run_in_the_block_of_its_store_is_no_reason_to_speak(tmp_path: Path) -> None:
    told: list[str] = []
    opened = padre_git.open(tmp_path / "eve")
    opened.subscribe(Notice, lambda event: told.append(event.text))
    with opened, opened.start_run("rice/svm"):
        opened.projects.put(Project(name="wine"))
    assert not any("still open" in text for text in told)


ARTIFACT = END.replace(
    'run.log_metric("accuracy", 1)',
    'run.log_text("words.txt", "so many words")\nrun.log_artifact(sys.argv[4])',
)


def test_so_is_its_data(lab: Lab, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(os.urandom(1 << 20) * 17)
    done = subprocess.run(
        [sys.executable, "-c", ARTIFACT, lab.directory / "ada", lab.remote, "0", large],
        capture_output=True, text=True, cwd=lab.directory,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    with padre_git.open(lab.directory / "ben", remote=lab.remote) as ben:
        (run,) = ben.runs.list("iris/svm")
        assert ben.artifacts.get(run, "large.bin").read_bytes() == large.read_bytes()

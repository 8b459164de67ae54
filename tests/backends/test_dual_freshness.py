"""When a remote is asked: once in a while for all processes of a root, and silence is shared."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from padre_git.backends.asked import Asked
from padre_git.backends.policy import Freshness, Policy
from padre_git.errors import RemoteUnavailableError
from padre_git.messages import Notice
from padre_git.model import Key
from padre_git.testing.documents import EXPERIMENT, IRIS, put, run_key, store
from tests.backends.dual_stores import Lab
from tests.conftest import git
from tests.waiting import quickest

HOUR = 3600


@pytest.fixture
def lab(lab: Lab) -> Lab:
    store(lab.store("ada"), IRIS, EXPERIMENT)
    return lab


def elsewhere(lab: Lab, code: str, who: str = "ben") -> str:
    """Runs code in another process that has a store of this person, and returns what it prints."""
    script = (
        "from pathlib import Path\n"
        "from padre_git.backends.policy import Policy\n"
        "from padre_git.testing.documents import EXPERIMENT, IRIS, put, run_key\n"
        "from tests.backends.dual_stores import Lab\n"
        "lab = Lab.__new__(Lab)\n"
        f"lab.directory, lab.events, lab._open = Path({str(lab.directory)!r}), [], []\n"
        "lab.remote = lab.directory / 'lab'\n"
        f"store = lab.store({who!r}, max_age=3600)\n"
        f"{code}\n"
        "print([type(e).__name__ + ' ' + getattr(e, 'text', '') for e in lab.events])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def mark(lab: Lab, who: str = "ben") -> Path:
    return lab.clone(who) / ".git" / "padre" / "asked"


def test_what_one_process_has_asked_the_next_one_believes(lab: Lab) -> None:
    ben = lab.store("ben", max_age=HOUR)
    assert set(ben.scan(IRIS)) == {EXPERIMENT}
    put(lab.store("ada"), run_key(1))
    assert "False" in elsewhere(lab, "print(run_key(1) in set(store.scan(IRIS)))")
    os.utime(mark(lab), (time.time() - 2 * HOUR,) * 2)
    assert "True" in elsewhere(lab, "print(run_key(1) in set(store.scan(IRIS)))")
    assert time.time() - mark(lab).stat().st_mtime < 60, "the answer is remembered"


def test_a_time_in_the_future_is_no_reason_not_to_ask(lab: Lab) -> None:
    assert set(lab.store("ben", max_age=HOUR).scan(IRIS)) == {EXPERIMENT}
    put(lab.store("ada"), run_key(1))
    os.utime(mark(lab), (time.time() + HOUR / 2,) * 2)
    assert run_key(1) in set(lab.store("ben", max_age=HOUR).scan(IRIS))


def test_an_answer_of_another_remote_counts_for_nothing(lab: Lab) -> None:
    assert set(lab.store("ben", max_age=HOUR).scan(IRIS)) == {EXPERIMENT}
    put(lab.store("ada"), run_key(1))
    mark(lab).write_text("file:///somewhere/else\n")
    assert run_key(1) in set(lab.store("ben", max_age=HOUR).scan(IRIS))


def test_one_silence_holds_for_all_processes(lab: Lab) -> None:
    ben = lab.store("ben", max_age=HOUR)
    assert set(ben.scan(IRIS)) == {EXPERIMENT}
    lab.go_offline()
    with pytest.raises(RemoteUnavailableError):
        ben.sync("iris")
    lab.go_online()
    put(lab.store("ada"), run_key(1))
    head = lab.head()
    said = elsewhere(lab, "print(store.read([run_key(1)]))\nput(store, run_key(2))")
    assert "{}" in said, "not even for what is missing"
    assert lab.head() == head
    assert said.count("Notice offline") == 1, "who writes is told that it waits"
    said = elsewhere(lab, "store.sync('iris')\nput(store, run_key(3))")
    assert lab.head() == git("rev-parse", "main", cwd=lab.clone("ben")).strip()
    assert "offline" not in said, "who asks all the same ends the silence"


def test_silence_of_a_time_to_come_is_not_believed(lab: Lab) -> None:
    (lab.directory / "ben").mkdir()
    asked = Asked(lab.directory / "ben", str(lab.remote))
    asked.silent("no answer")
    assert asked.silence() == pytest.approx(0, abs=60)
    silent = lab.directory / "ben" / ".padre" / "silent"
    os.utime(silent, (time.time() + HOUR,) * 2)
    assert asked.silence() is None
    assert asked.reason() == "no answer"
    assert Asked(lab.directory / "ben", "elsewhere").silence() is None
    asked.heard()
    asked.heard()
    assert not silent.exists()


def test_where_nothing_can_be_written_every_process_asks_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    asked = Asked(tmp_path / "file", "lab")
    asked.answered("iris")
    asked.silent("no answer")
    asked.heard()
    assert asked.silence() is None
    assert asked.since("iris") is None
    fresh = Freshness(Policy.AUTO, HOUR, asked=asked)
    fresh.answered("iris")
    assert not fresh.due("iris")


def test_the_shared_memory_leaves_no_trace_in_the_clone(lab: Lab) -> None:
    ben = lab.store("ben", max_age=HOUR)
    ben.pull("iris")
    lab.go_offline()
    with pytest.raises(RemoteUnavailableError):
        ben.pull("iris")
    assert git("status", "--porcelain", cwd=lab.clone("ben")) == ""
    assert list(ben.local.scan()) == [IRIS, EXPERIMENT]
    lab.go_online()


def test_many_projects_are_asked_at_the_same_time(lab: Lab) -> None:
    names = [f"project{number}" for number in range(6)]
    ada, ben = lab.store("ada"), lab.store("ben")
    for name in names:
        put(ada, Key.project_named(name))
        ben.pull(name)
    # a server that answers after a second, whoever asks
    slow = lab.directory / "upload-pack"
    slow.write_text('#!/bin/sh\nsleep 1\nexec git-upload-pack "$@"\n')
    slow.chmod(0o755)
    for name in names:
        put(ada, Key.project_named(name), title="new")
        url = f"remote.file://{lab.bare(name)}.uploadpack"
        git("config", "--global", url, slow, cwd=lab.remote)
    found: set[Key] = set()
    spent = quickest(lambda: found.update(ben.scan()), enough=5.5)
    assert spent < 5.5, "six seconds one after another"
    assert {Key.project_named(name) for name in names} <= found
    assert all(
        b"title: new" in record.files["project.yaml"]
        for record in ben.local.read([Key.project_named(n) for n in names]).values()
    )


def test_of_many_projects_on_a_silent_host_only_the_first_are_asked(lab: Lab) -> None:
    ada, ben = lab.store("ada"), lab.store("ben", max_age=HOUR)
    for number in range(9):
        put(ada, Key.project_named(f"project{number}"))
        ben.pull(f"project{number}")
    refuse = lab.directory / "upload-pack"
    refuse.write_text(
        f"#!/bin/sh\necho x >> {lab.directory}/asked\nsleep 0.5\n"
        "echo 'ssh: Could not resolve hostname lab' >&2\nexit 128\n"
    )
    refuse.chmod(0o755)
    for number in range(9):
        url = f"remote.file://{lab.bare(f'project{number}')}.uploadpack"
        git("config", "--global", url, refuse, cwd=lab.remote)
    lab.events.clear()
    again = lab.store("ben", max_age=0.3)
    time.sleep(0.4)
    threads = threading.active_count()
    again.scan()
    asked = (lab.directory / "asked").read_text().split()
    assert 1 <= len(asked) <= 5
    assert sum("offline" in n.text for n in lab.heard(Notice)) == 1
    assert threading.active_count() <= threads


def test_why_reads_are_not_up_to_date_is_told_once(lab: Lab) -> None:
    ben = lab.store("ben", policy=Policy.ALWAYS)
    ben.pull("iris")
    bare, away = lab.bare(), lab.remote / "away"
    bare.rename(away)
    lab.events.clear()
    for _ in range(3):
        ben.read([IRIS])
    (told,) = lab.heard(Notice)
    assert "'iris' is as it was seen last" in told.text
    away.rename(bare)
    ben.read([IRIS])
    bare.rename(away)
    ben.read([IRIS])
    assert len(lab.heard(Notice)) == 1
    away.rename(bare)

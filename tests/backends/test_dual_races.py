"""Many at once: processes that push the same project at the same time lose nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from padre_git.backends.policy import Policy
from padre_git.errors import RejectedError
from padre_git.messages import Message, Op
from padre_git.model import Change, ChangeSet
from padre_git.testing.documents import EXPERIMENT, IRIS, files_of, put, run_key, store
from tests.backends.dual_stores import Lab
from tests.conftest import git

WRITER = """
import sys
from pathlib import Path
from padre_git.testing.documents import put, run_key
from tests.backends.dual_stores import Lab

lab = Lab.__new__(Lab)
lab.directory, lab.events, lab._open = Path(sys.argv[1]), [], []
lab.remote = lab.directory / "lab"
first, count = int(sys.argv[3]), int(sys.argv[4])
with lab.store(sys.argv[2]) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(first, first + count):
        put(store, run_key(number))
"""


@pytest.fixture
def lab(lab: Lab) -> Lab:
    store(lab.store("ada"), IRIS, EXPERIMENT)
    return lab


def race(lab: Lab, people: list[str], each: int) -> None:
    """Lets processes write runs at the same time."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, lab.directory, name, str(100 * number), str(each)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for number, name in enumerate(people)
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n", writer.communicate()
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        _, errors = writer.communicate(timeout=150)
        assert writer.returncode == 0, errors


def all_runs(people: list[str], each: int) -> set:
    return {run_key(100 * n + i) for n in range(len(people)) for i in range(each)}


FASTER = """#!/bin/sh
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
git update-ref refs/heads/main "$(git commit-tree -p main -m faster 'main^{tree}')"
"""


def test_who_is_overtaken_again_and_again_is_published_soon(lab: Lab) -> None:
    ada = lab.store("ada")
    hook = lab.bare() / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(FASTER)
    hook.chmod(0o700)
    put(ada, run_key(1))
    assert list(lab.store("ben").scan(EXPERIMENT)) == []
    with pytest.raises(RejectedError, match="others were faster 12 times"):
        ada.flush()
    put(ada, run_key(2))
    hook.unlink()
    ada.flush()
    assert set(lab.store("cleo").scan(EXPERIMENT)) == {run_key(1), run_key(2)}


def test_three_people_who_push_at_once_all_get_through(lab: Lab) -> None:
    people = ["ben", "cleo", "dora"]
    race(lab, people, each=4)
    fresh = lab.store("fresh")
    assert set(fresh.scan(EXPERIMENT)) == all_runs(people, 4)
    for name in people:
        reader = lab.store(name)
        assert set(reader.scan(EXPERIMENT)) == all_runs(people, 4)
        assert git("status", "--porcelain", cwd=lab.clone(name)) == ""


def test_three_processes_of_one_clone_that_push_at_once_all_get_through(lab: Lab) -> None:
    people = ["ada", "ada", "ada"]
    race(lab, people, each=4)
    assert set(lab.store("fresh").scan(EXPERIMENT)) == all_runs(people, 4)
    assert git("rev-parse", "main", cwd=lab.clone("ada")).strip() == lab.head()


def test_threads_and_the_background_share_one_store(lab: Lab) -> None:
    ada = lab.store("ada", push_every=0.05)

    def write(first: int) -> None:
        for number in range(first, first + 4):
            if number % 2:
                put(ada, run_key(number))
            else:
                change = Change(key=run_key(number), files=files_of(run_key(number)))
                ada.apply(ChangeSet(changes=(change,)), Message(op=Op.RECORD, subject="run"))

    threads = [threading.Thread(target=write, args=(100 * n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ada.close()
    assert set(lab.store("fresh").scan(EXPERIMENT)) == all_runs(["a", "b", "c"], 4)


def test_one_writes_while_another_syncs(lab: Lab) -> None:
    ben = lab.store("ben")
    ben.pull("iris")
    writer = lab.store("ben", policy=Policy.MANUAL)
    done = threading.Event()

    def write() -> None:
        for number in range(12):
            put(writer, run_key(number))
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not done.is_set():
        ben.sync("iris")
    thread.join()
    ben.sync("iris")
    assert set(lab.store("fresh").scan(EXPERIMENT)) == all_runs(["a"], 12)
    assert git("rev-parse", "main", cwd=lab.clone("ben")).strip() == lab.head()


def test_killed_between_push_and_branch_a_writer_leaves_nothing_to_repair(lab: Lab) -> None:
    hook = lab.bare() / "hooks" / "post-receive"
    hook.parent.mkdir()
    hook.write_text('#!/bin/sh\nkill -9 "$WRITER"\n')
    hook.chmod(0o755)
    code = WRITER.replace(
        "with lab.store", "import os\nos.environ['WRITER'] = str(os.getpid())\nwith lab.store"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, lab.directory, "ada", "0", "1"],
        input="go\n", text=True, cwd=Path(__file__).parents[2], capture_output=True,
    )  # fmt: skip
    assert done.returncode == -9
    hook.unlink()
    ada = lab.store("ada")
    assert run_key(0) in ada.read([run_key(0)])
    put(ada, EXPERIMENT, title="after the crash")
    assert git("rev-parse", "main", cwd=lab.clone("ada")).strip() == lab.head()
    assert git("status", "--porcelain", cwd=lab.clone("ada")) == ""
    assert set(lab.store("fresh").scan(EXPERIMENT)) == {run_key(0)}


def test_many_who_get_a_project_for_the_first_time_share_one_clone(lab: Lab) -> None:
    seen: list[set] = []
    stores = [lab.store("ben") for _ in range(4)]
    threads = [
        threading.Thread(target=lambda one=one: seen.append(set(one.scan(IRIS)))) for one in stores
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [{EXPERIMENT}] * 4
    assert [path.name for path in (lab.directory / "ben").iterdir()] == ["iris"]

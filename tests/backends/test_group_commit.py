"""Group commit: change sets that find the clone locked are written by whoever holds it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from padre_git.backends import GitBackend
from padre_git.backends.grouping import Grouping
from padre_git.backends.handing import ALONE, Write, read_answer, read_request
from padre_git.backends.urls import keep_urls
from padre_git.backends.writing import Writing
from padre_git.errors import ConflictError, LockedError, NotFoundError
from padre_git.messages import Author, Event, Message, Op
from padre_git.model import ABSENT, Change, ChangeSet, Key
from padre_git.processes import this_process
from padre_git.testing.documents import EXPERIMENT, IRIS, files_of, put, remove, run_key
from padre_git.testing.storing import ONE_OF_EACH, found
from padre_git.vcs.queue import Ticket, framed
from padre_git.vcs.repository import Repository
from tests.backends.git_stores import backend, commits, iris
from tests.conftest import git
from tests.killing import killed

__all__ = ["backend", "iris"]

_ZOE = Author(name="Zoë", email="zoe@example.org")


def write_of(number: int, *, expected: str | None = ABSENT, author: Author | None = _ZOE) -> Write:
    key = run_key(number)
    message = Message(op=Op.RECORD, subject=f"run {number}", author=author)
    change = Change(key=key, files=files_of(key), expected=expected)
    return Write(changes=ChangeSet(changes=(change,)), message=message)


def request_of(number: int) -> bytes:
    return write_of(number).request(_ZOE, datetime.now(UTC))


@contextmanager
def waiting(backend: GitBackend, *numbers: int) -> Iterator[list[Ticket]]:
    """Has requests in the queue, as writers leave them there that wait."""
    queue = _repository(backend).queue
    handed = [queue.hand_over(request_of(number)) for number in numbers]
    tickets = [one.__enter__() for one in handed]
    try:
        yield tickets
    finally:
        for one in handed:
            one.__exit__(None, None, None)


def _repository(backend: GitBackend) -> Repository:
    repository = backend.repository("iris")
    assert repository is not None
    return repository


def queue_of(project: Path) -> list[str]:
    directory = project / ".git" / "padre" / "queue"
    names = {path.name for path in directory.iterdir()} if directory.is_dir() else set()
    return sorted(names - {"group"})


def packs(project: Path) -> set[str]:
    return {path.name for path in (project / ".git/objects/pack").glob("*.pack")}


def in_threads(*tasks: Callable[[], object]) -> Callable[[], list[object]]:
    """Starts tasks and returns what waits for what they return or raise."""
    results: list[object] = [None] * len(tasks)

    def run(number: int) -> None:
        try:
            results[number] = tasks[number]()
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(tasks))]
    for thread in threads:
        thread.start()

    def join() -> list[object]:
        for thread in threads:
            thread.join(120)
        return results

    return join


def test_those_that_wait_for_the_clone_become_one_write(backend: GitBackend, iris: Path) -> None:
    repository = _repository(backend)
    before = packs(iris)
    with repository.lock():
        join = in_threads(*(lambda n=n: put(backend, run_key(n)) for n in range(6)))
        while len(queue_of(iris)) < 6:
            time.sleep(0.005)
    results = join()
    assert all(isinstance(result, str) for result in results), results
    assert len(packs(iris) - before) <= 2
    assert sorted(commits(iris, "-6")) == sorted(f"put {run_key(n).name}" for n in range(6))
    assert queue_of(iris) == []
    assert git("status", "--porcelain", cwd=iris) == ""


def test_every_write_keeps_its_author_and_its_time(backend: GitBackend, iris: Path) -> None:
    when = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
    write = write_of(1)
    handed = Write(
        changes=write.changes,
        message=Message(op=Op.RECORD, subject="late", author=_ZOE, time=when),
    ).request(_ZOE, datetime.now(UTC))
    with _repository(backend).queue.hand_over(handed):
        put(backend, run_key(2))
    assert git("log", "-1", "--format=%an %ae %at %s", "--grep=late", cwd=iris).split() == [
        "Zoë", "zoe@example.org", str(int(when.timestamp())), "late",
    ]  # fmt: skip


def test_what_cannot_be_written_does_not_keep_the_others_from_it(
    backend: GitBackend, iris: Path
) -> None:
    put(backend, run_key(1))
    put(backend, run_key(3))
    repository = _repository(backend)
    nowhere = IRIS.experiment("none").run(run_key(5).name)
    with repository.lock():
        join = in_threads(
            lambda: put(backend, run_key(1), expected=ABSENT),
            lambda: put(backend, run_key(2), expected=ABSENT),
            lambda: put(backend, nowhere),
            lambda: remove(backend, run_key(3)),
        )
        while len(queue_of(iris)) < 4:
            time.sleep(0.005)
    taken, stored, orphan, removed = join()
    assert isinstance(taken, ConflictError), taken
    assert isinstance(stored, str)
    assert isinstance(orphan, NotFoundError), orphan
    assert removed is None
    assert set(backend.scan(EXPERIMENT)) >= {run_key(1), run_key(2)}
    assert run_key(3) not in set(backend.scan(EXPERIMENT))


def test_uncommitted_work_of_the_user_stops_only_the_write_that_needs_its_place(
    backend: GitBackend, iris: Path
) -> None:
    put(backend, run_key(1))
    (document,) = iris.rglob("runs/*/*/run.yaml")
    document.write_text("mine\n")
    repository = _repository(backend)
    with repository.lock():
        join = in_threads(
            lambda: put(backend, run_key(1), seed=3), lambda: put(backend, run_key(2))
        )
        while len(queue_of(iris)) < 2:
            time.sleep(0.005)
    refused, stored = join()
    assert isinstance(refused, ConflictError)
    assert isinstance(stored, str)
    assert document.read_text() == "mine\n"


def test_the_revision_that_an_owner_is_told_is_the_one_that_is_stored(
    backend: GitBackend, iris: Path
) -> None:
    with waiting(backend, 1) as (ticket,):
        put(backend, run_key(2))
        answer = ticket.answer()
    assert answer is not None
    assert read_answer(answer) == {run_key(1): backend.read([run_key(1)])[run_key(1)].revision}  # type: ignore[union-attr]


def test_a_process_sees_its_own_write_when_another_has_made_it(
    backend: GitBackend, iris: Path
) -> None:
    with GitBackend(backend.root) as other:
        with _repository(backend).lock():
            join = in_threads(
                lambda: (put(other, run_key(1)), found(other, run_key(1)))[1],
                lambda: (put(backend, run_key(2)), found(backend, run_key(2)))[1],
            )
            while len(queue_of(iris)) < 2:
                time.sleep(0.005)
        assert join() == [files_of(run_key(1)), files_of(run_key(2))]


def test_whoever_waits_in_vain_is_told_by_whom_and_nothing_is_stored(
    backend: GitBackend, iris: Path
) -> None:
    clone = backend._clones.need("iris")
    code = (
        "import sys, time; from padre_git.vcs.repository import Repository\n"
        "with Repository.open(sys.argv[1], branch='main').lock():\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(iris)], stdout=subprocess.PIPE
    ) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            grouping = Grouping(writing=Writing(clone=clone, author=None), timeout=0.3)
            with pytest.raises(LockedError, match=f"process {holder.pid} on '") as caught:
                grouping.write(write_of(1))
        finally:
            holder.kill()
    assert str(iris / ".git" / "padre" / "lock") in str(caught.value)
    assert "may still be stored" not in str(caught.value)
    assert queue_of(iris) == []
    put(backend, run_key(2))
    assert list(backend.scan(EXPERIMENT))[1:] == [run_key(2)]


def test_who_gives_up_knows_whether_it_may_still_be_written(
    backend: GitBackend, iris: Path
) -> None:
    queue = _repository(backend).queue
    with waiting(backend, 1, 2) as (noted, other):
        (request, _) = queue.waiting()
        queue.note("", {request.file.name: ALONE})
        assert not noted.withdraw()
        assert other.withdraw()
        assert not request.is_wanted()
    put(backend, run_key(3))
    assert list(backend.scan(EXPERIMENT))[1:] == [run_key(3)]
    assert queue_of(iris) == []


def test_who_gives_up_claims_nothing_of_a_note_that_cannot_be_read_or_an_answer_that_came(
    backend: GitBackend, iris: Path
) -> None:
    queue = _repository(backend).queue
    note = iris / ".git/padre/queue/group"
    with waiting(backend, 1, 2, 3) as (torn, unreadable, answered):
        queue.waiting()[2].answer(ALONE)
        assert not answered.withdraw()
        note.write_bytes(framed(b"{}")[:-1])
        assert not torn.withdraw()
        note.unlink()
        note.mkdir()
        assert not unreadable.withdraw()
        note.rmdir()


def test_a_setting_of_the_clone_says_that_its_locks_exclude_nobody(
    backend: GitBackend, iris: Path
) -> None:
    git("config", "padre.locks", "file", cwd=iris)
    held = iris / ".git" / "padre" / "lock.held"
    with GitBackend(backend.root) as other:
        with _repository(other).lock():
            assert held.exists()
            join = in_threads(lambda: put(other, run_key(1)), lambda: put(other, run_key(2)))
            while len(queue_of(iris)) < 2:
                time.sleep(0.005)
        assert all(isinstance(result, str) for result in join())
    assert not held.exists()


def test_who_has_locked_the_clone_writes_for_nobody_else(backend: GitBackend, iris: Path) -> None:
    with waiting(backend, 1) as (ticket,):
        with _repository(backend).lock():
            put(backend, run_key(2))
            assert ticket.answer() is None
        put(backend, run_key(3))
        assert ticket.answer() is not None


def test_a_change_of_every_kind_of_record_can_be_handed_over(
    backend: GitBackend, iris: Path
) -> None:
    changes = [Change(key=k, files=files_of(k), expected=ABSENT) for k in ONE_OF_EACH]
    changes.append(Change(key=run_key(7), files=None, moved_to=run_key(8)))
    message = Message(op=Op.DELETE, subject="gone \udc80", author=_ZOE, time=datetime.now(UTC))
    write = Write(changes=ChangeSet(changes=tuple(changes)), message=message, amend=keep_urls)
    assert read_request(write.request(_ZOE, datetime.now(UTC))) == write


def test_a_request_of_a_process_that_was_killed_is_done_and_leaves_nothing(
    backend: GitBackend, iris: Path
) -> None:
    child = os.fork()
    if child == 0:
        with _repository(backend).queue.hand_over(request_of(1)):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    put(backend, run_key(2))
    assert found(backend, run_key(1)) == files_of(run_key(1))
    put(backend, run_key(3))
    assert queue_of(iris) == []


def test_a_request_from_before_the_machine_was_started_is_not_done(
    backend: GitBackend, iris: Path
) -> None:
    with waiting(backend, 1):
        (name,) = queue_of(iris)
        path = iris / ".git" / "padre" / "queue" / name
        boot = this_process().boot.encode()
        data = path.read_bytes()
        other = data[8:].replace(boot, b"0" * len(boot))
        path.write_bytes(framed(re.sub(rb'"seen": [0-9.]+', b'"seen": 0.0', other)))
        put(backend, run_key(2))
        assert list(backend.scan(EXPERIMENT))[1:] == [run_key(2)]
        put(backend, run_key(3))
        assert queue_of(iris) == []


def test_a_request_that_nobody_can_be_waiting_for_is_not_done(
    backend: GitBackend, iris: Path
) -> None:
    with waiting(backend, 1):
        (name,) = queue_of(iris)
        os.utime(iris / ".git" / "padre" / "queue" / name, (1, 1))
        put(backend, run_key(2))
        assert list(backend.scan(EXPERIMENT))[1:] == [run_key(2)]
        assert queue_of(iris) == []


def test_what_others_put_into_the_queue_keeps_nobody_from_writing(
    backend: GitBackend, iris: Path, tmp_path: Path
) -> None:
    directory = iris / ".git" / "padre" / "queue"
    directory.mkdir(parents=True)
    names = [f"{n:020d}-1-{n}" for n in range(6)]
    os.mkfifo(directory / names[0])
    (directory / names[1]).symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_text("x")
    (directory / names[2]).mkdir()
    (directory / names[3]).write_bytes(os.urandom(100))
    (directory / names[4]).touch()
    (directory / "group").write_bytes(b"nonsense")
    with _repository(backend).queue.hand_over(b"nonsense") as ticket:
        put(backend, run_key(1))
        assert ticket.answer() == ALONE
    assert (tmp_path / "secret").read_text() == "x"
    for hostile in (b"", b"{}", b"[]\n", b'{"changes": [["../x", null, null, {"a": 3}]]}\n'):
        with pytest.raises(Exception):  # noqa: B017 - of whatever kind
            read_request(hostile)


def test_a_holder_that_is_killed_loses_nothing_and_stores_nothing_twice(
    backend: GitBackend, iris: Path
) -> None:
    put(backend, run_key(0))
    number, was_killed = 0, True
    while was_killed:
        number += 1
        theirs, own, after = (run_key(1000 * k + number) for k in (1, 2, 3))

        def work(own: Key = own) -> None:
            with GitBackend(backend.root) as mine:
                put(mine, own)

        with waiting(backend, 1000 + number) as (ticket,):
            was_killed = killed(number, iris / ".git", work)
            put(backend, after)
            answer = ticket.answer()
        assert answer not in (None, ALONE), number
        assert found(backend, theirs) == files_of(theirs)
        times = git("log", "--format=%s", "--", f"*{theirs.name}*", cwd=iris).splitlines()
        assert times == [f"run {1000 + number}"], number
    assert number > 20
    assert queue_of(iris) == []
    assert git("status", "--porcelain", cwd=iris) == ""
    assert git("fsck", "--full", "--strict", "--no-dangling", cwd=iris) == ""


def test_a_lock_that_a_killed_writer_left_goes_with_a_note(tmp_path: Path) -> None:
    told: list[Event] = []
    with GitBackend(tmp_path / "store", notify=told.append) as backend:
        put(backend, IRIS)
        clone = tmp_path / "store" / "iris"
        put(backend, EXPERIMENT)
        os.link(clone / ".git/padre/mark", clone / ".git/index.lock")
        put(backend, EXPERIMENT, title="again")
    assert any("index.lock" in getattr(event, "text", "") for event in told)

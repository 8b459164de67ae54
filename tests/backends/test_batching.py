"""The background: what is named is published once, soon, and at the latest at the end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from padre_git.backends.batching import Batch
from padre_git.backends.policy import Freshness, Policy
from padre_git.errors import PadreGitError, RejectedError
from tests.waiting import until


class Published:
    """Is what was published, by project, and what was told."""

    def __init__(self, delay: float) -> None:
        self.projects: list[str] = []
        self.told: list[tuple[str, PadreGitError]] = []
        self.happened = threading.Event()
        self.batch = Batch(self.publish, delay=delay, tell=lambda *what: self.told.append(what))

    def publish(self, project: str) -> None:
        if project == "refused":
            raise RejectedError("no")
        self.projects.append(project)
        self.happened.set()


def test_many_names_of_one_project_are_one_push() -> None:
    published = Published(delay=0.01)
    with published.batch._changed:  # a name that is published meanwhile would wait again
        for _ in range(5):
            published.batch.add("iris")
    assert published.happened.wait(60)
    published.batch.close()
    assert published.projects == ["iris"]


def test_what_waits_goes_out_with_a_flush_and_at_the_end() -> None:
    published = Published(delay=3600)
    published.batch.add("iris")
    published.batch.flush()
    published.batch.add("wine")
    published.batch.close()
    published.batch.close()
    assert published.projects == ["iris", "wine"]
    published.batch.add("again")
    published.batch.close()
    assert published.projects == ["iris", "wine", "again"]


def test_a_failure_keeps_nobody_else_from_being_published() -> None:
    published = Published(delay=3600)
    for project in ("refused", "iris"):
        published.batch.add(project)
    with pytest.raises(RejectedError):
        published.batch.flush()
    assert published.projects == ["iris"]
    published.batch.add("refused")
    published.batch.close()
    assert [project for project, _ in published.told] == ["refused"]


def test_in_the_background_a_failure_is_told_and_the_work_goes_on() -> None:
    published = Published(delay=0.01)
    published.batch.add("refused")
    until(lambda: published.told)
    published.batch.add("iris")
    assert published.happened.wait(60)
    published.batch.close()


def test_a_script_that_just_ends_has_published(tmp_path) -> None:
    script = (
        "from padre_git.backends.batching import Batch\n"
        "Batch(print, delay=3600, tell=print).add('iris')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("iris\n", "")


def test_a_fork_leaves_to_its_parent_what_the_parent_began() -> None:
    published = Published(delay=3600)
    published.batch.add("iris")
    child = os.fork()
    if child == 0:
        published.batch.add("wine")
        published.batch.flush()
        os._exit(0 if published.projects == ["wine"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    published.batch.close()
    assert published.projects == ["iris"]


def test_a_silent_remote_is_left_alone_for_a_while_and_believed_when_it_answers() -> None:
    now = [0.0]
    fresh = Freshness(Policy.AUTO, 60, clock=lambda: now[0])
    assert fresh.due("iris")
    fresh.answered("iris")
    assert not fresh.due("iris")
    assert fresh.due("iris", missing=True)
    assert fresh.failed(), "silence is news"
    assert not fresh.failed(), "and said once"
    assert not fresh.due("iris", missing=True)
    assert not fresh.publishes()
    now[0] = 61
    assert fresh.due("iris")
    assert fresh.publishes()
    fresh.answered("iris")
    assert fresh.failed(), "the next silence is news again"


def test_the_policy_says_who_asks() -> None:
    assert Freshness(Policy.ALWAYS, 60).due("iris")
    always = Freshness(Policy.ALWAYS, 60)
    always.answered("iris")
    assert always.due("iris")
    manual = Freshness(Policy.MANUAL, 0)
    assert not manual.due("iris", missing=True)
    assert not manual.publishes()

"""Clocks that are wrong by ten years: what is newer is told by ancestry, and nothing breaks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import padre_git
from padre_git import Experiment, Project, State, Store
from tests.servers.processes import needs

PAST, FUTURE = "-10y", "+10y"

PERSON = """
import sys, padre_git
from padre_git import Experiment, Notice
told = []
store = padre_git.open(sys.argv[1], max_age=60, policy=sys.argv[3])
store.subscribe(Notice, lambda event: told.append(event.text))
exec(sys.argv[2])
store.close()
print(told)
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A remote with a project, and roots of Ada and Ben that have cloned it by the right time."""
    needs("faketime")
    (tmp_path / "lab").mkdir()
    with padre_git.open(tmp_path / "ada", remote=tmp_path / "lab") as store:
        store.projects.put(Project(name="iris"))
        store.experiments.put(Experiment(project="iris", name="svm"))
    with padre_git.open(tmp_path / "ben", remote=tmp_path / "lab") as store:
        store.pull("iris")
    return tmp_path / "lab"


@pytest.fixture
def now(lab: Path, tmp_path: Path) -> Iterator[Store]:
    """Somebody whose clock is right."""
    with padre_git.open(tmp_path / "cleo", remote=lab, max_age=0) as store:
        store.pull("iris")
        yield store


def when(shift: str, root: Path, code: str, policy: str = "auto") -> str:
    """Runs code with a person's store where the clock is wrong; returns what it prints."""
    done = subprocess.run(
        ["faketime", "-f", shift, sys.executable, "-c", PERSON, root, code, policy],
        capture_output=True, text=True, cwd=root.parent,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


TITLE = (
    "e = store.experiments.get('iris/svm'); store.experiments.put(e.replace(title={title!r}));"
    " print(e.title)"
)


def test_who_comes_later_wins_whatever_the_clocks_say(
    tmp_path: Path, lab: Path, now: Store
) -> None:
    when(FUTURE, tmp_path / "ada", TITLE.format(title="first, in the future"))
    assert now.experiments.get("iris/svm").title == "first, in the future"
    assert "first, in the future" in when(
        PAST, tmp_path / "ben", TITLE.format(title="second, in the past")
    )
    assert now.experiments.get("iris/svm").title == "second, in the past"
    assert "second, in the past" in when(
        FUTURE, tmp_path / "ada", "store.sync('iris')\n" + TITLE.format(title="third")
    )
    assert now.experiments.get("iris/svm").title == "third"


@pytest.mark.parametrize("shift", [PAST, FUTURE])
def test_states_are_right_on_either_side(tmp_path: Path, lab: Path, now: Store, shift: str) -> None:
    now.experiments.put(now.experiments.get("iris/svm").replace(title="newer"))
    said = when(
        shift, tmp_path / "ben",
        "print(store.status('iris').state); print(store.experiments.state('iris/svm'))",
    )  # fmt: skip
    assert said.splitlines()[:2] == [State.BEHIND, State.BEHIND]
    when(shift, tmp_path / "ben", "store.experiments.put(Experiment(project='iris', name='mine'))")
    assert now.experiments.get("iris/mine").url


@pytest.mark.parametrize("shift", [PAST, FUTURE])
def test_what_was_asked_by_a_wrong_clock_keeps_nobody_from_asking(
    tmp_path: Path, lab: Path, now: Store, shift: str
) -> None:
    when(shift, tmp_path / "ben", "store.experiments.list('iris')")
    now.experiments.put(Experiment(project="iris", name="newer"))
    with padre_git.open(tmp_path / "ben", max_age=3600) as ben:
        assert {e.name for e in ben.experiments.list("iris")} == {"svm", "newer"}
    now.experiments.put(Experiment(project="iris", name="newest"))
    said = when(shift, tmp_path / "ben", "print(len(store.experiments.list('iris')))")
    assert said.splitlines()[0] == "3"


def test_runs_of_all_times_meet_and_sort_by_their_ids(
    tmp_path: Path, lab: Path, now: Store
) -> None:
    record = "with store.start_run('iris/svm', {'C': 1}) as run: print(run.id)"
    ids = [
        when(FUTURE, tmp_path / "ada", record).splitlines()[0],
        when(PAST, tmp_path / "ben", record).splitlines()[0],
    ]
    with now.start_run("iris/svm", {"C": 2}) as run:
        ids.append(run.id)
    now.flush()
    for shift, root in ((PAST, "ben"), (FUTURE, "ada")):
        said = when(shift, tmp_path / root, "store.sync('iris'); print(store.status('iris').state)")
        assert said.splitlines()[0] == State.PUBLISHED
    now.sync("iris")
    found = now.runs.list("iris/svm")
    assert [r.id for r in found] == sorted(ids)
    assert [r.started.year for r in found if r.started] == sorted(
        r.started.year for r in found if r.started
    )
    for root in ("ada", "ben"):
        with padre_git.open(tmp_path / root, policy="manual") as store:
            assert {r.id for r in store.runs.list("iris/svm")} == set(ids)


def test_a_squash_merge_is_seen_by_content_and_not_by_dates(
    tmp_path: Path, lab: Path, now: Store
) -> None:
    put = "store.experiments.put(Experiment(project='iris', name='reviewed', title='x'))"
    when(FUTURE, tmp_path / "ada", put, "manual")
    run = {"cwd": tmp_path, "check": True, "capture_output": True}
    subprocess.run(["git", "-C", "ada/iris", "push", "-q", "origin", "main:offer"], **run)
    subprocess.run(["git", "clone", "-q", "-b", "main", lab / "iris.git", "reviewer"], **run)
    for words in (
        ["merge", "-q", "--squash", "origin/offer"],
        ["commit", "-q", "-m", "squashed"],
        ["push", "-q"],
    ):
        subprocess.run(["faketime", "-f", PAST, "git", "-C", "reviewer", *words], **run)
    when(FUTURE, tmp_path / "ada", "store.sync('iris')")
    log = subprocess.run(["git", "-C", "lab/iris.git", "log", "--format=%s", "main"], **run)
    subjects = log.stdout.decode().splitlines()
    assert "add experiment reviewed" not in subjects
    assert not any(subject.startswith("merge") for subject in subjects)
    assert now.experiments.get("iris/reviewed").title == "x"

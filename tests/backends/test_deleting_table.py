"""The table of docs/deleting.rst: what each mode of deleting does to every copy, a test per cell.

A cell is a mode and a replica; each is tested for every kind of record. ``-k "remote and stale"``
finds a few of them, and the last test makes sure that the page says the same.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from padre_git.backends.dual import DualLayer
from padre_git.backends.policy import Policy
from padre_git.backends.records import Records
from padre_git.backends.status import State
from padre_git.backends.urls import stored_url
from padre_git.errors import ConflictError
from padre_git.format import identify, record_directories
from padre_git.messages import DeleteMode
from padre_git.model import DOCUMENTS, Code, Execution, Key, Kind, Record, Tombstone
from padre_git.testing.documents import EXECUTION, EXPERIMENT, IRIS, put, run_key, store
from padre_git.vcs.repository import Repository
from tests.backends.dual_stores import Lab, delete
from tests.conftest import git

ALL, REMOTE, LOCAL = DeleteMode.ALL, DeleteMode.REMOTE, DeleteMode.LOCAL
RUN = run_key(1)
DATASET = IRIS.dataset("flowers")
_OTHER = Execution(
    experiment=EXPERIMENT, code=Code(package="lab", version="1.0"), entry_point="other.py"
)
UNUSED = identify(_OTHER).key
KEYS = {key.kind: key for key in (IRIS, DATASET, EXPERIMENT, UNUSED, RUN)}
BELOW = {IRIS: IRIS.dataset("more"), EXPERIMENT: run_key(3), DATASET: DATASET, RUN: RUN}
BESIDE = IRIS.dataset("beside")

#: What each mode does, as the page says it.
GONE = "deleted"
AS_IT_WAS = "as it was"
TABLE: dict[str, dict[DeleteMode, str]] = {
    "this clone": {
        ALL: GONE,
        REMOTE: "answers from a copy that it keeps, without url",
        LOCAL: "not in the work tree; a list shows it, a read brings it back",
    },
    "this clone, of a project": {
        ALL: GONE,
        REMOTE: "answers from a copy that it keeps, without url",
        LOCAL: "no clone any more; a list shows it, a read clones it",
    },
    "this clone with plain git": {
        ALL: "clean; a push publishes nothing",
        REMOTE: "clean; a push publishes nothing",
        LOCAL: "clean; a push publishes nothing",
    },
    "the remote": {ALL: GONE, REMOTE: GONE, LOCAL: AS_IT_WAS},
    "a second clone before its sync": {ALL: AS_IT_WAS, REMOTE: AS_IT_WAS, LOCAL: AS_IT_WAS},
    "a second clone after its sync": {ALL: GONE, REMOTE: GONE, LOCAL: AS_IT_WAS},
    "a second clone that puts it again": {
        ALL: "published anew, for all",
        REMOTE: "published anew, for all",
        LOCAL: "published, as any change",
    },
    "a stale clone with work beside": {
        ALL: "its sync publishes its work; the record stays deleted",
        REMOTE: "its sync publishes its work; the record stays deleted",
        LOCAL: "its sync publishes its work",
    },
    "a stale clone with work on it or below": {
        ALL: "its sync is a conflict that names its work; nothing is lost or brought back",
        REMOTE: "its sync is a conflict that names its work; nothing is lost or brought back",
        LOCAL: "its sync publishes its work",
    },
    "plain git pull": {ALL: GONE, REMOTE: GONE, LOCAL: AS_IT_WAS},
    "plain git push of a stale branch": {
        ALL: "rejected by the remote",
        REMOTE: "rejected by the remote",
        LOCAL: "accepted",
    },
    "plain git merge of work beside": {
        ALL: "merges; the record stays deleted",
        REMOTE: "merges; the record stays deleted",
        LOCAL: "merges",
    },
    "plain git merge of work on it or below": {
        ALL: "git's own conflict",
        REMOTE: "git's own conflict",
        LOCAL: "merges",
    },
    "git log": {
        ALL: "says who, when and what",
        REMOTE: "says who, when and what",
        LOCAL: "nothing",
    },
}


# -- what is prepared: everybody has everything, some have more, and Ada deletes -----------------


class World:
    """Is a lab in which Ada deletes a record while Ben is away, and Cleo and Dora are busy.

    Args:
        directory: of the lab.
        key: the record.
        mode: how it is deleted.
    """

    def __init__(self, directory: Path, key: Key, mode: DeleteMode) -> None:
        self.key = key
        self.mode = mode
        self.lab = Lab(directory)

    def prepare(self) -> None:
        """Makes the clones and deletes."""
        ada = self.lab.store("ada")
        store(ada, IRIS, DATASET, EXPERIMENT, EXECUTION, RUN, run_key(2))
        put(ada, UNUSED, entry_point="other.py")
        for name in ("ben", "cleo", "dora"):
            self.lab.store(name).pull("iris")
        self._work_beside()
        if self.key in BELOW:
            self._work_below()
        delete(ada, self.key, mode=self.mode)
        self.lab.close()

    def _work_beside(self) -> None:
        clone = self.lab.clone("cleo")
        if self.key == IRIS:  # nothing of the store's is beside a project
            (clone / "ideas.txt").write_text("look at the petals\n")
            git("add", "ideas.txt", cwd=clone)
            git("commit", "-q", "-m", "an idea", cwd=clone)
        else:
            put(self.manual("cleo"), BESIDE)

    def _work_below(self) -> None:
        if self.key == RUN:
            put(self.manual("dora"), RUN, seed=99)
        else:
            put(self.manual("dora"), BELOW[self.key], title="more")

    def manual(self, name: str) -> DualLayer:
        """Opens somebody's store so that it meets the remote only when it is told to."""
        return self.lab.store(name, policy=Policy.MANUAL)

    def published(self) -> DualLayer:
        """Opens a fresh clone: what the remote has."""
        return self.lab.store("fresh")

    def before(self) -> str:
        """Returns the commit that the remote had before the deletion."""
        return git("rev-parse", "origin/main", cwd=self.lab.clone("ben")).strip()

    def check(self, store: DualLayer, *, deleted: bool) -> None:
        """Makes sure that a store has the record, or that it is deleted for it."""
        found = store.read([self.key]).get(self.key)
        shown = {key for key in store.scan() if self.key.contains(key)}
        if deleted:
            assert (found, shown) == (Tombstone(key=self.key), set())
        else:
            assert isinstance(found, Record)
            assert self.key in shown

    def check_plain(self, commit: str, clone: str, *, deleted: bool) -> None:
        """Makes sure that a commit of a clone has the record, or a tombstone in its place."""
        with Repository.open(self.lab.clone(clone), branch="main") as repository:
            oid = git("rev-parse", commit, cwd=self.lab.clone(clone)).strip()
            records = Records("iris", repository.snapshot(oid))
            assert records.alive([self.key]) == (set() if deleted else {self.key})
            assert isinstance(records.find([self.key])[self.key], Tombstone) is deleted

    def has_work_beside(self) -> bool:
        """Returns whether Cleo's work is at the remote."""
        names = git("ls-tree", "-r", "--name-only", "main", cwd=self.lab.bare())
        return ("ideas.txt" if self.key == IRIS else "datasets/beside/dataset.yaml") in names


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[Key, DeleteMode], Path]:
    """The labs that were prepared, by record and mode."""
    return {}


@pytest.fixture
def world(
    kind: Kind,
    mode: DeleteMode,
    labs: dict[tuple[Key, DeleteMode], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """A lab in which a record of this kind was deleted in this mode; prepared once, then copied."""
    key = KEYS[kind]
    if (key, mode) not in labs:
        labs[key, mode] = tmp_path_factory.mktemp("deleting")
        World(labs[key, mode] / "lab", key, mode).prepare()
        (labs[key, mode] / "lab").rename(labs[key, mode] / "saved")
    shutil.copytree(labs[key, mode] / "saved", labs[key, mode] / "lab", symlinks=True)
    found = World(labs[key, mode] / "lab", key, mode)
    yield found
    found.lab.close()
    shutil.rmtree(found.lab.directory)


def revision(store: DualLayer, key: Key) -> str:
    """Returns the revision of a living record."""
    record = store.read([key])[key]
    assert isinstance(record, Record)
    return record.revision


# -- what is looked at, row by row ---------------------------------------------------------------


def this_clone(world: World) -> None:
    ada = world.lab.store("ada")
    clone = world.lab.clone("ada")
    if world.mode is ALL:
        world.check(ada, deleted=True)
        assert git("for-each-ref", "refs/padre/kept", cwd=clone) == ""
        assert ada.status("iris").records == {}
    elif world.mode is REMOTE:
        world.check(ada, deleted=False)
        record = ada.read([world.key])[world.key]
        assert isinstance(record, Record)
        assert (stored_url(record), ada.urls([world.key])) == (None, {})
        assert ada.status("iris").records == {world.key: State.KEPT}
    elif world.key == IRIS:
        assert not clone.exists()
        assert ada.status("iris").state is State.REMOTE_ONLY
        world.check(ada, deleted=False)
        assert clone.exists()
    else:
        directory = clone / record_directories(world.key)[0]
        assert ada.status("iris").records == {world.key: State.EVICTED}
        assert not directory.exists() or not any(directory.rglob(DOCUMENTS[world.key.kind]))
        assert world.key in set(ada.scan())
        world.check(ada, deleted=False)
        assert ada.status("iris").records == {}
    assert not clone.exists() or git("status", "--porcelain", cwd=clone) == ""


def this_clone_with_plain_git(world: World) -> None:
    if world.mode is LOCAL and world.key == IRIS:
        world.lab.store("ada").read([IRIS])
    clone, head = world.lab.clone("ada"), world.lab.head()
    assert git("status", "--porcelain", cwd=clone) == ""
    git("pull", "-q", cwd=clone)
    done = git("commit", "-a", "-m", "everything", cwd=clone, check=False)
    assert "nothing to commit" in done
    git("push", "-q", cwd=clone)
    assert world.lab.head() == head
    assert git("for-each-ref", "refs/padre/kept", cwd=world.lab.bare()) == ""


def the_remote(world: World) -> None:
    if world.mode is LOCAL:
        assert world.lab.head() == world.before()
    world.check(world.published(), deleted=world.mode is not LOCAL)


def second_before(world: World) -> None:
    ben = world.manual("ben")
    world.check(ben, deleted=False)
    found = ben.status("iris")
    assert found.state is (State.PUBLISHED if world.mode is LOCAL else State.BEHIND)
    if world.mode is not LOCAL:
        assert found.records[world.key] is State.BEHIND


def second_after(world: World) -> None:
    ben = world.manual("ben")
    ben.sync("iris")
    world.check(ben, deleted=world.mode is not LOCAL)
    assert (ben.status("iris").state, ben.status("iris").records) == (State.PUBLISHED, {})
    assert git("status", "--porcelain", cwd=world.lab.clone("ben")) == ""


def second_puts_it_again(world: World) -> None:
    ben = world.lab.store("ben")
    ben.sync("iris")
    change: dict[str, Any] = {RUN: {"seed": 3}, UNUSED: {"entry_point": "other.py"}}.get(
        world.key, {"title": "once more"}
    )
    put(ben, world.key, **change)
    world.check(world.published(), deleted=False)
    world.check(world.lab.store("ada"), deleted=False)
    assert world.lab.store("ada").status("iris").records == {}


def stale_beside(world: World) -> None:
    cleo = world.manual("cleo")
    cleo.sync("iris")
    assert world.has_work_beside()
    world.check(cleo, deleted=world.mode is not LOCAL)
    world.check(world.published(), deleted=world.mode is not LOCAL)


def stale_below(world: World) -> None:
    dora, head = world.manual("dora"), world.lab.head()
    work = revision(dora, BELOW[world.key])
    if world.mode is LOCAL:
        dora.sync("iris")
        assert revision(world.published(), BELOW[world.key]) == work
        return
    with pytest.raises(ConflictError) as caught:
        dora.sync("iris")
    assert str(BELOW[world.key]) in {conflict.key for conflict in caught.value.conflicts}
    assert world.lab.head() == head
    assert revision(dora, BELOW[world.key]) == work
    world.check(world.published(), deleted=True)


def plain_pull(world: World) -> None:
    git("pull", "-q", "--ff-only", cwd=world.lab.clone("ben"))
    world.check_plain("HEAD", "ben", deleted=world.mode is not LOCAL)
    assert git("status", "--porcelain", cwd=world.lab.clone("ben")) == ""


def plain_push(world: World) -> None:
    head = world.lab.head()
    done = subprocess.run(
        ["git", "push"], cwd=world.lab.clone("cleo"), capture_output=True, text=True
    )
    assert done.returncode == (0 if world.mode is LOCAL else 1)
    if world.mode is not LOCAL:
        assert "rejected" in done.stderr
        assert world.lab.head() == head


def plain_merge(world: World, name: str) -> int:
    clone = world.lab.clone(name)
    git("fetch", "-q", cwd=clone)
    words = ["git", "merge", "-q", "--no-edit", "origin/main"]
    return subprocess.run(words, cwd=clone, capture_output=True).returncode


def plain_merge_beside(world: World) -> None:
    assert plain_merge(world, "cleo") == 0
    world.check_plain("HEAD", "cleo", deleted=world.mode is not LOCAL)
    git("push", "-q", cwd=world.lab.clone("cleo"))
    world.check(world.lab.store("ben"), deleted=world.mode is not LOCAL)


def plain_merge_below(world: World) -> None:
    code = plain_merge(world, "dora")
    if world.mode is LOCAL:
        assert code == 0
        return
    assert code == 1
    assert git("diff", "--name-only", "--diff-filter=U", cwd=world.lab.clone("dora"))


def git_log(world: World) -> None:
    clone = world.lab.clone("ben")
    git("fetch", "-q", cwd=clone)
    shown = git("log", "--format=%an|%s|%(trailers)", "main..origin/main", cwd=clone)
    if world.mode is LOCAL:
        assert shown == ""
    else:
        said = "withdraw" if world.mode is REMOTE else "delete"
        assert re.search(rf"Ada Lovelace\|{said} [a-z ]*{world.key.name}\|", shown), shown
        assert f"Padre-Op: delete\nPadre-Key: {world.key}\n" in shown


ROWS: dict[str, Callable[[World], None]] = {
    "this clone": this_clone,
    "this clone with plain git": this_clone_with_plain_git,
    "the remote": the_remote,
    "a second clone before its sync": second_before,
    "a second clone after its sync": second_after,
    "a second clone that puts it again": second_puts_it_again,
    "a stale clone with work beside": stale_beside,
    "a stale clone with work on it or below": stale_below,
    "plain git pull": plain_pull,
    "plain git push of a stale branch": plain_push,
    "plain git merge of work beside": plain_merge_beside,
    "plain git merge of work on it or below": plain_merge_below,
    "git log": git_log,
}
OFTEN = (IRIS, EXPERIMENT, RUN)
CELLS = [
    pytest.param(
        mode,
        kind,
        row,
        id=f"{mode} {kind}, {row}",
        marks=() if key in OFTEN else pytest.mark.nightly,
    )
    for mode in DeleteMode
    for kind, key in KEYS.items()
    for row in ROWS
    if key in BELOW or "below" not in row  # an execution never changes
]


@pytest.mark.parametrize(("mode", "kind", "row"), CELLS)
def test_a_cell_of_the_table(world: World, row: str) -> None:
    ROWS[row](world)


def test_the_page_and_these_tests_have_the_same_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "deleting.rst").read_text()
    listed = page[page.index(".. list-table:: Who sees what") :].split("\n\n", 2)[1]
    rows = [
        [" ".join(cell.split()) for cell in re.split(r"\n     - ", row)]
        for row in re.split(r"(?m)^   \* - ", listed)[2:]
    ]
    assert {row[0]: row[1:] for row in rows} == {
        name: [effects[mode] for mode in DeleteMode] for name, effects in TABLE.items()
    }
    assert TABLE.keys() - ROWS.keys() == {"this clone, of a project"}

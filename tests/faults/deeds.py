"""Deeds: everything that changes a store, from a lab that is copied for every fault."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import padre_git
from padre_git.backends import GitBackend
from padre_git.backends.handing import ALONE, Write
from padre_git.errors import LockedError, NotFoundError, PadreGitError
from padre_git.format import encode
from padre_git.messages import Author, Message, Op
from padre_git.model import (
    ABSENT,
    Change,
    ChangeSet,
    Dataset,
    Experiment,
    Key,
    Kind,
    Project,
    Run,
)
from padre_git.vcs.deadlocks import locks
from tests.faults.labs import NOW, SVM, mine, new_run, opened, prepare, run_key

__all__ = ["DEEDS", "Deed"]

# ------------------------------------------------------------------------------------ looking


def _bytes(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _records(store: padre_git.Store) -> dict[str, str]:
    """Returns what a store says there is; what it leaves out is told, too."""
    found: dict[str, str] = {}
    store.subscribe(padre_git.Skipped, lambda event: found.update({f"skipped {event}": ""}))
    for collection in (
        store.projects, store.experiments, store.executions, store.runs, store.datasets,
    ):  # fmt: skip
        for entity in collection.list():
            if isinstance(entity, Run) and entity.status in ("running", "lost"):
                continue  # it was begun and did not end: its spool has it
            if entity.key.kind is Kind.EXECUTION and entity.key.parent == SVM:
                found[f"executions of {SVM}"] = str(len(store.executions.list(SVM)))
                continue  # what a run was started by differs from process to process
            found[entity.key.text] = (
                f"{entity.status} {entity.metrics}"
                if entity.key == NOW and isinstance(entity, Run)
                else str(entity.revision)
            )
            if entity.key.kind in (Kind.RUN, Kind.DATASET):
                found |= _artifacts(store, entity.key)
    return found


def _artifacts(store: padre_git.Store, key: Key) -> dict[str, str]:
    found = {}
    for artifact in store.artifacts.list(key):
        with store.artifacts.open(key, artifact.name) as stream:
            found[f"{key} {artifact.name}"] = hashlib.md5(stream.read()).hexdigest()
    return found


def _published(lab: Path) -> dict[str, str]:
    """Returns the files of the remote's branches; those that url lines are in by name only."""
    found = {}
    for bare in (lab / "remote").glob("*.git"):
        listed = subprocess.run(
            ["git", "ls-tree", "-r", "main"], cwd=bare, capture_output=True, text=True
        )
        if listed.returncode and bare.name == "iris.git":
            raise PadreGitError(listed.stderr)
        for line in listed.stdout.splitlines():
            mode, _, path = line.partition("\t")
            found[f"{bare.name} {path}"] = mode
    return found


@dataclass(frozen=True, kw_only=True)
class Deed:
    """Is one thing that changes a store.

    Attributes:
        do: does it.
        store: which store of the lab it is done with.
        template: which lab it begins with.
        again: what makes it complete after a fault; it must not fail.
        certain: what is as without a fault when it says that it is done; a file or a code version
            that nobody could read is left out, and that is told.
        is_seen: whether somebody who looks at the records sees that it was done.
    """

    do: Callable[[padre_git.Store, Path], object]
    store: str = "ada"
    template: str = "shared"
    again: Callable[[padre_git.Store, Path], object] | None = None
    certain: tuple[str, ...] = ("here", "remote", "files")
    is_seen: bool = True

    def prepare(self, lab: Path) -> None:
        """Makes the lab that it begins with."""
        prepare(lab, self.template)

    def load(self, lab: Path) -> None:
        """Does it once, so that everything it needs is known to be imported."""
        self.work(lab)
        self.look(lab)

    def work(self, lab: Path) -> None:
        """Does it as a process of a user does."""
        with opened(lab, self.store) as store:
            self.do(store, lab)

    def look(self, lab: Path) -> dict[str, object]:
        """Returns what there is, as somebody sees it who comes later."""
        clone = lab / self.store / "iris"
        places = (clone / "experiments", clone / ".git" / "padre" / "cache" / "files")
        found = (p for place in places for p in place.rglob("*"))
        files = {str(p.relative_to(clone)): "" for p in found if p.is_file()}
        files = {name: "" for name in files if "/notes/" not in name}  # their names are random
        with opened(lab, self.store) as store:
            here = _records(store)
        users = mine(lab)
        own = {str(p.relative_to(users)): _bytes(p) for p in users.rglob("*") if p.is_file()}
        return {"here": here, "remote": _published(lab), "mine": own, "files": files}

    def after(self, lab: Path) -> None:
        """Writes what comes next: it works without anybody's help."""
        with opened(lab, self.store) as store:
            if self.again is not None:
                self.again(store, lab)
            else:
                store.experiments.put(Experiment(project="iris", name="after"))
                assert store.experiments.get("iris/after").name == "after"


# ------------------------------------------------------------------------------------ the deeds


def _put_experiment(store: padre_git.Store, lab: Path) -> None:
    store.experiments.put(Experiment(project="iris", name="new", title="new"))


def _change_experiment(store: padre_git.Store, lab: Path) -> None:
    store.experiments.put(store.experiments.get("iris/svm").replace(title="changed"))


def _record(store: padre_git.Store, lab: Path) -> None:
    run = store.start_run("iris/svm", {"C": 1.0}, id=NOW.name)
    run.log_metric("accuracy", 0.5, step=1)
    run.log_metric("accuracy", 0.75, step=2)
    run.flush()
    run.end()


def _attach(store: padre_git.Store, lab: Path) -> None:
    run = store.start_run("iris/svm", {"C": 1.0}, id=NOW.name)
    run.set_tag("good")
    run.log_text("notes.txt", "well done")
    run.log_artifact(mine(lab) / "model.bin")
    run.log_artifacts(mine(lab) / "tree")
    run.end()


def _transaction(store: padre_git.Store, lab: Path) -> None:
    with store.transaction("iris", "three runs"):
        for number in (11, 12, 13):
            store.runs.put(new_run(store, number))


def _write_for_another(store: padre_git.Store, lab: Path) -> None:
    """Writes what another process has handed over, and nothing of its own."""
    key, now = Key.parse("iris/experiments/new"), datetime(2026, 11, 21, tzinfo=UTC)
    change = Change(key=key, files=encode(Experiment(project="iris", name="new")), expected=ABSENT)
    message = Message(op=Op.PUT, subject="of another", time=now)
    request = Write(changes=ChangeSet(changes=(change,)), message=message)
    try:
        with GitBackend(lab / "ada") as backend:
            repository = backend.repository("iris")
            assert repository is not None
            words = request.request(Author(name="Zoë", email="zoe@example.org"), now)
            with repository.queue.hand_over(words) as ticket:
                store.experiments.put(store.experiments.get("iris/svm"))
                answer = ticket.answer()
    except OSError as error:  # then its owner writes it itself
        raise LockedError("nobody could be asked") from error
    if answer in {None, ALONE}:
        raise LockedError("nobody has written it")


def _artifact(store: padre_git.Store, lab: Path) -> None:
    store.artifacts.put(run_key(1), mine(lab) / "model.bin")


def _artifact_moved(store: padre_git.Store, lab: Path) -> None:
    store.artifacts.put(run_key(1), mine(lab) / "model.bin", move=True)


def _artifact_tree(store: padre_git.Store, lab: Path) -> None:
    store.artifacts.put(run_key(2), mine(lab) / "tree")


def _put_dataset(store: padre_git.Store, lab: Path) -> None:
    store.datasets.put(Dataset(project="iris", name="new"), data=mine(lab) / "model.bin")


def _delete_artifact(store: padre_git.Store, lab: Path) -> None:
    store.artifacts.delete(run_key(2), "data.bin")


def _annotate(store: padre_git.Store, lab: Path) -> None:
    store.runs.tag(run_key(1), "good", owner="ada")


def _freeze(store: padre_git.Store, lab: Path) -> None:
    os.chdir(mine(lab) / "code")
    store.freeze("iris/svm", entry_point="train.py")


def _put_next(store: padre_git.Store) -> None:
    store.experiments.put(Experiment(project="iris", name="after"))


def _leave_out(store: padre_git.Store, lab: Path) -> None:
    store.leave_out("iris")


def _leave_out_again(store: padre_git.Store, lab: Path) -> None:
    _put_next(store)
    assert _missed(lab) == "", "git misses what it is not to"
    _leave_out(store, lab)


def _missed(lab: Path) -> str:
    command = ["git", "status", "--porcelain"]
    return subprocess.run(command, cwd=lab / "ada/iris", capture_output=True, text=True).stdout


def _check_out(store: padre_git.Store, lab: Path) -> None:
    store.checkout("iris")


def _check_out_again(store: padre_git.Store, lab: Path) -> None:
    _put_next(store)
    assert _missed(lab) == ""
    _check_out(store, lab)


def _create(store: padre_git.Store, lab: Path) -> None:
    store.projects.put(Project(name="new"))


def _created(store: padre_git.Store, lab: Path) -> None:
    if not store.projects.exists("new"):
        _create(store, lab)
    store.experiments.put(Experiment(project="new", name="after"))


def _publish(store: padre_git.Store, lab: Path) -> None:
    store.sync("lily")


def _published_again(store: padre_git.Store, lab: Path) -> None:
    _publish(store, lab)
    assert any(name.startswith("lily.git") for name in _published(lab))


def _delete(store: padre_git.Store, lab: Path) -> None:
    store.experiments.delete("iris/tree")


def _delete_here(store: padre_git.Store, lab: Path) -> None:
    store.experiments.delete("iris/tree", mode="local")


def _delete_there(store: padre_git.Store, lab: Path) -> None:
    store.experiments.delete("iris/tree", mode="remote")


def _rename(store: padre_git.Store, lab: Path) -> None:
    store.experiments.rename("iris/tree", "forest")


def _restore(store: padre_git.Store, lab: Path) -> None:
    store.experiments.restore("iris/gone")


def _sync(store: padre_git.Store, lab: Path) -> None:
    store.sync("iris")


def _pull(store: padre_git.Store, lab: Path) -> None:
    store.pull("iris")


def _push(store: padre_git.Store, lab: Path) -> None:
    store.push("iris")


def _settle(store: padre_git.Store, lab: Path) -> None:
    store.settle("iris", rest="ours")


def _settled(store: padre_git.Store, lab: Path) -> None:
    if store.experiments.get("iris/svm").title != "Ada's" or store.conflicts("iris"):
        store.settle("iris", rest="ours")
    store.sync("iris")


def _clone(store: padre_git.Store, lab: Path) -> None:
    store.pull("iris")


def _evict(store: padre_git.Store, lab: Path) -> None:
    store.projects.delete("iris", mode="local")


def _gc(store: padre_git.Store, lab: Path) -> None:
    store.artifacts.gc("iris")


def _fetch(store: padre_git.Store, lab: Path) -> None:
    store.artifacts.get(run_key(2))


def _continue(store: padre_git.Store, lab: Path) -> None:
    run = store.start_run("iris/svm", id=NOW.name)
    run.log_metric("accuracy", 0.75, step=2)
    run.end()


def _reconcile(store: padre_git.Store, lab: Path) -> None:
    if not store.reconcile("iris"):  # what it leaves it tells by events; what it returns is true
        raise PadreGitError("nothing was recorded")


def _maintain(store: padre_git.Store, lab: Path) -> None:
    store.maintain("iris")


def _unlocked(store: padre_git.Store, lab: Path) -> None:
    _put_next(store)
    # git in the hands of nobody has left none, so nobody has to ask for a repair
    assert not list(locks(lab / "ada/iris/.git"))


def _repair(store: padre_git.Store, lab: Path) -> None:
    assert store.repair("iris") == ()


def _repaired(store: padre_git.Store, lab: Path) -> None:
    _repair(store, lab)
    _put_next(store)


def _come_back(store: padre_git.Store, lab: Path) -> None:
    try:
        store.projects.get("iris")
    except NotFoundError:
        store.pull("iris")
    _put_next(store)


DEEDS: dict[str, Deed] = {
    "put-experiment": Deed(do=_put_experiment),
    "change-experiment": Deed(do=_change_experiment),
    "record-run": Deed(do=_record),
    "record-with-files": Deed(do=_attach),
    "transaction": Deed(do=_transaction),
    "for-another": Deed(do=_write_for_another),
    "artifact": Deed(do=_artifact),
    "artifact-moved": Deed(do=_artifact_moved),
    "artifact-tree": Deed(do=_artifact_tree),
    "put-dataset": Deed(do=_put_dataset),
    "artifact-delete": Deed(do=_delete_artifact),
    "annotate": Deed(do=_annotate),
    "freeze": Deed(do=_freeze, template="coded", certain=("here", "remote")),
    "leave-out": Deed(do=_leave_out, again=_leave_out_again, certain=("here", "remote")),
    "check-out": Deed(do=_check_out, template="left-out", again=_check_out_again),
    "create": Deed(do=_create, again=_created),
    "publish": Deed(do=_publish, template="unpublished", again=_published_again),
    "delete": Deed(do=_delete),
    "delete-local": Deed(do=_delete_here),
    "delete-remote": Deed(do=_delete_there, again=_sync),
    "rename": Deed(do=_rename),
    "restore": Deed(do=_restore),
    "pull": Deed(do=_pull, again=_sync),
    "push": Deed(do=_push, store="ben", again=_sync),
    "sync": Deed(do=_sync, again=_sync),
    "settle": Deed(do=_settle, template="contested", again=_settled),
    "clone": Deed(do=_clone, store="cleo", again=_come_back),
    "evict": Deed(do=_evict, store="ben", template="published", again=_come_back),
    "gc": Deed(do=_gc),
    "fetch": Deed(do=_fetch, store="ben"),
    "continue-run": Deed(do=_continue, template="interrupted"),
    "reconcile": Deed(do=_reconcile, template="interrupted"),
    "maintain": Deed(do=_maintain, again=_unlocked, is_seen=False),
    "repair": Deed(do=_repair, template="damaged", again=_repaired, is_seen=False),
}

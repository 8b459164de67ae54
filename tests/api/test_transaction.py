"""Transactions: many puts and deletes, one commit, or nothing."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from padre_git.api.store import Store
from padre_git.backends import MemoryBackend
from padre_git.errors import ConflictError, InvalidInputError, InvalidValueError, NotFoundError
from padre_git.messages import Message, Stored
from padre_git.model import (
    ChangeSet,
    Code,
    Computation,
    Dataset,
    Execution,
    Experiment,
    Key,
    Project,
    Run,
)

SVM = Key.project_named("iris").experiment("svm")
CODE = Code(package="sklearn", version="1.7.2")


@pytest.fixture
def memory() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
def plain(memory: MemoryBackend) -> Store:
    return Store(memory)


def states(memory: MemoryBackend) -> int:
    return len(memory.memory.projects.get("iris", []))


def test_everything_from_the_project_to_its_runs_is_one_commit(
    plain: Store, memory: MemoryBackend
) -> None:
    heard: list[Any] = []
    plain.subscribe(Stored, heard.append)
    with plain.transaction("iris", "import the old runs") as transaction:
        plain.projects.put(Project(name="iris"))
        plain.experiments.put(Experiment(project="iris", name="svm"))
        execution = transaction.put(Execution(experiment=SVM, code=CODE))
        runs = [plain.runs.put(Run(execution=execution.key, seed=n)) for n in range(3)]
        assert all(run.id and run.revision is None for run in runs)
        assert plain.projects.list() == [], "reads see the store as it was"
        assert heard == []
    assert states(memory) == 1
    assert sorted(r.seed for r in plain.runs.list("iris/svm")) == [0, 1, 2]
    assert plain.runs.get(runs[1].key).seed == 1
    assert len(heard) == 6


def test_an_exception_inside_writes_nothing(plain: Store, memory: MemoryBackend) -> None:
    def fail() -> None:
        with plain.transaction("iris", "never"):
            plain.projects.put(Project(name="iris"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert states(memory) == 0
    plain.projects.put(Project(name="iris"))
    assert states(memory) == 1, "the transaction is over"


def test_what_cannot_be_stored_is_refused_at_once(plain: Store, memory: MemoryBackend) -> None:
    with plain.transaction("iris", "mixed"):
        plain.projects.put(Project(name="iris"))
        with pytest.raises(InvalidValueError):
            plain.projects.put(Project(name="iris", settings={"inline": "x"}))
        with pytest.raises(NotFoundError, match="no execution"):
            plain.runs.put(Run(execution=SVM.execution("x-0123456789ab")))
        with pytest.raises(InvalidInputError, match="not an entity"):
            plain.runs.put({"seed": 1})  # type: ignore[arg-type]
    assert plain.projects.get("iris") == Project(name="iris")


def test_a_parent_that_never_comes_fails_the_whole(plain: Store, memory: MemoryBackend) -> None:
    with pytest.raises(NotFoundError, match="no project"), plain.transaction("iris", "orphan"):
        plain.experiments.put(Experiment(project="iris", name="svm"))
    assert states(memory) == 0


def test_the_last_put_of_a_record_counts(plain: Store, memory: MemoryBackend) -> None:
    with plain.transaction("iris", "twice"):
        plain.projects.put(Project(name="iris", title="one"))
        plain.projects.put(Project(name="iris", title="two"))
    assert plain.projects.get("iris").title == "two"
    assert states(memory) == 1


def test_deletes_join_too(plain: Store, memory: MemoryBackend) -> None:
    plain.projects.put(Project(name="iris"))
    plain.datasets.put(Dataset(project="iris", name="old"))
    plain.experiments.put(Experiment(project="iris", name="svm"))
    before = states(memory)
    with plain.transaction("iris", "tidy up"):
        plain.datasets.delete("iris/old")
        plain.datasets.put(Dataset(project="iris", name="new"))
        plain.experiments.put(Experiment(project="iris", name="svm", title="unheard"))
        plain.experiments.delete("iris/svm")
        assert plain.datasets.exists("iris/old")
    assert [d.name for d in plain.datasets.list("iris")] == ["new"]
    assert plain.experiments.list() == []
    assert states(memory) == before + 1


def test_what_has_no_place_in_a_transaction_is_refused(plain: Store) -> None:
    plain.projects.put(Project(name="iris"))
    plain.experiments.put(Experiment(project="iris", name="svm"))
    execution = plain.executions.put(Execution(experiment=SVM, code=CODE))
    run = plain.runs.put(Run(execution=execution.key))
    with plain.transaction("iris", "wishes"):
        for wish in (
            lambda: plain.experiments.rename("iris/svm", "svc"),
            lambda: plain.experiments.delete("iris/svm", mode="local"),
            lambda: plain.experiments.delete("iris/svm", force=True),
            lambda: plain.executions.delete(execution),
            lambda: plain.projects.put(Project(name="digits")),
            lambda: plain.computations.put(Computation(run=run.key, name="fit")),
            lambda: plain.runs.tag(run, "candidate"),
            lambda: plain.transaction("iris", "inner").__enter__(),
        ):
            with pytest.raises(InvalidInputError):
                wish()
    assert plain.experiments.get("iris/svm").name == "svm"


@pytest.mark.parametrize("message", ["", None, 3])
def test_a_transaction_says_what_it_is_for(plain: Store, message: Any) -> None:
    with pytest.raises(InvalidInputError, match="message"):
        plain.transaction("iris", message)


def test_an_empty_transaction_writes_nothing(plain: Store, memory: MemoryBackend) -> None:
    with plain.transaction("iris", "nothing to do"):
        pass
    assert states(memory) == 0


def test_other_threads_are_not_in_it(plain: Store, memory: MemoryBackend) -> None:
    with plain.transaction("iris", "mine"):
        other = threading.Thread(target=lambda: plain.projects.put(Project(name="iris")))
        other.start()
        other.join()
        assert states(memory) == 1


def test_what_has_a_revision_must_still_be_at_it(plain: Store) -> None:
    plain.projects.put(Project(name="iris"))
    read = plain.projects.get("iris")
    transaction = plain.transaction("iris", "too late").__enter__()
    plain.projects.put(read.replace(title="mine"))
    Store(plain._backend).projects.put(Project(name="iris", title="yours"))
    with pytest.raises(ConflictError):
        transaction.__exit__(None, None, None)
    assert plain.projects.get("iris").title == "yours"


def test_what_has_none_is_stored_over_whoever_was_faster(
    plain: Store, memory: MemoryBackend
) -> None:
    plain.projects.put(Project(name="iris"))
    apply = memory.apply

    def slow(changes: ChangeSet, message: Message) -> Any:
        memory.apply = apply  # type: ignore[method-assign]
        Store(memory).projects.put(Project(name="iris", title="faster"))
        return apply(changes, message)

    memory.apply = slow  # type: ignore[method-assign]
    with plain.transaction("iris", "later"):
        plain.projects.put(Project(name="iris", title="last"))
        plain.datasets.put(Dataset(project="iris", name="data"))
    assert plain.projects.get("iris").title == "last"
    assert plain.datasets.exists("iris/data")

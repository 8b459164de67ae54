"""Behaviours beyond one call: revisions, writes in groups, many writers, closing, reopening."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from padre_git.backends import Backend
from padre_git.errors import ConflictError, InvalidInputError, NotFoundError, PadreGitError
from padre_git.messages import Message, Op
from padre_git.model import ABSENT, Change, ChangeSet, Key, Kind, Record, Tombstone
from padre_git.model.record import revision_of
from padre_git.testing.documents import (
    EXPERIMENT,
    IRIS,
    document,
    files_of,
    message,
    put,
    remove,
    run_key,
    store,
)
from padre_git.testing.stores import Stores
from padre_git.testing.storing import ONE_OF_EACH, RUN, found, state

__all__ = ["Lasting", "Writers"]


def together(*tasks: Callable[[], object]) -> list[object]:
    """Runs tasks at the same time, each in a thread; returns what they return or raise."""
    results: list[object] = [None] * len(tasks)
    gate = threading.Barrier(len(tasks))

    def run(number: int) -> None:
        gate.wait()
        try:
            results[number] = tasks[number]()
        except PadreGitError as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def write_of(key: Key, subject: str, **fields: Any) -> tuple[ChangeSet, Message]:
    """Returns one write for :meth:`Backend.apply_each`."""
    change = Change(key=key, files=files_of(key, **fields))
    return ChangeSet(changes=(change,)), message(subject, Op.RECORD)


class Writers(Stores):
    """What backends promise when several write."""

    def test_two_backends_see_what_the_other_wrote(self, backend: Backend, svm: Key) -> None:
        with self.another(backend) as other:
            put(backend, RUN)
            assert found(other, RUN) == files_of(RUN)
            put(other, RUN, seed=2)
            assert found(backend, RUN) == files_of(RUN, seed=2)
            remove(other, RUN)
            assert backend.read([RUN]) == {RUN: Tombstone(key=RUN)}

    def test_threads_that_write_at_once_lose_nothing(self, backend: Backend, svm: Key) -> None:
        def writer(number: int) -> None:
            for n in range(6):
                put(backend, run_key(10 * number + n))

        results = together(*(lambda n=n: writer(n) for n in range(3)))
        assert results == [None, None, None]
        written = [run_key(10 * number + n) for number in range(3) for n in range(6)]
        assert list(backend.scan(svm)) == sorted(written)

    def test_backends_that_write_at_once_lose_nothing(self, backend: Backend, svm: Key) -> None:
        with self.another(backend) as other:

            def writer(one: Backend, first: int) -> None:
                for n in range(6):
                    put(one, run_key(first + n))

            results = together(lambda: writer(backend, 0), lambda: writer(other, 10))
            assert results == [None, None]
            written = [run_key(first + n) for first in (0, 10) for n in range(6)]
            assert list(backend.scan(svm)) == list(other.scan(svm)) == sorted(written)

    def test_of_two_changes_to_one_revision_one_is_a_conflict(
        self, backend: Backend, svm: Key
    ) -> None:
        with self.another(backend) as other:
            for round_ in range(4):
                before = put(backend, RUN, seed=100 + round_)
                results = together(
                    lambda: put(backend, RUN, seed=1, expected=before),  # noqa: B023
                    lambda: put(other, RUN, seed=2, expected=before),  # noqa: B023
                )
                refused = [r for r in results if isinstance(r, ConflictError)]
                assert len(refused) == 1, results
                record = backend.read([RUN])[RUN]
                assert isinstance(record, Record)
                assert record.revision in results

    def test_a_project_is_created_once(self, backend: Backend) -> None:
        with self.another(backend) as other:
            results = together(
                lambda: put(backend, IRIS, title="ours", expected=ABSENT),
                lambda: put(other, IRIS, title="theirs", expected=ABSENT),
            )
            assert sum(isinstance(r, ConflictError) for r in results) == 1, results
            assert found(backend, IRIS) == found(other, IRIS)

    def test_readers_see_a_set_whole_or_not_at_all(self, backend: Backend, svm: Key) -> None:
        keys = [run_key(n) for n in range(12)]
        store(backend, *keys)

        def writer() -> None:
            for round_ in range(5):
                changes = tuple(Change(key=k, files=files_of(k, seed=round_)) for k in keys)
                backend.apply(ChangeSet(changes=changes), message())

        def reader(other: Backend) -> int:
            for _ in range(15):
                records = list(other.read(keys).values())
                assert len(records) == len(keys)
                assert len({files["run.yaml"] for files in (r.files for r in records)}) == 1  # type: ignore[union-attr]
            return len(records)

        with self.another(backend) as other:
            assert together(writer, lambda: reader(other)) == [None, len(keys)]


class Lasting(Stores):
    """What backends promise about revisions, groups and the time after they are closed."""

    def test_a_revision_says_what_is_stored(self, backend: Backend) -> None:
        store(backend, *ONE_OF_EACH)
        for key, record in backend.read(ONE_OF_EACH).items():
            assert isinstance(record, Record)
            assert record.revision == revision_of(files_of(key))
        parts = {"tags/best": b"", "log.txt": b"x"}
        assert put(backend, RUN, parts) == revision_of(files_of(RUN, parts))

    def test_a_set_returns_the_revision_of_every_key(self, backend: Backend, svm: Key) -> None:
        store(backend, RUN)
        changes = (
            Change(key=IRIS, files=files_of(IRIS)),
            Change(key=RUN, files=None),
            Change(key=run_key(2), files=files_of(run_key(2))),
        )
        assert backend.apply(ChangeSet(changes=changes), message()) == {
            IRIS: revision_of(files_of(IRIS)),
            RUN: None,
            run_key(2): revision_of(files_of(run_key(2))),
        }

    def test_the_url_does_not_count_in_a_revision(self, backend: Backend, svm: Key) -> None:
        plain = put(backend, svm, title="SVM")
        before = state(backend)
        url = "https://example.org/lab/iris.git#experiments/svm"
        assert put(backend, svm, title="SVM", url=url, expected=plain) == plain
        assert found(backend, svm)["experiment.yaml"] == document(svm, title="SVM", url=url)
        if backend.keeps_history:
            assert backend.changes("iris", before).stored == (svm,)

    def test_children_do_not_count_in_a_revision(self, backend: Backend, svm: Key) -> None:
        before = backend.read([IRIS, svm])
        store(backend, *(key for key in ONE_OF_EACH if key not in (IRIS, svm)))
        assert backend.read([IRIS, svm]) == before

    def test_writes_in_a_group_keep_their_order(self, backend: Backend, svm: Key) -> None:
        writes = [write_of(run_key(n), f"run {n}") for n in range(20)]
        writes.append(write_of(run_key(3), "run 3 again", seed=3))
        writes.append((ChangeSet(changes=(Change(key=RUN, files=None),)), message("away")))
        revisions = backend.apply_each(writes)
        assert len(revisions) == 22
        assert revisions[20] == {run_key(3): revision_of(files_of(run_key(3), seed=3))}
        assert revisions[21] == {RUN: None}
        assert list(backend.scan(svm)) == sorted(run_key(n) for n in range(20) if n != 1)
        assert found(backend, run_key(3)) == files_of(run_key(3), seed=3)

    def test_a_group_may_build_on_itself(self, backend: Backend) -> None:
        writes = [write_of(key, key.name) for key in ONE_OF_EACH]
        backend.apply_each(writes)
        assert list(backend.scan()) == sorted(ONE_OF_EACH)
        assert backend.apply_each([]) == []

    def test_a_group_sees_what_it_deletes(self, backend: Backend, svm: Key) -> None:
        away = (ChangeSet(changes=(Change(key=svm, files=None),)), message("away"))
        again = Change(key=svm, files=files_of(svm, title="again"), expected=ABSENT)
        back = (ChangeSet(changes=(again,)), message("back"))
        backend.apply_each([write_of(RUN, "run"), away, back, write_of(run_key(2), "run 2")])
        assert list(backend.scan(svm)) == [run_key(2)]
        with pytest.raises(NotFoundError):
            backend.apply_each([write_of(RUN, "run"), away, write_of(run_key(3), "too late")])
        assert run_key(3) not in set(backend.scan())

    def test_a_group_is_of_one_project(self, backend: Backend, iris: Key) -> None:
        other = Key.project_named("other")
        with pytest.raises(InvalidInputError):
            backend.apply_each([write_of(IRIS.dataset("d"), "one"), write_of(other, "two")])
        assert list(backend.scan()) == [iris]

    def test_a_group_says_what_is_wrong_in_it(self, backend: Backend, svm: Key) -> None:
        with pytest.raises(NotFoundError):
            backend.apply_each([write_of(run_key(1, IRIS.experiment("no")), "no parent")])
        assert list(backend.scan(kind=Kind.RUN)) == []

    def test_a_store_reads_the_same_from_outside(self, backend: Backend, tmp_path: Path) -> None:
        store(backend, *ONE_OF_EACH)
        runs = [run_key(n) for n in range(2, 12)]
        parts = {"log.txt": bytes(range(256)), "tags/best": b"", "metrics.yaml": b"a: 1.0\n"}
        changes = tuple(Change(key=key, files=files_of(key, parts)) for key in runs)
        backend.apply(ChangeSet(changes=changes), message())
        remove(backend, runs[0])
        remove(backend, IRIS.dataset("flowers"))
        everything = [*ONE_OF_EACH, *runs]
        with self.reopened(backend, tmp_path / "elsewhere") as other:
            assert list(other.scan()) == list(backend.scan())
            assert other.read(everything) == backend.read(everything)

    def test_a_store_goes_on_after_it_is_closed(self, backend: Backend) -> None:
        with self.another(backend) as first:
            store(first, IRIS, EXPERIMENT)
        with self.another(backend) as second:
            store(second, RUN)
            assert list(second.scan()) == [IRIS, EXPERIMENT, RUN]

    def test_closing_twice_does_no_harm(self, backend: Backend, iris: Key) -> None:
        backend.close()
        backend.close()

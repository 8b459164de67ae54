"""Behaviours of history: every state stays readable, and differences have names."""

from __future__ import annotations

import pytest

from padre_git.backends import Backend
from padre_git.errors import NotFoundError, UnsupportedError
from padre_git.messages import Op
from padre_git.model import Change, ChangeSet, Key, Record, Tombstone
from padre_git.testing.deleting import NEW, rename
from padre_git.testing.documents import (
    EXECUTION,
    IRIS,
    files_of,
    message,
    put,
    remove,
    run_key,
    store,
)
from padre_git.testing.stores import Stores
from padre_git.testing.storing import ONE_OF_EACH, RUN, found, state

__all__ = ["History", "NoHistory"]


class History(Stores):
    """What backends promise that keep every state."""

    def test_an_earlier_state_is_read_as_it_was(self, backend: Backend, svm: Key) -> None:
        put(backend, RUN, {"log.txt": b"one"})
        before = state(backend)
        put(backend, RUN, {"log.txt": b"two"})
        put(backend, run_key(2))
        remove(backend, svm)
        (record,) = backend.read([RUN, run_key(2)], at=before).values()
        assert isinstance(record, Record)
        assert record.files["log.txt"] == b"one"
        assert backend.read([RUN]) == {}

    def test_an_earlier_state_is_listed_as_it_was(self, backend: Backend, svm: Key) -> None:
        store(backend, RUN)
        before = state(backend)
        store(backend, run_key(2))
        rename(backend, svm, NEW)
        assert list(backend.scan(at=before)) == [IRIS, svm, RUN]
        assert list(backend.scan(svm, at=before)) == [RUN]
        assert list(backend.scan(svm)) == []

    def test_a_state_of_one_project_lists_that_project(self, backend: Backend, svm: Key) -> None:
        state_of_iris = state(backend)
        store(backend, Key.project_named("lab"))
        assert list(backend.scan(at=state_of_iris)) == [IRIS, svm]
        with pytest.raises(NotFoundError):
            list(backend.scan(at="nowhere"))

    def test_a_date_names_the_state_of_that_time(self, backend: Backend, svm: Key) -> None:
        assert list(backend.scan(IRIS, at="2100-01-01T00:00:00Z")) == [svm]
        with pytest.raises(NotFoundError):
            list(backend.scan(IRIS, at="1999-01-01T00:00:00Z"))

    @pytest.mark.parametrize(
        "at", ["nowhere", "0" * 40, "-rf", "--all", "a b", "HEAD..HEAD", "x:y", "..", "\0", ""]
    )
    def test_an_unknown_state_is_not_found(self, backend: Backend, svm: Key, at: str) -> None:
        with pytest.raises(NotFoundError):
            backend.read([svm], at=at)
        with pytest.raises(NotFoundError):
            list(backend.scan(IRIS, at=at))
        with pytest.raises(NotFoundError):
            backend.changes("iris", at or "nowhere")

    def test_changes_name_what_was_stored_and_deleted(self, backend: Backend) -> None:
        store(backend, *ONE_OF_EACH)
        start = state(backend)
        put(backend, IRIS.dataset("flowers"), title="new")
        put(backend, run_key(2))
        remove(backend, RUN)
        changes = backend.changes("iris", start)
        assert changes.start == start
        assert changes.end == state(backend)
        assert changes.stored == tuple(sorted([IRIS.dataset("flowers"), run_key(2)]))
        assert changes.deleted == (RUN,)

    def test_changes_backwards_are_the_other_way_round(self, backend: Backend, svm: Key) -> None:
        start = state(backend)
        store(backend, RUN)
        end = state(backend)
        assert backend.changes("iris", end, start).deleted == (RUN,)
        assert backend.changes("iris", end, start).stored == ()
        assert backend.changes("iris", start, start).stored == ()

    def test_changes_since_before_anything_name_everything(self, backend: Backend) -> None:
        store(backend, *ONE_OF_EACH)
        remove(backend, EXECUTION)
        changes = backend.changes("iris")
        assert changes.start is None
        assert changes.stored == tuple(sorted(key for key in ONE_OF_EACH if key != EXECUTION))
        assert changes.deleted == ()

    def test_changes_name_what_lay_below_a_deleted_record(self, backend: Backend, svm: Key) -> None:
        store(backend, EXECUTION, RUN)
        start = state(backend)
        remove(backend, svm)
        assert backend.changes("iris", start).deleted == tuple(sorted([svm, EXECUTION, RUN]))
        middle = state(backend)
        put(backend, svm)
        assert backend.changes("iris", middle).stored == (svm,)

    def test_changes_of_a_rename_name_both_places(self, backend: Backend, svm: Key) -> None:
        store(backend, RUN)
        start = state(backend)
        rename(backend, svm, NEW)
        changes = backend.changes("iris", start)
        assert changes.stored == tuple(sorted([NEW, run_key(1, NEW)]))
        assert changes.deleted == tuple(sorted([svm, RUN]))

    def test_a_part_that_changed_names_its_record(self, backend: Backend, svm: Key) -> None:
        put(backend, RUN)
        start = state(backend)
        put(backend, RUN, {"tags/best": b""})
        assert backend.changes("iris", start).stored == (RUN,)

    def test_an_unknown_project_has_no_changes(self, backend: Backend) -> None:
        with pytest.raises(NotFoundError):
            backend.changes("nowhere")

    def test_the_history_of_a_record_says_what_was_done_to_it(
        self, backend: Backend, svm: Key
    ) -> None:
        put(backend, RUN, seed=1)
        put(backend, run_key(2))
        put(backend, RUN, seed=2)
        put(backend, svm, title="below it runs are not its history")
        tagged = Change(key=RUN, files=files_of(RUN, {"tags/best": b""}, seed=2))
        backend.apply(ChangeSet(changes=(tagged,)), message("tag it", Op.PUT))
        remove(backend, RUN)
        subjects = [version.subject for version in backend.history(RUN)]
        assert subjects == [f"delete {RUN.name}", "tag it", f"put {RUN.name}", f"put {RUN.name}"]
        assert [version.op for version in backend.history(RUN)][:2] == [Op.DELETE, Op.PUT]
        assert [v.subject for v in backend.history(RUN, limit=1)] == [f"delete {RUN.name}"]
        assert len(list(backend.history(svm))) == 2

    def test_a_version_is_a_state_to_read_at(self, backend: Backend, svm: Key) -> None:
        put(backend, RUN, seed=1)
        put(backend, RUN, seed=2)
        remove(backend, RUN)
        deleted, second, first = [version.state for version in backend.history(RUN)]
        assert backend.read([RUN], at=deleted) == {RUN: Tombstone(key=RUN)}
        for at, seed in ((first, 1), (second, 2)):
            record = backend.read([RUN], at=at)[RUN]
            assert isinstance(record, Record)
            assert record.files == files_of(RUN, seed=seed)

    def test_what_never_existed_has_no_history(self, backend: Backend, svm: Key) -> None:
        for key in (RUN, Key.project_named("nowhere")):
            with pytest.raises(NotFoundError):
                list(backend.history(key))


class NoHistory(Stores):
    """What backends promise that keep the present state only."""

    def test_other_states_are_out_of_reach(self, backend: Backend, svm: Key) -> None:
        assert not backend.keeps_history
        with pytest.raises(UnsupportedError):
            backend.read([svm], at="2026-11-21T10:00:00Z")
        with pytest.raises(UnsupportedError):
            list(backend.scan(at="v1"))
        with pytest.raises(UnsupportedError):
            backend.changes("iris", "v1")
        with pytest.raises(UnsupportedError):
            list(backend.history(svm))

    def test_changes_since_before_anything_name_everything(self, backend: Backend) -> None:
        store(backend, *ONE_OF_EACH)
        remove(backend, RUN)
        assert set(backend.changes("iris").stored) == set(ONE_OF_EACH) - {RUN}
        assert found(backend, IRIS) == files_of(IRIS)

    def test_an_unknown_project_has_no_changes(self, backend: Backend) -> None:
        with pytest.raises(NotFoundError):
            backend.changes("nowhere")

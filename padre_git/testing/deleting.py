"""Behaviours of deleting and renaming: a tombstone stays, and nothing exists below it."""

from __future__ import annotations

import pytest

from padre_git.backends import Backend
from padre_git.errors import AlreadyExistsError, ConflictError, InvalidInputError, NotFoundError
from padre_git.messages import Op
from padre_git.model import ABSENT, Change, ChangeSet, Key, Tombstone
from padre_git.testing.documents import (
    EXECUTION,
    EXPERIMENT,
    IRIS,
    files_of,
    message,
    put,
    remove,
    run_key,
    store,
)
from padre_git.testing.stores import Stores
from padre_git.testing.storing import HAVE_PARENTS, ONE_OF_EACH, RUN, found, state

__all__ = ["Deleting"]

NEW = IRIS.experiment("kernel-machines")


def rename(backend: Backend, old: Key, new: Key, *, expected: str | None = None) -> None:
    """Moves a record with what lies below it."""
    changes = (
        Change(key=new, files=found(backend, old), moved_from=old, expected=expected),
        Change(key=old, files=None, moved_to=new),
    )
    backend.apply(ChangeSet(changes=changes), message(f"rename {old.name}", Op.RENAME))


class Deleting(Stores):
    """What :meth:`Backend.apply` promises about records that are deleted or renamed."""

    @pytest.mark.parametrize("key", ONE_OF_EACH, ids=lambda key: key.kind.value)
    def test_a_deleted_record_leaves_a_tombstone(self, backend: Backend, key: Key) -> None:
        store(backend, *ONE_OF_EACH)
        remove(backend, key)
        assert backend.read([key]) == {key: Tombstone(key=key)}
        assert key not in set(backend.scan())

    @pytest.mark.parametrize("key", HAVE_PARENTS, ids=lambda key: key.kind.value)
    def test_deleting_leaves_the_others(self, backend: Backend, key: Key) -> None:
        store(backend, *ONE_OF_EACH)
        remove(backend, key)
        others = [k for k in ONE_OF_EACH if not key.contains(k)]
        assert list(backend.scan()) == sorted(others)
        assert {k: found(backend, k) for k in others} == {k: files_of(k) for k in others}

    def test_deleting_takes_what_lies_below(self, backend: Backend, svm: Key) -> None:
        runs = [run_key(n) for n in range(5)]
        store(backend, EXECUTION, *runs)
        remove(backend, svm)
        assert list(backend.scan()) == [IRIS]
        assert set(backend.read([svm, EXECUTION, *runs])) == {svm}

    def test_below_a_tombstone_there_are_no_tombstones(self, backend: Backend, svm: Key) -> None:
        store(backend, RUN, EXECUTION)
        remove(backend, RUN)
        remove(backend, svm)
        assert backend.read([RUN, EXECUTION]) == {}

    def test_a_deleted_project_leaves_nothing_but_its_tombstone(self, backend: Backend) -> None:
        store(backend, *ONE_OF_EACH)
        remove(backend, IRIS)
        assert backend.read(ONE_OF_EACH) == {IRIS: Tombstone(key=IRIS)}
        assert list(backend.scan()) == []

    def test_deleting_does_not_touch_names_that_begin_alike(
        self, backend: Backend, svm: Key
    ) -> None:
        alike = IRIS.experiment("svm-2")
        store(backend, alike, run_key(1, alike), RUN)
        remove(backend, svm)
        assert list(backend.scan()) == sorted([IRIS, alike, run_key(1, alike)])

    def test_nothing_is_stored_below_a_tombstone(self, backend: Backend, svm: Key) -> None:
        remove(backend, svm)
        with pytest.raises(NotFoundError):
            put(backend, RUN)
        assert list(backend.scan()) == [IRIS]

    def test_deleting_what_does_not_exist_is_an_error(self, backend: Backend, svm: Key) -> None:
        before = state(backend)
        with pytest.raises(NotFoundError):
            remove(backend, RUN)
        with pytest.raises(NotFoundError):
            remove(backend, Key.project_named("nowhere"))
        assert state(backend) == before
        assert list(backend.scan()) == [IRIS, svm]

    def test_deleting_twice_is_an_error(self, backend: Backend, svm: Key) -> None:
        remove(backend, svm)
        with pytest.raises(NotFoundError):
            remove(backend, svm)
        assert backend.read([svm]) == {svm: Tombstone(key=svm)}

    def test_deleting_at_a_stale_revision_is_refused(self, backend: Backend, svm: Key) -> None:
        first = put(backend, RUN, seed=1)
        second = put(backend, RUN, seed=2)
        with pytest.raises(ConflictError):
            remove(backend, RUN, expected=first)
        assert found(backend, RUN) == files_of(RUN, seed=2)
        remove(backend, RUN, expected=second)
        assert backend.read([RUN]) == {RUN: Tombstone(key=RUN)}

    def test_changing_what_was_deleted_meanwhile_is_a_conflict(
        self, backend: Backend, svm: Key
    ) -> None:
        revision = put(backend, RUN)
        remove(backend, RUN)
        with pytest.raises(ConflictError):
            put(backend, RUN, seed=2, expected=revision)
        assert backend.read([RUN]) == {RUN: Tombstone(key=RUN)}

    @pytest.mark.parametrize("key", ONE_OF_EACH, ids=lambda key: key.kind.value)
    def test_storing_over_a_tombstone_brings_the_record_back(
        self, backend: Backend, key: Key
    ) -> None:
        store(backend, *ONE_OF_EACH)
        remove(backend, key)
        put(backend, key, expected=ABSENT)
        assert found(backend, key) == files_of(key)
        others = [k for k in ONE_OF_EACH if not key.contains(k)]
        assert list(backend.scan()) == sorted([*others, key])

    def test_parts_do_not_come_back_with_a_record(self, backend: Backend, svm: Key) -> None:
        put(backend, RUN, {"log.txt": b"first", "tags/best": b""})
        remove(backend, RUN)
        put(backend, RUN, {"metrics.yaml": b"loss: 1.0\n"})
        assert found(backend, RUN) == files_of(RUN, {"metrics.yaml": b"loss: 1.0\n"})

    def test_a_revived_record_takes_children_and_parts_again(
        self, backend: Backend, svm: Key
    ) -> None:
        parts = {"tags/best": b"", "notes/202611220911-f3k2.md": b"why\n"}
        put(backend, RUN, parts)
        remove(backend, RUN)
        put(backend, RUN, parts)
        assert found(backend, RUN) == files_of(RUN, parts)
        remove(backend, svm)
        store(backend, svm, EXECUTION, RUN)
        put(backend, RUN, parts)
        assert list(backend.scan(svm)) == sorted([EXECUTION, RUN])
        assert found(backend, RUN) == files_of(RUN, parts)

    def test_a_revived_project_takes_all_records_at_once(self, backend: Backend) -> None:
        store(backend, *ONE_OF_EACH)
        remove(backend, IRIS)
        store(backend, *ONE_OF_EACH)
        assert list(backend.scan()) == sorted(ONE_OF_EACH)
        assert {k: found(backend, k) for k in ONE_OF_EACH} == {k: files_of(k) for k in ONE_OF_EACH}

    def test_storing_below_a_record_that_is_deleted_is_refused(
        self, backend: Backend, svm: Key
    ) -> None:
        changes = (Change(key=svm, files=None), Change(key=RUN, files=files_of(RUN)))
        with pytest.raises(NotFoundError):
            backend.apply(ChangeSet(changes=changes), message())
        assert list(backend.scan()) == [IRIS, svm]

    def test_parent_and_child_may_be_deleted_together(self, backend: Backend, svm: Key) -> None:
        store(backend, RUN)
        changes = (Change(key=RUN, files=None), Change(key=svm, files=None))
        assert backend.apply(ChangeSet(changes=changes), message()) == {RUN: None, svm: None}
        assert backend.read([svm, RUN]) == {svm: Tombstone(key=svm)}

    def test_deleting_and_storing_go_together(self, backend: Backend, svm: Key) -> None:
        store(backend, RUN)
        changes = (
            Change(key=RUN, files=None),
            Change(key=run_key(2), files=files_of(run_key(2))),
            Change(key=svm, files=files_of(svm, title="cleaned up")),
        )
        revisions = backend.apply(ChangeSet(changes=changes), message())
        assert revisions[RUN] is None
        assert list(backend.scan(svm)) == [run_key(2)]
        assert found(backend, svm) == files_of(svm, title="cleaned up")

    def test_a_record_with_an_unreadable_document_can_be_deleted(
        self, backend: Backend, svm: Key
    ) -> None:
        broken = Change(key=RUN, files={"run.yaml": b"schema: deleted/1\n<<<<<<<\n"})
        backend.apply(ChangeSet(changes=(broken,)), message())
        assert list(backend.scan(svm)) == [RUN]
        remove(backend, RUN)
        assert backend.read([RUN]) == {RUN: Tombstone(key=RUN)}

    def test_a_tombstone_says_where_a_record_went(self, backend: Backend, svm: Key) -> None:
        old, new = IRIS.dataset("flowers"), IRIS.dataset("iris-flowers")
        store(backend, old)
        rename(backend, old, new)
        assert backend.read([old]) == {old: Tombstone(key=old, moved_to=new)}
        assert found(backend, new) == files_of(old)

    def test_a_record_without_children_can_be_renamed(self, backend: Backend, svm: Key) -> None:
        put(backend, RUN, {"tags/best": b""})
        rename(backend, RUN, run_key(2))
        assert found(backend, run_key(2)) == files_of(RUN, {"tags/best": b""})
        assert backend.read([RUN]) == {RUN: Tombstone(key=RUN, moved_to=run_key(2))}

    def test_a_renamed_experiment_takes_its_children_along(
        self, backend: Backend, svm: Key
    ) -> None:
        runs = [run_key(n) for n in range(40)]
        store(backend, EXECUTION, *runs)
        put(backend, RUN, {"tags/best": b"", "log.txt": b"\xff"})
        rename(backend, svm, NEW)
        moved = [run_key(n, NEW) for n in range(40)]
        assert list(backend.scan(NEW)) == sorted([NEW.execution(EXECUTION.name), *moved])
        parts = {"tags/best": b"", "log.txt": b"\xff"}
        assert found(backend, run_key(1, NEW)) == files_of(RUN, parts)
        assert backend.read([svm, RUN]) == {svm: Tombstone(key=svm, moved_to=NEW)}
        assert list(backend.scan(svm)) == []

    def test_tombstones_of_children_move_with_them(self, backend: Backend, svm: Key) -> None:
        store(backend, RUN)
        remove(backend, RUN)
        rename(backend, svm, NEW)
        assert backend.read([run_key(1, NEW)]) == {run_key(1, NEW): Tombstone(key=run_key(1, NEW))}

    def test_a_moved_record_may_change_at_once(self, backend: Backend, svm: Key) -> None:
        store(backend, RUN)
        changes = (
            Change(key=svm, files=None, moved_to=NEW),
            Change(key=NEW, files=files_of(NEW, title="new"), moved_from=svm, expected=ABSENT),
        )
        backend.apply(ChangeSet(changes=changes), message())
        assert found(backend, NEW) == files_of(NEW, title="new")
        assert list(backend.scan()) == sorted([IRIS, NEW, run_key(1, NEW)])

    def test_a_record_can_be_renamed_there_and_back(self, backend: Backend, svm: Key) -> None:
        store(backend, RUN)
        rename(backend, svm, NEW)
        rename(backend, NEW, svm)
        assert list(backend.scan()) == [IRIS, svm, RUN]
        assert found(backend, RUN) == files_of(RUN)
        assert backend.read([NEW]) == {NEW: Tombstone(key=NEW, moved_to=svm)}

    def test_nothing_moves_to_where_a_record_exists(self, backend: Backend, svm: Key) -> None:
        store(backend, NEW, RUN)
        before = state(backend)
        with pytest.raises(AlreadyExistsError):
            rename(backend, svm, NEW)
        with pytest.raises(ConflictError):
            rename(backend, svm, NEW, expected=ABSENT)
        assert state(backend) == before
        assert list(backend.scan()) == sorted([IRIS, svm, RUN, NEW])

    def test_nothing_moves_from_where_nothing_exists(self, backend: Backend, iris: Key) -> None:
        changes = (
            Change(key=NEW, files=files_of(NEW), moved_from=EXPERIMENT),
            Change(key=EXPERIMENT, files=None, moved_to=NEW),
        )
        with pytest.raises(NotFoundError):
            backend.apply(ChangeSet(changes=changes), message())
        assert list(backend.scan()) == [iris]

    def test_a_move_without_its_deletion_is_refused(self, backend: Backend, svm: Key) -> None:
        with pytest.raises(InvalidInputError):
            ChangeSet(changes=(Change(key=NEW, files=files_of(NEW), moved_from=svm),))

    def test_nothing_is_stored_below_a_record_that_moves(self, backend: Backend, svm: Key) -> None:
        with pytest.raises(InvalidInputError):
            ChangeSet(
                changes=(
                    Change(key=svm, files=None, moved_to=NEW),
                    Change(key=NEW, files=files_of(NEW), moved_from=svm),
                    Change(key=run_key(1, NEW), files=files_of(run_key(1, NEW))),
                )
            )

    def test_a_group_may_rename(self, backend: Backend, svm: Key) -> None:
        files = found(backend, svm)
        moves = (
            Change(key=NEW, files=files, moved_from=svm),
            Change(key=svm, files=None, moved_to=NEW),
        )
        late = run_key(2, NEW)
        writes = [(Change(key=RUN, files=files_of(RUN)),), moves]
        writes.append((Change(key=late, files=files_of(late)),))
        done = backend.apply_each([(ChangeSet(changes=changes), message()) for changes in writes])
        assert [set(revisions) for revisions in done] == [{RUN}, {NEW, svm}, {late}]
        assert list(backend.scan()) == sorted([IRIS, NEW, run_key(1, NEW), late])

"""Behaviours of scanning: every living record once, in the order of keys."""

from __future__ import annotations

import pytest

from padre_git.backends import Backend
from padre_git.model import Change, ChangeSet, Key, Kind, Record
from padre_git.testing.documents import (
    ENVIRONMENT,
    EXECUTION,
    EXPERIMENT,
    IRIS,
    files_of,
    message,
    remove,
    run_key,
    store,
)
from padre_git.testing.stores import Stores
from padre_git.testing.storing import ONE_OF_EACH, RUN

__all__ = ["Listing"]

LAB = Key.project_named("lab")
#: Names of which one begins another, around the slash in the order of characters.
ALIKE = [IRIS.experiment(name) for name in ("svm", "svm-2", "svm0", "svm_x", "sv")]


class Listing(Stores):
    """What :meth:`Backend.scan` promises."""

    def test_an_empty_store_has_no_keys(self, backend: Backend) -> None:
        assert list(backend.scan()) == []
        assert list(backend.scan(kind=Kind.RUN)) == []

    def test_every_record_comes_once_in_the_order_of_keys(self, backend: Backend) -> None:
        store(backend, *ONE_OF_EACH)
        store(backend, LAB, LAB.dataset("d"))
        assert list(backend.scan()) == sorted([*ONE_OF_EACH, LAB, LAB.dataset("d")])

    def test_a_prefix_limits_to_what_lies_below(self, backend: Backend) -> None:
        store(backend, *ONE_OF_EACH)
        store(backend, LAB)
        assert list(backend.scan(IRIS)) == sorted(key for key in ONE_OF_EACH if key != IRIS)
        assert list(backend.scan(EXPERIMENT)) == sorted([EXECUTION, RUN])
        assert list(backend.scan(RUN)) == []
        assert list(backend.scan(LAB)) == []

    @pytest.mark.parametrize("kind", Kind)
    def test_a_kind_limits_to_records_of_it(self, backend: Backend, kind: Kind) -> None:
        store(backend, *ONE_OF_EACH)
        assert list(backend.scan(kind=kind)) == [key for key in ONE_OF_EACH if key.kind is kind]

    def test_kind_and_prefix_go_together(self, backend: Backend) -> None:
        other = IRIS.experiment("other")
        store(backend, *ONE_OF_EACH, other, run_key(1, other))
        assert list(backend.scan(other, kind=Kind.RUN)) == [run_key(1, other)]
        assert list(backend.scan(IRIS, kind=Kind.RUN)) == sorted([RUN, run_key(1, other)])
        assert list(backend.scan(other, kind=Kind.EXPERIMENT)) == []

    def test_names_that_begin_alike_are_told_apart(self, backend: Backend, iris: Key) -> None:
        runs = [run_key(n, key) for n, key in enumerate(ALIKE)]
        store(backend, *ALIKE, *runs)
        assert list(backend.scan(iris)) == sorted([*ALIKE, *runs])
        for key, run in zip(ALIKE, runs, strict=True):
            assert list(backend.scan(key)) == [run]

    def test_projects_that_begin_alike_are_told_apart(self, backend: Backend, svm: Key) -> None:
        other = Key.project_named("iris-2")
        store(backend, other, other.experiment("svm"))
        assert list(backend.scan(IRIS)) == [svm]
        assert list(backend.scan()) == sorted([IRIS, svm, other, other.experiment("svm")])

    @pytest.mark.parametrize("size", [1, 2, 3, 100])
    def test_pages_add_up_to_the_whole(self, backend: Backend, iris: Key, size: int) -> None:
        store(backend, *ALIKE, *(run_key(n, ALIKE[n % 5]) for n in range(10)))
        pages: list[Key] = []
        while page := list(backend.scan(iris, after=pages[-1] if pages else None, limit=size)):
            assert len(page) <= size
            pages += page
        assert pages == list(backend.scan(iris))
        assert len(pages) == 15

    def test_a_page_may_begin_after_a_key_that_is_gone(self, backend: Backend, iris: Key) -> None:
        store(backend, *ALIKE)
        remove(backend, ALIKE[0])
        expected = sorted(key for key in ALIKE if key > ALIKE[0])
        assert list(backend.scan(after=ALIKE[0])) == expected

    def test_a_page_of_no_keys_is_empty(self, backend: Backend, iris: Key) -> None:
        assert list(backend.scan(limit=0)) == []

    def test_below_what_does_not_exist_is_nothing(self, backend: Backend, iris: Key) -> None:
        assert list(backend.scan(EXPERIMENT)) == []
        assert list(backend.scan(LAB)) == []

    def test_tombstones_are_not_listed(self, backend: Backend) -> None:
        runs = [run_key(n) for n in range(6)]
        store(backend, *ONE_OF_EACH, *(key for key in runs if key not in ONE_OF_EACH))
        remove(backend, ENVIRONMENT)
        remove(backend, EXECUTION)
        for key in runs[::2]:
            remove(backend, key)
        assert list(backend.scan(EXPERIMENT)) == sorted(runs[1::2])
        assert ENVIRONMENT not in set(backend.scan())

    def test_many_runs_are_listed_and_read_each_once(self, backend: Backend, svm: Key) -> None:
        keys = [run_key(n, day=20 + n % 2) for n in range(300)]
        changes = tuple(Change(key=key, files=files_of(key, seed=7)) for key in keys)
        revisions = backend.apply(ChangeSet(changes=changes), message("300 runs"))
        assert list(backend.scan(svm, kind=Kind.RUN)) == sorted(keys)
        records = backend.read(keys)
        assert {k: r.revision for k, r in records.items() if isinstance(r, Record)} == revisions

    def test_runs_stay_listed_once_as_their_number_grows(self, backend: Backend, svm: Key) -> None:
        keys = [run_key(n) for n in range(330)]
        for start in range(0, 330, 110):
            store(backend, *keys[start : start + 110])
        store(backend, *keys[100:120])
        assert list(backend.scan(svm)) == sorted(keys)

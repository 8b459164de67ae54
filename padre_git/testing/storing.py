"""Behaviours of storing: what goes in comes out, whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from padre_git.backends import Backend
from padre_git.errors import ConflictError, InvalidInputError, NotFoundError
from padre_git.model import ABSENT, Change, ChangeSet, Key, Record
from padre_git.testing.documents import (
    ENVIRONMENT,
    EXECUTION,
    EXPERIMENT,
    IRIS,
    document,
    files_of,
    message,
    put,
    run_key,
    store,
)
from padre_git.testing.stores import Stores

__all__ = ["Storing"]

RUN = run_key(1)
ONE_OF_EACH = [IRIS, IRIS.dataset("flowers"), ENVIRONMENT, EXPERIMENT, EXECUTION, RUN]
HAVE_PARENTS = [key for key in ONE_OF_EACH if key.parent is not None]

#: File names that must never reach a disk.
HOSTILE = [
    "",
    ".",
    "..",
    "../run.yaml",
    "/etc/passwd",
    "./run.yaml",
    "run.yaml/",
    "a//b",
    "tags",
    "tags/",
    "tags/..",
    "tags/../../x",
    "tags/a/b",
    "tags/.git",
    "tags/a b",
    "tags/con",
    "tags/" + "x" * 300,
    "notes/.x.md",
    "notes/../run.yaml",
    ".git/config",
    ".git",
    "RUN.YAML",
    "run.yaml\0",
    "run.yaml\n",
    "metrics.yaml ",
    "meтrics.yaml",
    "C:\\run.yaml",
    "tags\\x",
    "readme.md",
    "experiment.yaml",
]


def found(backend: Backend, key: Key) -> dict[str, bytes]:
    """Returns the files of a living record."""
    record = backend.read([key])[key]
    assert isinstance(record, Record)
    assert record.key == key
    return dict(record.files)


def state(backend: Backend) -> str | None:
    """Returns the name of the present state of the project."""
    return backend.changes("iris").end


class Storing(Stores):
    """What :meth:`Backend.apply` promises about records that are stored."""

    @pytest.mark.parametrize("key", ONE_OF_EACH, ids=lambda key: key.kind.value)
    def test_what_was_put_is_read_back(self, backend: Backend, key: Key) -> None:
        for above in reversed(key.ancestors()):
            store(backend, above)
        files = files_of(key)
        backend.apply(ChangeSet(changes=(Change(key=key, files=files),)), message())
        assert found(backend, key) == files

    def test_what_was_never_put_is_missing(self, backend: Backend, iris: Key) -> None:
        assert backend.read([]) == {}
        assert backend.read([RUN, EXPERIMENT, Key.project_named("nowhere")]) == {}
        assert set(backend.read([iris, RUN])) == {iris}

    def test_putting_again_replaces_all_files(self, backend: Backend, svm: Key) -> None:
        put(backend, RUN, {"log.txt": b"one\n", "metrics.yaml": b"loss: 1.0\n"})
        put(backend, RUN, {"log.txt": b"two\n", "tags/best": b""}, seed=3)
        parts = {"log.txt": b"two\n", "tags/best": b""}
        assert found(backend, RUN) == files_of(RUN, parts, seed=3)

    def test_putting_a_record_keeps_its_children(self, backend: Backend, svm: Key) -> None:
        store(backend, EXECUTION, RUN)
        put(backend, svm, title="renamed")
        put(backend, svm.parent or svm, title="renamed too")
        assert list(backend.scan()) == sorted([IRIS, svm, EXECUTION, RUN])

    def test_an_unchanged_put_makes_no_new_state(self, backend: Backend, svm: Key) -> None:
        first = put(backend, RUN, {"log.txt": b"\xff"})
        before = state(backend)
        assert put(backend, RUN, {"log.txt": b"\xff"}) == first
        assert state(backend) == before

    def test_equal_values_in_other_bytes_make_no_new_state(
        self, backend: Backend, svm: Key
    ) -> None:
        first = put(backend, svm, title="SVM")
        before = state(backend)
        other = {"experiment.yaml": b"# by hand\n" + document(svm, title="SVM")}
        changes = ChangeSet(changes=(Change(key=svm, files=other),))
        assert backend.apply(changes, message()) == {svm: first}
        assert state(backend) == before
        assert found(backend, svm) == files_of(svm, title="SVM")

    def test_unchanged_records_are_left_out_of_a_set(self, backend: Backend, svm: Key) -> None:
        before = found(backend, svm)
        store(backend, IRIS, svm, RUN)
        assert found(backend, svm) == before
        assert set(found(backend, RUN)) == {"run.yaml"}

    def test_a_put_at_the_expected_revision_is_stored(self, backend: Backend, svm: Key) -> None:
        first = put(backend, RUN, seed=1)
        second = put(backend, RUN, seed=2, expected=first)
        assert second != first
        assert found(backend, RUN) == files_of(RUN, seed=2)

    def test_a_put_at_a_stale_revision_is_refused(self, backend: Backend, svm: Key) -> None:
        first = put(backend, RUN, seed=1)
        put(backend, RUN, seed=2)
        before = state(backend)
        with pytest.raises(ConflictError) as refused:
            put(backend, RUN, seed=3, expected=first)
        assert refused.value.key == RUN.text
        assert state(backend) == before
        assert found(backend, RUN) == files_of(RUN, seed=2)

    def test_a_record_expected_to_be_absent_is_stored_once(
        self, backend: Backend, svm: Key
    ) -> None:
        put(backend, RUN, expected=ABSENT)
        with pytest.raises(ConflictError):
            put(backend, RUN, expected=ABSENT)

    def test_a_missing_record_is_at_no_revision(self, backend: Backend, svm: Key) -> None:
        with pytest.raises(ConflictError):
            put(backend, RUN, expected="0" * 40)
        assert backend.read([RUN]) == {}

    @pytest.mark.parametrize("key", HAVE_PARENTS, ids=lambda key: key.kind.value)
    def test_nothing_is_stored_below_a_missing_parent(self, backend: Backend, key: Key) -> None:
        with pytest.raises(NotFoundError):
            put(backend, key)
        assert list(backend.scan()) == []

    def test_a_grandparent_must_exist_too(self, backend: Backend, iris: Key) -> None:
        with pytest.raises(NotFoundError):
            store(backend, RUN, EXECUTION)
        assert list(backend.scan()) == [iris]

    def test_parents_may_come_in_the_same_set_in_any_order(self, backend: Backend) -> None:
        store(backend, *reversed(ONE_OF_EACH))
        assert list(backend.scan()) == sorted(ONE_OF_EACH)

    def test_a_set_is_stored_whole_or_not_at_all(self, backend: Backend, svm: Key) -> None:
        put(backend, RUN, seed=1)
        before = state(backend)
        changes = (
            Change(key=IRIS, files=files_of(IRIS, title="new")),
            Change(key=IRIS.dataset("flowers"), files=files_of(IRIS.dataset("flowers"))),
            Change(key=svm, files=files_of(svm, title="new")),
            Change(key=run_key(2), files=files_of(run_key(2))),
            Change(key=RUN, files=None, expected="0" * 40),
        )
        with pytest.raises(ConflictError):
            backend.apply(ChangeSet(changes=changes), message())
        assert state(backend) == before
        assert list(backend.scan()) == [IRIS, svm, RUN]
        assert found(backend, IRIS) == files_of(IRIS)
        assert found(backend, svm) == files_of(svm)

    def test_a_failed_set_leaves_no_project(self, backend: Backend) -> None:
        changes = (
            Change(key=IRIS, files=files_of(IRIS)),
            Change(key=EXPERIMENT, files=files_of(EXPERIMENT), expected="0" * 40),
        )
        with pytest.raises(ConflictError):
            backend.apply(ChangeSet(changes=changes), message())
        assert backend.read([IRIS]) == {}
        assert list(backend.scan()) == []
        store(backend, IRIS)
        assert list(backend.scan()) == [IRIS]

    def test_projects_are_apart_from_each_other(self, backend: Backend, svm: Key) -> None:
        other = Key.project_named("iris-2")
        store(backend, other, other.experiment("svm"))
        put(backend, svm, title="only here")
        assert found(backend, other.experiment("svm")) == files_of(other.experiment("svm"))

    def test_two_projects_in_one_set_are_refused(self, backend: Backend, iris: Key) -> None:
        with pytest.raises(InvalidInputError):
            store(backend, iris, Key.project_named("other"))
        assert list(backend.scan()) == [iris]

    def test_two_changes_of_one_record_are_refused(self, backend: Backend, iris: Key) -> None:
        with pytest.raises(InvalidInputError):
            store(backend, iris, iris)

    @pytest.mark.parametrize("name", HOSTILE, ids=ascii)
    def test_a_file_that_is_no_part_is_refused(self, backend: Backend, svm: Key, name: str) -> None:
        before = state(backend)
        with pytest.raises(InvalidInputError):
            put(backend, RUN, {name: b"hostile"})
        assert state(backend) == before
        assert backend.read([RUN]) == {}

    def test_a_tombstone_is_no_document(self, backend: Backend, svm: Key) -> None:
        tombstone = Change(key=svm, files={"experiment.yaml": b"schema: deleted/1\n"})
        with pytest.raises(InvalidInputError):
            backend.apply(ChangeSet(changes=(tombstone,)), message())
        assert found(backend, svm) == files_of(svm)

    def test_content_that_is_not_bytes_is_refused(self, backend: Backend, svm: Key) -> None:
        text: Any = "text"
        with pytest.raises(InvalidInputError):
            put(backend, RUN, {"log.txt": text})
        assert backend.read([RUN]) == {}

    def test_a_record_may_have_many_files(self, backend: Backend, svm: Key) -> None:
        tags = {f"tags/t{n}": b"" for n in range(40)}
        notes = {f"notes/202611220911-{n:04}.md": f"note {n}\n".encode() for n in range(40)}
        put(backend, RUN, tags | notes)
        assert found(backend, RUN) == files_of(RUN, tags | notes)

    def test_empty_files_are_kept(self, backend: Backend, svm: Key) -> None:
        parts = {"tags/best": b"", "log.txt": b"", "metrics.yaml": b""}
        put(backend, RUN, parts)
        assert found(backend, RUN) == files_of(RUN, parts)

    @pytest.mark.parametrize(
        "content",
        [b"\0", b"\r\n\r", b"no newline", bytes(range(256)) * 300, b"$Id$\n", b"\xef\xbb\xbf \n"],
        ids=["nul", "crlf", "no-newline", "binary", "keyword", "bom"],
    )
    def test_bytes_are_kept_as_they_are(self, backend: Backend, svm: Key, content: bytes) -> None:
        put(backend, RUN, {"log.txt": content, "results.csv": content})
        assert found(backend, RUN)["log.txt"] == content
        assert found(backend, RUN)["results.csv"] == content

    def test_an_unreadable_document_hides_no_other_record(self, backend: Backend, svm: Key) -> None:
        broken = {"run.yaml": b"\xff<<<<<<< HEAD\n{[}"}
        changes = tuple(Change(key=run_key(n), files=broken) for n in (2, 3))
        backend.apply(ChangeSet(changes=changes), message())
        put(backend, RUN)
        assert list(backend.scan(svm)) == sorted([RUN, run_key(2), run_key(3)])
        assert found(backend, run_key(2)) == broken
        assert found(backend, RUN) == files_of(RUN)

    def test_an_unreadable_document_can_be_replaced(self, backend: Backend, svm: Key) -> None:
        broken = Change(key=svm, files={"experiment.yaml": b"{"})
        backend.apply(ChangeSet(changes=(broken,)), message())
        store(backend, RUN)
        put(backend, svm, title="mended")
        assert found(backend, svm) == files_of(svm, title="mended")
        assert list(backend.scan(svm)) == [RUN]

"""Datasets: their descriptions as other records, their data by DVC, and each version of both."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from padre_git.api.datafiles import columns_of, read_data, written
from padre_git.collections import Collection, Ref, Session
from padre_git.errors import (
    AmbiguousReferenceError,
    InvalidInputError,
    InvalidNameError,
    NotFoundError,
)
from padre_git.messages import Commit, Get, History, Message, Op, Prepare, Version
from padre_git.model import Dataset, Key, Kind, Run
from padre_git.model.names import quoted
from padre_git.services.subjects import named, subject_text

if TYPE_CHECKING:
    from padre_git.api.store import Store

__all__ = ["Datasets", "at_version"]

_HASH = re.compile(r"(?:md5:)?([0-9a-f]{4,32}(?:\.dir)?)")


class Datasets(Collection[Dataset]):
    """Is all datasets in a store, with their data.

    The version of a dataset is the hash of its data. ``iris/iris-data@3f9c2a71`` means the dataset
    as it was with the data whose hash begins so, wherever a dataset is read.

    Args:
        store: whose they are.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(Kind.DATASET, store.session)
        self._store = store

    def put(
        self,
        entity: Dataset,
        *,
        data: Any = None,
        format: str | None = None,
        message: str | None = None,
    ) -> Dataset:
        """Stores a dataset, and with ``data`` both in one commit; see :meth:`Collection.put`.

        Args:
            entity: what is to be known about it. The columns of a table are added, with their
                types, where it does not describe them.
            data: all of its data: a path of a file or directory, a pandas DataFrame or Series, or
                a numpy array; None leaves the data as it is.
            format: of an object: ``"csv"`` (tables without loss only), ``"parquet"`` or ``"npy"``;
                CSV for tables and ``.npy`` for arrays if it is not given. Nothing is pickled.
            message: the subject of the commit.

        Raises:
            ArtifactError: if something in the data cannot be stored.
            ConflictError: if somebody changed the record since it was read.
            InvalidInputError: if data cannot be stored so without loss.
            NotFoundError: if there is no such project, or nothing at the path.
            UnsupportedError: if this store keeps no artifacts, or a library is not installed.
        """
        if data is None:
            if format is not None:
                raise InvalidInputError("a format without data")
            return super().put(entity, message=message)
        described = entity.replace(columns=columns_of(data, entity.columns))
        with written(data, entity.name, format, described.columns) as path:
            return self._put_with(described, path, message)

    def _put_with(self, entity: Dataset, path: Path, message: str | None) -> Dataset:
        from padre_git.artifacts import place, pointer_to, write_pointer

        cache = self._store.artifacts.data_of(entity.key).cache
        items = place(cache, path)
        if "" in items:
            items = {path.resolve().name: items[""]}
        pointer = pointer_to(cache, "data", items)
        entity = entity.replace(version=f"md5:{pointer.md5}")
        parts = {"data.dvc": write_pointer(pointer)}
        if self._session.unit is not None:
            stored: Dataset = self._session.unit.put(entity, parts)
            return stored
        change = self._bus.send(Prepare(subject=self.kind, entity=entity, parts=parts))
        text = subject_text(message, f"put dataset {named(entity.key)} with its data")
        self._bus.send(
            Commit(subject=self.kind, changes=[change], message=Message(op=Op.PUT, subject=text))
        )
        return self.get(entity.key)

    def get(self, ref: Ref, *, at: str | None = None) -> Dataset:
        """Returns one dataset, also by version; see :meth:`Collection.get`. Fetches no data.

        Args:
            ref: as for every record, or with ``@`` and the beginning of a version.
            at: a commit, tag, branch or date; None for now.

        Raises:
            AmbiguousReferenceError, NotFoundError: also for versions.
        """
        ref, at = at_version(self._session, ref, at)
        return super().get(ref, at=at)

    def data(self, ref: Ref, *, at: str | None = None) -> Path:
        """Returns the path of a dataset's data, fetched if it is not here, and checked.

        It is a directory with the files of the dataset, a private copy; a single file that was
        added with ``dvc add`` is a file.

        Raises:
            ArtifactError, NotFoundError, RemoteError: as :meth:`Artifacts.get`.
        """
        return self._store.artifacts.get(ref, at=at)

    def load(self, ref: Ref, *, at: str | None = None) -> Any:
        """Returns the data of a dataset that is one CSV, Parquet or ``.npy`` file.

        What was stored from a DataFrame or an array is equal to it; a Series comes as a table
        with one column.

        Raises:
            ArtifactError, NotFoundError, RemoteError: as :meth:`Artifacts.get`.
            InvalidInputError: if the file is not what its name says.
            UnsupportedError: if it has several files, or a library is not installed.
        """
        ref, at = at_version(self._session, ref, at)
        dataset = self.get(ref, at=at)
        found = self._store.artifacts.list(dataset.key, at=at)
        if len(found) != 1:
            raise NotFoundError(
                f"'{dataset.key}' has {len(found)} files, not one",
                key=dataset.key,
                hint="store.datasets.data returns the path of all",
            )
        path = self._store.artifacts.get(dataset.key, found[0].name, at=at)
        return read_data(path, dataset.columns)

    def used_by(self, run: Ref) -> list[Dataset]:
        """Returns the datasets that a run used, each as that run saw it.

        Args:
            run: the run.

        Raises:
            NotFoundError: if there is no such run, or the history of a dataset does not reach
                back to that version.
        """
        key = self._session.resolve(run, [Kind.RUN])
        stored: Run = self._bus.send(Get(subject=Kind.RUN, key=key))
        return [self._seen_by(key, used) for used in stored.datasets]

    def _seen_by(self, run: Key, used: str) -> Dataset:
        reference = f"{run.project}/{used}"
        if "@" in used:
            return self.get(reference)
        versions: list[Version] = self._bus.send(History(subject=Kind.RUN, key=run))
        return self.get(reference, at=versions[-1].state)


def at_version(session: Session, ref: Ref, at: str | None) -> tuple[Ref, str | None]:
    """Returns a reference without version, and the state in which the dataset has that version.

    Args:
        session: of the store.
        ref: anything that means a record; ``name@version`` is looked up in history.
        at: a state; None for now.

    Raises:
        AmbiguousReferenceError: if several versions begin so.
        InvalidInputError: for a version and a state.
        NotFoundError: if the dataset never had such data.
    """
    place = ref.rpartition("#")[2] if isinstance(ref, str) else ""
    _, mark, version = place.rpartition("@")
    wanted = _HASH.fullmatch(version)
    if not mark or not isinstance(ref, str) or wanted is None or "://" in place:
        return ref, at
    if at is not None:
        raise InvalidInputError(f"a version and a state: {quoted(ref)} at {quoted(at)}")
    spelled = ref.removesuffix(f"@{version}")
    key = session.resolve(spelled, [Kind.DATASET])
    found = _states(session, key, wanted[1])
    before = _before_renaming(spelled)
    if not found and before is not None and before != key:
        key, found = before, _states(session, before, wanted[1])
    if not found:
        raise NotFoundError(
            f"'{key}' never had data with the hash {quoted(version)}",
            key=key,
            hint="store.datasets.history shows its versions; the remote may have more: pull",
        )
    if len(found) > 1:
        raise AmbiguousReferenceError(
            f"{quoted(ref)} may be any of {len(found)} versions",
            hint=f"is it {' or '.join(sorted(found))}?",
        )
    return key, next(iter(found.values()))


def _before_renaming(reference: str) -> Key | None:
    """Returns the key that a reference spells out, whatever has become of it."""
    names = reference.split("/")
    try:
        if len(names) == 2:
            return Key.project_named(names[0]).dataset(names[1])
        return Key.parse(reference)
    except InvalidNameError:
        return None


def _states(session: Session, key: Key, wanted: str) -> dict[str, str]:
    """Returns the newest state of each version of a dataset that begins so."""
    found: dict[str, str] = {}
    versions: list[Version] = session.bus.send(History(subject=Kind.DATASET, key=key))
    for version in versions:
        try:
            then: Dataset = session.bus.send(Get(subject=Kind.DATASET, key=key, at=version.state))
        except NotFoundError:  # deleted there
            continue
        if then.version and then.version.removeprefix("md5:").startswith(wanted):
            found.setdefault(then.version, version.state)
    return found

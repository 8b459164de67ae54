"""The waist: the four methods that every backend has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Self

from padre_git.errors import InvalidInputError, UnsupportedError
from padre_git.messages import Deletion, Message, Version
from padre_git.model import ChangeSet, Found, Key, Kind, Record

__all__ = ["Backend", "Changes", "check_one_project"]


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Is what happened to a project's records between two states.

    Attributes:
        start: the earlier state; None for "before anything".
        end: the later state.
        stored: keys of records that are new or differ, in order.
        deleted: keys of records that are gone, in order.
    """

    start: str | None
    end: str | None
    stored: tuple[Key, ...] = ()
    deleted: tuple[Key, ...] = ()


class Backend(ABC):
    """Stores records. put, delete, recorder, transaction and merge each end in one :meth:`apply`.

    A *state* is a name for everything a project holds at one time (a commit id in git); it is
    opaque to callers. Records below a tombstone do not exist.
    """

    #: Whether ``at`` and :meth:`changes` can reach states other than the present one.
    keeps_history: ClassVar[bool] = True

    @abstractmethod
    def read(self, keys: Iterable[Key], *, at: str | None = None) -> dict[Key, Found]:
        """Returns what is stored under each of these keys; keys that hold nothing are missing.

        A deleted key gives its :class:`~padre_git.model.Tombstone`. The bytes are returned as they
        are stored; whether they can be understood is for the caller to find out, key by key.

        Args:
            keys: any number of keys, of any projects.
            at: a state, commit, tag, branch or RFC 3339 date; None for now.

        Raises:
            NotFoundError: if ``at`` names nothing.
            UnsupportedError: if ``at`` is given and this backend keeps no history.
            UnsupportedFormatError: if a project has a format that this version cannot read.
        """

    @abstractmethod
    def scan(
        self,
        prefix: Key | None = None,
        *,
        kind: Kind | None = None,
        at: str | None = None,
        after: Key | None = None,
        limit: int | None = None,
    ) -> Iterator[Key]:
        """Yields the keys of living records below ``prefix``, each once, in the order of keys.

        Without a prefix, projects that do not have the state ``at`` are left out, and so is one
        that cannot be read; that is told to whoever asked the backend to be told.

        Args:
            prefix: a record; itself not among the results. None for everything, from projects on.
            kind: only records of this kind.
            at: as in :meth:`read`.
            after: only keys greater than this one, for paging.
            limit: at most this many.

        Raises:
            NotFoundError: if ``at`` names nothing in any of these projects.
            UnsupportedError: if ``at`` is given and this backend keeps no history.
            UnsupportedFormatError: if the project of ``prefix`` has a format that this version
                cannot read.
        """

    @abstractmethod
    def apply(self, changes: ChangeSet, message: Message) -> dict[Key, str | None]:
        """Makes all of these changes durable, or none, and returns the revisions afterwards.

        Storing below a parent that does not exist is an error unless the same set stores the
        parent; storing a project creates it. A change that leaves a record's values as they are
        (see :func:`padre_git.format.same`) is dropped; if nothing is left, nothing is written.
        Deleting what does not exist is an error. Deleting takes what lies below along and leaves
        one tombstone. Storing over a tombstone brings the record back to life. A change with
        ``moved_from`` takes the child records of the record that is deleted along.

        Returns:
            The revision of every key in the set; None for deleted ones.

        Raises:
            AlreadyExistsError: if a record would move to where one exists; nothing was written.
            ConflictError: if a record is not at its expected revision, or storing would overwrite
                somebody's uncommitted work; nothing was written.
            InvalidInputError: if a file is no part of a record of its kind; nothing was written.
            NotFoundError: if a parent or a record to delete does not exist; nothing was written.
            UnsupportedFormatError: as in :meth:`read`.
            LockedError: if another process held the project for too long; nothing was written.
        """

    def apply_each(
        self, writes: Sequence[tuple[ChangeSet, Message]]
    ) -> list[dict[Key, str | None]]:
        """Applies change sets of one project in this order, each with a message of its own.

        A backend that can makes all of them durable in one write (a commit for each in git); this
        one applies them one by one, so when one fails those before it may have been stored.

        Returns:
            What :meth:`apply` returns, for each of them.

        Raises:
            InvalidInputError: for change sets of two projects.
            ConflictError, NotFoundError, UnsupportedFormatError, LockedError: as in :meth:`apply`.
        """
        check_one_project(writes)
        return [self.apply(changes, message) for changes, message in writes]

    @abstractmethod
    def changes(self, project: str, start: str | None = None, end: str | None = None) -> Changes:
        """Returns what differs between two states of a project.

        Args:
            project: its name.
            start: a state; None for "before anything".
            end: a state; None for now.

        Raises:
            NotFoundError: if the project or a state does not exist.
            UnsupportedError: if a state is given and this backend keeps no history.
        """

    def history(self, key: Key, *, limit: int | None = None) -> Iterator[Version]:
        """Yields the commits that changed this record itself, not what lies below, newest first.

        Args:
            key: of a record that exists or once existed.
            limit: at most this many.

        Raises:
            NotFoundError: if nothing was ever stored under this key.
            UnsupportedError: if this backend keeps no history.
        """
        raise UnsupportedError("this store keeps no history", key=key)

    def urls(self, keys: Iterable[Key]) -> dict[Key, str]:
        """Returns where these records are published; those that are not are missing.

        A record is published if the remote, as last seen, holds its present revision.
        """
        return {}

    def key_of(self, url: str) -> Key | None:
        """Returns the key that a record has whose url this is; None for a url of elsewhere.

        Args:
            url: without user name; see :meth:`urls`.
        """
        return None

    def log(self, key: Key, *, limit: int | None = None) -> Iterator[Version]:
        """Yields the commits that changed this record or what lies below it, newest first.

        Args:
            key: of a record that exists or once existed.
            limit: at most this many.

        Raises:
            NotFoundError: if nothing was ever stored under this key.
            UnsupportedError: if this backend keeps no history.
        """
        return self.history(key, limit=limit)

    def deletions(self, prefix: Key | None = None, *, kind: Kind | None = None) -> list[Deletion]:
        """Returns the deleted records below ``prefix`` that can be restored, in order of keys.

        What lay below a deleted record comes back with it and is not among them.

        Args:
            prefix: a record; None for everything, from projects on.
            kind: only records of this kind.

        Raises:
            UnsupportedError: if this backend keeps no history.
        """
        raise UnsupportedError("this store keeps no history", key=prefix)

    def restore(self, keys: Sequence[Key], message: Message, *, at: str | None = None) -> None:
        """Brings deleted records of one project back, with what lay below them.

        Args:
            keys: the records.
            message: what the log shall say.
            at: a state that has them; None for the last state that had each.

        Raises:
            AlreadyExistsError: if one is alive; nothing was restored.
            ConflictError: if somebody's uncommitted work is in the way; nothing was restored.
            NotFoundError: if a record, its parent or the state is not to be found.
            UnsupportedError: if this backend keeps no history.
        """
        raise UnsupportedError("this store keeps no history", key=keys[0])

    def evict(self, key: Key, *, force: bool = False) -> None:
        """Drops a record, and what lies below it, from this clone only; a read brings it back.

        Args:
            key: the record.
            force: whether a clone may go that has what exists nowhere else.

        Raises:
            NotFoundError: if there is no such record.
            UnpublishedError: if a clone has what exists nowhere else; nothing was removed.
            UnsupportedError: if there is nothing to bring it back from.
        """
        raise UnsupportedError(
            f"nothing can bring '{key}' back: it is only here",
            key=key,
            hint="a store with a remote makes room with mode 'local'; mode 'all' deletes",
        )

    def withdraw(self, key: Key) -> None:
        """Deletes a record from the remote and keeps this clone's copy aside.

        Raises:
            NotFoundError: if there is no such record.
            RemoteError: if the remote did not take it; nothing was deleted.
            UnsupportedError: if there is no remote.
        """
        raise UnsupportedError("this store has no remote", key=key)

    def elsewhere(self) -> dict[Key, Record]:
        """Returns the projects that only the remote has, as far as it shows them, in any order.

        Nothing is brought here for it. Of a project whose document the remote does not show, the
        record holds the name.
        """
        return {}

    def seek(self, project: str, since: float) -> bool:
        """Asks the remote for a project that is not here; returns whether it came.

        Args:
            project: its name.
            since: what the remote has said since then, by the monotonic clock, is not asked again.

        Raises:
            RemoteError: if the remote cannot be asked.
        """
        return False

    def locally(self) -> AbstractContextManager[None]:
        """Returns a block in which this thread is answered from here, and asks no remote.

        A program that records does not wait for a network.
        """
        return nullcontext()

    def close(self) -> None:  # noqa: B027 - most backends hold nothing
        """Releases what the backend holds; it can be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()


def check_one_project(writes: Sequence[tuple[ChangeSet, Message]]) -> None:
    """Raises InvalidInputError if these change sets are of more than one project."""
    if len({changes.project for changes, _ in writes}) > 1:
        raise InvalidInputError("change sets of two projects in one write", hint="write one by one")

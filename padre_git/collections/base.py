"""A collection: the verbs that every kind has, for one kind and its type."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Generic, TypeVar

from padre_git.backends.states import State
from padre_git.collections.session import Ref, Session
from padre_git.collections.standing import state_of
from padre_git.errors import InvalidInputError, NotFoundError
from padre_git.messages import (
    Delete,
    DeleteMode,
    Exists,
    Get,
    History,
    List,
    Put,
    Recall,
    Rename,
    Restore,
    Version,
    Where,
)
from padre_git.model import Entity, Key, Kind

__all__ = ["Collection", "mode_of"]

E = TypeVar("E", bound=Entity)

_PARENTS: dict[Kind, tuple[Kind, ...]] = {
    Kind.PROJECT: (),
    Kind.DATASET: (Kind.PROJECT,),
    Kind.ENVIRONMENT: (Kind.PROJECT,),
    Kind.EXPERIMENT: (Kind.PROJECT,),
    Kind.EXECUTION: (Kind.PROJECT, Kind.EXPERIMENT),
    Kind.RUN: (Kind.PROJECT, Kind.EXPERIMENT, Kind.EXECUTION),
}


def mode_of(mode: str) -> DeleteMode:
    """Returns a mode of deletion by its name.

    Raises:
        InvalidInputError: for any other word.
    """
    try:
        return DeleteMode(mode)
    except ValueError:
        raise InvalidInputError(
            f"no mode {mode!r} of deleting", hint="it is 'all', 'remote' or 'local'"
        ) from None


class Collection(Generic[E]):
    """Is all records of one kind in a store.

    Args:
        kind: which.
        session: of the store.
    """

    def __init__(self, kind: Kind, session: Session) -> None:
        self.kind = kind
        self._session = session
        self._bus = session.bus

    def put(self, entity: E, *, message: str | None = None) -> E:
        """Stores an entity, new or changed, and returns it as stored.

        What lies below it and the parts of the record that the entity does not hold stay as they
        are. Inside ``store.transaction`` it is stored when the block ends.

        Args:
            entity: with a revision, only if the record is still at it; without, in any case.
            message: the subject of the commit; made from what changes if it is not given.

        Raises:
            ConflictError: if somebody changed the record since it was read.
            InvalidInputError: if it cannot be stored.
            NotFoundError: if its parent does not exist.
        """
        if self._session.unit is not None:
            stored: E = self._session.unit.put(entity)
            return stored
        return self._bus.send(Put(subject=self.kind, value=entity, message=message))

    def get(self, ref: Ref, *, at: str | None = None) -> E:
        """Returns one record.

        Args:
            ref: its key, name, path of names, id, unique beginning of an id, or url. The name
                that it had before it was renamed will do.
            at: a commit, tag, branch or date; None for now.

        Raises:
            AmbiguousReferenceError: if several records answer to it.
            DocumentError: if what is stored breaks the format.
            NotFoundError: if none does.
            RemoteError: if its project is not here, and the remote cannot be asked.
        """
        return self._session.insist(lambda: self._bus.send(Get(subject=self.kind, key=ref, at=at)))

    def list(
        self,
        parent: Ref | None = None,
        *,
        where: Where | None = None,
        order_by: str | Sequence[str] | None = None,
        limit: int | None = None,
        offset: int = 0,
        at: str | None = None,
    ) -> builtins.list[E]:
        """Returns the records below a parent, or all of them, by name; runs by their start.

        A record that cannot be read is left out and reported by a ``Skipped`` event.

        Args:
            parent: a record above; for runs also their execution.
            where: a query such as ``"metrics.accuracy > 0.9 and not status = failed"``, or wanted
                values by field; see :mod:`padre_git.services.query`.
            order_by: fields, with a ``-`` in front for descending; NaN and missing come last.
            limit: at most this many.
            offset: leave out so many first.
            at: a commit, tag, branch or date; None for now.

        Raises:
            InvalidInputError: for a query, field, limit or offset that is none.
            NotFoundError: if there is no such parent or state.
        """
        above = None if parent is None else self._parent(parent, at)
        return self._bus.send(
            List(
                subject=self.kind,
                parent=above,
                where=where,
                order_by=order_by,
                limit=limit,
                offset=offset,
                at=at,
            )
        )

    def delete(self, ref: Ref, *, mode: str = "all", force: bool = False) -> None:
        """Deletes a record with what lies below it; history keeps it, and so :meth:`restore` does.

        Args:
            ref: as in :meth:`get`.
            mode: ``"all"``, ``"remote"`` (this clone keeps its copy) or ``"local"`` (from this
                clone only; it comes back when asked for).
            force: for ``mode="local"`` of a project: lose what exists in this clone only.

        Raises:
            InvalidInputError: for another mode, or ``force`` with one that loses nothing.
            NotFoundError: if there is no such record.
            UnpublishedError: for ``mode="local"`` of a project that has what exists only here.
            UnsupportedError: for a side that this store does not have.
        """
        chosen = mode_of(mode)
        if self._session.unit is not None and chosen is DeleteMode.ALL and not force:
            self._session.unit.delete(self.key(ref))
            return
        self._session.check_no_unit("delete with force" if force else f"delete with mode '{mode}'")
        key = self.key(ref)
        self._bus.send(Delete(subject=self.kind, key=key, mode=chosen, force=force))

    def restore(self, ref: Ref, *, at: str | None = None, message: str | None = None) -> E:
        """Brings back what was deleted, in whatever mode, with all that lay below it.

        With ``at``, a living record gets the values that it had; what lies below it stays.

        Args:
            ref: as in :meth:`get`, of a deleted record; also a name that it had before a rename.
            at: a commit, tag, branch or date that has the record; None for the last that had it.
            message: the subject of the commit.

        Returns:
            The record.

        Raises:
            AmbiguousReferenceError: if several deleted records answer to it.
            InvalidInputError: if it is not deleted, and no state is given.
            NotFoundError: if it never was, or lay below something that is deleted itself.
        """
        self._session.check_no_unit("restore")
        key = self._session.resolve(ref, [self.kind], at=at, by=Recall)
        return self._bus.send(Restore(subject=self.kind, key=key, at=at, message=message))

    def exists(self, ref: Ref, *, at: str | None = None) -> bool:
        """Returns whether a record answers to a reference.

        Raises:
            AmbiguousReferenceError: if several do.
            RemoteError: if its project is not here, and the remote cannot be asked.
        """
        try:
            key = self.key(ref, at=at)
        except NotFoundError:
            return False
        return self._bus.send(Exists(subject=self.kind, key=key, at=at))

    def state(self, ref: Ref) -> State:
        """Returns how a record stands to the remote: published, ahead, behind, kept and so on.

        The remote is asked, and nothing is taken over. For many records ask ``store.status`` once.

        Args:
            ref: as in :meth:`get`, also of a record that only the remote has; what is in a project
                that has no clone is remote only, and is not looked at.

        Raises:
            AmbiguousReferenceError: if several records answer to it.
            NotFoundError: if neither side has such a record.
            RemoteError: if the project is not here, and the remote cannot be asked.
        """
        return state_of(self._session, ref, [self.kind])

    def history(self, ref: Ref, *, limit: int | None = None) -> builtins.list[Version]:
        """Returns the commits that changed a record itself, newest first; of a deleted one, too.

        Raises:
            NotFoundError: if there was no such record.
            UnsupportedError: if this store keeps no history.
        """
        key = self._session.recollect(ref, [self.kind])
        return self._bus.send(History(subject=self.kind, key=key, limit=limit))

    def rename(self, ref: Ref, new: str, *, message: str | None = None) -> E:
        """Gives a dataset or an experiment another name and returns it; the old one leads to it.

        Args:
            ref: as in :meth:`get`.
            new: its new name.
            message: the subject of the commit.

        Raises:
            AlreadyExistsError: if the name is taken.
            InvalidNameError: if it is none.
            NotFoundError: if there is no such record.
            UnsupportedError: for kinds that keep their names.
        """
        self._session.check_no_unit("rename")
        key = self.key(ref)
        return self._bus.send(Rename(subject=self.kind, key=key, new=new, message=message))

    def key(self, ref: Ref, *, at: str | None = None) -> Key:
        """Returns the key that a reference means; see :meth:`get`."""
        return self._session.resolve(ref, [self.kind], at=at)

    def _parent(self, parent: Ref, at: str | None) -> Key:
        kinds = _PARENTS[self.kind]
        if not kinds:
            raise InvalidInputError(f"{self.kind.noun} lies below nothing: '{parent}'")
        return self._session.resolve(parent, kinds, at=at)

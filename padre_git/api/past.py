"""The past of a store: what happened in it, what was deleted, and bringing that back."""

from __future__ import annotations

from padre_git.bus import Bus
from padre_git.collections import Ref, Session
from padre_git.messages import Deletion, Deletions, History, Log, Recall, Restore, Version
from padre_git.model import Entity, Kind

__all__ = ["KINDS", "Past"]

#: What a reference may mean, whatever its kind.
KINDS = (Kind.PROJECT, Kind.EXPERIMENT, Kind.DATASET, Kind.RUN, Kind.EXECUTION)


class Past:
    """Is the part of a store that looks back.

    Attributes:
        bus: where commands go.
        session: of the store.
    """

    bus: Bus
    session: Session

    def log(self, ref: Ref, *, limit: int | None = None) -> list[Version]:
        """Returns what happened to a record and to all below it, newest first.

        Args:
            ref: as for :meth:`resolve`; also of a deleted record.
            limit: at most so many commits.
        """
        key = self.session.recollect(ref, KINDS)
        return self.bus.send(Log(subject=key.kind, key=key, limit=limit))

    def history(self, ref: Ref, *, limit: int | None = None) -> list[Version]:
        """Returns the versions of one record alone; see :meth:`Collection.history`."""
        key = self.session.recollect(ref, KINDS)
        return self.bus.send(History(subject=key.kind, key=key, limit=limit))

    def deleted(self, parent: Ref | None = None) -> list[Deletion]:
        """Returns what was deleted and can be restored, with when and by whom.

        What lay below a deleted record comes back with it and is not listed.

        Args:
            parent: a record above; None for all projects of this root.
        """
        key = None if parent is None else self.session.resolve(parent, KINDS)
        return self.bus.send(Deletions(subject=Kind.PROJECT, parent=key))

    def restore(self, ref: Ref, *, at: str | None = None, message: str | None = None) -> Entity:
        """Brings back what was deleted, whatever its kind; see :meth:`Collection.restore`."""
        key = self.session.resolve(ref, KINDS, at=at, by=Recall)
        self.session.check_no_unit("restore")
        return self.bus.send(Restore(subject=key.kind, key=key, at=at, message=message))

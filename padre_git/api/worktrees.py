"""The work trees of a store's clones: what of a project people see as files."""

from __future__ import annotations

from padre_git.api.data import DataPlaces
from padre_git.api.past import KINDS
from padre_git.bus import Bus
from padre_git.collections import Ref, Session
from padre_git.messages import CheckOut, LeaveOut
from padre_git.model import Kind

__all__ = ["WorkTrees"]


class WorkTrees:
    """Is the part of a store that decides what is in the work trees of its clones.

    Attributes:
        bus: where commands go.
        session: of the store.
        data: what DVC keeps for the clones; None for a store that keeps no artifacts.
    """

    bus: Bus
    session: Session
    data: DataPlaces | None

    def checkout(self, ref: Ref) -> None:
        """Brings a record with all below it into the work tree of its clone, for people to see.

        Reading and recording need no work tree. What is brought follows the branch from then on.

        Args:
            ref: as for :meth:`resolve`; a project for everything.

        Raises:
            LockedError: if somebody is in the middle of something in the work tree.
            NotFoundError: if there is no such record.
            UnsupportedError: if this store has no clones.
        """
        key = self.session.resolve(ref, KINDS)
        self.bus.send(CheckOut(subject=Kind.PROJECT, key=key))
        self._serve_dvc(key.project)

    def leave_out(self, project: Ref) -> None:
        """Leaves the runs of a project out of the work tree of its clone; it misses nothing.

        New clones of large projects begin like that.

        Raises:
            ConflictError: if there are files in the way that git does not have.
            LockedError: if somebody is in the middle of something in the work tree.
            UnsupportedError: if this store has no clones.
        """
        name = self.session.resolve(project, (Kind.PROJECT,)).project
        self.bus.send(LeaveOut(subject=Kind.PROJECT, project=name))
        self._serve_dvc(name)

    def _serve_dvc(self, project: str) -> None:
        if self.data is not None:
            from padre_git.artifacts.serving import serve

            data = self.data.of(project)
            serve(data.project, data.cache)

"""Work trees: the project service's answers about what of a project is in them."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from padre_git.backends.base import Backend
from padre_git.backends.worktrees import check_out
from padre_git.bus import Bus
from padre_git.errors import NotFoundError, UnsupportedError
from padre_git.messages import CheckOut, LeaveOut
from padre_git.model import Kind
from padre_git.vcs.repository import Repository

__all__ = ["HasClones", "WorkTreeService"]


@runtime_checkable
class HasClones(Protocol):
    """Is a backend with clones, whose work trees are for people."""

    def repository(self, project: str) -> Repository | None:
        """Returns the repository of a project; None if it has no clone here."""


class WorkTreeService:
    """Answers the commands about what of a project is in its work tree.

    Args:
        backend: where records are.
        bus: what it listens to.
    """

    def __init__(self, backend: Backend, bus: Bus) -> None:
        self._backend = backend
        bus.handle(CheckOut, Kind.PROJECT, self._check_out)
        bus.handle(LeaveOut, Kind.PROJECT, lambda c: self._clone(c.project).leave_out())

    def _check_out(self, command: CheckOut) -> None:
        check_out(self._clone(command.key.project), command.key)

    def _clone(self, project: str) -> Repository:
        if not isinstance(self._backend, HasClones):
            raise UnsupportedError("this store has no clones with work trees")
        found = self._backend.repository(project)
        if found is None:
            raise NotFoundError(f"no clone of project '{project}'", key=project)
        return found

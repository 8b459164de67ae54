"""The collections of computations and splits, which are parts of runs."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Generic, TypeVar

from padre_git.collections.base import mode_of
from padre_git.collections.session import Ref, Session
from padre_git.errors import NotFoundError
from padre_git.messages import Delete, Get, List, Part, Put, Where
from padre_git.model import Computation, Key, Kind, Split

__all__ = ["Computations", "PartCollection", "Splits"]

V = TypeVar("V", bound=Computation | Split)
N = TypeVar("N", str, int)
_PARENTS = (Kind.PROJECT, Kind.EXPERIMENT, Kind.EXECUTION, Kind.RUN)


class PartCollection(Generic[V, N]):
    """Is all values of one kind that runs have in them.

    Args:
        part: which.
        session: of the store.
    """

    def __init__(self, part: Part, session: Session) -> None:
        self._part = part
        self._session = session
        self._bus = session.bus

    def put(self, value: V, *, message: str | None = None) -> V:
        """Stores a value in its run, new or in the place of the one called the same.

        Raises:
            InvalidInputError: if it cannot be stored.
            NotFoundError: if its run does not exist.
        """
        self._session.check_no_unit(f"put a {self._part}")
        return self._bus.send(Put(subject=self._part, value=value, message=message))

    def get(self, run: Ref, name: N, *, at: str | None = None) -> V:
        """Returns one value.

        Args:
            run: the run that has it.
            name: of the computation, or number of the split.
            at: a commit, tag, branch or date; None for now.

        Raises:
            NotFoundError: if the run has no such value.
        """
        return self._bus.send(Get(subject=self._part, key=run, name=name, at=at))

    def list(
        self,
        parent: Ref | None = None,
        *,
        where: Where | None = None,
        order_by: str | Sequence[str] | None = None,
        limit: int | None = None,
        offset: int = 0,
        at: str | None = None,
    ) -> builtins.list[V]:
        """Returns the values of a run, or of all runs below a parent.

        Args:
            parent: a run, execution, experiment or project; None for everything.
            where: see :meth:`padre_git.collections.Collection.list`, as are the others.
            order_by: fields.
            limit: at most this many.
            offset: leave out so many first.
            at: a state.
        """
        above = None if parent is None else self._session.resolve(parent, _PARENTS, at=at)
        return self._bus.send(
            List(
                subject=self._part,
                parent=above,
                where=where,
                order_by=order_by,
                limit=limit,
                offset=offset,
                at=at,
            )
        )

    def delete(self, run: Ref, name: N, *, mode: str = "all") -> None:
        """Takes one value out of its run.

        Raises:
            InvalidInputError: for an unknown mode.
            NotFoundError: if the run has no such value.
            UnsupportedError: for a mode other than ``"all"``.
        """
        chosen = mode_of(mode)
        self._session.check_no_unit(f"delete a {self._part}")
        key = self._run(run, None)
        self._bus.send(Delete(subject=self._part, key=key, name=name, mode=chosen))

    def exists(self, run: Ref, name: N) -> bool:
        """Returns whether a run has such a value."""
        try:
            self.get(run, name)
        except NotFoundError:
            return False
        return True

    def _run(self, run: Ref, at: str | None) -> Key:
        return self._session.resolve(run, [Kind.RUN], at=at)


class Computations(PartCollection[Computation, str]):
    """Is the computations of all runs; each is called by its name within its run."""

    def __init__(self, session: Session) -> None:
        super().__init__(Part.COMPUTATION, session)


class Splits(PartCollection[Split, int]):
    """Is the splits of all runs; each is called by its number within its run."""

    def __init__(self, session: Session) -> None:
        super().__init__(Part.SPLIT, session)

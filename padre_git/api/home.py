"""The home of runs: what recording needs to know of a store."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from padre_git.api.spares import clear_spares
from padre_git.collections.session import Session
from padre_git.errors import NotFoundError, UnsupportedError
from padre_git.messages import Ensure
from padre_git.model import Key, Kind
from padre_git.model.ids import is_id

if TYPE_CHECKING:
    from padre_git.api.data import DataPlaces
    from padre_git.artifacts import Cache

__all__ = ["Home"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Home:
    """Is where runs are recorded to.

    Attributes:
        session: of the store.
        root: the directory of its clones; None for a store that keeps nothing on disk.
        data: of its clones; None for a store that keeps no artifacts.
        running: the runs that were begun and have not ended.
    """

    session: Session
    root: Path | None
    data: DataPlaces | None = None
    running: set[Key] = field(default_factory=set)

    def locally(self) -> AbstractContextManager[None]:
        """Returns a block in which nothing waits for a network."""
        return self.session.locally()

    def first_here(self, read: Callable[[], T]) -> T:
        """Returns what a read finds here without asking anybody, or else what it finds."""
        with suppress(NotFoundError), self.locally():
            return read()
        return read()

    def private(self, project: str) -> Path | None:
        """Returns where a clone keeps what is ours alone; None without such a clone."""
        if self.root is None:
            return None
        git = self.root / project / ".git"
        return git / "padre" if git.is_dir() else None

    def spool(self, run: Key) -> Path | None:
        """Returns the directory of a run's spool: the one that is there, or where it will be.

        It lies in the clone, or, while there is none, in ``<root>/.padre``.
        """
        places = self._spools(run.project)
        there = (place / run.name for place in places if (place / run.name).is_dir())
        return next(there, places[0] / run.name if places else None)

    def spools(self, project: str) -> list[Path]:
        """Returns the directories of a project's spools, in the order of the runs' ids.

        Links are none, and nor is what is not called like a run.
        """
        found = []
        for place in self._spools(project):
            with suppress(OSError), os.scandir(place) as entries:
                found += [place / e.name for e in entries if e.is_dir(follow_symlinks=False)]
        return sorted((d for d in found if is_id(d.name, "run")), key=lambda d: d.name)

    def clear_spares(self, project: str) -> None:
        """Removes the empty directories that killed processes have put aside for their next run."""
        if (private := self.private(project)) is not None:
            clear_spares(private / "spool")

    def recording_projects(self) -> list[str]:
        """Returns the names of the projects that may have spools."""
        if self.root is None:
            return []
        found: set[str] = set()
        for place in (self.root, self.root / ".padre" / "spool"):
            with suppress(OSError):
                found |= {name for name in os.listdir(place) if not name.startswith(".")}  # noqa: PTH208
        return sorted(name for name in found if self.spools(name))

    def _spools(self, project: str) -> list[Path]:
        """Returns where spools of a project can lie, the place for new ones first."""
        if self.root is None:
            return []
        private = self.private(project)
        inside = [] if private is None else [private / "spool"]
        return [*inside, self.root / ".padre" / "spool" / project]

    def cache(self, project: str) -> Cache:
        """Returns the cache of a project's clone; a missing project is made for it.

        Raises:
            UnsupportedError: if this store keeps no artifacts.
        """
        from padre_git.artifacts import Cache

        private = self.private(project)
        if private is None and self.root is not None:
            key = Key.project_named(project)
            self.session.bus.send(Ensure(subject=Kind.PROJECT, key=key))
            private = self.private(project)
        if private is None:
            raise UnsupportedError("this store keeps no artifacts", hint="use a store of clones")
        return Cache(private / "cache")

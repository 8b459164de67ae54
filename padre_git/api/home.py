"""The home of runs: what recording needs to know of a store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from padre_git.collections.session import Session
from padre_git.errors import NotFoundError, UnsupportedError
from padre_git.messages import Ensure
from padre_git.model import Key, Kind

if TYPE_CHECKING:
    from padre_git.artifacts import Cache

__all__ = ["Home"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Home:
    """Is where runs are recorded to.

    Attributes:
        session: of the store.
        root: the directory of its clones; None for a store that keeps nothing on disk.
        running: the runs that were begun and have not ended.
    """

    session: Session
    root: Path | None
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
        """Returns the directory of a run's spool.

        It lies in the clone, or, while there is none, in ``<root>/.padre``.
        """
        if self.root is None:
            return None
        private = self.private(run.project)
        if private is not None:
            return private / "spool" / run.name
        return self.root / ".padre" / "spool" / run.project / run.name

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

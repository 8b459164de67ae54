"""What every way to bring a work tree along with its branch can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from padre_git.vcs.durable import Durable
from padre_git.vcs.objects import Entry
from padre_git.vcs.worktree import Change

__all__ = ["Site"]


class Site(ABC):
    """Is a work tree that is to follow its branch."""

    @abstractmethod
    def check(self, old: str, new: str, changes: Sequence[Change]) -> None:
        """Refuses a move that would overwrite the user's work.

        Args:
            old: tree that files and index are at.
            new: tree that they are to be at; its objects are durable.
            changes: what differs.

        Raises:
            ConflictError: naming the paths; nothing was written.
            LockedError: if a process holds the index.
        """

    @abstractmethod
    def written(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Returns those changes that need the content of their files."""

    @abstractmethod
    def follow(
        self,
        old: str,
        new: str,
        changes: Sequence[Change],
        contents: Mapping[str, bytes],
        durable: Durable,
    ) -> None:
        """Makes a checked move: files first, then the index.

        Args:
            old: as for :meth:`check`.
            new: as for :meth:`check`.
            changes: as for :meth:`check`.
            contents: bytes of new files by object id, of those that :meth:`written` names.
            durable: what must be durable before the index names it; it is synced on the way.

        Raises:
            LockedError: if a process holds the index for too long; files may be in place.
        """

    @abstractmethod
    def version(self) -> str:
        """Returns what tells this version of the index from others, in one word."""

    @abstractmethod
    def is_in_use(self) -> bool:
        """Tells whether the user's git was at work within the last second."""

    @abstractmethod
    def is_quiet(self) -> bool:
        """Tells whether the index is as we left it and nobody is about to change it."""

    @abstractmethod
    def has_tried_to_commit(self, since: int) -> bool:
        """Tells whether the user's git has begun a commit since a time."""

    @abstractmethod
    def staged(self, path: str) -> Entry | None:
        """Returns what the index holds at a path."""

    @abstractmethod
    def holds(self, change: Change) -> bool:
        """Tells whether the work tree has a file as it is after a change."""

    @abstractmethod
    def repair(self, changes: Sequence[Change]) -> None:
        """Puts all of these into the index, if all stand as before and the files as after.

        Raises:
            LockedError: if a process holds the index for too long.
        """

    @abstractmethod
    def mend(self, read: Callable[[list[str]], dict[str, bytes]]) -> None:
        """Puts right what a power cut has left of files: see ``restarts``.

        Args:
            read: gives the content of blobs by id.

        Raises:
            LockedError: if a process holds the index for too long.
        """

    @abstractmethod
    def hold(self) -> AbstractContextManager[None]:
        """Keeps the user's git from committing for a moment, as a git command would.

        Raises:
            LockedError: if a process holds the index for too long.
        """

    @abstractmethod
    def evict(self, paths: Sequence[str]) -> None:
        """Takes the files of directories out of the work tree; git keeps their content.

        Raises:
            ConflictError: naming files that hold what is not committed; nothing was removed.
            LockedError: if a process holds the index.
        """

    @abstractmethod
    def restore(self, paths: Sequence[str], read: Callable[[list[str]], dict[str, bytes]]) -> None:
        """Brings evicted files back; files that are there stay as they are.

        Args:
            paths: directories or files.
            read: gives the content of blobs by id.

        Raises:
            LockedError: if a process holds the index.
        """

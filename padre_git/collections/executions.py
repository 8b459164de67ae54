"""Executions: what can be asked of them besides the verbs of every kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from padre_git.collections.base import Collection
from padre_git.collections.session import Ref, Session
from padre_git.messages import Get, Read
from padre_git.model import Execution, Kind, Record

__all__ = ["Executions", "Places"]

#: Returns directories on this machine in which an execution's repository may be.
Places = Callable[[Execution], list[Path]]


class Executions(Collection[Execution]):
    """Is all executions in a store.

    Args:
        session: of the store.
        large: reads parts that were too large for git.
        places: see :data:`Places`.
    """

    def __init__(
        self, session: Session, large: Callable[[Record, str], bytes | None], places: Places
    ) -> None:
        super().__init__(Kind.EXECUTION, session)
        self._large = large
        self._places = places

    def checkout(
        self, ref: Ref, directory: str | Path, *, repository: str | Path | None = None
    ) -> Path:
        """Rebuilds the code of an execution exactly as it ran; returns the directory.

        Args:
            ref: the execution.
            directory: must be empty or not exist.
            repository: a clone of the code's repository; by default it is looked for where it was
                recorded from, and around the current directory.

        Raises:
            AlreadyExistsError: if the directory has something in it.
            ArtifactCorruptError: if what is kept does not give what the execution says.
            NotFoundError: if there is no such execution, or no clone holds its commit.
            UnsupportedError: if its code is an installed package.
        """
        from padre_git.vcs.restore import restore

        key = self.key(ref)
        execution: Execution = self._bus.send(Get(subject=Kind.EXECUTION, key=key))
        record = self._bus.send(Read(subject=Kind.EXECUTION, key=key))
        patch = record.files.get("code.patch")
        if patch is None:
            patch = self._large(record, "code.patch")
        given = [] if repository is None else [Path(repository)]
        return restore(execution, patch, Path(directory), clones=[*given, *self._places(execution)])

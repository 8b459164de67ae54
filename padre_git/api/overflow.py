"""Overflow: what records keep outside of git: large parts, and the repositories of code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from padre_git.errors import ArtifactMissingError, NotFoundError
from padre_git.model import Execution, Kind, Record

if TYPE_CHECKING:
    from padre_git.artifacts import ProjectData

__all__ = ["Overflow"]

_POINTERS = {Kind.RUN: "artifacts.dvc", Kind.EXECUTION: "code.dvc"}


class Overflow:
    """Reads what a record keeps as artifacts under the name of a part.

    Args:
        root: the directory of the clones; None for a store that keeps nothing on disk.
        url: the DVC remote, if it is not the one that the clones are configured for.
    """

    def __init__(self, root: Path | None, url: str | None) -> None:
        self._root = root
        self._url = url

    def read(self, record: Record, name: str) -> bytes | None:
        """Returns the content of a part; None if the record has no such artifact.

        Raises:
            ArtifactMissingError: if no reachable place has its bytes.
            RemoteError: if the remote is needed and cannot be reached.
        """
        text = record.files.get(_POINTERS.get(record.key.kind, ""))
        if text is None:
            return None
        from padre_git.artifacts import read_pointer

        pointer = read_pointer(text, file=_POINTERS[record.key.kind])
        data = self._data(record.key.project)
        if data is None:
            raise ArtifactMissingError(f"no clone has '{name}' of '{record.key}'", key=record.key)
        wanted = name if pointer.is_directory else pointer.path
        try:
            with data.open(pointer, wanted) as file:
                return file.read()
        except NotFoundError:
            return None

    def places(self, execution: Execution) -> list[Path]:
        """Returns where the repository of an execution's code may be on this machine."""
        here = [Path.cwd()]
        directory = self._private(execution.experiment.project)
        if directory is None or execution.code.repository is None:
            return here
        from padre_git.vcs.restore import recall

        return [*recall(directory / "code", execution.code.repository), *here]

    def _data(self, project: str) -> ProjectData | None:
        private = self._private(project)
        if private is None or self._root is None:
            return None
        from padre_git.artifacts import ProjectData

        return ProjectData(self._root / project, private.parent, url=self._url)

    def _private(self, project: str) -> Path | None:
        if self._root is None:
            return None
        git = self._root / project / ".git"
        return git / "padre" if git.is_dir() else None

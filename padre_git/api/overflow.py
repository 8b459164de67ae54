"""Overflow: what records keep outside of git: large parts, and the repositories of code."""

from __future__ import annotations

from pathlib import Path

from padre_git.api.data import DataPlaces
from padre_git.errors import ArtifactMissingError, NotFoundError
from padre_git.model import Execution, Kind, Record

__all__ = ["Overflow"]

_POINTERS = {Kind.RUN: "artifacts.dvc", Kind.EXECUTION: "code.dvc"}


class Overflow:
    """Reads what a record keeps as artifacts under the name of a part.

    Args:
        root: the directory of the clones; None for a store that keeps nothing on disk.
        data: of the clones; None for a store that has none.
    """

    def __init__(self, root: Path | None, data: DataPlaces | None) -> None:
        self._root = root
        self._data = data

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
        if self._data is None:
            raise ArtifactMissingError(f"nothing has '{name}' of '{record.key}'", key=record.key)
        wanted = name if pointer.is_directory else pointer.path
        try:
            with self._data.of(record.key.project).open(pointer, wanted) as file:
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

    def _private(self, project: str) -> Path | None:
        if self._root is None:
            return None
        git = self._root / project / ".git"
        return git / "padre" if git.is_dir() else None

"""Overflow: what records keep outside of git: large parts, and the repositories of code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from padre_git.api.data import DataPlaces
from padre_git.api.pointing import DIRECTORIES, pointer_of
from padre_git.backends.base import Backend
from padre_git.errors import ArtifactMissingError, NotFoundError
from padre_git.format import decode
from padre_git.model import Execution, Key, Kind, Project, Record

if TYPE_CHECKING:
    from padre_git.artifacts import Pointer, ProjectData

__all__ = ["INLINE", "Overflow", "inline_of"]

#: Bytes up to which a part stays in git, unless the project's settings say otherwise.
INLINE = 100_000
_ARTIFACTS = DIRECTORIES[Kind.RUN]


def inline_of(project: Project) -> int:
    """Returns how many bytes a part of a project's runs may have in git."""
    limit = project.settings.get("inline", INLINE)
    return limit if type(limit) is int and limit >= 0 else INLINE


class Overflow:
    """Keeps what is too large for a record among its artifacts, under the name of the part.

    Args:
        root: the directory of the clones; None for a store that keeps nothing on disk.
        data: of the clones; None for a store that has none.
        backend: where projects and their settings are.
    """

    def __init__(self, root: Path | None, data: DataPlaces | None, backend: Backend) -> None:
        self._root = root
        self._data = data
        self._backend = backend

    def read(self, record: Record, name: str) -> bytes | None:
        """Returns the content of a part; None if the record has no such artifact.

        Raises:
            ArtifactMissingError: if no reachable place has its bytes.
            RemoteError: if the remote is needed and cannot be reached.
        """
        pointer = pointer_of(record)
        if pointer is None:
            return None
        if self._data is None:
            raise ArtifactMissingError(f"nothing has '{name}' of '{record.key}'", key=record.key)
        wanted = name if pointer.is_directory else pointer.path
        try:
            with self._data.of(record.key.project).open(pointer, wanted) as file:
                return file.read()
        except NotFoundError:
            return None

    def settled(
        self, record: Record, files: Mapping[str, bytes], names: Sequence[str]
    ) -> Mapping[str, bytes]:
        """Returns the files of a run after its large parts have moved to its artifacts.

        A part that is small again, or gone, leaves them.

        Args:
            record: the run as it was.
            files: all files that it is to have.
            names: the parts that may move.

        Raises:
            ArtifactMissingError, RemoteError: if the list of its artifacts must be fetched and
                cannot be.
        """
        name = f"{_ARTIFACTS}.dvc"
        if self._data is None:
            return files
        large = self._large(record.key, {n: files[n] for n in names if n in files})
        if not large and name not in files:
            return files
        from padre_git.artifacts import read_pointer, write_pointer

        data = self._data.of(record.key.project)
        before = read_pointer(files[name], file=name) if name in files else None
        after = _moved(data, before, large, names)
        rest = {n: content for n, content in files.items() if n not in {*large, name}}
        return rest if after is None else {**rest, name: write_pointer(after)}

    def _large(self, key: Key, parts: Mapping[str, bytes]) -> dict[str, bytes]:
        above = Key.project_named(key.project)
        found = self._backend.read([above]).get(above)
        project = cast("Project", decode(found)) if isinstance(found, Record) else None
        limit = INLINE if project is None else inline_of(project)
        return {name: content for name, content in parts.items() if len(content) > limit}

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


def _moved(
    data: ProjectData, pointer: Pointer | None, large: Mapping[str, bytes], names: Sequence[str]
) -> Pointer | None:
    """Returns the pointer of a run whose artifacts hold these of its parts, and no others."""
    from padre_git.artifacts import add_member, remove_member

    for name in names:
        held = {} if pointer is None else data.names(pointer)
        if name in large:
            item = data.cache.add_bytes(large[name])
            pointer = add_member(data.cache, pointer, _ARTIFACTS, name, {"": item})
        elif pointer is not None and name in held:
            pointer = remove_member(data.cache, pointer, name)
    return pointer

"""Attachments: the artifacts of a run that has not ended, placed in the clone's cache at once."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from padre_git.errors import InvalidInputError
from padre_git.model.names import quoted
from padre_git.model.values import freeze, thaw

if TYPE_CHECKING:
    from padre_git.artifacts import Cache, Item

__all__ = ["DIRECTORY", "RESERVED", "Attachments", "rendered", "written"]

#: The directory that the pointer of a run stands for.
DIRECTORY = "artifacts"
#: Parts of a run that move to its artifacts when they are large, under their own names.
RESERVED = frozenset(["series.csv", "splits.yaml", "results.csv", "log.txt", "error.txt"])


class Attachments:
    """Collects artifacts by name.

    Args:
        cache: returns the cache of the clone, making the project if it has to.

    Attributes:
        items: what there is.
        before: what there was when the run went on last.
    """

    def __init__(self, cache: Callable[[], Cache]) -> None:
        self._cache = cache
        self.items: dict[str, Item] = {}
        self.before: Mapping[str, Item] = {}

    def begin_session(self) -> None:
        """Notes that the run goes on in another process."""
        self.before = dict(self.items)

    def add(self, path: Path, name: str) -> dict[str, Item]:
        """Places a file or directory under a name; what had the name before is replaced.

        Args:
            path: as it is now; it may change or go afterwards.
            name: path below ``artifacts/``; empty for its top.

        Raises:
            ArtifactError: if the name is no path, or a file where a directory must be.
            InvalidInputError: if the name is kept for parts of runs.
            NotFoundError: if there is nothing at ``path``.
        """
        from padre_git.artifacts import place

        if name:
            self.check(name)
        placed = place(self._cache(), path)
        new = {"/".join(filter(None, [name, below])): item for below, item in placed.items()}
        for member in new:
            self.check(member)
        self._set(name, new)
        return new

    def add_bytes(self, data: bytes, name: str) -> dict[str, Item]:
        """Places ``data`` as a file; see :meth:`add`."""
        self.check(name)
        new = {name: self._cache().add_bytes(data)}
        self._set(name, new)
        return new

    def again(self, name: str, items: Mapping[str, Item]) -> None:
        """Takes over what :meth:`add` has returned in another process.

        Raises:
            ArtifactError, InvalidInputError: as :meth:`add`.
        """
        for member in items:
            self.check(member)
        self._set(name, items)

    def move(self, name: str, data: bytes) -> None:
        """Places a part of the record that is too large for git under its own name."""
        self.items[name] = self._cache().add_bytes(data)

    def pointer(self) -> bytes | None:
        """Returns the text of the run's pointer; None without artifacts."""
        if not self.items:
            return None
        from padre_git.artifacts import pointer_to, write_pointer

        return write_pointer(pointer_to(self._cache(), DIRECTORY, self.items))

    def check(self, name: str) -> None:
        """Makes sure that a file may have this name.

        Raises:
            ArtifactError, InvalidInputError: as :meth:`add`.
        """
        from padre_git.artifacts.places import check_relpath
        from padre_git.errors import ArtifactError

        head = check_relpath(name).partition("/")[0]
        if head in RESERVED:
            raise InvalidInputError(
                f"an artifact cannot be called {quoted(name)}",
                hint="that is where a part of the run goes when it is large",
            )
        parent = name.rpartition("/")[0]
        while parent:
            if parent in self.items:
                raise ArtifactError(f"{quoted(parent)} is a file and cannot be a directory")
            parent = parent.rpartition("/")[0]

    def _set(self, name: str, new: Mapping[str, Item]) -> None:
        if name:
            covered = (name, f"{name}/")
            gone = [n for n in self.items if n == covered[0] or n.startswith(covered[1])]
            for old in gone:
                del self.items[old]
        self.items |= new


def written(name: str, values: Any) -> bytes:
    """Returns a mapping or list as the bytes of a file: YAML or, for other names, JSON.

    Raises:
        InvalidValueError: for what neither can hold.
    """
    frozen = thaw(freeze(values, name, finite=False))
    if name.endswith((".yaml", ".yml")) and isinstance(frozen, Mapping):
        from padre_git.format import write_document

        return write_document(frozen)
    return (json.dumps(frozen, indent=2, ensure_ascii=False) + "\n").encode()


def rendered(name: str, figure: Any) -> tuple[str, bytes]:
    """Returns name and bytes of a figure, rendered by its own library.

    Args:
        name: its suffix chooses the format; without one it is what the library does best.
        figure: of matplotlib (``savefig``), plotly (``write_html``, ``write_image``) or whatever
            has a ``save`` method, such as images; or bytes, or the text of an SVG or HTML file.

    Raises:
        InvalidInputError: if it is nothing of this.
    """
    if isinstance(figure, bytes | bytearray | memoryview):
        return name, bytes(figure)
    if isinstance(figure, str):
        return name, figure.encode()
    for method, suffix in (("savefig", ".png"), ("write_image", ".html"), ("save", ".png")):
        if callable(getattr(figure, method, None)):
            full = name if Path(name).suffix else name + suffix
            if method == "write_image" and full.endswith((".html", ".htm")):
                return full, _saved(full, figure.write_html)
            return full, _saved(full, getattr(figure, method))
    raise InvalidInputError(
        f"cannot store {quoted(name)}: {type(figure).__name__} is not a figure",
        hint="figures have savefig, write_html or save; bytes are stored as they are",
    )


def _saved(name: str, save: Callable[[str], object]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="padre-") as directory:
        path = Path(directory, Path(name).name)
        save(str(path))
        return path.read_bytes()

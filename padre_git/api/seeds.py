"""The names of PyPaDRe: a dual backend with put, get, list and delete for every kind.

:class:`DualBackend` is a thin face of a :class:`~padre_git.api.store.Store` for programs and people
that come from PyPaDRe (docs/pypadre.rst). Everything it does, the collections do.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Self

from padre_git.api.faces import Datasets, Experiments, Projects
from padre_git.api.store import Store
from padre_git.collections import Ref
from padre_git.errors import InvalidInputError

__all__ = ["DualBackend"]


class DualBackend(Experiments, Datasets, Projects):
    """Stores experiments in a clone and at its remote, under the names that PyPaDRe had.

    Args:
        root: the directory of the clones, or a store that is open already.
        options: of :func:`padre_git.open`, such as ``remote``.

    Attributes:
        store: what does the work.
    """

    def __init__(self, root: str | os.PathLike[str] | Store | None = None, **options: Any) -> None:
        if isinstance(root, Store):
            if options:
                raise InvalidInputError(f"an open store takes no options: {', '.join(options)}")
            super().__init__(root)
        else:
            from padre_git.api.opening import open_store

            super().__init__(open_store(root, **options))

    def push(self, project: Ref) -> None:
        """Uploads what the cache has of a project."""
        self.store.push(project)

    def pull(self, project: Ref) -> None:
        """Downloads what the server has of a project."""
        self.store.pull(project)

    def sync(self, project: Ref) -> None:
        """Brings cache and server in step."""
        self.store.sync(project)

    def close(self) -> None:
        """Uploads what waits, and closes the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

"""The projects of a root directory: which of its directories may be one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from padre_git.errors import RepositoryError
from padre_git.messages import Event
from padre_git.model.names import check_name, is_name

__all__ = ["ignore", "project_directories", "project_directory"]


def project_directory(root: Path, project: str) -> Path:
    """Returns the directory of a project, which need not exist.

    Raises:
        InvalidNameError: if this cannot be the name of a project.
        RepositoryError: if something else than a directory of its own is there.
    """
    path = root / check_name(project, "project")
    if path.is_symlink():
        raise RepositoryError(
            f"'{path}' is a symbolic link, not a project",
            key=project,
            hint="open the store with the root that the link leads to",
        )
    if path.exists() and not path.is_dir():
        raise RepositoryError(f"'{path}' is a file, not a project", key=project)
    return path


def project_directories(root: Path) -> Iterator[tuple[str, Path]]:
    """Yields name and directory of what may be projects, in the order of names."""
    if root.is_dir():
        for path in sorted(root.iterdir()):
            if is_name(path.name) and not path.is_symlink() and path.is_dir():
                yield path.name, path


def ignore(event: Event) -> None:
    """Hears what a backend tells, for those who do not want to know."""

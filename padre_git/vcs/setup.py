"""Making repositories: found, created and cloned, with nothing of anybody else's running."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from padre_git.errors import AlreadyExistsError, InvalidNameError, NotFoundError
from padre_git.vcs.durable import fsync_directory
from padre_git.vcs.known import make_known
from padre_git.vcs.leftovers import aside, held, sweep_directories
from padre_git.vcs.process import run_git
from padre_git.vcs.refs import check_ref

__all__ = ["check_branch", "find_git_dir", "fsync_new", "init", "new_directory", "set_unless_set"]

#: Local keys that we set, and only where they are not set: git's own upkeep may not run beside
#: our writers.
_LOCAL = {"gc.auto": "0", "maintenance.auto": "false"}


def check_branch(name: str) -> str:
    """Returns a branch's short name if git would take it.

    Raises:
        InvalidNameError: if not.
    """
    if not name or name.startswith("-") or name in {"HEAD", "@"}:
        raise InvalidNameError(f"not the name of a branch: {name!r}")
    check_ref(f"refs/heads/{name}")
    return name


def find_git_dir(path: Path) -> tuple[Path, Path, bool]:
    """Returns the git directory, the common one, and whether the repository is bare.

    Raises:
        NotFoundError: if no repository begins at exactly this place.
    """
    dot_git = path / ".git"
    if dot_git.is_dir():
        return dot_git, dot_git, False
    if dot_git.is_file():
        named = dot_git.read_text().partition("gitdir:")[2].strip()
        git_dir = (path / named).resolve()
        if not (git_dir / "HEAD").exists():
            raise NotFoundError(f"'{path}' belongs to a repository that is gone: '{git_dir}'")
        common = git_dir / "commondir"
        shared = (git_dir / common.read_text().strip()).resolve() if common.exists() else git_dir
        return git_dir, shared, False
    if (path / "HEAD").is_file() and (path / "objects").is_dir():
        return path, path, True
    raise NotFoundError(f"no git repository in '{path}'")


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Gives a directory to fill that becomes ``path`` at the end, or nothing.

    What processes that were killed were filling beside it is taken away.

    Raises:
        AlreadyExistsError: if there is something at ``path`` already.
    """
    _require_free(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep_directories(path.parent)
    place = aside(path)
    try:
        place.mkdir()
        with held(place):
            yield place
        _require_free(path)
        try:
            place.rename(path)
        except OSError as error:  # somebody else was quicker
            raise AlreadyExistsError(f"there is something in '{path}' already") from error
    finally:
        shutil.rmtree(place, ignore_errors=True)
    fsync_directory(path.parent)


def _require_free(path: Path) -> None:
    if path.is_symlink() or (path.exists() and (not path.is_dir() or any(path.iterdir()))):
        raise AlreadyExistsError(f"there is something in '{path}' already")


def init(place: Path, *, branch: str) -> None:
    """Makes an empty repository in an empty directory."""
    run_git(["init", "--quiet", "--template=", f"--initial-branch={branch}", "."], place)
    _set_local(place)
    make_known(place / ".git")
    fsync_new(place / ".git")


def _set_local(place: Path) -> None:
    for name, value in _LOCAL.items():
        set_unless_set(place, name, value)


def set_unless_set(place: Path, name: str, value: str) -> None:
    """Sets a key in a repository's own configuration where it is not set."""
    from git.config import GitConfigParser

    section, _, option = name.rpartition(".")
    head, dot, rest = section.partition(".")
    where = f'{head} "{rest}"' if dot else head
    with GitConfigParser(place / ".git" / "config", read_only=False) as config:
        if not config.has_option(where, option):
            config.set_value(where, option, value)


def fsync_new(directory: Path) -> None:
    """Makes a freshly written directory durable, with everything in it."""
    for above, _, names in os.walk(directory):
        for name in names:
            with (Path(above) / name).open("rb") as file:
                os.fsync(file.fileno())
        fsync_directory(Path(above))

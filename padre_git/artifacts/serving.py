"""Serving DVC: a cache of its own for a clone whose work tree has only a part of the project.

``dvc gc -w`` removes from DVC's cache what nothing in the work tree means. Where runs are left
out, that is their data. So DVC gets a cache beside ours there, filled with hard links: what it
removes is a second name. What ``dvc add`` puts into it is read by us, too.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from padre_git.artifacts import durable
from padre_git.artifacts.cache import Cache
from padre_git.artifacts.settings import local_option, set_local_option
from padre_git.vcs.cone import is_part

__all__ = ["serve", "serve_if_changed"]

_PLACE = "../.git/padre/dvc"


def serve(project: Path, cache: Cache) -> None:
    """Gives DVC the cache that suits the work tree as it is now, with all that is here.

    Where somebody has said for this clone which cache DVC is to use, that stays.

    Args:
        project: the clone's directory.
        cache: ours.

    Raises:
        ArtifactError: if DVC's configuration cannot be read, or the disk does not take it.
    """
    with durable.stored(cache.beside):
        _serve(project, cache)


def _serve(project: Path, cache: Cache) -> None:
    set_up = local_option(project, "cache", "dir")
    if is_part(project / ".git") and set_up in {None, _PLACE}:
        _link(cache.root, cache.beside)
        if set_up is None:
            set_local_option(project, "cache", "dir", _PLACE)
    elif set_up == _PLACE or (set_up is None and cache.beside.is_dir()):
        is_whole = _link(cache.beside, cache.root)
        if set_up is not None:
            set_local_option(project, "cache", "dir", None)
        if is_whole and cache.beside.is_dir():
            shutil.rmtree(cache.beside)


def serve_if_changed(project: Path, cache: Cache) -> None:
    """Does what :func:`serve` does if it was not done since the work tree became what it is."""
    if is_part(project / ".git") != cache.beside.is_dir() and (project / ".dvc").is_dir():
        serve(project, cache)


def _link(source: Path, target: Path) -> bool:
    """Gives the objects of one directory a name in another; tells whether all have one now."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for directory in (source / "files" / "md5").glob("[0-9a-f][0-9a-f]"):
        place = target / "files" / "md5" / directory.name
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in set(os.listdir(directory)) - set(os.listdir(place)):  # noqa: PTH208 - faster
            try:
                os.link(directory / name, place / name, follow_symlinks=False)
            except OSError:  # then DVC fetches it from the remote
                return False
    return True

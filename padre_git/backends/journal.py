"""A journal for plain directories: many paths change together, or none does.

New content is written beside the project and made durable, then a list of what is to be done is
renamed into place: from that moment the write has happened, and whoever comes next finishes it if
the writer does not. Doing it twice does no harm.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from padre_git.backends.planning import Edits
from padre_git.vcs.objects import Entry

__all__ = ["finish", "write"]

_JOURNAL = "journal.json"


def write(edits: Edits, *, project: Path, scratch: Path) -> None:
    """Makes these edits durable in a project's directory; its lock must be held.

    Args:
        edits: what becomes of paths; an :class:`~padre_git.vcs.objects.Entry` has the path from
            where a file or directory moves as its id.
        project: the project's directory.
        scratch: a directory of the same file system for what is on the way.
    """
    _clear(scratch)
    scratch.mkdir(parents=True)
    writes: list[tuple[str, str]] = []
    for number, (path, content) in enumerate(edits.items()):
        if isinstance(content, bytes):
            _write_durable(scratch / str(number), content)
            writes.append((str(number), path))
    steps = {
        "move": [(value.id, path) for path, value in edits.items() if isinstance(value, Entry)],
        "remove": [path for path, value in edits.items() if value is None],
        "write": writes,
    }
    _write_durable(scratch / "journal.new", json.dumps(steps).encode())
    _sync_directory(scratch)
    (scratch / "journal.new").rename(scratch / _JOURNAL)
    _sync_directory(scratch)
    _sync_directory(scratch.parent)
    finish(project=project, scratch=scratch)


def finish(*, project: Path, scratch: Path) -> None:
    """Does what a committed journal says, if there is one; the project's lock must be held."""
    journal = scratch / _JOURNAL
    if not journal.exists():
        return
    steps = json.loads(journal.read_bytes())
    touched: set[Path] = set()
    for source, target in steps["move"]:
        _move(project / source, project / target, touched)
    for path in steps["remove"]:
        _remove(project / path, project, touched)
    for staged, path in steps["write"]:
        _place(scratch / staged, project / path, touched)
    _sync_directories(touched, project)
    _clear(scratch)


def _clear(scratch: Path) -> None:
    """Removes the journal first: without it the rest means nothing."""
    if scratch.exists():
        (scratch / _JOURNAL).unlink(missing_ok=True)
        _sync_directory(scratch)
        shutil.rmtree(scratch)


def _move(source: Path, target: Path, touched: set[Path]) -> None:
    if source.exists() or source.is_symlink():
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
        touched |= {source.parent, target.parent}


def _remove(path: Path, project: Path, touched: set[Path]) -> None:
    """Removes a file or directory, and the directories that are empty then."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    for holder in path.parents:
        if holder == project:
            break
        if not holder.is_dir():
            continue
        with suppress(OSError):  # it is not empty
            holder.rmdir()
            continue
        break
    touched.add(path.parent)


def _place(staged: Path, target: Path, touched: set[Path]) -> None:
    if staged.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(target)
    touched.add(target.parent)


def _write_durable(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directories(touched: Iterable[Path], project: Path) -> None:
    """Makes the names in these directories durable, and those of the directories themselves."""
    everything: set[Path] = {project.parent}
    for path in touched:
        while path not in everything:
            everything.add(path)
            path = path.parent
    for path in everything:
        if path.is_dir():
            _sync_directory(path)


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

"""A journal for plain directories: many paths change together, or none does.

New content is written beside the project and made durable, then a list of what is to be done is
renamed into place: from that moment the write has happened, and whoever comes next finishes it if
the writer does not. Doing it twice does no harm.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from padre_git.backends.planning import Edits
from padre_git.vcs.objects import Entry

__all__ = ["finish", "write"]

_JOURNAL = "journal.json"
#: For each kind of step, pairs of where something comes from and which path changes.
_Steps = dict[str, list[tuple[str, str]]]


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
    steps: _Steps = {
        "move": [(value.id, path) for path, value in edits.items() if isinstance(value, Entry)],
        "remove": [("", path) for path, value in edits.items() if value is None],
        "write": writes,
    }
    _sync_directory(scratch)
    _commit(steps, scratch)
    _sync_directory(scratch.parent)
    finish(project=project, scratch=scratch)


def finish(*, project: Path, scratch: Path) -> None:
    """Does what a committed journal says, if there is one; the project's lock must be held.

    One kind of step is done for all paths before the next begins, and then struck off: a step
    that is done again after later ones could undo them.
    """
    journal = scratch / _JOURNAL
    if not journal.exists():
        return
    steps: _Steps = json.loads(journal.read_bytes())
    for kind, do in _STEPS.items():
        if steps[kind]:
            touched: set[Path] = set()
            for source, path in steps[kind]:
                base = scratch if kind == "write" else project
                do(base / source, project / path, touched)
            _prune(touched, project)
            _sync_directories(touched, project)
            steps[kind] = []
            if any(steps.values()):
                _commit(steps, scratch)
    _clear(scratch)


def _commit(steps: _Steps, scratch: Path) -> None:
    """Makes a journal durable in one step."""
    _write_durable(scratch / "journal.new", json.dumps(steps).encode())
    (scratch / "journal.new").rename(scratch / _JOURNAL)
    _sync_directory(scratch)


def _clear(scratch: Path) -> None:
    """Removes the journal first: without it the rest means nothing."""
    if scratch.exists():
        (scratch / _JOURNAL).unlink(missing_ok=True)
        _sync_directory(scratch)
        shutil.rmtree(scratch)


def _move(source: Path, target: Path, touched: set[Path]) -> None:
    if os.path.lexists(source):
        _make_way(target)
        source.replace(target)
        touched |= {source.parent, target.parent}


def _make_way(target: Path) -> None:
    """Removes what is at a path and makes it possible to put something there."""
    _take_away(target)
    for holder in reversed(target.parents):
        if os.path.lexists(holder) and not holder.is_dir():
            holder.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)


def _remove(_: Path, path: Path, touched: set[Path]) -> None:
    _take_away(path)
    touched.add(path.parent)


def _take_away(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with suppress(NotADirectoryError):
            path.unlink(missing_ok=True)


def _place(staged: Path, target: Path, touched: set[Path]) -> None:
    if staged.exists():
        if not target.is_file():
            _make_way(target)
        staged.replace(target)
    touched.add(target.parent)


_STEPS: dict[str, Callable[[Path, Path, set[Path]], None]] = {
    "move": _move,
    "remove": _remove,
    "write": _place,
}


def _write_durable(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _prune(touched: Iterable[Path], project: Path) -> None:
    """Removes the directories that are empty now, as git does."""
    for path in touched:
        while path != project and project in path.parents:
            try:
                path.rmdir()
            except OSError:  # it is not empty, or gone
                break
            path = path.parent


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

"""Documents in the work tree that are damaged: gone, empty, or without a meaning.

A change that makes sense is the person's work, and none of our business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from padre_git.backends.records import Records
from padre_git.errors import FormatError
from padre_git.format import decode, locate
from padre_git.messages.damage import Piece, Source
from padre_git.model import Key, Record
from padre_git.vcs.objects import EXECUTABLE, FILE, object_id
from padre_git.vcs.ownfiles import read_own
from padre_git.vcs.rebuilding import Listed, Remains
from padre_git.vcs.snapshot import Snapshot
from padre_git.vcs.soundness import Flaw

__all__ = ["document_flaws"]


def document_flaws(
    project: str, snapshot: Snapshot, root: Path, remains: Remains
) -> Iterator[Flaw]:
    """Yields the files of records that are damaged in a work tree.

    Args:
        project: its name.
        snapshot: what the branch has.
        root: the work tree.
        remains: what the index lists; only what it lists as the branch has it is looked at.
    """
    snapshot.load()
    changed: dict[Key, dict[str, tuple[str, bytes | None]]] = defaultdict(dict)
    for path, entry in snapshot.walk():
        listed = remains.listed.get(path)
        if entry.mode in (FILE, EXECUTABLE) and listed is not None and listed.entry == entry:
            content = _content(root, listed)
            record = locate(path, project) if content != entry.id else None
            if record is not None:
                changed[record[0]][record[1]] = path, read_own(root / path)
    if not changed:
        return
    stored = Records(project, snapshot).find(changed)
    for key, files in changed.items():
        found = stored.get(key)
        if isinstance(found, Record):
            yield from _flaws(found, files)


def _content(root: Path, listed: Listed) -> str | None:
    """Returns the id of a file's content; that of the index for one that is left out."""
    content = read_own(root / listed.path)
    if content is None:
        return listed.entry.id if listed.skipped else None
    return object_id("blob", content)


def _flaws(stored: Record, files: Mapping[str, tuple[str, bytes | None]]) -> Iterator[Flaw]:
    for name, (path, content) in files.items():
        problem = _problem(stored, name, content)
        if problem is not None:
            yield Flaw(
                piece=Piece.FILE,
                name=path,
                problem=problem,
                source=Source.HISTORY,
                paths=frozenset([path]),
            )


def _problem(stored: Record, name: str, content: bytes | None) -> str | None:
    if content is None:
        return "missing"
    if not content and stored.files[name]:
        return "empty"
    if content[-1:] != b"\n" and stored.files[name].startswith(content):
        return "cut off"
    try:
        content.decode()
        decode(Record(key=stored.key, files={**stored.files, name: content}))
    except (FormatError, UnicodeDecodeError):
        return "damaged"
    return None

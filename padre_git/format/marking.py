"""Merging one file for git: merged by field, or with git's markers around what contradicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from padre_git.errors import Conflict
from padre_git.format.fields import is_document
from padre_git.format.layout import locate
from padre_git.format.merging import Merged, merge_files
from padre_git.messages.settling import Choice, Decision

__all__ = ["MergedFile", "merge_one"]


@dataclass(frozen=True, kw_only=True)
class MergedFile:
    """Is one merged file.

    Attributes:
        content: its bytes.
        is_clean: whether there was no contradiction; else there are markers in it, which no
            reader of ours accepts.
    """

    content: bytes
    is_clean: bool


def merge_one(
    path: str, base: bytes, ours: bytes, theirs: bytes, *, project: str
) -> MergedFile | None:
    """Returns the merge of a document; None for a path that is no document of ours.

    Args:
        path: below the project.
        base: content in the common ancestor; empty if there was none, as git has it.
        ours: content on this side.
        theirs: content on the other side.
        project: its name.
    """
    place = locate(path, project)
    if place is None or not is_document(place[0].kind, place[1]):
        return None

    def merged(choice: Choice | None) -> Merged:
        def decide(conflict: Conflict) -> Decision | None:
            return None if choice is None else Decision(conflict, choice)

        before = {path: base} if base else {}
        return merge_files(before, {path: ours}, {path: theirs}, project, decide=decide)

    result = merged(None)
    content = result.files[path]
    if not result.disputes:
        return None if content is None else MergedFile(content=content, is_clean=True)
    if all(dispute.field is not None for dispute in result.disputes):
        either = [merged(choice) for choice in (Choice.OURS, Choice.THEIRS)]
        if not any(side.disputes for side in either):
            ours, theirs = (side.files[path] or b"" for side in either)
    return MergedFile(content=_marked(ours, theirs), is_clean=False)


def _marked(ours: bytes, theirs: bytes) -> bytes:
    """Returns both versions in one, with git's markers where they differ."""
    return b"".join(_lines(ours.splitlines(keepends=True), theirs.splitlines(keepends=True)))


def _lines(ours: list[bytes], theirs: list[bytes]) -> Iterator[bytes]:
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            yield from ours[a:b]
            continue
        yield b"<<<<<<< ours\n"
        yield from map(_ended, ours[a:b])
        yield b"=======\n"
        yield from map(_ended, theirs[c:d])
        yield b">>>>>>> theirs\n"


def _ended(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n"

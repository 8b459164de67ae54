"""All refs as they stand in the files, damaged ones too, and where the logs say they were."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from padre_git.errors import InvalidNameError, unless_scarce
from padre_git.vcs.refs import check_ref, lines_in

__all__ = [
    "AllRefs",
    "git_dirs",
    "lines_of",
    "log_files",
    "log_ids",
    "logged",
    "read_all",
    "read_head",
]

_ID = re.compile(r"[0-9a-f]{40}")
_ZERO = "0" * 40
_LINE = re.compile(r"[0-9a-f]{40} ([0-9a-f]{40}) .*?> ([0-9]{1,18}) [+-]\d{4}(\t|$)")


@dataclass
class AllRefs:
    """Is the refs of a clone.

    Attributes:
        values: what each ref names: a commit (or tag), or ``ref: `` and another one.
        broken: refs whose own file holds something else, and what it holds.
        packed: names in ``packed-refs``.
        torn: lines of ``packed-refs`` that are none of a ref.
    """

    values: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    packed: dict[str, str] = field(default_factory=dict)
    torn: list[str] = field(default_factory=list)

    def commits(self) -> set[str]:
        """Returns what refs name directly."""
        return {value for value in self.values.values() if _ID.fullmatch(value)}


def read_all(common: Path) -> AllRefs:
    """Returns the refs of a clone."""
    found = AllRefs()
    _read_packed(common / "packed-refs", found)
    found.values.update(found.packed)
    for path in _files(common / "refs"):
        name = path.relative_to(common).as_posix()
        value = _text(path)
        if _is_value(value):
            found.values[name] = value
        else:
            found.values.pop(name, None)
            found.broken[name] = value
    return found


def _read_packed(path: Path, found: AllRefs) -> None:
    for line in lines_of(path):
        value, _, name = line.partition(" ")
        if line[:1] == "#" or (line[:1] == "^" and _ID.fullmatch(line[1:])):
            continue
        if _ID.fullmatch(value) and _is_name(name):
            found.packed[name] = value
        else:
            found.torn.append(line)


def lines_of(path: Path) -> list[str]:
    """Returns the lines of one of git's small files; none if it cannot be read."""
    try:
        return lines_in(path.read_bytes())
    except OSError as error:
        unless_scarce(error)
        return []


def _files(directory: Path) -> Iterator[Path]:
    for above, _, names in os.walk(directory):
        for name in sorted(names):
            if not name.endswith(".lock"):
                yield Path(above) / name


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError as error:
        unless_scarce(error)
        return ""


def _is_value(text: str) -> bool:
    return bool(_ID.fullmatch(text)) or (text.startswith("ref: ") and _is_name(text[5:]))


def _is_name(name: str) -> bool:
    try:
        check_ref(name)
    except InvalidNameError:
        return False
    return name.startswith("refs/")


def read_head(git_dir: Path) -> str | None:
    """Returns what a HEAD holds, as :class:`AllRefs` has values; None if that is no HEAD."""
    text = _text(git_dir / "HEAD")
    return text if _is_value(text) else None


def git_dirs(common: Path) -> list[Path]:
    """Returns the git directories of all work trees, that of the main one first."""
    linked = common / "worktrees"
    others = sorted(linked.iterdir()) if linked.is_dir() else []
    return [common, *(path for path in others if (path / "gitdir").exists())]


def log_files(common: Path) -> list[Path]:
    """Returns the logs of all refs."""
    found = [git_dir / "logs" / "HEAD" for git_dir in git_dirs(common)]
    return [path for path in (*found, *_files(common / "logs" / "refs")) if path.is_file()]


def log_ids(line: str) -> list[str]:
    """Returns the commits that a line of a log names."""
    words = line.split(" ")[:2]
    return [oid for oid in words if _ID.fullmatch(oid) and oid != _ZERO]


def logged(common: Path, name: str) -> list[tuple[str, int]]:
    """Returns what a ref named, and since when, the last first; lines that are none are left out.

    Args:
        common: the common git directory.
        name: the ref.
    """
    lines = lines_of(common / "logs" / name)
    found = (_LINE.match(line) for line in reversed(lines))
    return [(match[1], int(match[2])) for match in found if match is not None]

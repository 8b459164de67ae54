"""A clone's configuration as it was known last, for when the file is damaged.

Only what git and we need to find the repository and its remote is kept, without credentials: what
else the person has set is theirs, and may be a secret.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from padre_git.errors import unless_scarce
from padre_git.vcs.process import try_git
from padre_git.vcs.remotes import without_user

__all__ = ["as_file", "known", "mended", "problem", "read", "remember"]

_KEPT = re.compile(
    r"core\.(repositoryformatversion|filemode|bare|logallrefupdates|symlinks|ignorecase"
    r"|precomposeunicode|sparsecheckout|sparsecheckoutcone|sharedrepository)"
    r"|extensions\.(worktreeconfig|partialclone)|gc\.auto|maintenance\.auto|index\.sparse"
    r"|remote\.[^\n]*\.(url|pushurl|fetch)|branch\.[^\n]*\.(remote|merge)"
)
_FLAGS = frozenset(["core.bare", "core.filemode", "core.symlinks", "core.ignorecase"])
_FLAG = frozenset(["true", "false", "yes", "no", "on", "off", "0", "1", ""])
_WRONG = "\ufffd"
_BAD = re.compile(r"bad config line (\d+)")
_NEEDED = "core.repositoryformatversion"


def read(file: Path) -> dict[str, str] | None:
    """Returns the keys of a configuration file; None if git cannot read it."""
    done = try_git(["config", "-z", "--no-includes", "--file", str(file), "--list"], "/")
    if done.code:
        return None
    found: dict[str, str] = {}
    for item in done.out.decode(errors="replace").split("\0"):
        name, _, value = item.partition("\n")
        if name:
            found[name] = value
    return found


def problem(common: Path) -> str | None:
    """Returns what is wrong with a clone's own configuration; None if nothing is.

    A wrong letter in a value that git takes all the same cannot be told from what somebody wants.
    """
    file = common / "config"
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        unless_scarce(error)
        return f"cannot be read: {error.strerror}"
    if not content.strip():
        return "empty"
    found = read(file)
    if found is None or not _makes_sense(found):
        return "damaged"
    lacks = known(common).keys() - found.keys()
    return "cut off" if lacks and not content.endswith(b"\n") else None


def _makes_sense(found: Mapping[str, str]) -> bool:
    return found.get(_NEEDED, "").isdigit() and all(map(_is_sound, found.items()))


def _is_sound(item: tuple[str, str]) -> bool:
    """Tells whether a key and its value can be as they were written; what others set may be."""
    name, value = item
    is_ours = _KEPT.fullmatch(name) is not None or name.startswith("merge.padre.")
    if _WRONG in name or (is_ours and _WRONG in value):
        return False
    return name not in _FLAGS or value.lower() in _FLAG


def mended(common: Path, needed: Mapping[str, str]) -> bytes:
    """Returns a clone's configuration without the lines that git cannot read.

    What was lost of the keys that are known comes back at its end, where it counts.

    Args:
        common: the git directory.
        needed: keys that it has to have, unless others are known.
    """
    file, back = common / "config", {**needed, **known(common)}
    lines = file.read_bytes().splitlines() if file.is_file() else []
    options = {name.rpartition(".")[2].encode() for name in back}
    for number in reversed(range(len(lines))):
        if _WRONG in lines[number].decode(errors="replace") and _counts(lines[number], options):
            _drop(lines, number)
    with tempfile.TemporaryDirectory(prefix="padre-") as place:
        trial = Path(place) / "config"
        for _ in range(len(lines) + 1):
            trial.write_bytes(b"".join(line + b"\n" for line in lines))
            bad = _bad_line(trial)
            if bad is None or not lines:
                break
            _drop(lines, min(bad, len(lines)) - 1)
        found = read(trial) or {}
    there = {name for name, value in found.items() if _is_sound((name, value))}
    lost = {name: value for name, value in back.items() if name not in there}
    if lines and lines[-1].endswith(b"\\"):
        lines.append(b"")  # what comes after it would go on with its value
    return b"".join(line + b"\n" for line in lines) + as_file(lost).encode()


def _counts(line: bytes, options: set[bytes]) -> bool:
    """Tells whether a line begins a section or sets one of some keys."""
    return line.lstrip()[:1] == b"[" or line.partition(b"=")[0].strip().lower() in options


def _drop(lines: list[bytes], number: int) -> None:
    """Takes a line out; with the beginning of a section all of it goes, as it was another's."""
    end = number + 1
    if lines[number].lstrip()[:1] == b"[":
        while end < len(lines) and lines[end].lstrip()[:1] != b"[":
            end += 1
    del lines[number:end]


def _bad_line(file: Path) -> int | None:
    """Returns the number of the first line that git cannot read; None if it can read all."""
    done = try_git(["config", "--no-includes", "--file", str(file), "--list"], "/")
    match = _BAD.search(done.err) if done.code else None
    return int(match[1]) if match else None


def known(common: Path) -> dict[str, str]:
    """Returns what was remembered of a clone's configuration; nothing if nothing was."""
    file = common / "padre" / "config"
    found = read(file) if file.exists() else None
    return {name: value for name, value in (found or {}).items() if _KEPT.fullmatch(name)}


def remember(common: Path) -> None:
    """Keeps what matters of a clone's configuration, if it has changed since it was kept.

    Args:
        common: the git directory.
    """
    file, copy = common / "config", common / "padre" / "config"
    with suppress(FileNotFoundError):
        if copy.stat().st_mtime_ns >= file.stat().st_mtime_ns:
            return
    if problem(common) is None:
        values = read(file) or {}
        kept = {name: _public(text) for name, text in values.items() if _KEPT.fullmatch(name)}
        fresh = copy.with_name(f"{copy.name}.{os.getpid()}")
        fresh.write_text(as_file(kept))
        fresh.replace(copy)


def _public(value: str) -> str:
    """Returns a value without the password of an address in it."""
    if value.startswith(("http:", "https:")):
        return without_user(value)
    return re.sub(r"(?<=://)([^/@:]*):[^/@]*@", r"\1@", value)


def as_file(values: Mapping[str, str]) -> str:
    """Returns the text of a configuration file with these keys."""
    lines = []
    for name, value in values.items():
        section, _, option = name.rpartition(".")
        head, dot, rest = section.partition(".")
        lines.append(f"[{head} {_quoted(rest)}]" if dot else f"[{head}]")
        lines.append(f"\t{option} = {_quoted(value)}")
    return "".join(f"{line}\n" for line in lines)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'

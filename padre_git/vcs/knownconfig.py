"""A clone's configuration as it was known last, for when the file is damaged.

Only what git and we need to find the repository and its remote is kept, without credentials: what
else the person has set is theirs, and may be a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from padre_git.vcs.process import try_git
from padre_git.vcs.remotes import without_user

__all__ = ["as_file", "known", "problem", "read", "remember"]

_KEPT = re.compile(
    r"core\.(repositoryformatversion|filemode|bare|logallrefupdates|symlinks|ignorecase"
    r"|precomposeunicode|sparsecheckout|sparsecheckoutcone|sharedrepository)"
    r"|extensions\.(worktreeconfig|partialclone)|gc\.auto|maintenance\.auto|index\.sparse"
    r"|remote\.[^\n]*\.(url|pushurl|fetch)|branch\.[^\n]*\.(remote|merge)"
)
_FLAGS = frozenset(["core.bare", "core.filemode", "core.symlinks", "core.ignorecase"])
_FLAG = frozenset(["true", "false", "yes", "no", "on", "off", "0", "1", ""])
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
        return f"cannot be read: {error.strerror}"
    if not content.strip():
        return "empty"
    found = read(file)
    if found is None or not _makes_sense(content, found):
        return "damaged"
    lacks = known(common).keys() - found.keys()
    return "cut off" if lacks and not content.endswith(b"\n") else None


def _makes_sense(content: bytes, found: Mapping[str, str]) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    flags = all(found.get(name, "").lower() in _FLAG for name in _FLAGS)
    return flags and found.get(_NEEDED, "").isdigit()


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

"""The merge driver: how the person's own git merges documents, in this clone and nowhere else.

git takes the driver's name from attributes and its command from configuration. Both are written
into the clone, where no commit reaches: somebody else's repository cannot say what is run here.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from contextlib import suppress
from pathlib import Path

from padre_git.errors import RepositoryError
from padre_git.vcs.ownfiles import read_own, replace_own
from padre_git.vcs.process import run_git

__all__ = ["command", "differ_in_one", "install", "is_ours"]

_CONTRADICTION = 3
_KEY = "merge.padre.driver"
_NAME = "documents by field"
_HEAD = "# merged by field with padre-git, see merge.padre.driver in this clone's configuration"
_PATTERNS = (
    "/project.yaml",
    "/datasets/*/dataset.yaml",
    "/experiments/*/experiment.yaml",
    "/experiments/*/runs/**/run.yaml",
    "/experiments/*/runs/**/metrics.yaml",
)
_OURS = re.compile(r"(?P<python>\S+|'[^']+') -P -m padre_git merge-file ")
_MERGE = re.compile(rb"(?m)^[^#\n]*\smerge\b")


def command(python: str) -> str:
    """Returns what git runs to merge a document.

    If the interpreter or the package is gone, the command goes on to git's own merge. The
    interpreter must not look for modules in the current directory, which is the work tree.

    Args:
        python: absolute path of the interpreter that has this package.
    """
    ours = f"{shlex.quote(python).replace('%', '%%')} -P -m padre_git merge-file -- %O %A %B %P"
    done = f"case $? in 0) exit 0;; {_CONTRADICTION}) exit 1;; esac"
    return f"{ours}; {done}; git merge-file -q %A %O %B"


def is_ours(known: str, git_dir: Path) -> bool:
    """Tells whether a configured command is ours and starts nothing that came with a clone.

    Args:
        known: the command.
        git_dir: the git directory whose configuration has it.
    """
    if differ_in_one(known, command(sys.executable)):
        return True
    ours = _OURS.match(known)
    python = "" if ours is None else _python(ours)
    if not python or known != command(python) or not os.path.isabs(python):  # noqa: PTH117 - text
        return False
    if python == sys.executable:
        return True
    try:
        owner = os.stat(python).st_uid  # noqa: PTH116 - asked whenever a clone is opened
    except OSError:
        return True  # it is gone: git merges by itself, and installing replaces it
    near = os.path.realpath(git_dir.parent)
    inside = os.path.commonpath([near, os.path.realpath(python)]) == near
    return owner in {0, os.geteuid()} and not inside


def differ_in_one(a: str, b: str) -> bool:
    """Tells whether one letter differs: that is what a disk does, and nobody who means something.

    Args:
        a: a text.
        b: another one.
    """
    return len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1


def _python(ours: re.Match[str]) -> str:
    return ours["python"].strip("'").replace("%%", "%")


def install(root: Path, common: Path) -> None:
    """Lets the person's own ``git merge`` merge by field in this clone.

    What is set already stays, unless it is ours and its interpreter is gone. Where the driver
    cannot be written, git merges as it does everywhere else, which is never wrong.

    Args:
        root: the work tree.
        common: the git directory that all work trees share.
    """
    python = sys.executable
    if not python or not os.path.isabs(python):  # noqa: PTH117 - text, and maybe none
        return
    with suppress(OSError, RepositoryError):
        if _MERGE.search(_content(root / ".gitattributes")):
            return  # the project says itself how it is merged
        _configure(root, common, command(python))
        _attribute(common / "info" / "attributes")


def _configure(root: Path, common: Path, wanted: str) -> None:
    if b"padre" in _content(common / "config"):
        found = run_git(["config", "--local", "--get", _KEY], root, check=False)
        known = found.decode(errors="replace").strip()
        if known and not _is_gone(known):
            return
    run_git(["config", "--local", _KEY, wanted], root)
    run_git(["config", "--local", "merge.padre.name", _NAME], root)


def _is_gone(known: str) -> bool:
    """Returns whether a command is ours and of an interpreter that does not exist any more."""
    ours = _OURS.match(known)
    return ours is not None and not Path(_python(ours)).exists()


def _attribute(path: Path) -> None:
    content = _content(path)
    if _MERGE.search(content):
        return
    lines = [_HEAD, *(f"{pattern} merge=padre" for pattern in _PATTERNS)]
    gap = b"" if not content or content.endswith(b"\n") else b"\n"
    path.parent.mkdir(exist_ok=True)
    replace_own(path, content + gap + "\n".join(lines).encode() + b"\n")


def _content(path: Path) -> bytes:
    content = read_own(path)
    if content is None and os.path.lexists(path):
        raise RepositoryError(f"'{path}' is no file of its own")
    return content or b""

"""Scratch repositories: a place to build and read git trees without touching a user's repository.

A scratch repository borrows the objects of another one through ``objects/info/alternates`` and
writes its own beside them, in a directory that goes away. It has no hooks, no filters and no
configuration but its own, and git is started with the user's and the system's configuration out of
sight; so nothing that a repository or a person configured is run, and the bytes that come out
depend on the objects alone.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from padre_git.vcs.process import Finished, run_git, try_git

__all__ = ["OFFLINE", "Scratch", "TreeEdit", "lay_out"]

#: Keeps git from fetching what a partial clone lacks.
OFFLINE = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}

_TREE = "40000"
_DIFF = (
    *("--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color"),
    *("-U3", "--diff-algorithm=myers", "--indent-heuristic", "--src-prefix=a/", "--dst-prefix=b/"),
)
# attributes here win over those in the tree: bytes go in and out as they are
_RAW = "* -text !eol -filter -ident !working-tree-encoding\n"


@dataclass(frozen=True, kw_only=True)
class TreeEdit:
    """Is one change of a tree.

    Attributes:
        path: below the tree, as bytes: git's paths are not always text.
        mode: octal mode such as ``100644``; empty to delete.
        data: content to store; None if ``object_id`` names what is stored.
        object_id: an object that exists.
    """

    path: bytes
    mode: str = ""
    data: bytes | None = None
    object_id: str = ""


_Edits = dict[bytes, "TreeEdit | _Edits"]


class Scratch:
    """Is a scratch repository; use it as a context manager.

    Args:
        borrowed: object directories of other repositories to read from.
        hash_name: ``sha1`` or ``sha256``, as the lender has it.
    """

    def __init__(self, borrowed: Iterable[Path] = (), *, hash_name: str = "sha1") -> None:
        self.hash_name = hash_name
        self._home = tempfile.TemporaryDirectory(prefix="padre-")
        self.path = Path(self._home.name)
        lay_out(self.path, borrowed, hash_name)
        self._environment = OFFLINE | {
            "GIT_DIR": str(self.path),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "0",
            "GIT_CONFIG_PARAMETERS": "",
            "GIT_ATTR_NOSYSTEM": "1",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._home.cleanup()

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Returns what a git command prints in this repository, or raises RepositoryError."""
        return run_git(arguments, self.path, input=stdin, env=self._environment)

    def try_git(self, *arguments: str, stdin: bytes = b"") -> Finished:
        """Returns how a git command ends in this repository, whatever that is."""
        return try_git(arguments, self.path, input=stdin, env=self._environment)

    def empty_tree(self) -> str:
        """Returns the id of the tree without entries."""
        return hashlib.new(self.hash_name, b"tree 0\0", usedforsecurity=False).hexdigest()

    def tree_of(self, commit: str) -> str:
        """Returns the tree of a commit, or raises RepositoryError if it is not there."""
        found = self.git("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}")
        return found.decode().strip()

    def write_object(self, kind: str, data: bytes) -> str:
        """Returns the id of an object after storing it here.

        git's own writers freshen the time of an object that the lender has already; this does not.
        """
        framed = f"{kind} {len(data)}\0".encode() + data
        object_id = hashlib.new(self.hash_name, framed, usedforsecurity=False).hexdigest()
        path = self.path / "objects" / object_id[:2] / object_id[2:]
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(zlib.compress(framed, 1))
        return object_id

    def edit_tree(self, tree: str, edits: Iterable[TreeEdit]) -> str:
        """Returns the id of a tree that is ``tree`` with these changes."""
        nested: _Edits = {}
        # deletions first: a file may stand where a directory was, and the other way round
        for edit in sorted(edits, key=lambda edit: bool(edit.mode)):
            *parents, name = edit.path.split(b"/")
            place = nested
            for parent in parents:
                below = place.get(parent)
                if not isinstance(below, dict):
                    below = place[parent] = {}
                place = below
            place[name] = edit
        return self._edit(tree, nested) or self.write_object("tree", b"")

    def _edit(self, tree: str | None, edits: _Edits) -> str | None:
        """Returns the id of an edited tree; None if nothing is left in it."""
        entries = self._entries(tree) if tree else {}
        for name, edit in edits.items():
            if isinstance(edit, dict):
                mode, known = entries.pop(name, ("", ""))
                below = self._edit(known if mode == _TREE else None, edit)
                if below:
                    entries[name] = (_TREE, below)
            elif edit.mode:
                data = edit.data
                blob = edit.object_id if data is None else self.write_object("blob", data)
                entries[name] = (edit.mode, blob)
            else:
                entries.pop(name, None)
        # git sorts a directory as if its name ended in a slash
        lines = [
            (name + b"/" * (mode == _TREE), mode.encode() + b" " + name + b"\0", object_id)
            for name, (mode, object_id) in entries.items()
        ]
        content = b"".join(line + bytes.fromhex(oid) for _, line, oid in sorted(lines))
        return self.write_object("tree", content) if entries else None

    def _entries(self, tree: str) -> dict[bytes, tuple[str, str]]:
        entries = {}
        for line in self.git("ls-tree", "-z", tree).split(b"\0")[:-1]:
            head, _, name = line.partition(b"\t")
            mode, _, object_id = head.decode().split(" ")
            entries[name] = (mode.removeprefix("0"), object_id)
        return entries

    def diff(self, old: str, new: str) -> bytes:
        """Returns the patch from one tree to another, the same bytes whatever is configured."""
        return self.git("diff-tree", "-r", "-p", *_DIFF, old, new)

    def patch(self, tree: str, patch: bytes) -> str:
        """Returns the id of ``tree`` with a patch applied, or raises RepositoryError."""
        self._read_tree(tree)
        if patch:
            self.git("apply", "--cached", "--binary", "--whitespace=nowarn", "-", stdin=patch)
        return self.git("write-tree").decode().strip()

    def write_out(self, tree: str, directory: Path) -> None:
        """Writes the files of a tree below an existing directory, byte by byte as stored."""
        self._read_tree(tree)
        work = ("-c", "core.bare=false", f"--work-tree={directory}")
        self.git(*work, "checkout-index", "--all", "--quiet")

    def _read_tree(self, tree: str) -> None:
        (self.path / "index").unlink(missing_ok=True)
        if tree != self.empty_tree():
            self.git("read-tree", tree)


def lay_out(path: Path, borrowed: Iterable[Path], hash_name: str) -> None:
    """Makes a repository in an empty directory that reads the objects of others.

    Args:
        path: the directory.
        borrowed: object directories of other repositories.
        hash_name: as they have it.
    """
    for name in ("objects/info", "objects/pack", "refs", "info"):
        (path / name).mkdir(parents=True)
    (path / "HEAD").write_text("ref: refs/heads/scratch\n")
    version = "" if hash_name == "sha1" else f"[extensions]\n\tobjectFormat = {hash_name}\n"
    (path / "config").write_text(
        f"[core]\n\trepositoryFormatVersion = {1 if version else 0}\n\tbare = true\n"
        f"\tautocrlf = false\n\tsymlinks = true\n\tfileMode = true\n"
        f"\tattributesFile = {os.devnull}\n"
        # what others have made of the objects may be forged, and git believes it
        f"\tcommitGraph = false\n\tmultiPackIndex = false\n[pack]\n\tuseBitmaps = false\n"
        f"{version}"
    )
    (path / "info" / "attributes").write_text(_RAW)
    lines = (_alternate(directory) for directory in borrowed)
    (path / "objects" / "info" / "alternates").write_bytes(b"".join(lines))


def _alternate(directory: Path) -> bytes:
    text = os.fsencode(directory.resolve())
    if b"\n" in text or text.startswith((b'"', b"#")):
        escaped = text.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
        text = b'"' + escaped + b'"'
    return text + b"\n"

"""Lean work trees: of a large project most is left out, in a cone with a sparse index.

What is left out is in git's objects, where all reading is done from; the work tree is for people.
Git's own command sets the cone up, so whatever the user does with ``git sparse-checkout`` counts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from padre_git.errors import RepositoryError
from padre_git.vcs.cone import EVERYTHING, Cone, is_part, read_cone
from padre_git.vcs.deadlocks import at_work, forget
from padre_git.vcs.durable import fsync_directory
from padre_git.vcs.objects import EMPTY_TREE, Entry
from padre_git.vcs.ownfiles import read_own, replace_own
from padre_git.vcs.process import explain, try_git
from padre_git.vcs.snapshot import entry_at

__all__ = ["Begun", "Lean", "LeanTree"]

#: What neither git's patterns nor its quoting take for something else; others stay left out.
_PLAIN = re.compile(r"[^\\*?\[\]!#\"\n\r]+")
_Trees = Callable[[str], Mapping[str, Entry]]
_Blobs = Callable[[list[str]], dict[str, bytes]]


class Begun(StrEnum):
    """Is what may have been done to a work tree by half."""

    LESS = "less"
    MORE = "more"


@dataclass(frozen=True, kw_only=True)
class Lean:
    """Is what lean work trees leave out, and when a new one is to be lean.

    Attributes:
        above: the directory whose directories each have one that is left out.
        left_out: the name of that.
        kept: the name of one beside it that is in the work tree, there or not.
        always: other directories that are in the work tree, there or not.
        files: how many files a project has at most below those that are left out, if all of it
            is to be in new work trees.
    """

    above: str
    left_out: str
    kept: str
    always: Sequence[str]
    files: int

    def is_large(self, trees: _Trees, tree: str) -> bool:
        """Tells whether so much would be left out that it should be; reads no more than needed."""
        left = self.files
        waiting = list(self.left_out_of(trees, tree).values())
        while waiting and left >= 0:
            for entry in trees(waiting.pop()).values():
                if entry.is_tree:
                    waiting.append(entry.id)
                else:
                    left -= 1
        return left < 0

    def directories(self, trees: _Trees, tree: str) -> list[str]:
        """Returns the directories that are in the work tree with all below them."""
        found = set(self.always)
        found |= {name for name, e in trees(tree).items() if e.is_tree and name != self.above}
        for name, entry in self.names(trees, tree).items():
            inside = {n for n, e in trees(entry.id).items() if e.is_tree and n != self.left_out}
            found |= {f"{self.above}/{name}/{n}" for n in {*inside, self.kept}}
        return sorted(filter(_PLAIN.fullmatch, found))

    def names(self, trees: _Trees, tree: str) -> dict[str, Entry]:
        """Returns the directories that each have one that is left out."""
        above = entry_at(trees, tree, self.above)
        entries = trees(above.id if above is not None and above.is_tree else EMPTY_TREE)
        return {name: entry for name, entry in entries.items() if entry.is_tree}

    def left_out_of(self, trees: _Trees, tree: str) -> dict[str, str]:
        """Returns the trees that are left out, by directory."""
        found = {}
        for name, above in self.names(trees, tree).items():
            entry = trees(above.id).get(self.left_out)
            if entry is not None and entry.is_tree:
                found[f"{self.above}/{name}/{self.left_out}"] = entry.id
        return found


class LeanTree:
    """Is the cone of one work tree, as far as we made it.

    Args:
        root: the work tree.
        git_dir: its own git directory.
        own: where we note, in the common git directory, which directories we have put into it.
        lean: what it leaves out.
    """

    def __init__(self, root: Path, git_dir: Path, own: Path, lean: Lean) -> None:
        self._root = root
        self._git_dir = git_dir
        self._common = own.parent
        self._note = own / "cone"
        self._begun = own / "cone-begun"
        self._lean = lean
        self._names: frozenset[str] = frozenset()

    def leave_out(self, trees: _Trees, tree: str) -> None:
        """Leaves out what a lean work tree does; files with uncommitted work stay."""
        wanted = self._lean.directories(trees, tree)
        with self._noted(Begun.LESS):
            # git leaves a file whose times are not those of the index, as in a copy of the clone
            self._git(["update-index", "-q", "--refresh"])
            self._git(["sparse-checkout", "set", "--cone", "--sparse-index", "--stdin"], wanted)
            self._write(wanted)

    def bring(self, directories: Iterable[str]) -> None:
        """Brings directories into the work tree."""
        with self._noted(Begun.MORE):
            self._git(["sparse-checkout", "add", "--stdin"], directories)

    def bring_all(self) -> None:
        """Brings everything into the work tree."""
        with self._noted(Begun.MORE):
            self._note.unlink(missing_ok=True)
            self._git(["sparse-checkout", "disable"])

    def begun(self) -> Begun | None:
        """Returns what was begun and did not end, by a kill or for want of room."""
        if not self._begun.exists() or not is_part(self._git_dir):
            return None
        noted = (read_own(self._begun) or b"").decode(errors="replace")
        return Begun.LESS if noted == Begun.LESS else Begun.MORE

    def finish(self, trees: _Trees, tree: str, read: _Blobs) -> None:
        """Puts right what was begun and did not end.

        git removes files before it notes that they are to be missing, so leaving out is done again;
        and the file that it was writing, of those to bring, is there by half: that one goes.

        Args:
            trees: gives the entries of a tree by its id.
            tree: what the branch has.
            read: gives the content of blobs by id.
        """
        self._remove_halves(trees, tree, read)
        if self.begun() is Begun.LESS:
            self.leave_out(trees, tree)
        self._begun.unlink(missing_ok=True)

    def _remove_halves(self, trees: _Trees, tree: str, read: _Blobs) -> None:
        cone = read_cone(self._git_dir) or EVERYTHING
        for directory in self._lean.left_out_of(trees, tree):
            for above, _, names in os.walk(self._root / directory):
                for path in (Path(above, name) for name in names):
                    known = path.relative_to(self._root).as_posix()
                    entry = None if cone.includes(known) else entry_at(trees, tree, known)
                    if entry is not None and path.is_file() and not path.is_symlink():
                        whole, there = read([entry.id])[entry.id], path.read_bytes()
                        if len(there) < len(whole) and whole.startswith(there):
                            path.unlink()

    @contextmanager
    def _noted(self, what: Begun) -> Iterator[None]:
        """Notes, durably, what is being done to the work tree, until it is done."""
        self._begun.parent.mkdir(parents=True, exist_ok=True)
        replace_own(self._begun, what.encode())
        fsync_directory(self._begun.parent)
        try:
            yield
        except RepositoryError:
            if not is_part(self._git_dir):  # git has not begun, and may not know how to
                self._begun.unlink()
            raise
        self._begun.unlink()

    def grow(self, trees: _Trees, tree: str) -> None:
        """Takes in what has come since, unless the user has a cone of their own by now."""
        noted = read_own(self._note)
        if noted is None:
            return
        names = frozenset(self._lean.names(trees, tree))
        if names <= self._names:
            return
        cone = read_cone(self._git_dir)
        wanted = self._lean.directories(trees, tree)
        if cone is not None and not _missing(cone, noted.decode(errors="replace").split("\n")):
            missing = _missing(cone, wanted)
            if missing:
                self.bring(missing)
                self._write(wanted)
        self._names = names

    def _write(self, directories: Iterable[str]) -> None:
        replace_own(self._note, "\n".join(directories).encode())

    def _git(self, command: Sequence[str], directories: Iterable[str] = ()) -> None:
        lines = "".join(f"{directory}\n" for directory in directories)
        with at_work(self._common) as inherited:
            done = try_git(command, self._root, input=lines.encode(), inherited=inherited)
        if inherited:
            forget(self._common)
        if done.code:
            raise explain(command, self._root, done)


def _missing(cone: Cone, directories: Iterable[str]) -> list[str]:
    return [directory for directory in directories if not cone.includes(f"{directory}/x")]

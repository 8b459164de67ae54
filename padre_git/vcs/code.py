"""Code versions: what a person's own repository holds right now, taken without changing it.

A code version is the repository's root commit, the commit that is checked out and, when the work
tree differs from it, a *snapshot*: the id of the tree that has the changes in it. Everything that
is written for it goes to a scratch repository (:mod:`padre_git.vcs.scratch`); the user's ``.git``
stays as it is, bit for bit. What is kept of the changes is a patch from the commit to the snapshot.

What counts as changed (docs/decisions/0007): tracked files, staged or not, and untracked source
files; never ignored files; never files above :data:`LARGEST` bytes, which are data. Files are taken
as they lie in the work tree, without line-end conversion and without filters.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from padre_git.errors import RepositoryError
from padre_git.model import Code
from padre_git.vcs.process import run_git, try_git
from padre_git.vcs.scratch import OFFLINE, Scratch, TreeEdit
from padre_git.vcs.sources import is_source

__all__ = ["LARGEST", "Capture", "capture", "capture_file", "is_ignored", "work_tree_of"]

#: Seconds for one git command; a home directory can be a work tree of a million files.
_PATIENCE = 60.0
#: Size in bytes above which a changed file is data, not code.
LARGEST = 1_000_000
_GITLINK = "160000"
_SYMLINK = "120000"
_GONE = "000000"


@dataclass(frozen=True, kw_only=True)
class Capture:
    """Is a code version as it was taken.

    Attributes:
        code: its identity.
        patch: bytes that turn the commit (or nothing, where there is none) into what ran; None
            if the commit says everything.
        root: the work tree it was taken from; None outside any repository.
        left_out: changed files that are too large to be code, as paths below ``root``.
    """

    code: Code
    patch: bytes | None = None
    root: Path | None = None
    left_out: tuple[str, ...] = ()


def work_tree_of(directory: Path) -> Path | None:
    """Returns the top of the work tree that ``directory`` lies in; None if it is in none.

    Raises:
        RepositoryError: if git cannot be started or refuses the repository.
    """
    try:
        found = run_git(["rev-parse", "--show-toplevel"], directory, env=OFFLINE)
    except RepositoryError as error:
        is_none = "not a git repository" in error.message and not _has_head(directory)
        if is_none or "in a work tree" in error.message:
            return None
        raise
    return Path(os.fsdecode(found.removesuffix(b"\n")))


def _has_head(directory: Path) -> bool:
    """Tells whether there is a repository all the same, of which git could not open a file."""
    place = directory.absolute()
    return any((above / ".git" / "HEAD").exists() for above in (place, *place.parents))


def is_ignored(root: Path, file: Path) -> bool:
    """Returns whether an untracked file of a work tree is ignored there."""
    asked = try_git(["check-ignore", "-q", "--", str(file)], root, env=OFFLINE)
    return asked.code == 0


def capture(directory: Path, *, entry: Path | None = None) -> Capture | None:
    """Takes the code version of the repository around ``directory``; None if there is none.

    Args:
        directory: somewhere in a work tree.
        entry: the file that was started, kept whatever its name and size.

    Raises:
        RepositoryError: if git cannot be started or cannot read the repository.
    """
    root = work_tree_of(directory)
    if root is None:
        return None
    user = _UserRepository(root)
    commit, changes = user.status()
    edits, left_out = _edits(user, changes, entry)
    if commit is not None and not edits:
        code = Code(repository=user.root_commit(commit), commit=commit)
        return Capture(code=code, root=root, left_out=left_out)
    with Scratch([user.objects()], hash_name=user.hash_name()) as scratch:
        base = scratch.empty_tree() if commit is None else scratch.tree_of(commit)
        snapshot = scratch.edit_tree(base, edits)
        same = commit is not None and snapshot == base
        patch = None if same else scratch.diff(base, snapshot)
    nothing = "0" * len(base)
    code = Code(
        repository=nothing if commit is None else user.root_commit(commit),
        commit=commit or nothing,
        snapshot=None if same else snapshot,
    )
    return Capture(code=code, patch=patch, root=root, left_out=left_out)


def capture_file(path: Path, *, name: str | None = None) -> Capture:
    """Takes one script or notebook by its content, kept as a patch against the empty tree.

    Args:
        path: the file.
        name: its name below the directory that a restore writes; its own name if None.

    Raises:
        OSError: if it cannot be read.
        RepositoryError: if git cannot be started.
    """
    data = path.read_bytes()
    mode = "100755" if os.access(path, os.X_OK) else "100644"
    with Scratch() as scratch:
        edit = TreeEdit(path=os.fsencode(name or path.name), mode=mode, data=data)
        empty = scratch.empty_tree()
        patch = scratch.diff(empty, scratch.edit_tree(empty, [edit]))
    return Capture(code=Code(content=hashlib.sha256(data).hexdigest()), patch=patch)


@dataclass(frozen=True, kw_only=True)
class _Status:
    """Is one line of ``git status``: a path that differs from the commit."""

    path: bytes
    mode: str
    staged: str
    submodule: str = "N..."
    tracked: bool = True


class _UserRepository:
    """Reads a repository of the user; nothing here writes, locks, or runs what it configures."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._environment: dict[str, str] = dict(OFFLINE)

    def _git(self, *arguments: str, directory: Path | None = None) -> bytes:
        place = directory or self.root
        return run_git(arguments, place, env=self._environment, timeout=_PATIENCE)

    def _overrule(self, settings: dict[str, str]) -> None:
        """Puts settings above the repository's own, by the environment."""
        outside = os.environ.get("GIT_CONFIG_COUNT") or "0"
        count = int(self._environment.get("GIT_CONFIG_COUNT", outside))
        for n, (name, value) in enumerate(settings.items(), count):
            self._environment[f"GIT_CONFIG_KEY_{n}"] = name
            self._environment[f"GIT_CONFIG_VALUE_{n}"] = value
        self._environment["GIT_CONFIG_COUNT"] = str(count + len(settings))

    def _disarm_filters(self) -> None:
        listed = self._git("config", "--null", "--name-only", "--list")
        names = {name.rpartition(b".")[0] for name in listed.split(b"\0") if b"." in name}
        for driver in sorted(name for name in names if name.startswith(b"filter.")):
            name = os.fsdecode(driver)
            self._overrule(
                {f"{name}.clean": "", f"{name}.process": "", f"{name}.required": "false"}
            )

    def status(self) -> tuple[str | None, list[_Status]]:
        """Returns the commit (None if there is none yet) and what differs from it."""
        self._disarm_filters()
        listed = self._git(
            *("status", "--porcelain=v2", "-z", "--branch", "--no-ahead-behind"),
            *("--untracked-files=all", "--no-renames", "--ignore-submodules=dirty"),
        )
        commit = None
        changes = []
        for line in listed.split(b"\0"):
            if line.startswith(b"# branch.oid ") and not line.endswith(b"(initial)"):
                commit = line.rpartition(b" ")[2].decode()
            elif line[:2] in (b"1 ", b"u ", b"? "):
                changes.append(_parse(line))
        if commit is None and not try_git(["rev-parse", "-q", "--verify", "HEAD"], self.root).code:
            raise RepositoryError(f"git did not read HEAD in '{self.root}'", hint="try again")
        return commit, changes

    def root_commit(self, commit: str) -> str:
        """Returns the root along first parents; zeros where a shallow clone hides it."""
        found = self._git("rev-list", "--first-parent", "--max-parents=0", commit).split()
        root = found[-1].decode() if found else ""
        shallow = self.root / os.fsdecode(self._git("rev-parse", "--git-path", "shallow")[:-1])
        if not root or (shallow.is_file() and root in shallow.read_text().split()):
            return "0" * len(commit)
        return root

    def objects(self) -> Path:
        """Returns the directory of the repository's objects."""
        found = self._git("rev-parse", "--git-path", "objects").removesuffix(b"\n")
        return self.root / os.fsdecode(found)

    def hash_name(self) -> str:
        """Returns the name of the repository's hash function."""
        return self._git("rev-parse", "--show-object-format").decode().strip()

    def head_of(self, submodule: bytes) -> str:
        """Returns the commit that is checked out in a submodule."""
        place = self.root / os.fsdecode(submodule)
        return self._git("rev-parse", "--verify", "HEAD", directory=place).decode().strip()


def _parse(line: bytes) -> _Status:
    if line.startswith(b"? "):
        return _Status(path=line[2:], mode="", staged="", tracked=False)
    unmerged = line.startswith(b"u ")
    fields = line.split(b" ", 10 if unmerged else 8)
    mode, staged = (fields[6], fields[7]) if unmerged else (fields[5], fields[7])
    return _Status(
        path=fields[-1], mode=mode.decode(), staged=staged.decode(), submodule=fields[2].decode()
    )


def _edits(
    user: _UserRepository, changes: list[_Status], entry: Path | None
) -> tuple[list[TreeEdit], tuple[str, ...]]:
    kept = None if entry is None else os.path.realpath(entry)
    edits: list[TreeEdit] = []
    left_out: list[str] = []
    for change in changes:
        place = user.root / os.fsdecode(change.path)
        always = kept is not None and os.path.realpath(place) == kept
        try:
            if not always and _is_large(change, place, user.root):
                left_out.append(os.fsdecode(change.path))
                continue
            edits.extend(_edit(user, change, place, always))
        except FileNotFoundError:  # removed since git looked
            edits.append(TreeEdit(path=change.path))
    return edits, tuple(left_out)


def _edit(user: _UserRepository, change: _Status, place: Path, always: bool) -> Iterator[TreeEdit]:
    if change.mode == _GONE:
        yield TreeEdit(path=change.path)
    elif change.submodule.startswith("S"):
        moved = change.submodule[1] == "C"
        commit = user.head_of(change.path) if moved else change.staged
        yield TreeEdit(path=change.path, mode=_GITLINK, object_id=commit)
    elif change.tracked and not os.path.lexists(place):  # staged, but not checked out here
        yield TreeEdit(path=change.path, mode=change.mode, object_id=change.staged)
    elif change.tracked or _is_untracked_source(place, user.root, always):
        mode = change.mode or _mode_of(place)
        yield TreeEdit(path=change.path, mode=mode, data=_content(place))


def _is_large(change: _Status, place: Path, root: Path) -> bool:
    if change.mode in (_GONE, _GITLINK) or not os.path.lexists(place):
        return False
    return place.lstat().st_size > LARGEST and (change.tracked or is_source(place, below=root))


def _is_untracked_source(place: Path, root: Path, always: bool) -> bool:
    if stat.S_ISDIR(place.lstat().st_mode):  # a repository of its own
        return False
    return always or is_source(place, below=root)


def _mode_of(place: Path) -> str:
    found = place.lstat().st_mode
    if stat.S_ISLNK(found):
        return _SYMLINK
    return "100755" if found & stat.S_IXUSR else "100644"


def _content(place: Path) -> bytes:
    return os.fsencode(place.readlink()) if place.is_symlink() else place.read_bytes()

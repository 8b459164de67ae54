"""Branches and other refs: read as files, moved by compare-and-swap and made durable."""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from pathlib import Path

from padre_git.errors import UNSAID, DamagedError, InvalidNameError, RepositoryError
from padre_git.vcs.damage import damaged
from padre_git.vcs.durable import REPLACED, Durable, fsync_directory
from padre_git.vcs.locks import clear_stale, git_lock
from padre_git.vcs.process import run_git

__all__ = ["RefStore", "StaleRefError", "check_ref", "lines_in", "symbolic_target"]

_ID = re.compile(r"[0-9a-f]{40}")
_BAD = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|\.$|/$|^/|^\.|^-|^@$")
_ZERO = "0" * 40
_LOCK_WAIT = 1.0
#: Bytes of a file that holds a ref, at most; what is longer is none.
_LONGEST = 4096


class StaleRefError(RepositoryError):
    """Says that a ref was not at the value it was to be moved from; nothing was written."""

    code = "stale-ref"


def check_ref(name: str) -> str:
    """Returns the name of a ref if git would take it.

    Raises:
        InvalidNameError: if it is not ``HEAD`` or below ``refs/``, or not well formed.
    """
    if name != "HEAD" and (not name.startswith("refs/") or _BAD.search(name)):
        raise InvalidNameError(f"not the name of a ref: {name!r}")
    return name


def lines_in(content: bytes) -> list[str]:
    """Returns the lines of what git says or keeps.

    Names and messages may be no UTF-8, and have in them what Python takes for the end of a line;
    written with ``surrogateescape``, they are the same bytes again.
    """
    text = content.decode(errors="surrogateescape")
    return text.removesuffix("\n").split("\n") if text else []


def symbolic_target(head: Path) -> str | None:
    """Returns the ref that a HEAD file names; None if it is detached, missing or unreadable.

    Raises:
        OSError: if nobody can say, because there is no descriptor or no memory left.
    """
    try:
        text = _text(head)
    except OSError as error:
        # "no branch is checked out here" would let the branch move without its work tree
        if error.errno in UNSAID:
            raise
        return None
    return text.removeprefix("ref:").strip() if text.startswith("ref:") else None


def _text(path: Path | str) -> str:
    """Returns what a small file says; every commit reads ten of them, and twice as fast."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, _LONGEST).decode(errors="replace").strip()
    finally:
        os.close(descriptor)


class RefStore:
    """Is the refs of one repository that keeps them as files.

    Args:
        common: the repository's common git directory.
        mark: see :func:`padre_git.vcs.locks.make_mark`.
    """

    def __init__(self, common: Path, mark: Path) -> None:
        self._common = common
        self._mark = mark
        self._packed: dict[str, str] = {}
        self._packed_stat: tuple[int, int, int] | None = None

    def read(self, name: str) -> str | None:
        """Returns the commit (or tag) that a ref names; None if there is no such ref.

        Raises:
            DamagedError: if its file holds something else.
        """
        for _ in range(5):  # a branch may be a symbolic ref; git follows five of them
            try:
                text = _text(f"{self._common}/{name}")
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                packed = self._read_packed().get(name)
                if packed is None:
                    return None
                text = packed
            if _ID.fullmatch(text):
                return text
            if not text.startswith("ref:"):
                break
            name = text.removeprefix("ref:").strip()
        raise damaged(f"ref '{name}' holds no commit", self._common)

    def _read_packed(self) -> dict[str, str]:
        path = self._common / "packed-refs"
        try:
            seen = path.stat()
        except FileNotFoundError:
            return {}
        stat = (seen.st_ino, seen.st_mtime_ns, seen.st_size)
        if stat != self._packed_stat:
            pairs = (
                line.split(" ", 1)
                for line in lines_in(path.read_bytes())
                if line[:1] not in {"#", "^", ""}
            )
            self._packed = {pair[1]: pair[0] for pair in pairs if len(pair) == 2}
            self._packed_stat = stat
        return self._packed

    def names(self, prefix: str) -> dict[str, str]:
        """Returns every ref whose name begins with ``prefix``, with what it names."""
        form = "--format=%(objectname) %(refname)"
        try:
            told = run_git(["for-each-ref", form, prefix.rstrip("/")], self._common)
        except DamagedError:  # git tells none if it cannot read one
            from padre_git.vcs.allrefs import read_all

            found = read_all(self._common).values
            return {n: v for n, v in found.items() if n.startswith(prefix) and _ID.fullmatch(v)}
        pairs = (line.partition(" ") for line in lines_in(told))
        return {name: oid for oid, _, name in pairs if name.startswith(prefix)}

    def prepare(self, new: str, durable: Durable) -> Path:
        """Writes down where a ref is to go, for :meth:`write` to be quick.

        Args:
            new: what it will name.
            durable: is to be synced before :meth:`write`.

        Returns:
            The file to give to :meth:`write`.
        """
        fresh = self._mark.with_name(f"ref.{os.getpid()}.{threading.get_ident()}")
        durable.write(fresh, f"{new}\n".encode())
        return fresh

    def write(self, name: str, new: str, old: str | None, *, fresh: Path | None = None) -> None:
        """Moves a ref from one value to another, durably; the clone's own lock must be held.

        Args:
            name: the full name, ``refs/…``.
            new: what it names afterwards.
            old: what it must name now; None if it must not exist.
            fresh: what :meth:`prepare` returned, synced.

        Raises:
            StaleRefError: if it names something else by now.
            LockedError: if another process holds the ref's lock for too long.
        """
        path = self.real(check_ref(name))
        self._make_directories(path.parent)
        if fresh is None:
            durable = Durable()
            fresh = self.prepare(new, durable)
            durable.sync()
        clear_stale(path, mark=self._mark)
        REPLACED.keep(path)
        try:
            # the user's git waits for this lock, or finds it if we are killed meanwhile: nothing
            # else is done under it
            with git_lock(path, mark=self._mark, timeout=_LOCK_WAIT):
                now = self.read(name)
                if now != old:
                    raise StaleRefError(f"ref '{name}' is at {now}, not at {old}")
                _replace(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)
        fsync_directory(path.parent)

    def delete(self, name: str, old: str | None = None) -> None:
        """Deletes a ref, durably; one that does not exist is left alone.

        The clone's own lock must be held.

        Args:
            name: the full name.
            old: what it must name now; None if that does not matter.

        Raises:
            StaleRefError: if it names something else by now.
        """
        path = self.real(check_ref(name))
        now = self.read(name)
        if now is None:
            return
        if old is not None and now != old:
            raise StaleRefError(f"ref '{name}' is at {now}, not at {old}")
        clear_stale(path, mark=self._mark)
        if name in self._read_packed():
            run_git(["update-ref", "-d", name, *([old] if old else [])], self._common)
            return
        REPLACED.keep(path)
        with git_lock(path, mark=self._mark, timeout=_LOCK_WAIT):
            now = self.read(name)
            if old is not None and now != old:
                raise StaleRefError(f"ref '{name}' is at {now}, not at {old}")
            with suppress(FileNotFoundError):
                path.unlink()
        fsync_directory(path.parent)

    def real(self, name: str) -> Path:
        """Returns the file that holds a ref, behind symbolic refs.

        Raises:
            InvalidNameError: if a name on the way is not the name of a ref.
        """
        for _ in range(5):
            target = symbolic_target(self._common / name)
            if target is None:
                break
            name = check_ref(target)
        return self._common / name

    def _make_directories(self, directory: Path) -> None:
        missing = []
        while not directory.is_dir():
            missing.append(directory)
            directory = directory.parent
        for path in reversed(missing):
            with suppress(FileExistsError):
                path.mkdir()
            fsync_directory(path.parent)


def _replace(fresh: Path, path: Path) -> None:
    try:
        fresh.replace(path)
    except OSError as error:  # a directory of that name: refs `a` and `a/b` exclude each other
        raise RepositoryError(f"ref '{path}' cannot be written: {error.strerror}") from error

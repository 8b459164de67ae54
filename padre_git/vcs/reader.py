"""Reading objects: one pipelined ``git cat-file --batch`` process and a cache of trees."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO

from padre_git.vcs.damage import damaged
from padre_git.vcs.forking import drop_pipes, start
from padre_git.vcs.objects import EMPTY_TREE, Commit, Entry, parse_commit, parse_tree
from padre_git.vcs.process import environment, no_git
from padre_git.vcs.scratch import lay_out

__all__ = ["LARGEST", "Reader"]

#: Requests on the way at once; 41 bytes each fit into a pipe, so writing never blocks.
_WINDOW = 1000
_TREES = 20_000
#: Bytes of a file that is kept when it was read, and how many are: every run that begins reads the
#: same few documents.
_SMALL, _DOCUMENTS = 4096, 256
#: What is asked for in one go and kept; of thousands, none would be asked for again.
_FEW = 8
#: Bytes of the largest object that is read; git, too, loads nothing larger into memory.
LARGEST = 512 * 1024 * 1024
_PIECE = 1 << 20
_UNREADABLE = "unreadable"
_NOTHING: Mapping[str, Entry] = MappingProxyType({})


class Reader:
    """Reads objects of one repository; safe to share between threads and across a fork.

    An object that kills git is one that cannot be read; the others of its batch are read all the
    same. If the repository's configuration or HEAD keeps git from starting, its objects are read
    from a repository of ours that borrows them.
    """

    def __init__(self, git_dir: Path) -> None:
        self._git_dir = git_dir
        self._borrows = False
        self._trees: OrderedDict[str, Mapping[str, Entry]] = OrderedDict()
        self._commits: dict[str, Commit] = {}
        self._documents: dict[str, bytes] = {}
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stop: weakref.finalize[..., Reader] | None = None

    def tree(self, oid: str) -> Mapping[str, Entry]:
        """Returns the entries of a tree by name; the mapping must not be changed."""
        known = self._trees.get(oid)
        if known is not None:
            return known
        if oid == EMPTY_TREE:
            return _NOTHING
        found = parse_tree(self.object(oid, "tree"))
        self.remember(oid, found)
        return found

    def remember(self, oid: str, entries: Mapping[str, Entry]) -> None:
        """Keeps a tree that was just built, so that it need not be read."""
        self._trees[oid] = entries
        if len(self._trees) > _TREES:
            with suppress(KeyError):
                self._trees.popitem(last=False)

    def load_trees(self, oids: Iterable[str]) -> None:
        """Reads many trees at once into the cache."""
        wanted = [oid for oid in dict.fromkeys(oids) if oid not in self._trees]
        for oid, (kind, content) in self._fetch(wanted):
            if kind == "tree":
                self.remember(oid, parse_tree(content))

    def commit(self, oid: str) -> Commit:
        """Returns what a commit says."""
        known = self._commits.get(oid)
        if known is None:
            known = parse_commit(self.object(oid, "commit"))
            self.remember_commit(known)
        return known

    def remember_commit(self, commit: Commit) -> None:
        """Keeps a commit that was just made, so that it need not be read."""
        self._commits[commit.id] = commit
        if len(self._commits) > _WINDOW:
            with suppress(KeyError, StopIteration, RuntimeError):
                self._commits.pop(next(iter(self._commits)))

    def has(self, oid: str) -> bool:
        """Returns whether an object can be read."""
        return any(what not in {"", _UNREADABLE} for _, (what, _) in self._fetch([oid]))

    def object(self, oid: str, kind: str) -> bytes:
        """Returns the content of one object.

        Raises:
            DamagedError: if it is missing or of another kind.
        """
        return self.objects([oid], kind)[oid]

    def objects(self, oids: Iterable[str], kind: str) -> dict[str, bytes]:
        """Returns the content of many objects, asked for in one go.

        Raises:
            DamagedError: if one is missing or of another kind.
        """
        wanted = dict.fromkeys(oids)
        found = {}
        if kind == "blob" and len(wanted) <= _FEW:
            found = {oid: self._documents[oid] for oid in wanted if oid in self._documents}
        for oid, (what, content) in self._fetch([oid for oid in wanted if oid not in found]):
            if what != kind:
                raise damaged(f"object '{oid}' is {what or 'missing'}, not a {kind}", self._git_dir)
            found[oid] = content
            if kind == "blob" and len(wanted) <= _FEW and len(content) <= _SMALL:
                self._keep(oid, content)
        return found

    def _keep(self, oid: str, document: bytes) -> None:
        if len(self._documents) >= _DOCUMENTS:
            self._documents.clear()
        self._documents[oid] = document

    def close(self) -> None:
        """Ends the git process; the reader can be used again and then starts another."""
        if self._pid != os.getpid():
            self._forget()
            return
        with self._lock:
            self._borrows = False
            self._end()

    def _end(self) -> None:
        if self._stop is not None:
            self._stop()
        self._stop = self._process = None

    def _forget(self) -> None:
        """Lets go of what belongs to the process that we were forked from."""
        process, stop = self._process, self._stop
        if stop is not None:
            stop.detach()
        if process is not None:
            process.returncode = 0  # not our child: nothing to wait for
            drop_pipes(process)
        self._reset()

    def _fetch(self, oids: Sequence[str]) -> Iterator[tuple[str, tuple[str, bytes]]]:
        if self._pid != os.getpid():
            self._forget()
        for first in range(0, len(oids), _WINDOW):
            part = oids[first : first + _WINDOW]
            with self._lock:
                try:
                    found = self._ask(part)
                except (BrokenPipeError, EOFError):
                    self._end()
                    found = self._ask_again(part)
                except BaseException:  # interrupted: what is left in the pipe belongs to nobody
                    self._end()
                    raise
            yield from zip(part, found, strict=True)

    def _ask_again(self, oids: Sequence[str]) -> list[tuple[str, bytes]]:
        """Asks a new process, which dies, too, unless the first one was killed by somebody."""
        try:
            return self._ask(oids)
        except (BrokenPipeError, EOFError):
            self._end()
        # git knows the empty tree by heart: if it cannot tell that, it cannot start
        if self._ask_one(EMPTY_TREE)[0] != "tree":
            self._borrows = not self._borrows
            if self._ask_one(EMPTY_TREE)[0] != "tree":
                raise damaged("git cannot read any object", self._git_dir)
        return [self._ask_one(oid) for oid in oids]

    def _ask_one(self, oid: str) -> tuple[str, bytes]:
        try:
            return self._ask([oid])[0]
        except (BrokenPipeError, EOFError):
            self._end()
            return _UNREADABLE, b""

    def _ask(self, oids: Sequence[str]) -> list[tuple[str, bytes]]:
        process = self._running()
        assert process.stdin is not None  # noqa: S101 - both were asked for
        assert process.stdout is not None  # noqa: S101
        process.stdin.write("".join([f"{oid}\n" for oid in oids]).encode())
        process.stdin.flush()
        return [_answer(process.stdout, oid) for oid in oids]

    def _running(self) -> subprocess.Popen[bytes]:
        process = self._process
        # what ends at the interpreter's exit may have ended this one before the last run
        if process is None or self._stop is None or not self._stop.alive:
            place = self._borrowed() if self._borrows else None
            process = self._process = self._started(place or self._git_dir)
            self._stop = weakref.finalize(self, _stop, process, os.getpid(), place)
        return process

    def _borrowed(self) -> Path:
        """Returns a fresh repository that has the objects of ours, and nothing else of it."""
        place = Path(tempfile.mkdtemp(prefix="padre-"))
        lay_out(place, [self._git_dir / "objects"], "sha1")
        return place

    def _started(self, git_dir: Path) -> subprocess.Popen[bytes]:
        try:
            return start(
                ["git", f"--git-dir={git_dir}", "cat-file", "--batch"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=environment(),
            )
        except FileNotFoundError as error:
            raise no_git() from error


def _answer(pipe: IO[bytes], oid: str) -> tuple[str, bytes]:
    head = pipe.readline()
    if not head.endswith(b"\n") or not head.startswith(oid.encode()):
        raise EOFError
    words = head.split()
    if len(words) != 3 or not words[2].isdigit():
        return "", b""
    size = int(words[2])
    if size > LARGEST:
        return _passed_over(pipe, size + 1), b""
    content = pipe.read(size)
    if len(content) != size or pipe.read(1) != b"\n":
        raise EOFError
    return words[1].decode(), content


def _passed_over(pipe: IO[bytes], size: int) -> str:
    """Reads on behind an object that somebody may have made of nothing but zeros."""
    while size:
        piece = pipe.read(min(size, _PIECE))
        if not piece:
            raise EOFError
        size -= len(piece)
    return "too large"


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def _stop(process: subprocess.Popen[bytes], owner: int, place: Path | None) -> None:
    if os.getpid() != owner:  # the exit of a fork must not end its parent's process
        return
    if place is not None:
        shutil.rmtree(place, ignore_errors=True)
    _close_pipes(process)
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

"""Mending a clone: what was found damaged is put right, each step whole and in an order that holds.

First what can be had is added, then what is damaged is set aside; so a repair that is killed
leaves a clone that is not worse, and the next one goes on.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from padre_git.errors import DamagedError
from padre_git.messages import Author
from padre_git.messages.damage import Piece
from padre_git.vcs import knownconfig
from padre_git.vcs.allrefs import lines_of, log_ids, read_head
from padre_git.vcs.durable import Durable, fsync_directory
from padre_git.vcs.examining import Examination
from padre_git.vcs.metadata import GRAPHS, is_note
from padre_git.vcs.objects import MODULE, parse_tree
from padre_git.vcs.packs import PackWriter
from padre_git.vcs.process import run_git, try_git
from padre_git.vcs.reflog import append_line
from padre_git.vcs.reindexing import rebuilt_index
from padre_git.vcs.setaside import SetAside
from padre_git.vcs.soundness import Flaw

__all__ = ["Fetch", "Mending", "is_log", "mend_config", "put_ref"]

#: Brings what a remote has into an empty bare repository; tells whether it could.
Fetch = Callable[[Path], bool]
_DEFAULT = {
    "core.repositoryformatversion": "0",
    "core.filemode": "true",
    "core.bare": "false",
    "core.logallrefupdates": "true",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
_RESTOCK = "padre/restock"
_NOBODY = Author(name="padre_git", email="")


def mend_config(common: Path, aside: SetAside) -> None:
    """Writes a clone's configuration anew, as far as it is known, if it is damaged.

    Args:
        common: the common git directory.
        aside: takes the damaged one.
    """
    if knownconfig.problem(common) is not None:
        aside.replace(common / "config", knownconfig.mended(common, _DEFAULT))


def put_ref(common: Path, name: str, commit: str, aside: SetAside) -> None:
    """Lets a ref name a commit, whatever it named before.

    Args:
        common: the common git directory.
        name: the ref.
        commit: what it is to name.
        aside: takes what it held.
    """
    path = common / name
    path.parent.mkdir(parents=True, exist_ok=True)
    aside.replace(path, f"{commit}\n".encode())
    append_line(common, name, commit, commit, "padre_git: repair", _NOBODY)


def is_log(flaw: Flaw) -> bool:
    """Returns whether it is the log of a ref that is wrong."""
    return not flaw.name.startswith("refs/") and "logs/" in flaw.name


class Mending:
    """Puts one clone right, but for its configuration; its lock must be held.

    Args:
        examination: what was found.
        aside: takes what is replaced.
        fetch: see :data:`Fetch`; None where there is no remote.
        is_evicted: tells which files are left out of the work tree.
    """

    def __init__(
        self,
        examination: Examination,
        aside: SetAside,
        *,
        fetch: Fetch | None,
        is_evicted: Callable[[str], bool],
    ) -> None:
        self._found = examination
        self._patient = examination.patient
        self._common = examination.patient.common
        self._aside = aside
        self._fetch = fetch
        self._is_evicted = is_evicted

    def run(self) -> None:
        """Does what can be done about each flaw."""
        self._objects()
        for flaw in self._of(Piece.REF):
            self._ref(flaw)
        for flaw in self._of(Piece.HEAD):
            self._head(flaw)
        for flaw in self._of(Piece.INDEX):
            self._index(self._common / flaw.name)
        derived = list(self._of(Piece.DERIVED))
        for flaw in derived:
            self._aside.move(self._common / flaw.name)
        if any(GRAPHS in flaw.name for flaw in derived):
            try_git(["commit-graph", "write", "--reachable", "--changed-paths"], self._common)
        for flaw in self._of(Piece.STATE):
            self._state(self._common / flaw.name)

    def logs(self) -> None:
        """Puts the logs of refs right; they tell what can be mended, so that comes last."""
        for flaw in filter(is_log, self._found.flaws):
            self._log(self._common / flaw.name)

    def _of(self, *pieces: Piece) -> Iterator[Flaw]:
        return (flaw for flaw in self._found.flaws if flaw.piece in pieces)

    # ------------------------------------------------------------------------- small files

    def _head(self, flaw: Flaw) -> None:
        file = self._common / flaw.name
        content = self._head_content(file.parent)
        if content is not None:
            self._aside.replace(file, _as_file([content]))

    def _head_content(self, git_dir: Path) -> str | None:
        """Returns what a HEAD is to hold: what was checked out last, or else our branch."""
        log = lines_of(git_dir / "logs" / "HEAD")
        there = self._found.refs.values
        for line in reversed(log):
            words = line.partition("\t")[2]
            if words.startswith("checkout: moving from "):
                name = words.rpartition(" to ")[2]
                if f"refs/heads/{name}" in there:
                    return f"ref: refs/heads/{name}"
                last = log[-1].split(" ")[1]
                return last if self._found.commit(last) else None
        return f"ref: {self._patient.ref}" if git_dir == self._common else None

    def _state(self, file: Path) -> None:
        lines = lines_of(file) if file.name == "recent" else []
        good = [line for line in lines if is_note(file.name, line)]
        self._aside.replace(file, _as_file(good))

    # -------------------------------------------------------------------------------- objects

    def _objects(self) -> None:
        packs = self._common / "objects" / "pack"
        for spare in self._found.stock.spare.values():
            files = [spare] if spare.suffix == ".idx" else [spare, spare.with_suffix(".idx")]
            _install(files, packs, self._aside)
        if self._unfound() and self._fetch is not None:
            with self._restocked() as fetched:
                _install(fetched, packs, self._aside)
        for flaw in self._of(Piece.PACK, Piece.OBJECT):
            self._set_aside(self._common / flaw.name)

    def _unfound(self) -> set[str]:
        """Writes what the work tree and the index have of lost objects; returns the others."""
        writer, unfound = PackWriter(self._common / "objects"), set[str]()
        waiting = [(oid, path) for oid, paths in self._found.lost.items() for path in paths]
        done: set[str] = set()
        while waiting:
            oid, path = waiting.pop()
            made = None if oid in done else self._found.remains.content(oid, [path])
            if made is None:
                unfound.add(oid)
                continue
            done.add(oid)
            writer.add(*made)
            if made[0] == "tree":
                below = f"{path}/" if path else ""
                entries = parse_tree(made[1]).items()
                waiting += [
                    (entry.id, below + name)
                    for name, entry in entries
                    if entry.mode != MODULE and not self._found.has(entry.id)
                ]
        writer.flush()
        return unfound - done

    @contextmanager
    def _restocked(self) -> Iterator[list[Path]]:
        """Gives the packs of a fresh copy of what the remote has."""
        place = self._common / _RESTOCK
        shutil.rmtree(place, ignore_errors=True)
        try:
            run_git(["init", "--quiet", "--bare", "--template=", str(place)], "/")
            run_git(["config", "--file", str(place / "config"), "fetch.unpackLimit", "1"], "/")
            packs = place / "objects" / "pack"
            came = self._fetch is not None and self._fetch(place)
            yield sorted(packs.glob("pack-*"), key=_pack_first) if came else []
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _set_aside(self, path: Path) -> None:
        if path.suffix in {".pack", ".idx"}:
            for other in sorted(path.parent.glob(f"{path.stem}.*"), key=_index_first):
                self._aside.move(other)
        elif path.is_file():
            self._aside.move(path)

    # ----------------------------------------------------------------------------------- refs

    def _log(self, path: Path) -> None:
        """Takes lines out of a log that name commits which are lost."""
        lines = [line for line in lines_of(path) if all(map(self._found.has, log_ids(line)))]
        self._aside.replace(path, _as_file(lines))

    def _ref(self, flaw: Flaw) -> None:
        if is_log(flaw):
            return
        if flaw.name == "packed-refs":
            self._packed(self._common / flaw.name)
            return
        path = self._common / flaw.name
        good = self._found.last_good(flaw.name)
        if good is None:  # a ref that is not there can be fetched or made again
            if flaw.name != self._patient.ref and flaw.name in self._found.refs.broken:
                self._aside.move(path)
            return
        put_ref(self._common, flaw.name, good, self._aside)

    def _packed(self, path: Path) -> None:
        torn = set(self._found.refs.torn)
        lines = [line for line in lines_of(path) if line not in torn]
        self._aside.replace(path, _as_file(lines))

    # ---------------------------------------------------------------------------------- index

    def _index(self, path: Path) -> None:
        head = read_head(path.parent)
        name = (head or "").removeprefix("ref: ")
        commit = self._found.commit(self._found.refs.values.get(name, name))
        if commit is None:
            commit = self._found.commit(self._found.last_good(name))
        if commit is None:
            return
        try:
            content = rebuilt_index(self._found, path, commit, self._is_evicted)
        except DamagedError:  # not before its trees are back
            return
        self._aside.replace(path, content)
        if (self._common / "info" / "sparse-checkout").exists() and self._patient.root:
            try_git(["sparse-checkout", "reapply"], self._patient.root)


def _as_file(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")


def _pack_first(path: Path) -> tuple[bool, str]:
    return path.suffix == ".idx", path.name


def _index_first(path: Path) -> tuple[bool, str]:
    return path.suffix != ".idx", path.name


def _install(files: list[Path], packs: Path, aside: SetAside) -> None:
    """Puts packs and their indexes into a clone, durably, each index after its pack."""
    packs.mkdir(parents=True, exist_ok=True)
    for file in files:
        target = packs / file.name
        if file.is_symlink():
            continue
        content = file.read_bytes()
        if target.exists() and target.read_bytes() == content:
            continue
        aside.keep(target)
        fresh = packs / f"tmp_{file.name}.{os.getpid()}"
        durable = Durable()
        durable.write(fresh, content, mode=0o444)
        durable.sync()
        fresh.replace(target)
    with suppress(OSError):
        fsync_directory(packs)

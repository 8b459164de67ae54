"""Examining a clone: everything that is wrong with git's files in it, without changing one.

Nothing here relies on the clone's own configuration, HEAD, index or commit-graph: objects are read
from a repository of ours that borrows those that are sound.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from padre_git.errors import DamagedError, unless_scarce
from padre_git.messages.damage import Piece, Source
from padre_git.vcs import metadata
from padre_git.vcs.allrefs import AllRefs, git_dirs, read_all, read_head
from padre_git.vcs.lost import Search, is_complete
from padre_git.vcs.objects import Commit
from padre_git.vcs.reader import Reader
from padre_git.vcs.rebuilding import Remains
from padre_git.vcs.refpast import past_of
from padre_git.vcs.scratch import Scratch
from padre_git.vcs.soundness import Flaw, Stock, take_stock

__all__ = ["Examination", "Patient"]


@dataclass(frozen=True, kw_only=True)
class Patient:
    """Is the clone that is looked at.

    Attributes:
        root: its work tree; None for a bare one.
        common: the git directory that all its work trees share.
        branch: short name of the branch that is ours.
    """

    root: Path | None
    common: Path
    branch: str

    @property
    def ref(self) -> str:
        """The branch's full name."""
        return f"refs/heads/{self.branch}"

    @property
    def tracking(self) -> str:
        """The ref that remembers what the remote has."""
        return f"refs/remotes/origin/{self.branch}"


@dataclass
class Examination:
    """Is one look at a clone; use it as a context manager.

    Attributes:
        patient: the clone.
        flaws: what is wrong, objects first.
    """

    patient: Patient
    flaws: list[Flaw] = field(default_factory=list)

    def __enter__(self) -> Self:
        common = self.patient.common
        with ExitStack() as ends:
            self.view = ends.enter_context(Scratch([common / "objects"]))
            _ = self.refs  # read first: what they name was there before them
            self.stock = take_stock(common, self.view.path / "objects" / "pack")
            self.reader = Reader(self.view.path)
            ends.callback(self.reader.close)
            self.flaws = self._found()
            self._ends = ends.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._ends.close()

    # ------------------------------------------------------------------------------ objects

    @cached_property
    def refs(self) -> AllRefs:
        """All refs as they stand."""
        return read_all(self.patient.common)

    @cached_property
    def _unsound(self) -> set[str]:
        return self.stock.unsound()

    def has(self, oid: str) -> bool:
        """Tells whether an object is there and sound; what came meanwhile counts."""
        return oid in self.stock.sound or (oid not in self._unsound and self.reader.has(oid))

    def commit(self, oid: str | None) -> Commit | None:
        """Returns a commit that can be read; None for any other."""
        if oid is None or not self.has(oid):
            return None
        try:
            return self.reader.commit(oid)
        except DamagedError:
            return None

    def tips(self) -> set[str]:
        """Returns the commits that refs and HEADs name and that are not themselves in doubt."""
        doubted = {self.refs.values.get(flaw.name) for flaw in self._broken_refs}
        return (self.refs.commits() | self._heads()) - doubted

    def _heads(self) -> set[str]:
        heads = (read_head(git_dir) for git_dir in git_dirs(self.patient.common))
        return {head for head in heads if head and not head.startswith("ref: ")}

    @cached_property
    def shallow(self) -> frozenset[str]:
        """The commits whose parents this clone is not to have."""
        try:
            return frozenset((self.patient.common / "shallow").read_text().split())
        except (OSError, ValueError) as error:
            unless_scarce(error)
            return frozenset()

    @cached_property
    def lost(self) -> dict[str, set[str]]:
        """The objects that are needed and not to be had, with the paths at which they stand."""
        tips = self.tips()
        if self._promises():
            return {}
        if self.shallow:
            (self.view.path / "shallow").write_text("".join(f"{c}\n" for c in self.shallow))
        if not self._unsound and all(map(self.has, tips)) and is_complete(self.view, tips):
            return {}
        search = Search(self.reader, self.has, self.shallow)
        self._at_remote = search.walk(
            value
            for name, value in self.refs.values.items()
            if name.startswith("refs/remotes/") or name == "refs/padre/met"
        )
        search.walk(tips)
        return search.lost

    def _promises(self) -> bool:
        """Tells whether objects may be missing because a remote has promised to have them."""
        return any((self.patient.common / "objects/pack").glob("*.promisor"))

    @cached_property
    def remains(self) -> Remains:
        """What the work tree and the index have of objects."""
        return Remains(self.patient.root, self.patient.common)

    # --------------------------------------------------------------------------------- flaws

    def _found(self) -> list[Flaw]:
        patient = self.patient
        return [
            *metadata.config_flaws(patient.common),
            *self._head_flaws(),
            *self._broken_refs,
            *self._object_flaws(),
            *self._log_flaws(),
            *metadata.index_flaws(patient.common, patient.root, has_commits=self._has_commits()),
            *metadata.derived_flaws(patient.common),
            *metadata.state_flaws(patient.common),
        ]

    def _log_flaws(self) -> Iterator[Flaw]:
        """Yields logs that name lost commits, when none of them can come back any more."""
        if not (self.lost or self._unsound or self.shallow or self._promises()):
            yield from metadata.log_flaws(self.patient.common, self.has)

    def _has_commits(self) -> bool:
        return bool(self.refs.values.get(self.patient.ref))

    @cached_property
    def _broken_refs(self) -> list[Flaw]:
        return list(self._ref_flaws())

    def _ref_flaws(self) -> Iterator[Flaw]:
        common, refs = self.patient.common, self.refs
        for name, content in sorted(refs.broken.items()):
            yield self._ref_flaw(name, "damaged" if content else "empty")
        for name, value in sorted(refs.values.items()):
            if not value.startswith("ref: ") and self._is_wrong(name, value):
                yield self._ref_flaw(name, f"names '{value}', which is no commit of this clone")
        if refs.torn:
            yield Flaw(
                piece=Piece.REF,
                name="packed-refs",
                problem=f"{len(refs.torn)} damaged lines",
                source=Source.REST,
            )
        for name in {*metadata.logged_branches(common), *self._ours()}:
            if name not in refs.values and name not in refs.broken:
                yield self._ref_flaw(name, "missing")

    def _ours(self) -> list[str]:
        """Returns our branch if we have written to it, and nothing else is checked out."""
        name, head = self.patient.ref, read_head(self.patient.common)
        if (head or "").removeprefix("ref: ") in (self.refs.values.keys() | {head, ""}):
            return []
        past = past_of(self.patient.common, name, ours=True)
        return [name] if any(self.commit(oid) for oid in past) else []

    def _is_wrong(self, name: str, value: str) -> bool:
        """Tells whether it is the ref that is wrong, and not that its commit was lost."""
        if self.has(value) or value in self._unsound:
            return False
        past = past_of(self.patient.common, name)
        return not past or past[0] != value

    def _ref_flaw(self, name: str, problem: str) -> Flaw:
        source = Source.LOG if self.last_good(name) else None
        paths = frozenset([""]) if name == self.patient.ref else frozenset[str]()
        return Flaw(piece=Piece.REF, name=name, problem=problem, source=source, paths=paths)

    def last_good(self, name: str) -> str | None:
        """Returns the last commit that a ref is known to have named and that can be read."""
        others = [self.patient.tracking, "refs/padre/met"] if name == self.patient.ref else []
        found = past_of(self.patient.common, name, ours=name == self.patient.ref)
        found += [self.refs.values[other] for other in others if other in self.refs.values]
        return next((oid for oid in found if self.commit(oid) is not None), None)

    def _head_flaws(self) -> Iterator[Flaw]:
        common = self.patient.common
        for git_dir in git_dirs(common):
            problem = metadata.head_problem(git_dir, self.refs, self.has)
            if problem is not None:
                name = (git_dir / "HEAD").relative_to(common).as_posix()
                yield Flaw(piece=Piece.HEAD, name=name, problem=problem, source=Source.LOG)

    def _object_flaws(self) -> Iterator[Flaw]:
        lost, known = self.lost, set[str]()
        for flaw in self.stock.flaws:
            known |= flaw.objects
            gone = flaw.objects & lost.keys()
            touched = self._touched(flaw, gone)
            source = flaw.source or self._source(gone)
            yield replace(flaw, source=source, paths=frozenset(touched))
        for oid in sorted(lost.keys() - known):
            yield Flaw(
                piece=Piece.OBJECT,
                name=oid,
                problem="missing",
                source=self._source([oid]),
                objects=frozenset([oid]),
                paths=frozenset(lost[oid]),
            )

    def _touched(self, flaw: Flaw, gone: Iterable[str]) -> set[str]:
        paths = set().union(*(self.lost[oid] for oid in gone)) if gone else set[str]()
        spared = flaw.objects - self.lost.keys()
        return paths | (self._paths_of(spared) if flaw.piece in _PACKS else set())

    def _paths_of(self, objects: Iterable[str]) -> set[str]:
        """Returns where objects stand in the present state that git itself cannot read now."""
        wanted, commit = set(objects), self.commit(self.refs.values.get(self.patient.ref))
        if commit is None or not wanted:
            return {""} if wanted else set()
        if commit.id in wanted or commit.tree in wanted:
            return {""}
        out = self.view.try_git("ls-tree", "-r", "-t", "-z", commit.tree).out
        lines = (line.split("\t", 1) for line in os.fsdecode(out).split("\0") if line)
        return {path for head, path in lines if head.split(" ")[2] in wanted}

    def _source(self, gone: Iterable[str]) -> Source | None:
        """Returns what lost objects can be had from; those that nothing needs are no loss."""
        tip = self.refs.values.get(self.patient.ref)  # what it holds can be committed again
        spared = {tip} if self.last_good(self.patient.ref) else set()
        left = [oid for oid in gone if oid not in self._at_remote and oid not in spared]
        if not left and spared & set(gone) and tip not in self._at_remote:
            return Source.WORK_TREE
        if all(self.remains.has(oid, self.lost[oid]) for oid in left):
            return (Source.WORK_TREE if left else Source.REMOTE) if list(gone) else Source.REST
        return None

    _at_remote: set[str] = field(default_factory=set)
    stock: Stock = field(default_factory=Stock)


_PACKS = frozenset([Piece.PACK, Piece.PACK_INDEX])

"""The recovery of a store: damage found and mended, and clones tidied up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from padre_git.api.data import DataPlaces
from padre_git.api.owners import owner_of
from padre_git.api.spool import EVENTS, is_settled, read_events, read_file
from padre_git.bus import Bus
from padre_git.collections import Ref
from padre_git.errors import NotFoundError, PadreGitError, RemoteError, RepositoryError
from padre_git.format import locate
from padre_git.format.spools import START
from padre_git.messages import (
    Damage,
    Maintain,
    Maintained,
    Notice,
    Piece,
    Repair,
    Source,
    Verify,
)
from padre_git.model import Key, Kind
from padre_git.vcs.setaside import SetAside

if TYPE_CHECKING:
    from padre_git.artifacts import ProjectData
    from padre_git.artifacts.upkeep import Damage as DataDamage

__all__ = ["Recovering"]

#: What the last line of a run that is running may look like.
_BEING_WRITTEN = "it was cut off"


class Recovering:
    """Is the part of a store that looks after what its clones consist of.

    Attributes:
        bus: where commands go.
        root: the directory of the clones; None for a store without files.
        data: what DVC keeps for them; None for a store that keeps no artifacts.
    """

    bus: Bus
    root: Path | None
    data: DataPlaces | None

    def verify(self, project: Ref, *, copies: int = 1) -> tuple[Damage, ...]:
        """Returns everything that is wrong with the clone of a project; changes nothing.

        Objects, packs, refs, HEAD, configuration and index of git are checked byte by byte, and so
        are our own files, spools, documents in the work tree and all data that DVC keeps. What the
        data remote has is looked up, if it answers.

        Args:
            project: which.
            copies: how many of the clone's data remotes shall have what is published.

        Raises:
            InvalidInputError: if the clone has fewer data remotes.
            NotFoundError: if there is no clone of the project.
            RepositoryError: if nothing is wrong that is known here, and yet git does not read it.
            UnsupportedError: if this store has no clones.
        """
        name = self._clone(project)
        found = self.bus.send(Verify(subject=Kind.PROJECT, project=name))
        return self._with_data((*found, *self._spool_damage(name)), name, copies)

    def repair(self, project: Ref, *, copies: int = 1) -> tuple[Damage, ...]:
        """Mends what is damaged in the clone of a project; returns what cannot be mended.

        What is lost comes from the remote, the logs of refs, the work tree, the index or the
        history. What is replaced is kept below ``.git/padre/damaged``. It can be stopped at any
        time and run again.

        Args:
            project: which.
            copies: how many of the clone's data remotes shall have what is published.

        Raises:
            InvalidInputError: if the clone has fewer data remotes.
            LockedError: if another process is writing to the clone all the while.
            NotFoundError: if there is no clone of the project.
            RepositoryError: if the clone cannot be written.
            UnsupportedError: if this store has no clones.
        """
        name = self._clone(project)
        left = self.bus.send(Repair(subject=Kind.PROJECT, project=name))
        self._mend_spools(name)
        left = (*left, *self._spool_damage(name))
        return self._with_data(left, name, copies, mend=True)

    def maintain(self, project: Ref) -> Maintained:
        """Tidies the clone of a project up: packs, refs, commit-graph and leftovers.

        Nothing goes that any commit, ours or anybody's, written or being written, may need.

        Raises:
            LockedError: if another process is writing to the clone all the while.
            NotFoundError: if there is no clone of the project.
            RepositoryError: if the clone cannot be written.
            UnsupportedError: if this store has no clones.
        """
        return self.bus.send(Maintain(subject=Kind.PROJECT, project=self._clone(project)))

    def _clone(self, project: Ref) -> str:
        """Returns the name of a project that has a clone, be it readable or not."""
        key = getattr(project, "key", project)
        name = key.project if isinstance(key, Key) else Key.project_named(str(project)).name
        if self.root is not None and not (self.root / name / ".git").exists():
            raise NotFoundError(f"no clone of project '{name}'", key=name)
        return name

    # ---------------------------------------------------------------------------------- spools

    def _spools(self, project: str) -> Iterator[Path]:
        if self.root is not None:
            for place in (
                self.root / project / ".git" / "padre" / "spool",
                self.root / ".padre" / "spool" / project,
            ):
                yield from sorted(path for path in place.glob("*") if path.is_dir())

    def _spool_damage(self, project: str) -> Iterator[Damage]:
        for spool in self._spools(project):
            problem = None if is_settled(spool) else _problem(spool)
            if problem is not None:
                yield Damage(
                    project=project,
                    piece=Piece.SPOOL,
                    name=spool.name,
                    problem=problem,
                    records=_run(spool),
                    source=Source.REST,
                )

    def _mend_spools(self, project: str) -> None:
        """Takes lines that cannot be read out of the spools of processes that have ended."""
        for spool in self._spools(project):
            problem = None if is_settled(spool) else _problem(spool)
            if problem is not None and owner_of(spool).is_dead():
                kept = SetAside(Path(str(self.root)) / project / ".git", None)
                kept.replace(spool / EVENTS, _readable(spool))

    # ------------------------------------------------------------------------------------ data

    def _with_data(
        self, found: tuple[Damage, ...], project: str, copies: int, *, mend: bool = False
    ) -> tuple[Damage, ...]:
        """Returns what was found, and what is wrong with the data, if it can be looked at."""
        try:
            return (*found, *self._data_damage(project, copies, mend=mend))
        except (RemoteError, RepositoryError) as error:
            if not found and isinstance(error, RepositoryError):
                raise  # nothing that we know is wrong, and yet git does not read it
            text = f"the data of '{project}' was not looked at: {error.message}"
            self.bus.publish(Notice(text=text, project=project))
            return found

    def _data_damage(self, project: str, copies: int, *, mend: bool = False) -> Iterator[Damage]:
        if self.data is None:
            return
        from padre_git.artifacts.upkeep import mend as mended
        from padre_git.artifacts.upkeep import survey

        data = self.data.of(project)
        found = survey(data, copies=copies)
        found = mended(data, found, copies=copies) if mend and found else found
        had = _had(data, found)
        for one in found:
            record = locate(one.path.partition(":")[0], project)
            yield Damage(
                project=project,
                piece=Piece.DATA,
                name=f"{one.path} {one.md5}".strip(),
                problem=str(one.problem),
                records=() if record is None else (record[0],),
                source=had.get(one.md5),
            )


def _had(data: ProjectData, found: Sequence[DataDamage]) -> dict[str, Source]:
    """Returns what damaged data can be had from."""
    from padre_git.artifacts.upkeep import Problem

    remote = data.remote if found else None
    if remote is None:
        return {}
    damaged = {one.md5: one.path for one in found if one.problem is Problem.DAMAGED}
    elsewhere = (Problem.NOT_PUBLISHED, Problem.TOO_FEW)
    here = {one.md5: Source.REST for one in found if one.problem in elsewhere}
    away = remote.missing(damaged)
    return here | {md5: Source.REMOTE for md5 in damaged if md5 not in away}


def _problem(spool: Path) -> str | None:
    """Returns what is wrong with a spool; None if nothing is, or it is being written."""
    try:
        logged = read_events(spool)
        size = (spool / EVENTS).stat().st_size
    except OSError:
        return "missing"
    if not size:
        return "empty"
    is_over = owner_of(spool).is_dead()
    damage = [one for one in logged.damage if is_over or one.reason != _BEING_WRITTEN]
    lines = ", ".join(f"line {one.line}: {one.reason}" for one in damage)
    return lines or None


def _readable(spool: Path) -> bytes:
    """Returns the lines of a spool that can be read."""
    with suppress(OSError):
        damaged = {one.line for one in read_events(spool).damage}
        lines = read_file(spool / EVENTS).splitlines(keepends=True)
        kept = [line for number, line in enumerate(lines, 1) if number not in damaged]
        if kept:
            return b"".join(kept)
    with suppress(OSError):
        return read_file(spool / START)
    return b""


def _run(spool: Path) -> tuple[Key, ...]:
    """Returns the run that a spool is of, as far as it says."""
    with suppress(OSError, IndexError, KeyError, TypeError, PadreGitError):
        start = read_events(spool).events[0]
        return (Key.parse(next(one["key"] for one in start if isinstance(one, dict))),)
    return ()

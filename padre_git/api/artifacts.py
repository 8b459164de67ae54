"""Artifacts: files and directories of runs and datasets, kept by DVC beside the records."""

from __future__ import annotations

import builtins
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from padre_git.api.attachments import RESERVED
from padre_git.api.datasets import at_version
from padre_git.api.pointing import DIRECTORIES, Pointing, pointer_of
from padre_git.bus import refusing
from padre_git.errors import ArtifactError, InvalidInputError, NotFoundError, UnsupportedError
from padre_git.messages import Notice, Read
from padre_git.model import Key, Kind
from padre_git.model.names import quoted
from padre_git.services.subjects import named, subject_text

if TYPE_CHECKING:
    from padre_git.api.store import Store
    from padre_git.artifacts import Item, Pointer, ProjectData
    from padre_git.artifacts.spare import Unneeded
    from padre_git.artifacts.upkeep import Damage
    from padre_git.collections import Ref

__all__ = ["Artifact", "Artifacts"]

_WRITABLE = (Kind.RUN, Kind.DATASET)
_SHOWN = 40


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """Is one file that a record has beside its documents.

    Attributes:
        owner: key of the record.
        name: path below the record's data.
        md5: hash of its bytes.
        size: of them; None while the clone has not fetched them.
    """

    owner: Key
    name: str
    md5: str
    size: int | None = None


class Artifacts:
    """Stores and finds the data of runs and datasets; the code of executions can be read, too.

    git keeps one pointer for each record. The data is pushed before the commit that points at it
    is, and fetched when it is asked for. Nothing is handed out unless its bytes have their hash.

    Args:
        store: whose records they belong to.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._session = store.session
        self._pointing = Pointing(store.session, self.data_of)

    def put(
        self,
        owner: Ref,
        path: str | os.PathLike[str],
        name: str | None = None,
        *,
        move: bool = False,
        message: str | None = None,
    ) -> builtins.list[Artifact]:
        """Stores a file or directory with a run or dataset; returns the files that it became.

        What had the name before is replaced. A dataset's version is the hash of all its data.

        Args:
            owner: the run or dataset.
            path: the file or directory.
            name: path that it gets; its own name by default. A directory that is put into a
                dataset without name becomes all of its data.
            move: give the files away instead of copying them; they go when the commit is made.
            message: the subject of the commit.

        Raises:
            ArtifactError: if something in it cannot be stored, or the name cannot be a path.
            ConflictError: if others changed the record all the while.
            InvalidInputError: for a directory without files, or a name that is kept for parts.
            NotFoundError: if there is no such record, or nothing at ``path``.
            UnsupportedError: if this store keeps no artifacts.
        """
        from padre_git.artifacts import add_member, place, pointer_to

        key = self._owner(owner, _WRITABLE)
        source = Path(path).expanduser()
        whole = name is None and key.kind is Kind.DATASET and source.is_dir()
        target = "" if whole else _name_for(key, source, name)
        items = place(self.data_of(key).cache, source, link=move)

        def edit(data: ProjectData, before: Pointer | None) -> Pointer:
            if whole:
                return pointer_to(data.cache, DIRECTORIES[key.kind], items)
            if before is not None:
                data.listing(before)
            return add_member(data.cache, before, DIRECTORIES[key.kind], target, items)

        shown = "data" if whole else target[-_SHOWN:]
        text = subject_text(message, f"{named(key)}: add {shown}")
        try:
            self._pointing.edit(key, edit, text)
        except BaseException:
            if move:
                self._give_back(key, source, items)
            raise
        if move:
            self._give_away(key, source, items)
        return _artifacts(key, target, items)

    def get(self, owner: Ref, name: str | None = None, *, at: str | None = None) -> Path:
        """Returns the path of a file or directory, fetched if it is not here, and checked.

        It is a private copy: changing it changes nothing that is stored.

        Args:
            owner: the record.
            name: as :meth:`list` says, or a directory of it; None for all of its data.
            at: a commit, tag, branch or date; None for now.

        Raises:
            ArtifactMissingError: if no reachable place has the bytes.
            ArtifactCorruptError: if no reachable copy is whole.
            DocumentError: if what points at the data is damaged or hostile.
            NotFoundError: if there is no such record, or nothing of that name.
            RemoteError: if the data must be fetched and the remote cannot be reached.
        """
        key, pointer = self._pointer(owner, at)
        some = self._some(key, pointer, name)
        try:
            return self.data_of(key).get(some, name)
        except NotFoundError as error:  # the data knows its pointer, not whose it is
            raise _nothing(key, name) from error

    def open(self, owner: Ref, name: str, *, at: str | None = None) -> BinaryIO:
        """Opens a file for reading, fetched if it is not here; all of it was checked before.

        Args:
            owner: the record.
            name: as :meth:`list` says.
            at: a commit, tag, branch or date; None for now.

        Raises:
            ArtifactError, DocumentError, NotFoundError, RemoteError: as :meth:`get`.
        """
        key, pointer = self._pointer(owner, at)
        some = self._some(key, pointer, name)
        try:
            return self.data_of(key).open(some, name)
        except NotFoundError as error:
            raise _nothing(key, name) from error

    def list(self, owner: Ref, *, at: str | None = None) -> builtins.list[Artifact]:
        """Returns the files of a record, in order of their names; their bytes are not fetched.

        Args:
            owner: the record.
            at: a commit, tag, branch or date; None for now.

        Raises:
            ArtifactError, DocumentError, NotFoundError, RemoteError: as :meth:`get`.
        """
        key, pointer = self._pointer(owner, at)
        if pointer is None:
            return []
        data = self.data_of(key)
        names = data.names(pointer)
        if key.kind is Kind.RUN:
            names = {name: md5 for name, md5 in names.items() if name not in RESERVED}
        return [
            Artifact(owner=key, name=name, md5=md5, size=data.size(md5))
            for name, md5 in names.items()
        ]

    def delete(self, owner: Ref, name: str, *, message: str | None = None) -> None:
        """Removes a file or directory from a run or dataset; history keeps it.

        Args:
            owner: the run or dataset.
            name: as :meth:`list` says, or a directory of it.
            message: the subject of the commit.

        Raises:
            ConflictError: if others changed the record all the while.
            InvalidInputError: if the name is kept for parts.
            NotFoundError: if there is no such record, or nothing of that name.
            UnsupportedError: if this store keeps no artifacts.
        """
        from padre_git.artifacts import remove_member

        key = self._owner(owner, _WRITABLE)
        _check_free(key, name)

        def edit(data: ProjectData, before: Pointer | None) -> Pointer | None:
            pointer = self._some(key, before, name)
            if not pointer.is_directory and name == pointer.path:
                return None
            data.listing(pointer)
            return remove_member(data.cache, pointer, name)

        text = subject_text(message, f"{named(key)}: remove {name[-_SHOWN:]}")
        self._pointing.edit(key, edit, text)

    # -------------------------------------------------------------------------------- upkeep

    def verify(self, project: Ref, *, copies: int = 1) -> tuple[Damage, ...]:
        """Checks the data of a project, of every version that any branch, tag or reflog reaches.

        Every byte in the clone is hashed. On the data remote, existence and size are looked up.

        Args:
            project: its name.
            copies: how many of the clone's data remotes shall have what is published.

        Returns:
            What is wrong: damaged bytes here, data that published commits mean and that the remote
            lacks or too few have, and data that is nowhere. Nothing if all is well.

        Raises:
            InvalidInputError: if the clone has fewer data remotes.
            RemoteError: if the data remote, or too many of them, cannot be asked.
        """
        from padre_git.artifacts.upkeep import survey

        return survey(self.data_of(self._project(project)), copies=copies)

    def repair(self, project: Ref, *, copies: int = 1) -> tuple[Damage, ...]:
        """Fetches what is damaged here, sends what remotes have lost; returns what is left.

        Args:
            project: its name.
            copies: how many of the clone's data remotes shall have what is published.

        Raises:
            InvalidInputError: if the clone has fewer data remotes.
            RemoteError: if a data remote cannot be reached.
        """
        from padre_git.artifacts.upkeep import mend, survey

        data = self.data_of(self._project(project))
        return mend(data, survey(data, copies=copies), copies=copies)

    def unneeded(self, project: Ref, *, copies: int | None = None) -> tuple[Unneeded, ...]:
        """Returns the objects in a clone that nothing means; removes nothing.

        Branches, tags, the stash, reflogs, fetched, pending and kept work, other work trees, what
        is staged or lies about, and running runs are asked. What is younger than a day stays.

        Args:
            project: its name.
            copies: adds published files that so many of the clone's data remotes have.

        Raises:
            ArtifactMissingError: if nobody can say what is meant, because a listing is nowhere.
            InvalidInputError: if the clone has fewer data remotes.
            RemoteError: if too few of them answer.
        """
        from padre_git.artifacts.spare import unneeded

        with refusing():
            return unneeded(self.data_of(self._project(project)), copies=copies)

    def gc(self, project: Ref, *, copies: int | None = None) -> tuple[Unneeded, ...]:
        """Removes from a clone what :meth:`unneeded` returns, and returns what was removed.

        Args:
            project: its name.
            copies: as for :meth:`unneeded`.

        Raises:
            ArtifactMissingError, InvalidInputError, RemoteError: as :meth:`unneeded`; nothing was
                removed.
        """
        from padre_git.artifacts.spare import clear

        with refusing():
            return clear(self.data_of(self._project(project)), copies=copies)

    # ---------------------------------------------------------------------------- the record

    def _project(self, project: Ref) -> Key:
        return self._session.resolve(project, [Kind.PROJECT])

    def _owner(self, owner: Ref, kinds: tuple[Kind, ...]) -> Key:
        unit = self._session.unit
        key = getattr(owner, "key", owner)
        if unit is not None and isinstance(key, Key) and unit.pending(key) is not None:
            return key
        return self._session.resolve(owner, kinds)

    def _pointer(self, owner: Ref, at: str | None) -> tuple[Key, Pointer | None]:
        owner, at = at_version(self._session, owner, at)
        key = self._session.resolve(owner, tuple(DIRECTORIES), at=at)
        record = self._session.bus.send(Read(subject=key.kind, key=key, at=at))
        return key, pointer_of(record)

    def _give_away(self, key: Key, source: Path, items: Mapping[str, Item]) -> None:
        """Removes files that are kept now: at once, or when the transaction is committed."""
        if self._session.unit is not None:
            self._session.unit.afterwards(partial(self._remove, key, source, items))
        else:
            self._remove(key, source, items)

    def _remove(self, key: Key, source: Path, items: Mapping[str, Item]) -> None:
        for name in items:
            path = source / name if name else source
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                text = f"'{path}' is kept and could not be removed: {error.strerror}"
                self._session.bus.publish(Notice(text=text, project=key.project))

    def _give_back(self, key: Key, source: Path, items: Mapping[str, Item]) -> None:
        """Makes files that were given away for nothing files of their own again."""
        cache = self.data_of(key).cache
        for name, item in items.items():
            path = source / name if name else source
            # on a full disk they stay what they are: whole, and not to be written to
            with suppress(ArtifactError, OSError):
                if path.stat().st_nlink > 1 and path.samefile(cache.path(item.md5)):
                    cache.materialise(item.md5, path, executable=item.executable)

    def _some(self, key: Key, pointer: Pointer | None, name: str | None) -> Pointer:
        if pointer is None:
            raise _nothing(key, name)
        return pointer

    def data_of(self, key: Key) -> ProjectData:
        """Returns what keeps the data of a record's project.

        Raises:
            NotFoundError: if there is no clone of it.
            UnsupportedError: if this store keeps no artifacts.
        """
        if self._store.data is None:
            raise UnsupportedError("this store keeps no artifacts", hint="use a store of clones")
        data, unit = self._store.data, self._session.unit
        if unit is None:
            return data.of(key.project)
        return unit.data(lambda: data.of(key.project).batch())


def _name_for(key: Key, source: Path, name: str | None) -> str:
    from padre_git.artifacts.places import check_relpath

    chosen = check_relpath(source.resolve().name if name is None else name)
    _check_free(key, chosen)
    return chosen


def _nothing(key: Key, name: str | None) -> NotFoundError:
    what = f"no artifact {quoted(name)}" if name else "no artifacts"
    return NotFoundError(
        f"{what} in '{key}'",
        key=key,
        hint=f"see which it has: padre-git show {key}, or store.artifacts.list",
    )


def _check_free(key: Key, name: str) -> None:
    if key.kind is Kind.RUN and name.partition("/")[0] in RESERVED:
        raise InvalidInputError(
            f"an artifact cannot be called {quoted(name)}",
            key=key,
            hint="that is where a part of the run goes when it is large",
        )


def _artifacts(key: Key, target: str, items: dict[str, Item]) -> list[Artifact]:
    return [
        Artifact(owner=key, name="/".join(filter(None, (target, name))), md5=i.md5, size=i.size)
        for name, i in items.items()
    ]

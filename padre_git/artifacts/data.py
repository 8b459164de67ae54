"""The data of one clone: its cache and the remote behind it, as one place to read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from padre_git.artifacts import members
from padre_git.artifacts.cache import Cache
from padre_git.artifacts.copies import Copies
from padre_git.artifacts.listings import Listing
from padre_git.artifacts.pointers import Pointer
from padre_git.artifacts.remote import DataRemote
from padre_git.artifacts.remotes import DataRemotes
from padre_git.errors import (
    ArtifactCorruptError,
    ArtifactMissingError,
    NotFoundError,
    RemoteError,
)
from padre_git.model.names import quoted
from padre_git.vcs.credentials import Login, no_login
from padre_git.vcs.progress import Watch

__all__ = ["ProjectData"]

_T = TypeVar("_T")


class ProjectData:
    """Reads artifacts of a clone, from the cache or else from the remote, always checked.

    Args:
        project: the clone's directory.
        git_dir: its git directory (of the main work tree), below which the cache lies.
        url: a data remote to use instead of the one in DVC's configuration; ``{project}`` in it
            is replaced by the name of the clone's directory.
        offline: why no data remote is talked to; None if it may be.
        watch: hears how far a transfer is.
        login: see :class:`~padre_git.artifacts.remotes.DataRemotes`.
    """

    def __init__(
        self,
        project: Path,
        git_dir: Path,
        *,
        url: str | None = None,
        offline: str | None = None,
        watch: Watch | None = None,
        login: Callable[[], Login | None] = no_login,
    ) -> None:
        self.project = project
        self.cache = Cache(git_dir / "padre" / "cache")
        self._copies = Copies(git_dir / "padre" / "artifacts")
        place = None if url is None else url.replace("{project}", project.name)
        self._places = DataRemotes(
            project, git_dir, self.cache, url=place, offline=offline, watch=watch, login=login
        )

    @property
    def remote(self) -> DataRemote | None:
        """See :attr:`DataRemotes.first`."""
        return self._places.first

    @property
    def remotes(self) -> list[DataRemote]:
        """See :attr:`DataRemotes.all`."""
        return self._places.all

    def prepare_remote(self) -> bool:
        """See :meth:`DataRemotes.prepare`."""
        return self._places.prepare()

    @contextmanager
    def batch(self) -> Iterator[ProjectData]:
        """Gives the same data, for adding much: it is durable when the block is left."""
        with self.cache.batch() as cache:
            batched = copy(self)
            batched.cache = cache
            batched._places = self._places.into(cache)  # noqa: SLF001 - a copy of this one
            yield batched

    def listing(self, pointer: Pointer) -> Listing:
        """Returns the files of a directory; only the listing is fetched.

        Raises:
            ArtifactMissingError: if it is neither here nor on the remote.
            ArtifactCorruptError: if no copy is whole.
            DocumentError: if it is hostile.
            RemoteError: if the remote is needed and cannot be reached.
        """
        try:
            return self._sound(pointer.md5, lambda: members.listing_of(self.cache, pointer))
        except (ArtifactMissingError, RemoteError) as error:
            count, size = pointer.nfiles, pointer.size
            error.hint = (
                f"its pointer says {'?' if count is None else count} files of"
                f" {'?' if size is None else size} bytes; their names are in a list that has to be"
                " fetched once"
            )
            raise

    def names(self, pointer: Pointer) -> dict[str, str]:
        """Returns the hash of every file, by name; a single file goes by the pointer's own name.

        Raises:
            ArtifactMissingError, ArtifactCorruptError, DocumentError, RemoteError: as
                :meth:`listing`.
        """
        if pointer.is_directory:
            return dict(self.listing(pointer))
        return {pointer.path: pointer.md5}

    def size(self, md5: str) -> int | None:
        """Returns the bytes of an object as far as they are known in this clone."""
        return self.cache.size(md5)

    def sizes(self, md5s: Iterable[str]) -> dict[str, int | None]:
        """Returns the bytes of objects, of those that are not here as the data remote says.

        Raises:
            RemoteError: if it is needed and cannot be asked.
        """
        found = {md5: self.cache.size(md5) for md5 in md5s}
        absent = [md5 for md5, size in found.items() if size is None]
        remote = self.remote if absent else None
        return found if remote is None else found | remote.sizes(absent)

    def open(self, pointer: Pointer, name: str) -> BinaryIO:
        """Opens one file for reading, after all of its bytes were checked.

        Raises:
            NotFoundError: if there is no such file.
            ArtifactMissingError, ArtifactCorruptError, DocumentError, RemoteError: as
                :meth:`listing`.
        """
        md5 = self._one(pointer, name)
        return self._sound(md5, lambda: self.cache.open(md5))

    def get(self, pointer: Pointer, name: str | None = None) -> Path:
        """Returns the path of a private copy of a file or directory, checked just now.

        The copy lies outside of the work tree, under a directory named after its content. Writing
        to it damages nothing: the next call finds that and makes it anew.

        Args:
            pointer: to what holds it.
            name: a file or directory of it; None, or the pointer's own name, for all of it.

        Raises:
            NotFoundError: if there is no such file or directory.
            ArtifactMissingError, ArtifactCorruptError, DocumentError, RemoteError: as
                :meth:`listing`.
        """
        name = name or pointer.path
        wanted = self._some(pointer, name)
        place = self._copies.place(wanted)
        self._write(self._copies.stale(wanted), place, executable=pointer.executable)
        self._copies.tidy(wanted)
        return place / name

    def drop_copies(self, pointer: Pointer) -> None:
        """Removes the copies that :meth:`get` has made; nothing is fetched to find them.

        Raises:
            ArtifactMissingError, ArtifactCorruptError, DocumentError: if the listing of a
                directory is not in this clone, or not whole.
        """
        listing = members.listing_of(self.cache, pointer) if pointer.is_directory else None
        self._copies.drop(pointer.path, listing, pointer.md5)

    def drop_copies_of(self, objects: Mapping[str, int]) -> None:
        """Removes the copies with objects in them that were removed, given with their sizes."""
        self._copies.drop_holding(objects)

    def write(self, pointer: Pointer, name: str, directory: Path) -> None:
        """Writes a file or directory, or under the pointer's own name all of it, to ``directory``.

        No link below ``directory`` is followed; each file is replaced whole or not at all.

        Raises:
            NotFoundError: if there is no such file or directory.
            ArtifactError: if something is in the way.
            ArtifactMissingError, ArtifactCorruptError, DocumentError, RemoteError: as
                :meth:`listing`.
        """
        wanted = self._some(pointer, name)
        self._write(wanted, directory, executable=pointer.executable)

    def _write(self, files: Mapping[str, str], directory: Path, *, executable: bool) -> None:
        self.ensure(files.values())
        for path, md5 in files.items():
            write = partial(
                self.cache.materialise,
                md5,
                directory / path,
                within=directory,
                executable=executable,
            )
            self._sound(md5, write)

    def ensure(self, md5s: Iterable[str]) -> None:
        """Fetches what the cache has not; what it has is not looked at.

        Raises:
            ArtifactMissingError: if some are neither here nor on the remote.
            ArtifactCorruptError: if the remote's are damaged.
            RemoteError: if the remote is needed and cannot be reached.
        """
        absent = [md5 for md5 in dict.fromkeys(md5s) if not self.cache.has(md5)]
        if absent and not self._places.try_each(lambda remote: remote.fetch(absent)):
            raise ArtifactMissingError(
                f"{len(absent)} artifacts are not in this clone, the first is '{absent[0]}'",
                hint="no artifact remote is configured here, and they may exist in another clone",
            )

    def fetch_again(self, md5: str) -> bool:
        """Fetches an object whatever the cache has; returns whether there is a data remote.

        Raises:
            ArtifactMissingError, ArtifactCorruptError, RemoteError: as :meth:`ensure`.
        """
        return self._places.try_each(lambda remote: remote.fetch_again([md5]))

    def _sound(self, md5: str, use: Callable[[], _T]) -> _T:
        """Uses an object, fetched if it is not here, fetched again if its bytes are damaged."""
        self.ensure([md5])
        try:
            return use()
        except ArtifactCorruptError as damage:
            try:
                if not self.fetch_again(md5):
                    raise
            except ArtifactMissingError:
                raise damage from None
        return use()

    def _one(self, pointer: Pointer, name: str) -> str:
        found = self.names(pointer).get(name)
        if found is None:
            raise NotFoundError(f"no artifact {quoted(name)} in '{pointer.path}'")
        return found

    def _some(self, pointer: Pointer, name: str) -> dict[str, str]:
        if not pointer.is_directory:
            return {name: self._one(pointer, name)}
        listing = self.listing(pointer)
        found = listing.below(name)
        if not found and name == pointer.path:
            found = {f"{name}/{path}": md5 for path, md5 in listing.items()}
        if not found:
            raise NotFoundError(f"no artifact {quoted(name)} in '{pointer.path}'")
        return found

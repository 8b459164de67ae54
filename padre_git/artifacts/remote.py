"""The data remote: pushing what pointers stand for, and making sure that it arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from padre_git.artifacts.cache import Cache
from padre_git.artifacts.hashes import DIRECTORY, EMPTY, check_hash
from padre_git.artifacts.listings import LARGEST, Listing
from padre_git.artifacts.members import read_listing
from padre_git.artifacts.pointers import Pointer
from padre_git.artifacts.settings import RemoteSettings
from padre_git.artifacts.stores import UNKNOWN, DirectoryStore, Store, Tell, nobody
from padre_git.errors import ArtifactCorruptError, ArtifactMissingError
from padre_git.vcs.credentials import Login, no_login
from padre_git.vcs.progress import Step, Watch

__all__ = ["DataRemote", "Sent"]

_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Is what a push did.

    Attributes:
        objects: how many objects were sent; those that were there already do not count.
        size: their bytes.
    """

    objects: int = 0
    size: int = 0


NOTHING = Sent()


class DataRemote:
    """Is where a clone shares its artifacts; any remote that DVC knows.

    That an object is there is looked up, object by object: its existence and its size. (``dvc
    push`` succeeds for objects that are nowhere.)

    Args:
        project: the clone's directory.
        cache: the clone's cache.
        settings: which remote.
        watch: hears how far a transfer is, in the thread that asked for it.
        login: see :class:`~padre_git.artifacts.remotes.DataRemotes`.
    """

    def __init__(
        self,
        project: Path,
        cache: Cache,
        settings: RemoteSettings,
        *,
        watch: Watch | None = None,
        login: Callable[[], Login | None] = no_login,
    ) -> None:
        self.settings = settings
        self._watch = watch
        self._cache = cache
        self._store = _store(project, settings, login)

    def __str__(self) -> str:
        return str(self.settings)

    def sizes(self, md5s: Iterable[str]) -> dict[str, int | None]:
        """Returns the bytes of objects there; None for what is absent, or not measured.

        Raises:
            RemoteError: if it cannot be asked.
        """
        found = self._sizes(sorted({check_hash(md5) for md5 in md5s}))
        return {md5: None if size == UNKNOWN else size for md5, size in found.items()}

    def missing(self, md5s: Iterable[str]) -> frozenset[str]:
        """Returns which of these objects the remote has not, or has only as empty files.

        Raises:
            RemoteError: if it cannot be asked.
        """
        sizes = self._sizes(sorted({check_hash(md5) for md5 in md5s}))
        return frozenset(md5 for md5, size in sizes.items() if size is None)

    def push(self, pointers: Iterable[Pointer]) -> Sent:
        """Makes sure that everything these pointers stand for is on the remote.

        Files are sent before the listings that name them, only where they are not there yet; an
        interrupted push continues where it was.

        Raises:
            ArtifactMissingError: if something is neither here nor there; it names what.
            ArtifactCorruptError: if the bytes here are damaged, or have not arrived whole.
            DocumentError: if a listing is hostile.
            RemoteError: if the remote cannot be reached or written.
        """
        listings: dict[str, Listing] = {}
        files: dict[str, str] = {}
        pointers = list(pointers)
        for pointer in pointers:
            if not pointer.is_directory:
                files[pointer.md5] = pointer.path
            elif pointer.md5 not in listings:
                listing = listings[pointer.md5] = self._listing(pointer)
                files.update((md5, f"{pointer.path}/{path}") for path, md5 in listing.items())
        sent = self._send(files)
        both = self._send(dict.fromkeys(listings, "a listing"))
        self._check_totals(pointers, listings)
        return Sent(objects=sent.objects + both.objects, size=sent.size + both.size)

    def fetch(self, md5s: Iterable[str]) -> None:
        """Copies objects that the cache has not from the remote, checked.

        Raises:
            ArtifactMissingError: if the remote has not all of them; the others were fetched.
            ArtifactCorruptError: if it has wrong bytes; nothing wrong was kept.
            RemoteError: if it cannot be reached.
        """
        self.fetch_again(md5 for md5 in set(md5s) if not self._cache.has(md5))

    def fetch_again(self, md5s: Iterable[str]) -> None:
        """Copies objects from the remote, checked, also over those in the cache.

        Raises:
            ArtifactMissingError, ArtifactCorruptError, RemoteError: as :meth:`fetch`.
        """
        wanted = sorted(set(md5s))
        if not wanted:
            return
        sizes = self._sizes([check_hash(md5) for md5 in wanted])
        absent = [md5 for md5 in wanted if sizes[md5] is None]
        there = {md5: size for md5, size in sizes.items() if size is not None}
        for md5, size in there.items():
            if md5.endswith(DIRECTORY) and size > LARGEST:
                text = f"'{self}' has a list of files that is too large: '{md5}', {size} bytes"
                raise ArtifactCorruptError(text)
        self._store.fetch(self._cache, list(there), self._count("Fetching data", there))
        if absent:
            raise _missing(absent, f"not on the remote '{self}'")

    def send_again(self, md5s: Iterable[str]) -> None:
        """Copies objects from the cache to the remote, checked, where it has them not.

        Raises:
            ArtifactMissingError, ArtifactCorruptError, RemoteError: as :meth:`push`.
        """
        self._send({md5: md5 for md5 in md5s})

    def _count(self, what: str, sizes: Mapping[str, int]) -> Tell:
        """Returns what counts the objects of a transfer, and their bytes as far as known."""
        watch, done, size = self._watch, 0, 0
        if watch is None:
            return nobody

        def tell(md5: str) -> None:
            nonlocal done, size
            done, size = done + 1, size + max(sizes[md5], 0)
            detail = f"{size / 1e6:.1f} MB"
            watch(Step(what=what, done=done, total=len(sizes), detail=detail))

        return tell

    def _listing(self, pointer: Pointer) -> Listing:
        self.fetch([pointer.md5])
        return read_listing(self._cache, pointer.md5)

    def _sizes(self, md5s: Sequence[str]) -> dict[str, int | None]:
        found = self._store.sizes(md5s)
        # an empty object under any other hash is what is left of a lost write
        return {m: None if size == 0 and m != EMPTY else size for m, size in found.items()}

    def _send(self, names: dict[str, str]) -> Sent:
        there = self._sizes(sorted(names))
        here = {md5: self._cache.size(md5) for md5 in names}
        wanted = [m for m, size in there.items() if size is None or _differ(size, here[m])]
        nowhere = [names[md5] for md5 in wanted if here[md5] is None]
        if nowhere:
            raise _missing(nowhere, f"neither in this clone nor on '{self}'")
        if not wanted:
            return NOTHING
        self._store.send(
            self._cache,
            wanted,
            self._count("Sending data", {md5: here[md5] or 0 for md5 in wanted}),
        )
        arrived = self._sizes(wanted)
        lost = [names[m] for m in wanted if arrived[m] is None or _differ(arrived[m], here[m])]
        if lost:
            raise ArtifactCorruptError(f"did not arrive whole on '{self}': {_some(lost)}")
        return Sent(objects=len(wanted), size=sum(here[md5] or 0 for md5 in wanted))

    def _check_totals(self, pointers: list[Pointer], listings: dict[str, Listing]) -> None:
        """Compares the bytes there with those the pointers name, for files that are not here."""
        for pointer in pointers:
            parts = [pointer.md5]
            if pointer.is_directory:
                parts = list(listings[pointer.md5].values())
            if pointer.size is None or all(map(self._cache.has, parts)):
                continue
            sizes = self._sizes(sorted(set(parts)))
            found = [sizes[md5] for md5 in parts]
            if UNKNOWN not in found and sum(size or 0 for size in found) != pointer.size:
                raise ArtifactCorruptError(
                    f"'{pointer.path}' ({pointer.md5}) has not {pointer.size} bytes on '{self}'"
                )


def _differ(there: int | None, here: int | None) -> bool:
    return there != UNKNOWN and here is not None and there != here


def _missing(names: Sequence[str], where: str) -> ArtifactMissingError:
    return ArtifactMissingError(
        f"{where}: {_some(names)}", hint="push it from the clone that has it, or delete it"
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"'{name}'" for name in names[:_SHOWN]) + more


def _store(project: Path, settings: RemoteSettings, login: Callable[[], Login | None]) -> Store:
    if settings.directory is not None:
        return DirectoryStore(settings.directory)
    from padre_git.artifacts.dvc import DvcStore

    return DvcStore(project, settings, login)

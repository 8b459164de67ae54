"""The cache: where a clone keeps the bytes of its artifacts."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from padre_git.artifacts import durable
from padre_git.artifacts.hashes import Item, object_path
from padre_git.artifacts.objects import Objects
from padre_git.artifacts.places import replace_file
from padre_git.errors import ArtifactError, NotFoundError

__all__ = ["Cache"]

_READ = os.O_RDONLY | os.O_NONBLOCK
#: Seconds for which an object need not be made young again.
_FRESH = 3600.0


class Cache(Objects):
    """Is the cache of one clone: DVC's cache, in DVC's layout, under ``.git/padre/cache``.

    Bytes are never handed out unchecked. Files are copied in and out, not linked: a program that
    writes into a linked file would damage the cache.

    Args:
        directory: the cache; made, readable by its owner only, when something is added.

    Attributes:
        beside: what DVC has for itself where it does not use this cache, see :mod:`.serving`.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, mode=0o700)
        self.beside = directory.with_name("dvc")
        self._is_alone = not self.beside.is_dir()

    def path(self, md5: str) -> Path:
        """See :meth:`Objects.path`; what only DVC has is where DVC has it."""
        own = super().path(md5)
        other = self.beside / object_path(md5)
        return own if self._is_alone or own.exists() or not other.exists() else other

    def add(self, path: Path, *, link: bool = False) -> Item:
        """Places one file and returns its hash and size; durable on return.

        Args:
            path: a file, or a link to one.
            link: make it the object itself where that is possible, which spares the copy; for a
                caller who removes the file as soon as nothing can go wrong any more.

        Raises:
            NotFoundError: if there is no such file.
            ArtifactError: if it is not a file, cannot be read, or was written to meanwhile other
                than at its end: of a log, what was there is kept.
        """
        with _opened(path) as source:
            state = os.fstat(source)
            executable = bool(state.st_mode & stat.S_IXUSR)
            if link and self._stage is None and self._can_take(path, state):
                md5, size = self._take(path, source, state)
            else:
                md5, size = self.keep(source)
                _check_unchanged(path, source, state)
        return Item(md5=md5, size=size, executable=executable)

    def add_bytes(self, data: bytes) -> Item:
        """Places ``data`` as if it were a file; durable on return."""
        md5, size = self.keep_bytes(data)
        return Item(md5=md5, size=size)

    def read(self, md5: str) -> bytes:
        """Returns all bytes of an object, checked.

        Raises:
            ArtifactMissingError: if it is not here.
            ArtifactCorruptError: if its bytes have another hash.
        """
        with self.open(md5) as stream:
            return stream.read()

    def materialise(
        self, md5: str, target: Path, *, within: Path | None = None, executable: bool = False
    ) -> None:
        """Copies an object to a file, checked, replacing it whole or not at all.

        Args:
            md5: the object.
            target: the file.
            within: a directory above it that is trusted; no symbolic link is followed below.
                None for the directory of the file.
            executable: whether the file can be run.

        Raises:
            ArtifactMissingError, ArtifactCorruptError: as :meth:`read`; no file was written.
            ArtifactError: if a link is in the way, or the target lies outside.
        """
        with self.open_unchecked(md5) as stream:
            replace_file(
                stream.fileno(),
                target,
                md5=md5,
                within=within or target.parent,
                executable=executable,
            )

    def discard(self, md5: str) -> None:
        """Removes an object from this cache, if it is there."""
        self._remove(super().path(md5), md5)

    def _remove(self, path: Path, md5: str) -> None:
        """Removes an object, and the name that DVC has for the same bytes."""
        other = self.beside / object_path(md5)
        with contextlib.suppress(FileNotFoundError):
            if not self._is_alone and other.samefile(path):
                other.unlink()
        path.unlink(missing_ok=True)

    def discard_older(self, md5: str, before: float) -> bool:
        """Removes an object that nobody has added, or added again, since a time.

        Args:
            md5: the object.
            before: seconds since 1970.

        Returns:
            Whether it was removed.
        """
        path = super().path(md5)
        with self._locked(fcntl.LOCK_EX):
            try:
                if path.lstat().st_mtime >= before:
                    return False
                self._remove(path, md5)
            except FileNotFoundError:
                return False
        return True

    def _has_again(self, md5: str, size: int) -> bool:
        # young again, so that nobody removes it before its commit is made
        with self._locked(fcntl.LOCK_SH):
            path = super().path(md5)
            found = super()._has_again(md5, size) and path.exists()
            state = path.lstat() if found else None
            if state is not None and state.st_nlink > 1:
                return False  # somebody who has it under another name may have changed it
            if state is not None and state.st_mtime < time.time() - _FRESH:
                os.utime(path, follow_symlinks=False)
        return found

    @contextlib.contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        """Keeps those who remove objects apart from those who count on them."""
        try:
            descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            yield  # nothing is here
            return
        except OSError as error:
            raise ArtifactError(f"'{self.root}' cannot be read: {error.strerror}") from error
        try:
            with contextlib.suppress(OSError):  # no locks there: what is young stays all the same
                fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)

    def _can_take(self, path: Path, state: os.stat_result) -> bool:
        with durable.stored(self.root):
            durable.make_directories(self.root, mode=0o700)
        same_device = state.st_dev == self.root.stat().st_dev
        return same_device and state.st_nlink == 1 and not path.is_symlink()

    def _take(self, path: Path, source: int, before: os.stat_result) -> tuple[str, int]:
        md5, size = durable.hash_of(source)
        if self._has_again(md5, size):
            return md5, size
        _check_unchanged(path, source, before, may_grow=False)
        if self.take(path, md5):
            return md5, size
        os.lseek(source, 0, os.SEEK_SET)
        return self.keep(source)


def _check_unchanged(
    path: Path, source: int, before: os.stat_result, *, may_grow: bool = True
) -> None:
    after = os.fstat(source)
    if before.st_mtime_ns == after.st_mtime_ns and before.st_size == after.st_size:
        return
    if not may_grow or after.st_size <= before.st_size:
        raise ArtifactError(
            f"cannot store '{path}': it changed while it was read",
            hint="store it when whoever writes it has closed it, or store a copy of it",
        )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        source = os.open(path, _READ)
    except FileNotFoundError:
        raise NotFoundError(f"no file '{path}'") from None
    except OSError as error:
        raise ArtifactError(f"cannot read '{path}': {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(source).st_mode):
            raise ArtifactError(f"cannot store '{path}': it is not a file")
        yield source
    finally:
        os.close(source)

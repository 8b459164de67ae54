"""Objects: a directory in the layout of DVC 3, whether a clone's cache or a remote."""

from __future__ import annotations

import contextlib
import copy
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from padre_git.artifacts import durable
from padre_git.artifacts.hashes import EMPTY, check_hash, object_path
from padre_git.artifacts.staging import Stage
from padre_git.errors import ArtifactCorruptError, ArtifactError, ArtifactMissingError

__all__ = ["Objects"]

_MODE = 0o444
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
#: Below how many bytes waiting for the disk is what an object costs.
_SMALL = 1 << 20
_ABANDONED = 24 * 3600.0


class Objects:
    """Keeps bytes by their hash, durably, in ``files/md5/ab/cdef…`` below a directory.

    An object appears under its name only when all of it is on disk. An object that is empty under
    any hash but that of nothing (what a power cut leaves of ``dvc add``) counts as absent.

    Args:
        root: the directory; made when the first object is kept.
        mode: mode of the directories below it.
    """

    def __init__(self, root: Path, *, mode: int = 0o700) -> None:
        self.root = root
        self._mode = mode
        self._stage: Stage | None = None

    def path(self, md5: str) -> Path:
        """Returns where the object is, or would be.

        Raises:
            ArtifactError: if ``md5`` is not the name of an object.
        """
        final = self.root / object_path(md5)
        return (self._stage and self._stage.find(md5)) or final

    def size(self, md5: str) -> int | None:
        """Returns the object's size in bytes; None if it is not here. Nothing is hashed."""
        try:
            found = os.lstat(self.path(md5))
        except (FileNotFoundError, NotADirectoryError):
            return None
        whole = stat.S_ISREG(found.st_mode) and (found.st_size > 0 or md5 == EMPTY)
        return found.st_size if whole else None

    def has(self, md5: str) -> bool:
        """Returns whether the object is here; its bytes are not looked at."""
        return self.size(md5) is not None

    def keep(self, source: int, *, suffix: str = "") -> tuple[str, int]:
        """Copies an open file into an object and returns its hash and size.

        Args:
            source: descriptor, read from here to the end, once.
            suffix: put behind the hash; ``.dir`` for a listing.
        """
        with self._scratch() as (target, temporary):
            md5, size = durable.copy_hashed(source, target)
            if not self._has_again(md5 + suffix, size):
                self._install(target, temporary, md5 + suffix)
        return md5 + suffix, size

    def keep_bytes(self, data: bytes, *, suffix: str = "") -> tuple[str, int]:
        """Writes ``data`` into an object and returns its hash and size."""
        md5 = durable.hash_bytes(data) + suffix
        if not self._has_again(md5, len(data)):
            with self._scratch() as (target, temporary):
                durable.write_all(target, data)
                self._install(target, temporary, md5)
        return md5, len(data)

    def _has_again(self, md5: str, size: int) -> bool:
        """Returns whether an object that somebody is about to mean is here already."""
        return self.size(md5) == size

    def receive(self, source: int, md5: str) -> int:
        """Copies an open file into the object ``md5``, replacing what is there; returns its size.

        Raises:
            ArtifactCorruptError: if the bytes have another hash; nothing was changed.
        """
        check_hash(md5)
        with self._scratch() as (target, temporary):
            found, size = durable.copy_hashed(source, target)
            if found != md5[:32]:
                raise ArtifactCorruptError(
                    f"not the bytes of artifact '{md5}': their hash is '{found}'",
                    hint="padre-git verify names what it belongs to, padre-git repair looks for"
                    " another copy",
                )
            self._install(target, temporary, md5)
        return size

    def take(self, path: Path, md5: str) -> bool:
        """Makes a file of the same file system, whose hash is known, an object.

        It goes on to have its own name, too, for whoever gives it away to remove when nothing can
        go wrong any more; until then it cannot be written to.

        Returns:
            Whether it is; not so where the file system has or allows no hard link to it.
        """
        temporary = f"{self.scratch_directory()}/{secrets.token_hex(8)}"
        with durable.stored(self.root), self._removed(temporary):
            try:
                os.link(path, temporary)
            except PermissionError:
                return False
            target = os.open(temporary, _READ)
            try:
                self._install(target, temporary, md5)
            finally:
                os.close(target)
        return True

    def open(self, md5: str) -> BinaryIO:
        """Opens an object for reading, after checking all of its bytes.

        Raises:
            ArtifactMissingError: if it is not here.
            ArtifactCorruptError: if its bytes have another hash.
        """
        stream = self.open_unchecked(md5)
        try:
            self._check(stream, md5)
        except BaseException:
            stream.close()
            raise
        return stream

    def open_unchecked(self, md5: str) -> BinaryIO:
        """Opens an object for a reader that will check the bytes itself.

        Raises:
            ArtifactMissingError: if it is not here.
        """
        if not self.has(md5):
            raise ArtifactMissingError(f"artifact '{md5}' is not in '{self.root}'")
        try:
            return os.fdopen(os.open(self.path(md5), _READ), "rb")
        except OSError as error:
            raise ArtifactError(f"cannot read artifact '{md5}': {error.strerror}") from error

    def _check(self, stream: BinaryIO, md5: str) -> None:
        found, _ = durable.hash_of(stream.fileno())
        if found != md5[:32]:
            raise ArtifactCorruptError(
                f"damaged artifact '{md5}': the hash of its bytes is '{found}'",
                hint=f"the damaged object is {self.path(md5)}",
            )
        stream.seek(0)

    @contextlib.contextmanager
    def batch(self) -> Iterator[Self]:
        """Gives the same objects, which keep small files when the block is left, together.

        That takes a fraction of the time. Until then only what is given can see them. Threads may
        share it. A batch inside a batch is part of it.
        """
        if self._stage is not None:
            yield self
            return
        stage = Stage()
        try:
            yield self._staging(stage)
        finally:
            # whole objects do no harm, whatever has happened; a fetch goes on from there
            with durable.stored(self.root):
                stage.publish(mode=self._mode)

    def _staging(self, stage: Stage) -> Self:
        other = copy.copy(self)
        vars(other)["_stage"] = stage
        return other

    def sweep(self, *, age: float = _ABANDONED) -> None:
        """Removes unfinished copies that processes left which were killed.

        Args:
            age: seconds since the last write from which a copy counts as left.
        """
        oldest = time.time() - age
        for path in self._temporary.glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if path.lstat().st_mtime < oldest:
                    path.unlink()

    def scratch_directory(self) -> Path:
        """Returns a directory for unfinished copies, on the same disk as the objects."""
        durable.make_directories(self._temporary, mode=self._mode)
        return self._temporary

    @property
    def _temporary(self) -> Path:
        # beside files/, where DVC looks for objects and nothing else
        return self.root / "tmp"

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[tuple[int, str]]:
        """Gives an empty file of our own; it is gone afterwards unless it became an object."""
        with durable.stored(self.root):
            path = f"{self.scratch_directory()}/{secrets.token_hex(8)}"
            target = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with self._removed(path):
                try:
                    yield target, path
                finally:
                    os.close(target)

    @staticmethod
    @contextlib.contextmanager
    def _removed(path: str) -> Iterator[None]:
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # gone, or swept some day
                Path(path).unlink()

    def _install(self, target: int, temporary: str, md5: str) -> None:
        final = self.root / object_path(md5)
        os.fchmod(target, _MODE)
        os.utime(target)  # a file that was moved here may be old, and is new as an object
        if self._stage is not None and os.fstat(target).st_size < _SMALL:
            self._stage.add(md5, temporary, str(final))
            return
        durable.make_directories(final.parent, mode=self._mode)
        os.fsync(target)
        Path(temporary).replace(final)
        durable.sync_directory(final.parent)

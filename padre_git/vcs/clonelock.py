"""The lock of a clone: one writer of ours at a time, on whatever file system the clone is.

It is ``flock`` on ``.git/padre/lock``, which the system takes back when its holder dies. Where the
file system has no such locks, or where git's configuration has ``padre.locks = file`` since they
exclude nobody, it is a file that must not exist, ``lock.held``; one whose holder has died on this
machine is taken away. Both files name their holder.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from padre_git.errors import LockedError, RepositoryError
from padre_git.processes import parse_owner, this_process
from padre_git.vcs.forking import no_fork
from padre_git.vcs.leftovers import time_there
from padre_git.vcs.locks import make_mark
from padre_git.vcs.ownfiles import read_own

__all__ = ["CloneLock"]

_POLL = 0.002
_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
#: What a file system without locks says to somebody who wants one.
_NO_LOCKS = frozenset([errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
#: Seconds after which a lock that names nobody was left by somebody who died in making it.
_NAMELESS = 60.0
#: Set to ``file`` where the locks of the file system exclude nobody.
_SETTING = "padre.locks"
_WIDTH = 400
_LARGEST = 4096
#: What this process has open of locks; a fork would keep them when this process is killed.
_descriptors: set[int] = set()


class CloneLock:
    """Keeps other writers of ours from a clone: processes, and threads of this one.

    Args:
        path: the file that is locked.
        of: the clone, for messages.
        mark: see :func:`padre_git.vcs.locks.make_mark`.
        setting: returns what git's configuration says under a name.

    Attributes:
        tell: is told what was taken away that a dead process had left.
    """

    def __init__(
        self,
        path: Path,
        *,
        of: Path,
        mark: Path,
        setting: Callable[[str], str | None],
    ) -> None:
        self._path = path
        self._clone = of
        self._mark = mark
        self._setting = setting
        self.tell: Callable[[str], None] = _tell_nobody
        self._reset()

    def _reset(self) -> None:
        self._thread = threading.RLock()
        self._depth = 0
        self._holder = 0
        self._release: Callable[[], None] | None = None
        self._pid = os.getpid()  # last: who sees it may use the others

    @contextmanager
    def hold(self, timeout: float) -> Iterator[None]:
        """Holds it; a thread that has it can take it again.

        Args:
            timeout: seconds to wait for another process.

        Raises:
            LockedError: if it was held for all that time.
        """
        with self.offered(timeout) as held:
            if not held:
                raise self.refusal(timeout)
            yield

    @contextmanager
    def offered(self, timeout: float = 0.0) -> Iterator[bool]:
        """Holds it if it gets it in time; gives whether it has."""
        if not self._take(timeout):
            yield False
            return
        try:
            yield True
        finally:
            self._give_back()

    def is_free(self) -> bool:
        """Returns whether nobody had it at this moment."""
        with self.offered() as held:
            return held

    def is_held_here(self) -> bool:
        """Returns whether this thread has it already."""
        return self._depth > 0 and self._holder == threading.get_ident()

    def refusal(self, waited: float) -> LockedError:
        """Returns the error for somebody who did not get it; it names who has it."""
        held = self._held_file
        path = held if held.exists() else self._path
        owner = parse_owner(read_own(path, largest=_LARGEST))
        who = "another process" if owner is None else str(owner)
        if owner is not None and owner.is_here():
            who = f"another thread of this process ({owner.pid})"
        with suppress(OSError):
            who += f", for {max(time.time() - path.stat().st_mtime, 0):.0f} s"
        hint = "try again when it has ended"
        if path == held and (owner is None or not owner.is_here()):
            hint += f"; if you know that it has, remove '{path}'"
        return LockedError(
            f"the lock '{path}' of '{self._clone}' was not free within {waited:g} s:"
            f" it is held by {who}",
            hint=hint,
        )

    @property
    def _held_file(self) -> Path:
        return self._path.with_name(f"{self._path.name}.held")

    def _take(self, timeout: float) -> bool:
        if self._pid != os.getpid():  # a fork inherits no lock
            with no_fork:
                if self._pid != os.getpid():
                    self._reset()
        deadline = time.monotonic() + timeout
        thread = self._thread
        if not thread.acquire(timeout=max(timeout, 0)):
            return False
        got = False
        try:
            got = self._depth > 0 or self._wait(deadline)
            self._depth += got
        finally:
            if not got:
                thread.release()
        return got

    def _wait(self, deadline: float) -> bool:
        """Gets it from other processes and other instances for the same clone."""
        make_mark(self._mark)  # each time: somebody may have cleaned up
        while (release := self._try()) is None:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL)
        self._release = release
        self._holder = threading.get_ident()
        return True

    def _give_back(self) -> None:
        if self._pid != os.getpid():  # a fork in the middle of it: the parent has it
            return
        self._depth -= 1
        if self._depth == 0 and self._release is not None:
            self._release()
            self._release = None
        self._thread.release()

    def _try(self) -> Callable[[], None] | None:
        """Tries to get it, once; returns what gives it back."""
        if self._setting(_SETTING) == "file":
            return self._try_by_file()
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(descriptor, self._path):
                os.pwrite(descriptor, this_process().line().rstrip().ljust(_WIDTH) + b"\n", 0)
                return lambda: _unlock(descriptor)
        except BlockingIOError:
            pass
        except OSError as error:
            _close(descriptor)
            if error.errno not in _NO_LOCKS:
                raise
            return self._try_by_file()
        except BaseException:
            _close(descriptor)
            raise
        _close(descriptor)
        return None

    def _open(self) -> int:
        try:
            descriptor = os.open(self._path, _FILE, 0o666)
        except OSError as error:
            if error.errno not in {errno.ELOOP, errno.EISDIR, errno.ENXIO}:
                raise
            raise self._not_ours() from error
        _descriptors.add(descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            _close(descriptor)
            raise self._not_ours()
        return descriptor

    def _not_ours(self) -> RepositoryError:
        return RepositoryError(
            f"'{self._path}' is no file that we made", hint="remove it, and ask who put it there"
        )

    def _try_by_file(self) -> Callable[[], None] | None:
        held = self._held_file
        try:
            descriptor = os.open(held, _FILE | os.O_EXCL, 0o666)
        except FileExistsError:
            self._clear_dead(held)
            return None
        with os.fdopen(descriptor, "wb") as file:
            file.write(this_process().line())
        return lambda: held.unlink(missing_ok=True)

    def _clear_dead(self, held: Path) -> None:
        """Takes the lock of a dead process away; of two that want to, one is let."""
        if not _is_left(held):
            return
        guard = held.with_name(f"{held.name}.clearing")
        try:
            os.close(os.open(guard, _FILE | os.O_EXCL, 0o666))
        except FileExistsError:
            if _age(guard) > _NAMELESS:
                guard.unlink(missing_ok=True)
            return
        try:
            if _is_left(held):  # still: nobody else can have cleared it meanwhile
                owner = parse_owner(read_own(held))
                held.unlink(missing_ok=True)
                self.tell(f"removed the lock '{held}': {owner or 'its process'} has ended")
        finally:
            guard.unlink(missing_ok=True)


def _tell_nobody(text: str) -> None:
    """Hears what is told until somebody else does."""


def _unlock(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)  # what was started by hand may have it, too
    _close(descriptor)


def _close(descriptor: int) -> None:
    _descriptors.discard(descriptor)
    os.close(descriptor)


def _after_fork() -> None:
    for descriptor in _descriptors:
        with suppress(OSError):
            os.close(descriptor)
    _descriptors.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _is_still(descriptor: int, path: Path) -> bool:
    """Returns whether what is locked is what others will lock."""
    try:
        seen, now = os.fstat(descriptor), path.stat()
    except FileNotFoundError:
        return False
    return (seen.st_dev, seen.st_ino) == (now.st_dev, now.st_ino)


def _is_left(held: Path) -> bool:
    owner = parse_owner(read_own(held, largest=_LARGEST))
    return owner.is_gone() if owner is not None else _age(held) > _NAMELESS


def _age(path: Path) -> float:
    """Returns for how long a file has been there, by the clock that gave it its time."""
    try:
        return time_there(path.parent) - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0

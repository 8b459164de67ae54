"""The queue of a clone: what waits for whoever holds its lock to write it, and the answers.

A request is one file, made by its owner and taken away by its owner. The holder reads it, writes
what it asks for, and adds the answer to it. Before the branch moves, the holder notes which
requests are in the commit, and what their answers are: if it is killed then, whoever comes next
knows which of them are done. A file is complete if its checksum says so, so none is ever renamed,
and none is synced: an answer is given when commit and branch are durable, and not before.
"""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from zlib import crc32

from padre_git.processes import Owner, parse_owner, this_process
from padre_git.vcs.durable import beside
from padre_git.vcs.leftovers import time_there
from padre_git.vcs.ownfiles import overwritten, read_own

__all__ = ["Queue", "Request", "Ticket", "answer_all", "framed"]

#: Requests that are written together at most, and their bytes.
_MOST, _LARGEST = 64, 32 << 20
#: Seconds that an owner waits for its answer at most; what is older waits for nobody.
_AGE = 120.0
#: Seconds between two looks of an owner: of one that nobody can wake, and of one that nobody has
#: woken, since the holder was killed or is on another machine.
_LOOK, _UNWOKEN = 0.005, 0.03
_HEAD = struct.Struct(">II")
_NAME = re.compile(r"[0-9]{20}-[0-9]+-[0-9]+")
_NOTE = "group"
#: What it says when everybody has been told.
_NOTHING = b""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_numbers = count()


@dataclass(frozen=True, kw_only=True)
class Request:
    """Is what one owner asks for.

    Attributes:
        file: where it stands.
        owner: whose it is.
        address: where the owner listens; empty for nowhere.
        content: what is asked for.
    """

    file: Path
    owner: Owner
    address: bytes
    content: bytes

    def is_wanted(self) -> bool:
        """Returns whether its owner has not taken it away."""
        return self.file.exists()

    def answer(self, content: bytes) -> None:
        """Adds the answer, if the request is still wanted, and wakes its owner."""
        self.note(content)
        self.wake()

    def note(self, content: bytes) -> None:
        """Adds the answer, which its owner finds when it looks."""
        with suppress(OSError):  # its owner has gone, or nobody can write: it will find out itself
            descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
            try:
                os.write(descriptor, framed(content))
            finally:
                os.close(descriptor)

    def wake(self) -> None:
        """Lets the owner look at once, if it can be reached; it looks by itself, too."""
        if self.address:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as voice:
                voice.setblocking(False)
                voice.sendto(b"\n", self.address)


def answer_all(answers: Iterable[tuple[Request, bytes]]) -> None:
    """Adds answers, and wakes their owners from a thread that has nothing else to do.

    Who is woken is taken to the core of whoever wakes it, as if that were about to sleep; there it
    would wait for the next group to be written, while another core is idle.
    """
    owners = []
    for request, content in answers:
        request.note(content)
        owners.append(request)
    beside(partial(_wake, owners))


def _wake(owners: Sequence[Request]) -> None:
    for owner in owners:
        owner.wake()


class Ticket:
    """Is an owner's own end of a request."""

    def __init__(
        self, file: Path, note: Path, listening: socket.socket | None, *, asked: int
    ) -> None:
        self._file = file
        self._note = note
        self._listening = listening
        self._asked = asked

    def wait(self) -> None:
        """Waits until there may be an answer, or the lock may be free."""
        if self._listening is None:
            time.sleep(_LOOK)
            return
        self._listening.settimeout(_UNWOKEN)
        with suppress(TimeoutError):
            self._listening.recv(16)

    def answer(self) -> bytes | None:
        """Returns the answer; None if there is none yet."""
        parts = _frames(read_own(self._file, start=self._asked) or b"")
        return parts[0] if parts else None

    def withdraw(self) -> bool:
        """Takes the request away; returns whether it is certain that it will not be done."""
        is_begun = self._may_be_noted() or self.answer() is not None
        self._file.unlink(missing_ok=True)
        # in this order: a holder notes first, and then looks whether it is still wanted
        return not (is_begun or self._may_be_noted())

    def _may_be_noted(self) -> bool:
        """Returns whether a holder has noted it; of what cannot be read nobody knows."""
        if not os.path.lexists(self._note):
            return False
        try:
            parts = _frames(read_own(self._note) or b"")
        except OSError:
            return True
        return not parts or self._file.name.encode() in parts[0]

    def close(self) -> None:
        """Takes everything away."""
        self._file.unlink(missing_ok=True)
        if self._listening is not None:
            self._listening.close()


class Queue:
    """Is the queue of one clone.

    Args:
        directory: where its files are; it need not exist.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._note = directory / _NOTE

    @contextmanager
    def hand_over(self, content: bytes) -> Iterator[Ticket]:
        """Lets whoever holds the lock do something; gives the ticket for it.

        Raises:
            OSError: if nothing can be written there.
        """
        if not self._directory.is_dir():
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._directory.is_symlink():
            raise NotADirectoryError(self._directory)
        listening = _listening()
        try:
            address = listening.getsockname() if listening is not None else b""
            name = f"{time.time_ns():020d}-{os.getpid()}-{threading.get_ident()}{next(_numbers)}"
            file = self._directory / name
            head = this_process().line() + address.hex().encode() + b"\n"
            request = framed(head + content)
            ticket = Ticket(file, self._note, listening, asked=len(request))
        except BaseException:
            if listening is not None:
                listening.close()
            raise
        try:
            _create(file, request)
            yield ticket
        finally:
            ticket.close()

    def waiting(self) -> list[Request]:
        """Returns what waits, oldest first, and clears away what nobody waits for any more.

        Only whoever holds the clone's lock may call this, and what follows.
        """
        found: list[Request] = []
        size = 0
        for name in self._names():
            request = self._read(self._directory / name)
            if request is not None:
                found.append(request)
                size += len(request.content)
            if len(found) == _MOST or size > _LARGEST:
                break
        return found

    def first(self) -> Request | None:
        """Returns the first of those that wait."""
        return next(
            (r for name in self._names() if (r := self._read(self._directory / name))), None
        )

    def note(self, tip: str, answers: Mapping[str, bytes]) -> None:
        """Notes which requests a commit does, before the branch moves to it.

        Args:
            tip: the last commit; empty before there is one.
            answers: what they will be told, by the names of their files.
        """
        said = {"tip": tip, "answers": {name: text.hex() for name, text in answers.items()}}
        self._say(json.dumps(said).encode())

    def settle(self, is_done: Callable[[str], bool]) -> None:
        """Answers what a holder has done that was killed before it could tell.

        Args:
            is_done: tells whether the branch has reached a commit.
        """
        content = read_own(self._note)
        if content is None or (noted := _frames(content))[:1] == [_NOTHING]:
            return
        with suppress(ValueError, LookupError, TypeError, AttributeError):
            said = json.loads(noted[0])
            if said["answers"] and said["tip"] and is_done(said["tip"]):
                for name, text in said["answers"].items():
                    request = self._read(self._directory / name) if _NAME.fullmatch(name) else None
                    if request is not None:
                        request.answer(bytes.fromhex(text))
        self.forget()

    def forget(self) -> None:
        """Notes that everybody has been told."""
        with suppress(OSError):  # whoever reads the note finds that they have
            self._say(_NOTHING)

    def _say(self, said: bytes) -> None:
        """Writes the note in place; half of it says nothing, and nothing has moved yet."""
        with overwritten(self._note, framed(said), mode=0o600):
            pass  # what an earlier one has behind it is no frame

    def _names(self) -> list[str]:
        try:
            names = os.listdir(self._directory)  # noqa: PTH208 - looked at with every commit
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return []
        if not names or self._directory.is_symlink():
            return []
        return sorted(name for name in names if _NAME.fullmatch(name))

    def _read(self, file: Path) -> Request | None:
        parts = _frames(read_own(file) or b"")
        head, _, rest = (parts[0] if parts else b"").partition(b"\n")
        owner = parse_owner(head)
        if len(parts) != 1 or owner is None or _is_over(file, owner):
            _clear_old(file, owner)
            return None
        address, _, content = rest.partition(b"\n")
        with suppress(ValueError):
            return Request(
                file=file, owner=owner, address=bytes.fromhex(address.decode()), content=content
            )
        return None


def _is_over(file: Path, owner: Owner) -> bool:
    """Returns whether nobody can be waiting: it is old, or from before the machine was started."""
    return _is_old(file) or owner.is_from_before()


def _clear_old(file: Path, owner: Owner | None) -> None:
    """Removes what was answered or half written, when its owner will not do it."""
    gone = owner is not None and owner.is_gone()
    if gone or _is_old(file):
        with suppress(OSError):
            file.unlink()


def _is_old(file: Path) -> bool:
    """Returns whether nobody waits for it any more; if our clock says so, the disk's is asked."""
    try:
        made = file.lstat().st_mtime
    except OSError:
        return False
    return time.time() - made > _AGE and time_there(file.parent) - made > _AGE


def _listening() -> socket.socket | None:
    """Returns a socket with an address of its own; None where the system gives none."""
    found = None
    try:
        found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        found.bind("")
        if isinstance(found.getsockname(), bytes):
            return found
    except OSError:
        pass
    if found is not None:
        found.close()
    return None


def framed(content: bytes) -> bytes:
    """Returns a piece of a file with what tells whether it is complete."""
    return _HEAD.pack(len(content), crc32(content)) + content


def _frames(data: bytes) -> list[bytes]:
    """Returns the complete pieces that a file begins with."""
    found: list[bytes] = []
    at = 0
    while at + _HEAD.size <= len(data):
        size, checksum = _HEAD.unpack_from(data, at)
        content = data[at + _HEAD.size : at + _HEAD.size + size]
        if len(content) != size or crc32(content) != checksum:
            break
        found.append(content)
        at += _HEAD.size + size
    return found


def _create(file: Path, content: bytes) -> None:
    descriptor = os.open(file, _NEW, 0o600)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)

"""Processes of servers: started in the foreground on a free port, and surely ended."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

__all__ = [
    "HOST", "do_without", "needs", "needs_root", "nobody", "serving", "started", "workshop",
]  # fmt: skip

HOST = "127.0.0.1"
#: Where everybody has temporary files; every test has a place of its own instead.
_OF_ALL = tempfile.gettempdir()
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#: Ends a program together with what it has started, which may not care for its end.
_WITH_ALL = ("sh", "-c", 'trap "trap - TERM; kill 0" TERM; "$@" & wait $!', "sh")


def needs(*programs: str | Path) -> None:
    """Skips the test if a program is not installed; that is a failure where CI is set."""
    missing = [str(p) for p in programs if shutil.which(str(p), path=_PATH) is None]
    if missing:
        do_without(f"not installed: {', '.join(missing)}; run .ci/install-servers")


def needs_root() -> None:
    """Skips the test if this is not root; that is a failure where CI is set."""
    if os.geteuid() != 0:
        do_without("not root: cannot be several users, or give files away")


def do_without(what: str) -> None:
    """Skips the test and says what is missing; that is a failure where CI is set."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def workshop(ends: contextlib.ExitStack) -> Path:
    """Makes a short folder that a server's own user may pass through, and removes it at the end.

    The folders of pytest are closed to other users and their names too long for a socket.
    """
    folder = Path(tempfile.mkdtemp(prefix="served-", dir=_OF_ALL))
    ends.callback(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o711)
    return folder


def started(
    ends: contextlib.ExitStack, command: Sequence[str | Path], log: Path
) -> subprocess.Popen[bytes]:
    """Starts a process that ends with ``ends``, or with the tests if those are killed."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *_WITH_ALL, *map(str, command)],
            env={"PATH": _PATH, "LANG": "C.UTF-8", "HOME": "/nonexistent"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    ends.callback(_end, process)
    return process


def serving(start: Callable[[int], subprocess.Popen[bytes]], log: Path) -> int:
    """Starts a server and returns the port on which it answers.

    Args:
        start: starts it for the port that it is given.
        log: where it writes what went wrong.
    """
    for _ in range(5):
        with socket.socket() as free:
            free.bind((HOST, 0))
            port: int = free.getsockname()[1]
        process = start(port)
        if _answers(port, process):
            return port
    raise AssertionError(f"the server did not start:\n{log.read_text(errors='replace')}")


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    limit = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < limit:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return _listens(port, process)  # else another one has taken the port
        time.sleep(0.02)
    return False


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Tells whether it is a process of our group that listens on a port."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()]
    listening = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}")}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(place.name)) != process.pid:
                continue
            if listening & {str(link.readlink()) for link in (place / "fd").iterdir()}:
                return True
    return False


@contextlib.contextmanager
def nobody() -> Iterator[int]:
    """Gives a port where nobody answers, and nobody else can begin to."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        yield held.getsockname()[1]


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # what the first process of the group left behind

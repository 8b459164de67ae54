"""A shell on an ssh host, for what git itself cannot do there: list and make repositories.

One short script is run for each, by the ssh that git would use and with the limits git has. Many
hosts give no shell, only git; that is found out by the first answer, without an error. What the
person's own configuration says of ssh holds: ``GIT_SSH_COMMAND``, ``core.sshCommand``,
``GIT_SSH``, ``~/.ssh/config`` and ``url.….insteadOf``.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shlex
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from padre_git.errors import RemoteError
from padre_git.vcs.failures import Answer, failure
from padre_git.vcs.forking import start
from padre_git.vcs.network import ask, network_environment
from padre_git.vcs.process import try_git

__all__ = ["Address", "Made", "make_repository", "project_documents"]

_PROJECT = "{project}"
_SHORT = re.compile(r"(?P<target>(?:[^@/:]+@)?[^@/:]+):(?P<path>.+)", re.DOTALL)
_HOME = re.compile(r"(~[A-Za-z0-9_.-]*)(?:/(.*))?")
_PORT = re.compile(r":[0-9]*$")
#: ssh's own exit status: it did not get as far as running anything.
_NO_CONNECTION = 255
_LARGEST = 64_000_000

# The answer is what follows the mark, whatever a login says before. What a repository of somebody
# else lacks is not fetched: that would run a program which the repository names.
_LIST = """
printf '%s\\n' "$1"
cd "$2" || exit 3
GIT_NO_LAZY_FETCH=1 GIT_ALLOW_PROTOCOL=
export GIT_NO_LAZY_FETCH GIT_ALLOW_PROTOCOL
for d in "$3"*"$4"; do
  test -f "$d/HEAD" || continue
  printf '%s\\n' "$d"
  echo "$5" | git --git-dir="$d" cat-file --batch || echo missing
done
"""
_MAKE = """
printf '%s\\n' "$1"
cd "$2" || exit 3
test -e "$3" && exit 0
shared=
umask 077
if test -n "$(find . -prune -perm -020)"; then shared=--shared=group; umask 007; fi
new=".$3.$1"
git init --quiet --bare --template= $shared "$new" &&
git --git-dir="$new" symbolic-ref HEAD "refs/heads/$4" &&
git --git-dir="$new" config receive.fsckObjects true &&
mv "$new" "$3"
code=$?
rm -rf "$new" "$3/$new"
test -f "$3/HEAD" || exit "$code"
exit 0
"""


class Made(StrEnum):
    """What became of the wish to have a repository on a host."""

    MADE = "made"
    NO_SHELL = "no shell"
    NO_DIRECTORY = "no directory"


@dataclass(frozen=True, kw_only=True)
class Address:
    """Is what an ssh address says.

    Attributes:
        target: host, or user and host, as ssh takes it.
        port: as text; empty for ssh's own.
        path: of the repository there; one that does not begin with ``/`` is below the home.
    """

    target: str
    port: str
    path: str

    @classmethod
    def parse(cls, url: str) -> Address | None:
        """Returns what an address says; None if it is not ssh's."""
        if url.startswith("ssh://"):
            parts = urlsplit(url)
            path = unquote(parts.path)
            return cls(
                target=unquote(_PORT.sub("", parts.netloc)).replace("[", "").replace("]", ""),
                port="" if parts.port is None else str(parts.port),
                path=path[1:] if _HOME.fullmatch(path[1:]) else path,
            )
        short = None if "://" in url else _SHORT.fullmatch(url)
        return None if short is None else cls(target=short["target"], port="", path=short["path"])

    @property
    def directory(self) -> str:
        """The directory above the repository, quoted for a shell, with ``~`` left to it."""
        above = str(PurePosixPath(self.path).parent)
        home = _HOME.fullmatch(above)
        if home is None:
            return shlex.quote(above if above.startswith("/") else f"./{above}")
        return f"{home[1]}/{shlex.quote(home[2] or '')}"

    @property
    def name(self) -> str:
        """The name of the repository in that directory."""
        return PurePosixPath(self.path).name


def project_documents(
    template: str, branch: str, document: str, *, limit: float
) -> Mapping[str, bytes] | None:
    """Returns what repositories on a host have as their project's document, by directory name.

    Args:
        template: the address of a repository with ``{project}`` in the place of its name.
        branch: the branch to look at.
        document: the path of the document.
        limit: seconds that the host may take.

    Returns:
        The documents by the project's name; None if the host gives no shell.

    Raises:
        RemoteUnavailableError, AuthenticationError, RemoteError: if the host cannot be asked.
    """
    address = _address(template)
    if address is None:
        return None
    above, _, below = address.path.partition(_PROJECT)
    place = replace(address, path=f"{above}{_PROJECT}")
    words = [above.rpartition("/")[2], below, f"refs/heads/{branch}:{document}"]
    answer = _shell(place, _LIST, words, url=template, limit=limit)
    return None if answer is None else _documents(answer[1], words[0], below)


def make_repository(url: str, branch: str, *, limit: float) -> Made:
    """Makes an empty bare repository on a host: private, or the group's where its directory is.

    Args:
        url: its address.
        branch: what its HEAD shall name.
        limit: seconds that the host may take.

    Raises:
        RemoteUnavailableError, AuthenticationError, RemoteError: if the host cannot be asked, or
            cannot make it; the message has its words.
    """
    address = _address(url)
    answer = address and _shell(address, _MAKE, [address.name, branch], url=url, limit=limit)
    if not answer:
        return Made.NO_SHELL
    code, _, words = answer
    if code == 3:
        return Made.NO_DIRECTORY
    if code:
        raise RemoteError(f"the host cannot make the repository: {words}")
    return Made.MADE


def _address(url: str) -> Address | None:
    """Returns where ssh goes for a url, after the person's own rules for urls."""
    found = ask(["ls-remote", "--get-url", "--", url], None, 30.0)
    return Address.parse(found.out.strip() if not found.code else url)


def _shell(
    address: Address, script: str, words: Sequence[str], *, url: str, limit: float
) -> tuple[int, bytes, str] | None:
    """Runs a script and returns its exit status, output and complaints; None without a shell."""
    ssh = _ssh(address)
    if ssh is None:
        return None
    mark = secrets.token_hex(16)
    quoted = [shlex.quote(mark), address.directory, *map(shlex.quote, words)]
    command = f"exec sh -c {shlex.quote(script)} sh {' '.join(quoted)}"
    answer, out = _run([*ssh, command], limit)
    _, found, content = out.partition(f"{mark}\n".encode())
    if found and not answer.late:
        return answer.code, content, answer.words()
    if answer.late or answer.code == _NO_CONNECTION:
        raise failure(answer, url)
    return None


def _run(command: Sequence[str], limit: float) -> tuple[Answer, bytes]:
    """Runs a command for so many seconds and bytes of output at most."""
    with tempfile.TemporaryFile() as complaints:
        process = start(
            command,
            cwd=os.sep,
            env=network_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        )
        late = threading.Event()

        def stop() -> None:
            late.set()
            _end(process)

        timer = threading.Timer(limit, stop)
        timer.start()
        try:
            assert process.stdout is not None  # noqa: S101 - asked for above
            with process.stdout as stream:
                out = stream.read(_LARGEST)
            code = process.wait()
        finally:
            timer.cancel()
            _end(process)
        complaints.seek(0)
        error = complaints.read(100_000).decode(errors="backslashreplace")
    if late.is_set():
        error = f"no answer within {limit:g} seconds"
    return Answer(code, "", error, late=late.is_set()), out


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)


def _ssh(address: Address) -> list[str] | None:
    """Returns the command that git would start, up to the host; None for another kind of ssh."""
    environment = network_environment()
    command = environment.get("GIT_SSH_COMMAND") or _configured("core.sshCommand")
    program = environment.get("GIT_SSH") or "ssh"
    variant = environment.get("GIT_SSH_VARIANT") or _configured("ssh.variant")
    try:
        first = shlex.split(command)[0] if command else program
    except (ValueError, IndexError):
        return None
    if variant in ("", "auto"):
        variant = PurePosixPath(first).name
    if variant != "ssh":
        return None  # how to give it options is not known
    options = ["-T", "-x", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20"]
    options += ["-p", address.port] if address.port else []
    start = ["sh", "-c", f'{command} "$@"', command] if command else [program]
    return [*start, *options, "--", address.target]


def _configured(name: str) -> str:
    """Returns what the person, or the machine, has configured; never a repository."""
    for scope in ("--global", "--system"):
        found = try_git(["config", scope, "--includes", "--get", name], os.sep)
        if not found.code:
            return found.out.decode(errors="replace").strip()
    return ""


def _documents(content: bytes, head: str, tail: str) -> Mapping[str, bytes]:
    """Reads what the script for lists has printed; what breaks its form ends the list."""
    found: dict[str, bytes] = {}
    rest = content
    while rest:
        line, _, rest = rest.partition(b"\n")
        name = line.decode(errors="replace")
        told, _, rest = rest.partition(b"\n")
        words = told.split()
        if len(words) != 3 or words[1] != b"blob" or not words[2].isdigit():
            continue  # no commit yet, or not a project
        size = int(words[2])
        if name.startswith(head) and name.endswith(tail):
            found[name[len(head) : len(name) - len(tail)]] = rest[:size]
        rest = rest[size + 1 :]
    return found

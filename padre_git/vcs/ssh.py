"""ssh within limits: what keeps it from waiting for ever, where the person has not said otherwise.

Whoever has chosen a command for git (``GIT_SSH_COMMAND``, ``core.sshCommand``, ``GIT_SSH``) keeps
it as it is, and an option in a configuration of ssh wins over ours: ssh itself is asked what would
apply.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from padre_git.vcs.process import try_git

__all__ = ["bounded_ssh"]

#: An option, its value, and what ``ssh -G`` says of it if nobody has chosen.
_OPTIONS = (
    ("ConnectTimeout", "20", frozenset(["none", "-1"])),
    ("ServerAliveInterval", "15", frozenset(["0"])),
)
_SHORT = re.compile(r"(?P<destination>(?:[^@/:]+@)?[^@/:]+):(?!//)")
_PATIENCE = 5.0


def bounded_ssh(url: str, cwd: Path | None, variables: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables that let git start ssh within limits; none if that is not ours to say.

    Args:
        url: what git is given.
        cwd: where it runs.
        variables: the environment that it gets otherwise.
    """
    destination = _destination(url)
    if destination is None or variables.get("GIT_SSH_COMMAND") or variables.get("GIT_SSH"):
        return {}
    program = shutil.which("ssh", path=variables.get("PATH"))
    if program is None or try_git(["config", "--get", "core.sshCommand"], cwd or "/").out.strip():
        return {}
    options = _missing(program, destination)
    return {"GIT_SSH_COMMAND": " ".join(["ssh", *options])} if options else {}


def _destination(url: str) -> tuple[str, ...] | None:
    """Returns what ssh is given to find a host; None if a url is none of ssh."""
    if "://" not in url:
        short = None if url.startswith(("/", ".")) else _SHORT.match(url)
        return None if short is None else (short["destination"],)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme != "ssh" or not parts.hostname:
        return None
    user = [] if parts.username is None else ["-l", parts.username]
    return (*user, *([] if port is None else ["-p", str(port)]), parts.hostname)


@functools.lru_cache(maxsize=64)
def _missing(program: str, destination: tuple[str, ...]) -> tuple[str, ...]:
    """Returns our options for what no configuration of ssh says; none for another ssh."""
    if any(word.startswith("-") and word not in {"-l", "-p"} for word in destination):
        return ()
    try:
        done = subprocess.run(
            [program, "-G", *destination],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            start_new_session=True,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    return tuple(
        f"-o {name}={value}"
        for name, value, unset in _OPTIONS
        if not done.returncode and said.get(name.lower(), "?") in unset
    )

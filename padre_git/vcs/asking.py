"""Asking git's credential helpers and the keyring what they have for a host, without a prompt."""

from __future__ import annotations

import subprocess
from urllib.parse import urlsplit

from padre_git.vcs.credentials import Login, Secret, origin_of
from padre_git.vcs.network import network_environment
from padre_git.vcs.process import no_git

__all__ = ["ANYBODY", "ask_git", "ask_keyring"]

#: The user of a token: hosts do not look at it, but it must not be empty.
ANYBODY = "token"

_SECONDS = 20.0


def ask_git(url: str, user: str | None = None) -> Login | None:
    """Returns the login that the person's own helpers have for an address; None if they have none.

    Only the person's and the machine's configuration count, not that of a repository around us.

    Args:
        url: an HTTP address without a user.
        user: whose; None for anybody's.

    Raises:
        RepositoryError: if git cannot be started.
    """
    parts, origin = urlsplit(url), origin_of(url)
    if origin is None or "\n" in url:
        return None
    lines = [f"protocol={parts.scheme}", f"host={parts.netloc}", f"path={parts.path.lstrip('/')}"]
    if user is not None:
        lines.append(f"username={user}")
    try:
        done = subprocess.run(
            ["git", "credential", "fill"],
            cwd="/",
            # an empty one: a window or a terminal is a prompt, and a script may be one
            env={**network_environment(), "GIT_ASKPASS": ""},
            input="\n".join([*lines, "", ""]),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            start_new_session=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise no_git() from error
    except subprocess.TimeoutExpired:
        return None
    return None if done.returncode else _told(Secret(done.stdout), origin)


def _told(answer: Secret, origin: str) -> Login | None:
    pairs = (line.partition("=") for line in answer.splitlines())
    told = {name: Secret(value) for name, _, value in pairs}
    if not told.get("password"):
        return None
    return Login(origin=origin, user=str(told.get("username", "")), secret=told["password"])


def ask_keyring(origin: str, user: str | None = None) -> Login | None:
    """Returns what the keyring has under the name of a host; None if there is no open one.

    Args:
        origin: scheme, host and port.
        user: whose; None for anybody's.
    """
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        found = keyring.get_credential(origin, user)
    except (KeyringError, OSError, RuntimeError):
        return None
    if found is None or not found.password:
        return None
    return Login(origin=origin, user=found.username or ANYBODY, secret=Secret(found.password))

"""Credentials: who we are at a host, handed to git and asked of git, and never written down.

git gets a secret through the environment of its own process. A helper of one line reads it there,
for the one host it belongs to; the person's own helpers are put aside for that host and that
process, so none of them is told to keep what it did not give.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn, SupportsIndex
from urllib.parse import urlsplit

from padre_git.errors import InvalidInputError, UnsupportedError

__all__ = ["Login", "Secret", "concealed", "handed", "no_login", "origin_of"]

_USER, _SECRET = "PADRE_GIT_LOGIN_USER", "PADRE_GIT_LOGIN_SECRET"
_HELPER = (
    '!f() { test "$1" = get || exit 0; '
    f'printf "username=%s\\npassword=%s\\n" "${_USER}" "${_SECRET}"; }}; f'
)
#: An address whose host no two programs read differently.
_PLAIN = re.compile(
    r"https?://(?:[\w.~!$&'()*+,;=:%-]*@)?(?:[\w.-]+|\[[\da-f:.]+\])(?::\d*)?(?:[/?#][^\s\\]*)?",
    re.ASCII | re.IGNORECASE,
)
_PORTS = {"http": 80, "https": 443}
_LONGEST = 65_536
_SHORTEST = 4


class Secret(str):
    """Is a text that does not show itself: not in a repr, so neither in a traceback or a notebook.

    It cannot be pickled or copied to another process. ``str.format`` and writing do give it out.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('…')"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise UnsupportedError("a secret is not pickled", hint="authenticate in that process, too")


@dataclass(frozen=True, kw_only=True)
class Login:
    """Is what one host shall be told.

    Attributes:
        origin: scheme, host and port of the only place that may learn it.
        user: the name; hosts that take tokens mostly do not look at it.
        secret: the password or token.

    Raises:
        InvalidInputError: if user or secret cannot be told to a host in one line.
    """

    origin: str
    user: str
    secret: Secret = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "secret", Secret(self.secret))
        if ":" in self.user or not _is_line(self.user):
            raise InvalidInputError("the name of a user is one line without a colon")
        if not self.secret or not _is_line(self.secret):
            raise InvalidInputError("a password or token is one line that is not empty")


def concealed(text: str, login: Login | None) -> str:
    """Returns a text in which a secret is not said again, whoever said it.

    One of a few letters would take words apart, and hide nothing.
    """
    if login is None or len(login.secret) < _SHORTEST:
        return text
    return text.replace(login.secret, "…")


def no_login() -> Login | None:
    """Returns nobody: git asks the person's own helpers."""
    return None


def origin_of(url: str) -> str | None:
    """Returns scheme, host and port of an HTTP address; None for any other text.

    Programs differ in where a host ends, so an address that leaves room for that is none.
    """
    if not _PLAIN.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host:
        return None
    name = f"[{host}]" if ":" in host else host
    default = port is None or port == _PORTS[parts.scheme]
    return f"{parts.scheme}://{name}" if default else f"{parts.scheme}://{name}:{port}"


def handed(login: Login | None, variables: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables with which git knows a login, beside the settings that are there.

    Args:
        login: for one host; None for nobody.
        variables: what the process gets otherwise; its ``GIT_CONFIG_COUNT`` is counted on.
    """
    if login is None:
        return {}
    first = _count(variables.get("GIT_CONFIG_COUNT", ""))
    name = f"credential.{login.origin}.helper"
    added = {"GIT_CONFIG_COUNT": str(first + 2), _USER: login.user, _SECRET: login.secret}
    values = ("", _HELPER)  # empty: forget the helpers before it
    for number, value in enumerate(values, first):
        added[f"GIT_CONFIG_KEY_{number}"] = name
        added[f"GIT_CONFIG_VALUE_{number}"] = value
    surrounding = variables.get("GIT_CONFIG_PARAMETERS")
    if surrounding:  # of `git -c …` around us, which git reads after the numbered ones
        last = [f"{name}={value}".replace("'", r"'\''") for value in values]
        added["GIT_CONFIG_PARAMETERS"] = " ".join([surrounding, *(f"'{word}'" for word in last)])
    return added


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _is_line(text: str) -> bool:
    return len(text) <= _LONGEST and not any(ord(c) < 32 or ord(c) == 127 for c in text)

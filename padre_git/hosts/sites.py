"""Sites: which software a host runs, found by asking, and where its API is."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from padre_git.errors import RemoteError
from padre_git.hosts.wire import Response
from padre_git.vcs.credentials import origin_of

__all__ = ["Site", "Software", "find_site"]

#: The one host whose API is at another one, as its documentation says.
_GITHUB = ("https://github.com", "https://api.github.com")
_DEEPEST = 3


class Software(StrEnum):
    """What runs at a host."""

    GITHUB = "github"
    GITLAB = "gitlab"
    #: Gitea and what grew out of it.
    GITEA = "gitea"
    #: A web server in front of git's own program, or anything that we do not know.
    PLAIN = "plain"


@dataclass(frozen=True, kw_only=True)
class Site:
    """Is what a host says of itself.

    Attributes:
        url: where the host begins: scheme, host, port, and the path below which it lives.
        software: what runs there.
        api: where its API begins; None if there is none that we know.
        version: as the host tells it; None if it does not.
    """

    url: str
    software: Software
    api: str | None = None
    version: str | None = None


def find_site(base: str, ask: Callable[[str], Response]) -> Site:
    """Returns what a host is.

    Args:
        base: an address at the host.
        ask: returns the answer to a GET of a URL, whatever its status is; tells nobody who we are.

    Raises:
        RemoteUnavailableError, RemoteError: if the host does not answer.
    """
    origin = str(origin_of(base))
    if origin == _GITHUB[0]:
        return Site(url=origin, software=Software.GITHUB, api=_GITHUB[1])
    for root in _roots(origin, urlsplit(base).path):
        for api, software, field in _APIS:
            page, _, _ = api.rpartition("/")
            found = _recognized(ask(f"{root}{api}"), field)
            if found is not None:
                version = found or None
                return Site(url=root, software=software, api=f"{root}{page}", version=version)
    return Site(url=origin, software=Software.PLAIN)


#: A page of each API, and the field in which it tells the version.
_APIS = (
    ("/api/v1/version", Software.GITEA, "version"),
    ("/api/v4/version", Software.GITLAB, "version"),
    ("/api/v3/meta", Software.GITHUB, "installed_version"),
)


def _roots(origin: str, path: str) -> list[str]:
    """Returns where a host may begin: at its root, or below a path that somebody gave it."""
    pieces = [piece for piece in posixpath.normpath(path).split("/") if piece not in {"", "."}]
    tops = ["/".join(pieces[:count]) for count in range(min(len(pieces), _DEEPEST))]
    return [f"{origin}/{top}".rstrip("/") for top in tops or [""]]


def _recognized(response: Response, field: str) -> str | None:
    """Returns the version, empty if it is told to members only; None if it is other software."""
    if "json" not in response.headers.get("content-type", ""):
        return None
    try:
        value: Any = response.json()
    except RemoteError:
        return None
    if not isinstance(value, dict):
        return None
    if response.status == 200 and isinstance(value.get(field), str):
        return str(value[field])[:60]
    # a host that shows its pages to members only says so in a message of its API's form
    return "" if response.status in {401, 403} and "message" in value else None

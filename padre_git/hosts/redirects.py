"""Redirects: followed by rules that never carry anything of ours to another place."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from padre_git.errors import RemoteError
from padre_git.hosts.wire import Request, Response
from padre_git.vcs.credentials import origin_of
from padre_git.vcs.remotes import without_user

__all__ = ["MOST", "redirected"]

#: So many times a request is sent on.
MOST = 5
_STATUSES = frozenset([301, 302, 303, 307, 308])
_READS = frozenset(["GET", "HEAD"])
#: What a stranger may learn.
_HARMLESS = frozenset(["accept", "accept-encoding", "user-agent"])


def redirected(request: Request, response: Response) -> Request | None:
    """Returns the request that an answer sends us on with; None if it sends us nowhere.

    Raises:
        RemoteError: if it would carry something where it must not go.
    """
    place = response.headers.get("location")
    if response.status not in _STATUSES or not place:
        return None
    url = _joined(request.url, place)
    here, there = origin_of(request.url), origin_of(url)
    if there is None or not url.isprintable() or " " in url:
        raise _refusal(request, "something that is no HTTP address")
    shown = without_user(url).partition("?")[0][:200]
    if str(here).startswith("https:") and there.startswith("http:"):
        raise _refusal(request, f"'{shown}', which is not encrypted")
    if request.method in _READS or (response.status == 303 and here == there):
        onward = replace(request, url=url)
        if request.method not in _READS:
            onward = replace(onward, method="GET", body=None)
        return onward if here == there else _as_a_stranger(onward)
    if response.status in {307, 308} and here == there:
        return replace(request, url=url)
    raise _refusal(request, f"'{shown}', where a {request.method} is not sent again")


def _joined(url: str, place: str) -> str:
    try:
        return urljoin(url, place).partition("#")[0]
    except ValueError:
        return ""


def _as_a_stranger(request: Request) -> Request:
    parts = urlsplit(request.url)
    clean = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    kept = {name: v for name, v in request.headers.items() if name.lower() in _HARMLESS}
    return replace(request, url=clean, headers=kept)


def _refusal(request: Request, where: str) -> RemoteError:
    return RemoteError(
        f"'{urlsplit(request.url).netloc}' sends us to {where}",
        hint="if the host has moved, give its new address",
    )

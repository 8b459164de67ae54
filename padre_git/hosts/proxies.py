"""Proxies: through which one a URL is asked for, as the environment says."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from padre_git.errors import InvalidInputError
from padre_git.vcs.credentials import Secret

__all__ = ["Proxy", "proxy_for"]


@dataclass(frozen=True)
class Proxy:
    """Is a proxy.

    Attributes:
        url: without user and password.
        headers: what it is told of who we are.
    """

    url: str
    headers: dict[str, str] = field(repr=False)


def proxy_for(url: str) -> Proxy | None:
    """Returns the proxy for a URL, as ``https_proxy`` and its siblings name it; None for none.

    Raises:
        InvalidInputError: if it is not the URL of an HTTP proxy.
    """
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    found = getproxies()
    text = found.get(parts.scheme) or found.get("all")
    if not text or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = urlsplit(text if "://" in text else f"http://{text}")
    if proxy.scheme not in {"http", "https"} or not proxy.hostname:
        raise InvalidInputError(
            "the proxy of the environment is none for HTTP", hint="set https_proxy to an http URL"
        )
    place = f"{proxy.scheme}://{proxy.netloc.rpartition('@')[2]}"
    return Proxy(place, _headers(proxy.username, proxy.password))


def _headers(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    from urllib3 import make_headers

    told = make_headers(proxy_basic_auth=f"{unquote(user)}:{unquote(password or '')}")
    return {name: Secret(value) for name, value in told.items()}

"""Verbs: the generic calls of a client, checked and told who we are."""

from __future__ import annotations

import json as jsons
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from padre_git.errors import InvalidInputError
from padre_git.hosts.troubles import check
from padre_git.hosts.wire import Request, Response
from padre_git.vcs.credentials import Secret

__all__ = ["HEADERS", "Verbs"]

HEADERS = {"Accept": "application/json", "User-Agent": "padre-git"}
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OURS = frozenset(["authorization", "cookie", "host", "content-length", "transfer-encoding"])


class Verbs(ABC):
    """Gives a client its calls.

    Attributes:
        url: the address that relative paths begin at.
    """

    url: str

    @abstractmethod
    def _call(self, request: Request) -> Response:
        """Returns the answer to a request, whatever its status is."""

    @abstractmethod
    def _told(self, url: str) -> Mapping[str, str]:
        """Returns the headers that say who we are; none for an address of somebody else."""

    @abstractmethod
    def _secrets(self) -> list[Secret]:
        """Returns what must not be repeated."""

    def get(
        self,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Asks for something.

        Args:
            path: below :attr:`url`; one that begins with ``/`` is below the host.
            query: what is asked about it, by name.
            headers: further ones; they go to this host only.

        Raises:
            AuthenticationError, NotFoundError, AlreadyExistsError, InvalidInputError,
            RemoteUnavailableError, RemoteError: as docs/http.rst has it in a table.
        """
        return self._request("GET", path, query, headers, None)

    def delete(self, path: str, *, headers: Mapping[str, str] | None = None) -> Response:
        """Deletes something; see :meth:`get`."""
        return self._request("DELETE", path, None, headers, None)

    def post(
        self,
        path: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Sends something new.

        Args:
            path: see :meth:`get`.
            json: a value to send as JSON.
            data: bytes to send as they are, instead.
            headers: see :meth:`get`.

        Raises:
            AuthenticationError, NotFoundError, AlreadyExistsError, InvalidInputError,
            RemoteUnavailableError, RemoteError: see :meth:`get`.
        """
        return self._request("POST", path, None, *_content(headers, json, data))

    def put(
        self,
        path: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Sends what shall be there; see :meth:`post`."""
        return self._request("PUT", path, None, *_content(headers, json, data))

    def patch(
        self,
        path: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Sends what shall change; see :meth:`post`."""
        return self._request("PATCH", path, None, *_content(headers, json, data))

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        body: bytes | None,
    ) -> Response:
        url = self._address(path, query)
        sent = {**HEADERS, **_checked(headers or {}), **self._told(url)}
        request = Request(method=method, url=url, headers=sent, body=body)
        return check(self._call(request), secrets=self._secrets())

    def _address(self, path: str, query: Mapping[str, Any] | None) -> str:
        """Returns the full address of a path.

        Raises:
            InvalidInputError: if it is no path, or an address of another host.
        """
        if not path.isprintable() or any(c in path for c in ' \\"<>') or "@" in path.split("?")[0]:
            raise InvalidInputError("a path has no blanks, backslashes, quotes or '@' in it")
        clean = quote(path, safe="/:?#[]!$&'()*+,;=%-._~").partition("#")[0]
        try:
            url = urljoin(f"{self.url}/", clean)
        except ValueError:
            raise InvalidInputError(f"'{path[:60]}' is no address") from None
        if query:
            words = urlencode({name: v for name, v in query.items() if v is not None}, doseq=True)
            url = f"{url}{'&' if '?' in url else '?'}{words}"
        if not self._is_ours(url):
            raise InvalidInputError(
                f"'{urlsplit(url).netloc}' is not the host of this client",
                hint="make a client for it",
            )
        return url

    @abstractmethod
    def _is_ours(self, url: str) -> bool:
        """Returns whether an address belongs to the host of this client."""


def _content(
    headers: Mapping[str, str] | None, json: Any, data: bytes | None
) -> tuple[dict[str, str], bytes | None]:
    """Returns headers and bytes of a body."""
    if json is None:
        return dict(headers or {}), data
    if data is not None:
        raise InvalidInputError("a body is 'json' or 'data', not both")
    try:
        text = jsons.dumps(json, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"not to be sent as JSON: {error}") from None
    return {"Content-Type": "application/json", **(headers or {})}, text.encode()


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    """Returns further headers, whose values do not show in tracebacks.

    Raises:
        InvalidInputError: if one is not to be sent, or not by the caller.
    """
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or name.lower() in _OURS:
            raise InvalidInputError(f"no header to be set: {name[:40]!r}")
        if not value.isascii() or not value.isprintable():
            raise InvalidInputError(f"the header '{name}' is not one line of ASCII")
    return {name: Secret(value) for name, value in headers.items()}

"""Accounts: proving to a host who we are, in the way its software understands."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from padre_git.errors import RemoteError
from padre_git.hosts.sites import Site, Software
from padre_git.hosts.troubles import check
from padre_git.hosts.wire import Request, Response
from padre_git.vcs.credentials import Login, Secret, origin_of

__all__ = ["Account", "Door", "account_of", "basic", "recognize", "sign_in", "sign_out"]

_USER = "user"
_SCOPES = ("write:repository", "write:organization", "write:user")


def basic(login: Login) -> Secret:
    """Returns user and secret as every git server takes them in a header."""
    text = f"{login.user}:{login.secret}".encode()
    return Secret(f"Basic {base64.b64encode(text).decode()}")


def bearer(login: Login) -> Secret:
    """Returns a token as most APIs take it in a header."""
    return Secret(f"Bearer {login.secret}")


@dataclass(frozen=True, kw_only=True)
class Door:
    """Is where credentials are proved.

    Attributes:
        site: what the host is.
        repository: an address that a repository has, or could have.
        ask: returns the answer to a request after redirects, whatever its status is.
    """

    site: Site
    repository: str
    ask: Callable[[Request], Response]

    def api(self, path: str) -> str:
        """Returns the address of a page of the host's API."""
        return f"{self.site.api}/{path}"


@dataclass(frozen=True, kw_only=True)
class Account:
    """Is who we are at a host.

    Attributes:
        login: what it takes.
        scheme: how its API, or a plain server, wants to be told.
        name: what the host calls us; None if it does not say.
        made: the token that a password was exchanged for, as the host lists it; None if none was.
        password: what ``made`` is deleted with.
        process: the process that found out; a fork has only a copy.
    """

    login: Login
    scheme: Callable[[Login], Secret] = field(repr=False)
    name: str | None = None
    made: str | None = None
    password: Login | None = None
    process: int = field(default_factory=os.getpid, compare=False)

    @property
    def header(self) -> Secret:
        """What calls of the API are sent with."""
        return self.scheme(self.login)


def account_of(site: Site, login: Login) -> Account:
    """Returns the account that a login is for, before the host was asked."""
    takes_tokens = site.software in {Software.GITHUB, Software.GITLAB}
    return Account(login=login, scheme=bearer if takes_tokens else basic)


def recognize(door: Door, login: Login) -> Account:
    """Returns who we are, having asked the host.

    Raises:
        AuthenticationError: if the host does not take the login.
        RemoteUnavailableError, RemoteError: if it cannot be asked.
    """
    account = account_of(door.site, login)
    if door.site.api is None:
        return _let_in(door, account)
    headers = {"Accept": "application/json", "Authorization": account.header}
    url = door.api(_USER)
    response = _at_home(door.ask(Request(method="GET", url=url, headers=headers)), url, login)
    if response.status == 403 and "retry-after" not in response.headers:
        return account  # it knows the token, and does not tell it whose it is
    value = check(response, secrets=[login.secret]).json()
    fields = value if isinstance(value, dict) else {}
    name = fields.get("username") or fields.get("login")
    if not isinstance(name, str) or not name:
        raise RemoteError(f"'{login.origin}' does not say who we are")
    return replace(account, name=name)


def sign_in(door: Door, login: Login) -> Account:
    """Returns who we are, with a token in the place of a password where the host makes one.

    Raises:
        AuthenticationError, RemoteUnavailableError, RemoteError: see :func:`recognize`.
    """
    account = recognize(door, login)
    if door.site.software is not Software.GITEA or account.name is None:
        return account
    name = f"padre-git {secrets.token_hex(6)}"
    response = _tokens(door, account, "POST", body={"name": name, "scopes": list(_SCOPES)})
    token = _token_in(response)
    if token is None:
        return account  # it was a token, or the host makes none: what was given works as it is
    made = Login(origin=login.origin, user=account.name, secret=token)
    return replace(account, login=made, made=name, password=login)


def sign_out(door: Door, account: Account) -> None:
    """Deletes the token that :func:`sign_in` has made in this process; silent if the host is."""
    if account.made is None or account.password is None or account.process != os.getpid():
        return
    as_before = replace(account, login=account.password)
    with suppress(RemoteError):
        _tokens(door, as_before, "DELETE", page=f"/{quote(account.made)}")


def _tokens(
    door: Door, account: Account, method: str, *, page: str = "", body: Any = None
) -> Response:
    headers: dict[str, str] = {"Accept": "application/json", "Authorization": account.header}
    if body is not None:
        headers["Content-Type"] = "application/json"
    url = door.api(f"users/{quote(str(account.name), safe='')}/tokens{page}")
    data = None if body is None else json.dumps(body).encode()
    return door.ask(Request(method=method, url=url, headers=headers, body=data))


def _token_in(response: Response) -> Secret | None:
    if response.status not in {200, 201}:
        return None
    with suppress(RemoteError):
        value = response.json()
        token = value.get("sha1") if isinstance(value, dict) else None
        if isinstance(token, str) and token:
            return Secret(token)
    return None


def _let_in(door: Door, account: Account) -> Account:
    """Asks a server without an API for what git asks before a push, or at least before a fetch."""
    response = _knock(door, account, "git-receive-pack")
    offered = response.headers.get("www-authenticate", "").lower()
    if response.status == 401 and "bearer" in offered and "basic" not in offered:
        account = replace(account, scheme=bearer)
        response = _knock(door, account, "git-receive-pack")
    if response.status == 403:
        response = _knock(door, account, "git-upload-pack")
    if response.status in {401, 403} or response.status >= 500 or response.status == 429:
        check(response, secrets=[account.login.secret])
    kind = response.headers.get("content-type", "")
    if response.status < 400 and not kind.startswith("application/x-git-"):
        raise _stranger(account.login)  # a page to log in on, for people
    return account


def _knock(door: Door, account: Account, service: str) -> Response:
    headers: Mapping[str, str] = {"Accept": "*/*", "Authorization": account.header}
    url = f"{door.repository}/info/refs?service={service}"
    return _at_home(door.ask(Request(method="GET", url=url, headers=headers)), url, account.login)


def _at_home(response: Response, url: str, login: Login) -> Response:
    """Returns an answer of the place that was asked; another one has not seen who we are."""
    if origin_of(response.url) != origin_of(url):
        raise _stranger(login)
    return response


def _stranger(login: Login) -> RemoteError:
    return RemoteError(
        f"'{login.origin}' does not answer as a git host and takes no credentials",
        hint="check the address of the remote; a proxy may want people to log in first",
    )

"""Repositories at a host: made for new projects, and listed with one of their files.

This is what a host's API adds to git; see :class:`padre_git.vcs.places.Catalogue`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from padre_git.errors import (
    AlreadyExistsError,
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    PadreGitError,
    RemoteError,
    RemoteMissingError,
    RemoteUnavailableError,
)
from padre_git.hosts.client import Client
from padre_git.hosts.forges import FORGES, Forge, Place
from padre_git.vcs.forking import ProcessLock
from padre_git.vcs.remotes import RemoteLocation

__all__ = ["Repositories"]

_PAGES = 100
_AT_ONCE = 8
_A_MINUTE = 60
_BY_HAND = "create an empty repository of this name on the host, without a README, and sync again"


class Repositories:
    """Is the place of a client's host where projects have their repositories.

    Args:
        client: of that host.
        clock: returns seconds that only grow.
    """

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._guard = ProcessLock()
        self._known: dict[tuple[Place, str], tuple[str, bytes | None]] = {}

    def create(self, location: RemoteLocation, project: str, branch: str) -> bool:
        """Makes a private, empty repository for a project; False if the host has no API for that.

        Args:
            location: where repositories are, at the client's host.
            project: its name.
            branch: the one that it will be on.

        Raises:
            RemoteMissingError: if the host refuses; with its words, and what to do.
            AuthenticationError: if nobody has credentials, or the host does not take them.
            RemoteUnavailableError: if the host does not answer.
        """
        forge, place = self._forge(), self._place(location, project, branch)
        if forge is None or place is None:
            return False
        try:
            self._make(forge, place)
        except (AlreadyExistsError, InvalidInputError, NotFoundError, AuthenticationError) as error:
            if isinstance(error, AuthenticationError) and not self._client.is_token_valid():
                raise
            if not self._is_there(forge, place):
                raise RemoteMissingError(
                    f"no repository for project '{project}', and none can be made: {error.message}",
                    key=project,
                    hint=f"a token needs the right to create repositories; or {_BY_HAND}",
                ) from None
        return True

    def projects(
        self, location: RemoteLocation, branch: str, document: str
    ) -> dict[str, bytes | None] | None:
        """Returns a file of every repository that has it, by project; None if none can be listed.

        A repository that has not changed is not asked again, where the host tells that; elsewhere
        it is not asked again within a minute.

        Args:
            location: where repositories are, at the client's host.
            branch: the one that projects are on.
            document: the file's path.

        Raises:
            AuthenticationError, RemoteUnavailableError, RemoteError: if the host does not tell.
        """
        forge, place = self._forge(), self._place(location, "padre-git", branch)
        if forge is None or place is None or location.only is not None:
            return None
        try:
            found = dict(self._listed(location, forge, place))
        except RemoteError:
            raise
        except PadreGitError as error:
            raise RemoteError(f"the host does not list repositories: {error.message}") from None

        def look(name: str) -> bytes | None:
            at = self._place(location, name, branch)
            return None if at is None else self._document(forge, at, found[name], document)

        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="padre-git-list") as threads:
            texts = threads.map(look, found)
            return {n: text for n, text in zip(found, texts, strict=True) if text is not None}

    # ---------------------------------------------------------------------------- in between

    def _forge(self) -> Forge | None:
        return FORGES.get(self._client.server.software)

    def _api(self, page: str) -> str:
        return f"{self._client.server.api}/{page}"

    def _place(self, location: RemoteLocation, project: str, branch: str) -> Place | None:
        """Returns where a project is; None if its address names no owner."""
        url = location.url(project) or ""
        path = url.removeprefix(self._client.server.url).strip("/").removesuffix(".git")
        owner, _, name = path.rpartition("/")
        return Place(owner=owner, name=name, branch=branch) if owner and name else None

    def _make(self, forge: Forge, place: Place) -> None:
        body = forge.body(place)
        if forge.namespace is not None:
            owner = self._client.get(self._api(forge.namespace.format(**place.fields()))).json()
            body["namespace_id"] = owner.get("id") if isinstance(owner, dict) else None
        is_ours = (self._client.account().name or "").lower() == place.owner.lower()
        page = (forge.own if is_ours else forge.group).format(**place.fields())
        self._client.post(self._api(page), json=body)

    def _is_there(self, forge: Forge, place: Place) -> bool:
        """Returns whether somebody else was quicker, or our request was answered twice."""
        with suppress(PadreGitError):
            self._client.get(self._api(forge.page_of.format(**place.fields())))
            return True
        return False

    def _listed(
        self, location: RemoteLocation, forge: Forge, place: Place
    ) -> Iterator[tuple[str, str]]:
        """Yields the project of each repository whose address is one of ours, and its change."""
        site = self._client.server
        end = ".git" if location.template.endswith(".git") else ""  # hosts do with and without
        for entry in self._entries(forge, place):
            name, changed = entry.get(forge.name), entry.get(forge.changed or "")
            if forge.changed is None:
                changed = self._clock() // _A_MINUTE
            if isinstance(name, str):
                key = location.key_of(f"{site.url}/{place.owner}/{name}{end}")
                if key is not None:
                    yield key.project, str(changed)

    def _entries(self, forge: Forge, place: Place) -> Iterator[dict[str, Any]]:
        for page in forge.lists:
            if page.startswith("user/") and not self._is_account(place):
                continue
            with suppress(NotFoundError):
                yield from self._paged(self._api(page.format(**place.fields())), forge)
                return

    def _is_account(self, place: Place) -> bool:
        if not self._client.has_token():
            return False
        return (self._client.account().name or "").lower() == place.owner.lower()

    def _paged(self, url: str, forge: Forge) -> Iterator[dict[str, Any]]:
        name, most = forge.most
        for number in range(1, _PAGES + 1):
            entries = self._client.get(url, query={name: most, "page": number}).json()
            if not isinstance(entries, list):
                raise RemoteError("the host's list of repositories is none")
            yield from (entry for entry in entries if isinstance(entry, dict))
            if not entries:
                return

    def _document(self, forge: Forge, place: Place, changed: str, path: str) -> bytes | None:
        known = self._known.get((place, path))
        if known is not None and known[0] == changed:
            return known[1]
        page = forge.raw.format(**place.fields(), path=quote(path, safe=""))
        text: bytes | None = None
        try:
            text = self._client.get(self._api(page), headers=forge.raw_headers).body
        except RemoteUnavailableError:
            raise
        except PadreGitError:
            pass  # no such file, an empty repository, or none that we may read: no project of ours
        with self._guard:
            self._known[place, path] = (changed, text)
        return text

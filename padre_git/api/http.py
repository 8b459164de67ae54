"""The names of PyPaDRe over HTTP: the client with authentication, and the backend that has one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from padre_git.api.faces import Datasets, Experiments
from padre_git.api.seeds import DualBackend
from padre_git.api.settings import credentials, offline
from padre_git.errors import InvalidInputError
from padre_git.hosts import Bounds, Client, Response, Site
from padre_git.vcs.credentials import Secret

__all__ = ["HttpBackend", "HttpClient"]


class HttpClient(Client):
    """Talks to one git host over HTTP, as the person whose environment this is.

    Nothing is asked until it is needed, and no secret is stored anywhere (docs/http.rst).

        with padre_git.HttpClient("https://git.example.org/lab") as client:
            client.authenticate("ada", getpass())
            print(client.server.version, client.get("/api/v1/user").json())

    Args:
        url: of the host's place for repositories, as a store's ``remote``: a base, a template with
            ``{project}``, or one repository ending in ``.git``.
        bounds: what one call may take; see :class:`padre_git.hosts.Bounds`.
        offline: returns why no host is to be asked; by default if ``PADRE_OFFLINE`` says so.

    Raises:
        InvalidInputError: if it is no HTTP address, or has a user, a password or a token in it.

    Attributes:
        location: where the host has repositories.
        url: the address that paths of calls begin at.
        origin: scheme, host and port.
    """

    def __init__(
        self,
        url: str,
        *,
        bounds: Bounds | None = None,
        offline: Callable[[], str | None] = offline,
    ) -> None:
        super().__init__(url, named=credentials, bounds=bounds, offline=offline)


class HttpBackend(DualBackend):
    """Stores experiments at a host over HTTP, with clones here as its cache.

    It is the dual layer with the policy "always" and a client of the host; what the host cannot be
    asked for, the clones answer.

        with padre_git.HttpBackend(remote="https://git.example.org/lab") as backend:
            backend.authenticate("ada", getpass())
            backend.experiments.put_experiment(experiment)

    Args:
        root: the directory of the clones; see :func:`padre_git.open`.
        remote: the host's place for repositories; by default the one that the root remembers.
        options: further ones of :func:`padre_git.open`, but ``policy``.

    Raises:
        InvalidInputError: if the remote is none of HTTP.

    Attributes:
        store: what does the work.
        client: who we are at the host, and calls to it.
        experiments: the verbs for experiments and what is below them.
        datasets: the verbs for datasets and their data.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        remote: str | None = None,
        **options: Any,
    ) -> None:
        if "policy" in options:
            raise InvalidInputError(
                "HttpBackend always asks the host", hint="DualBackend has other policies"
            )
        if remote is not None:
            HttpClient(remote)  # so that no root remembers another kind
        super().__init__(root, remote=remote, policy="always", **options)
        if self.store.client is None:
            self.store.close()
            raise InvalidInputError(
                "no remote of HTTP", hint="give remote='https://…', or use DualBackend"
            )
        self.client: Client = self.store.client
        self.experiments = Experiments(self.store)
        self.datasets = Datasets(self.store)

    @property
    def online(self) -> bool:
        """Whether the host answers now; see :attr:`HttpClient.online`."""
        return self.client.online

    @property
    def server(self) -> Site:
        """What the host says of itself; see :attr:`HttpClient.server`."""
        return self.client.server

    def authenticate(self, user: str | None = None, secret: str | None = None) -> None:
        """Proves to the host who we are; see :meth:`HttpClient.authenticate`."""
        self.client.authenticate(user, secret)

    def get_access_token(self) -> Secret:
        """Returns the token that calls are made with; see :meth:`HttpClient.get_access_token`."""
        return self.client.get_access_token()

    def has_token(self) -> bool:
        """Returns whether there is a token for the host; see :meth:`HttpClient.has_token`."""
        return self.client.has_token()

    def is_token_valid(self) -> bool:
        """Returns whether the host takes it; see :meth:`HttpClient.is_token_valid`."""
        return self.client.is_token_valid()

    def get(self, path: str, **options: Any) -> Response:
        """Asks the host for something; see :meth:`HttpClient.get`."""
        return self.client.get(path, **options)

    def post(self, path: str, **options: Any) -> Response:
        """Sends the host something new; see :meth:`HttpClient.post`."""
        return self.client.post(path, **options)

    def put(self, path: str, **options: Any) -> Response:
        """Sends the host what shall be there; see :meth:`HttpClient.put`."""
        return self.client.put(path, **options)

    def patch(self, path: str, **options: Any) -> Response:
        """Sends the host what shall change; see :meth:`HttpClient.patch`."""
        return self.client.patch(path, **options)

    def delete(self, path: str, **options: Any) -> Response:
        """Deletes something at the host; see :meth:`HttpClient.delete`."""
        return self.client.delete(path, **options)

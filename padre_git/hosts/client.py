"""The client of a git host that speaks HTTP: who it is, who we are there, and calls to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import NoReturn, Self, SupportsIndex

from padre_git.errors import (
    AuthenticationError,
    InvalidInputError,
    OfflineError,
    RemoteError,
    RemoteUnavailableError,
    UnsupportedError,
)
from padre_git.hosts.accounts import (
    Account,
    Door,
    account_of,
    basic,
    recognize,
    sign_in,
    sign_out,
)
from padre_git.hosts.calls import call
from padre_git.hosts.finding import ANYBODY, Finder, Named, no_name
from padre_git.hosts.sites import Site, find_site
from padre_git.hosts.verbs import HEADERS, Verbs
from padre_git.hosts.wire import Bounds, Request, Response, send
from padre_git.vcs.credentials import Login, Secret, origin_of
from padre_git.vcs.forking import ProcessLock
from padre_git.vcs.remotes import RemoteLocation

__all__ = ["Client"]

_PROBE = Bounds(connect=3.0, read=3.0, total=3.0, size=2**20)
_LOOK = Bounds(connect=5.0, read=10.0, total=15.0, size=2**20)


class Client(Verbs):
    """Talks to one git host over HTTP.

    Nothing is asked until it is needed, and no secret is stored anywhere.

    Args:
        url: of the host's place for repositories, as a store's ``remote``: a base, a template with
            ``{project}``, or one repository ending in ``.git``.
        named: returns what the environment names for an origin.
        bounds: what one call may take.
        offline: returns why no host is to be asked; None if one may be.

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
        named: Callable[[str], Named] = no_name,
        bounds: Bounds | None = None,
        offline: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.location = RemoteLocation.parse(url)
        head = self.location.template.partition("{project}")[0]
        self.url = head.rpartition("/")[0]
        origin = origin_of(self.url)
        if origin is None:
            raise InvalidInputError(
                f"'{self.location}' is not the address of an HTTP host",
                hint="for a directory or ssh use DualBackend or padre_git.open",
            )
        self.origin = origin
        self._bounds = bounds or Bounds()
        self._offline = offline
        repository = str(self.location.url(self.location.only or "padre-git"))
        self._repository = repository
        self._finder = Finder(origin, repository, named)
        self._lock = ProcessLock()
        self._site: Site | None = None
        self._given: Login | None = None
        self._account: Account | None = None
        self._is_lent = False

    # ------------------------------------------------------------------------ who it is

    @property
    def server(self) -> Site:
        """What the host says of itself: its software, its version and where its API is.

        Raises:
            RemoteUnavailableError: if it does not answer.
        """
        with self._lock:
            if self._site is None:
                self._site = find_site(self.url, lambda url: self._look(url, _LOOK))
            return self._site

    @property
    def online(self) -> bool:
        """Whether the host answers now; it is asked each time, and for three seconds at most."""
        try:
            return self._look(self.url, _PROBE).status < 500
        except RemoteError:
            return False

    # ----------------------------------------------------------------------- who we are

    def authenticate(self, user: str | None = None, secret: str | None = None) -> None:
        """Proves to the host who we are; calls and git tell it from then on, until ``close``.

        A host with accounts is asked for ours, Gitea and Forgejo exchange a password for a token,
        and any other server is asked for what git asks before a push.

        Args:
            user: the name; not needed with a token.
            secret: a password or token; by default what the environment, git's credential helpers
                or the keyring have for this host.

        Raises:
            AuthenticationError: if the host does not take it, or none is found.
            RemoteUnavailableError: if the host does not answer; what was given is kept and used
                when it does.
            InvalidInputError: if there is a user without a secret, or either is not one line.
        """
        if secret is None and user is not None:
            raise InvalidInputError(
                "a user alone proves nothing", hint="give a password or token, too, or neither"
            )
        given = None if secret is None else self._login(user or ANYBODY, secret)
        with self._lock:
            self._leave()
            self._finder.forget()
            self._given = given
            try:
                self._account = sign_in(self._door(), self._known())
            except RemoteUnavailableError:
                raise
            except RemoteError:
                self._given = None
                raise

    def get_access_token(self) -> Secret:
        """Returns the token, or the password of a host that has none, that calls are made with.

        It is a text that hides in reprs. A token that a password was exchanged for is yours from
        then on: ``close`` does not delete it at the host.

        Raises:
            AuthenticationError: if there is none.
            RemoteUnavailableError: if the host does not answer.
        """
        with self._lock:
            if self._account is None:
                self._account = sign_in(self._door(), self._known())
            self._is_lent = True
            return self._account.login.secret

    def has_token(self) -> bool:
        """Returns whether there is a token or password for this host, without asking the host."""
        with self._lock:
            return self._found() is not None

    def is_token_valid(self) -> bool:
        """Returns whether the host takes the token; it is asked now.

        Raises:
            RemoteUnavailableError: if the host does not answer, so that nobody knows.
        """
        with self._lock:
            login = self._found()
            if login is None:
                return False
            try:
                recognize(self._door(), login)
            except AuthenticationError:
                return False
            return True

    def login(self) -> Login | None:
        """Returns what git is handed for this host; None leaves it to git's own helpers."""
        with self._lock:
            if self._account is not None and self._given is not None:
                return self._account.login
            return self._given or self._finder.find_for_git()

    def close(self) -> None:
        """Forgets who we are; a token that was exchanged and never asked for is deleted there."""
        with self._lock:
            self._leave()
            self._finder.forget()

    def account(self) -> Account:
        """Returns who we are at the host, which is asked if that is not known yet.

        Raises:
            AuthenticationError: if nobody has credentials for it, or it does not take them.
            RemoteUnavailableError: if the host does not answer.
        """
        with self._lock:
            if self._account is None:
                self._account = recognize(self._door(), self._known())
            return self._account

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self.location}')"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise UnsupportedError(
            "a client is not pickled, for it may know a secret", hint="make one in each process"
        )

    # ------------------------------------------------------------------------- in between

    def _login(self, user: str, secret: str) -> Login:
        return Login(origin=self.origin, user=user, secret=Secret(secret))

    def _found(self) -> Login | None:
        if self._account is not None:
            return self._account.login
        return self._given or self._finder.find()

    def _known(self) -> Login:
        login = self._found()
        if login is None:
            raise AuthenticationError(
                f"no credentials for '{self.origin}'",
                hint="call authenticate, set PADRE_TOKEN, or give them to git's credential helper",
            )
        return login

    def _leave(self) -> None:
        account, self._account, self._given = self._account, None, None
        if account is not None and not self._is_lent:
            sign_out(self._door(_PROBE), account)
        self._is_lent = False

    def _door(self, bounds: Bounds | None = None) -> Door:
        return Door(
            site=self.server,
            repository=self._repository,
            ask=lambda request: self._call(request, bounds),
        )

    def _call(self, request: Request, bounds: Bounds | None = None) -> Response:
        self._reach()
        return call(request, bounds or self._bounds)

    def _reach(self) -> None:
        reason = self._offline()
        if reason is not None:
            raise OfflineError(reason)

    def _look(self, url: str, bounds: Bounds) -> Response:
        """Asks for a page as a stranger who follows nothing."""
        self._reach()
        return send(Request(method="GET", url=url, headers=HEADERS), bounds, bounds.total)

    def _told(self, url: str) -> Mapping[str, str]:
        with self._lock:
            login = self._found()
            if login is None:
                return {}
            account = self._account or account_of(self.server, login)
        api = self.server.api
        is_page = api is None or url == api or url.startswith(f"{api}/")
        return {"Authorization": account.header if is_page else basic(login)}

    def _secrets(self) -> list[Secret]:
        login = self._found()
        return [] if login is None else [login.secret]

    def _is_ours(self, url: str) -> bool:
        origin = origin_of(url)
        if origin == self.origin:
            return True
        # the API of one host is at another name; whether it is that host is known without asking
        site = self._site
        return site is not None and site.api is not None and origin == origin_of(site.api)

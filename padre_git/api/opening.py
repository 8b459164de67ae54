"""Opening: from a directory and a few words to a store over git repositories."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from padre_git.api.data import DataPlaces
from padre_git.api.settings import (
    Settings,
    check_root,
    data_login,
    find_root,
    offline,
    read_settings,
    remember,
)
from padre_git.api.store import Store
from padre_git.backends.base import Backend
from padre_git.backends.policy import Policy
from padre_git.bus import Bus
from padre_git.errors import InvalidInputError, PadreGitError
from padre_git.messages import Author, Notice
from padre_git.vcs.remotes import RemoteLocation
from padre_git.vcs.transport import DEFAULT_TERMS, Terms

if TYPE_CHECKING:
    from padre_git.hosts import Client

__all__ = ["Parts", "When", "connected", "open_store"]

_LONGEST = 1e9
_AUTHOR = re.compile(r"\s*([^<>\n]+?)\s*<([^<>\s]+)>\s*")


@dataclass(frozen=True, kw_only=True)
class When:
    """Is by whom commits are, and when they are published.

    Attributes:
        offline: why they are not to be, whatever the rest says; None if they may be.
    """

    author: Author | None
    offline: str | None
    policy: Policy
    max_age: float
    push_every: float

    @classmethod
    def asked(cls) -> When:
        """Returns what holds for a command that is about the remote itself."""
        return cls(author=None, offline=offline(), policy=Policy.AUTO, max_age=0.0, push_every=0.0)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Is what a store is made of."""

    backend: Backend
    data: DataPlaces
    bus: Bus
    client: Client | None


def _now() -> datetime:
    return datetime.now(UTC)


def open_store(
    root: str | os.PathLike[str] | None = None,
    *,
    remote: str | os.PathLike[str] | None = None,
    artifacts: str | os.PathLike[str] | None = None,
    branch: str | None = None,
    author: str | Author | None = None,
    policy: str = "auto",
    max_age: float = 60,
    push_every: float = 30,
    clock: Callable[[], datetime] = _now,
) -> Store:
    """Opens a store; a directory that holds one git repository for each project.

    Opening makes no repository: the first put of a project does, or getting it from the remote.
    ``artifacts`` and ``branch`` are remembered in ``<root>/padre-git.yaml``, and so is ``remote``
    when it has answered for the first time: one that is not there is not kept.

        with padre_git.open("~/research", remote="git@host:lab") as store:
            ...

    Args:
        root: where the clones are; by default ``PADRE_ROOT``, then ``root`` of the user's
            configuration, then ``~/padre``.
        remote: where clones meet: a directory or url that has ``<project>.git`` in it, a template
            with ``{project}``, or one project's repository if it ends in ``.git``.
        artifacts: the DVC remote for data; by default beside a directory or ssh remote.
        branch: that is read and written; ``main`` by default.
        author: ``Name <email>`` for commits; git's own identity by default.
        policy: when clones and remote meet: ``"auto"``, ``"always"`` or ``"manual"``; or
            ``"offline"``, as with ``PADRE_OFFLINE``: never, and push, pull and sync say so.
        max_age: seconds for which what the remote was seen to have is taken as true.
        push_every: seconds after which ended runs are published at the latest.
        clock: returns the time, with zone.

    Raises:
        InvalidInputError: for a root in somebody else's work tree, a remote that git must not be
            given, an unknown policy, or an author without email.
        DocumentError: if the settings cannot be read.
    """
    place = find_root(root)
    check_root(place)
    given = {"artifacts": _artifacts(artifacts), "branch": branch}
    when = When(
        author=_author(author),
        offline=_offline(policy),
        policy=_policy(policy),
        max_age=_seconds("max_age", max_age),
        push_every=_seconds("push_every", push_every),
    )
    known = remember(place, read_settings(place), given)
    settings = replace(known, remote=_remote(remote) or known.remote)
    return _opened(place, settings, when, is_new=settings.remote != known.remote, clock=clock)


def _opened(
    root: Path,
    settings: Settings,
    when: When,
    *,
    is_new: bool,
    clock: Callable[[], datetime] = _now,
) -> Store:
    """Returns the store of a root; see :func:`connected`.

    Args:
        root: where the clones are.
        settings: what it is to go by.
        when: by whom commits are, and when they are published.
        is_new: whether the remote is to be remembered when it has answered.
        clock: returns the time, with zone.
    """
    parts = connected(root, settings, when, is_new=is_new)
    return Store(
        parts.backend, root=root, bus=parts.bus, clock=clock, data=parts.data, client=parts.client
    )


def connected(root: Path, settings: Settings, when: When, *, is_new: bool) -> Parts:
    """Returns clones, remote and data of a root, connected with each other.

    Args:
        root: where the clones are.
        settings: what it is to go by.
        when: by whom commits are, and when they are published.
        is_new: whether the remote is to be remembered when it has answered.
    """
    bus = Bus()
    location = None if settings.remote is None else RemoteLocation.parse(settings.remote)
    data = DataPlaces(
        root, settings.artifacts, location, bus.publish, offline=when.offline, login=data_login
    )
    client = _client(settings, when)
    answered = partial(_remember_remote, root, settings.remote, bus) if is_new else None
    backend = _backend(root, settings, data, bus, when, client, answered)
    return Parts(backend=backend, data=data, bus=bus, client=client)


def _remember_remote(root: Path, remote: str | None, bus: Bus) -> None:
    try:
        remember(root, read_settings(root), {"remote": remote})
    except PadreGitError as error:
        bus.publish(Notice(text=f"the remote is not remembered: {error}"))


def _remote(location: str | os.PathLike[str] | None) -> str | None:
    """Returns a remote in the one form that is remembered, whatever directory this is."""
    if location is None:
        return None
    return str(RemoteLocation.parse(os.fspath(location)))


def _artifacts(location: str | os.PathLike[str] | None) -> str | None:
    """Returns a DVC remote: a URL as it is, a directory as an absolute path."""
    if location is None:
        return None
    text = os.fspath(location).strip()
    if not text:
        raise InvalidInputError("the artifact remote is a directory or a URL, not an empty text")
    if "://" in text:
        return text
    return os.path.abspath(Path(text).expanduser())  # noqa: PTH100 - links stay as they are


def _client(settings: Settings, when: When) -> Client | None:
    """Returns a client of the host that has the remote; None if that is not one of HTTP."""
    from padre_git.vcs.credentials import origin_of

    if settings.remote is None or origin_of(settings.remote) is None:
        return None
    from padre_git.api.http import HttpClient

    return HttpClient(settings.remote, offline=lambda: when.offline)


def _backend(
    root: Path,
    settings: Settings,
    data: DataPlaces,
    bus: Bus,
    when: When,
    client: Client | None,
    answered: Callable[[], None] | None,
) -> Backend:
    """Returns the clones, with the remote behind them if there is one."""
    from padre_git.backends.git import GitBackend

    clones = GitBackend(
        root, branch=settings.branch, author=when.author, notify=bus.publish, unites=data
    )
    if settings.remote is None:
        return clones
    from padre_git.backends.dual import DualLayer

    terms, catalogue = DEFAULT_TERMS, None
    if client is not None:
        from padre_git.hosts import Repositories

        terms, catalogue = Terms(login=client.login), Repositories(client)
    return DualLayer(
        clones,
        RemoteLocation.parse(settings.remote),
        policy=when.policy,
        max_age=when.max_age,
        push_every=when.push_every,
        data=data.publish,
        local_data=data,
        notify=bus.publish,
        terms=terms,
        catalogue=catalogue,
        offline=when.offline,
        answered=answered,
    )


def _policy(policy: str) -> Policy:
    try:
        return Policy(policy)
    except ValueError:
        raise InvalidInputError(
            f"no policy {policy!r}", hint="it is 'auto', 'always', 'manual' or 'offline'"
        ) from None


def _offline(policy: str) -> str | None:
    """Returns why no remote is to be talked to; None if they may be."""
    return "the policy is 'offline'" if policy == Policy.OFFLINE else offline()


def _seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST:
        raise InvalidInputError(f"'{name}' is a number of seconds, not {value!r}")
    return float(value)


def _author(author: str | Author | None) -> Author | None:
    if author is None or isinstance(author, Author):
        return author
    match = _AUTHOR.fullmatch(author)
    if match is None:
        raise InvalidInputError(f"not an author: '{author}'", hint="write 'Name <email>'")
    return Author(name=match[1], email=match[2])

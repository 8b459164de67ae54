"""A server of the tests, and a client that has a token for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from padre_git.hosts import Bounds, Client, Named
from padre_git.vcs.credentials import Secret
from tests.hosts.listening import Listener, listening

TOKEN = "tok-0123456789abcdef"


def named(origin: str) -> Named:
    return Named(user="ada", secret=Secret(TOKEN))


def named_user(user: str) -> Callable[[str], Named]:
    return lambda origin: Named(user=user)


@pytest.fixture
def host() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def elsewhere() -> Iterator[Listener]:
    """Is another server: the same address, another port."""
    with listening() as listener:
        listener.on("/page", 200, {"from": "elsewhere"})
        yield listener


@pytest.fixture
def client(host: Listener) -> Iterator[Client]:
    """Has a token, and patience with a crowded machine."""
    bounds = Bounds(connect=20, read=20, total=30, size=100_000)
    with Client(f"{host.url}/lab", named=named, bounds=bounds) as made:
        yield made
        host.answers.clear()


@pytest.fixture
def hasty(host: Listener) -> Iterator[Client]:
    """Has a token, and little patience."""
    bounds = Bounds(connect=2, read=0.5, total=1.5, size=100_000)
    with Client(f"{host.url}/lab", named=named, bounds=bounds) as made:
        yield made
        host.answers.clear()

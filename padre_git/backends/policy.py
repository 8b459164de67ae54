"""When a clone and its remote meet by themselves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import StrEnum

from padre_git.backends.asked import Asked

__all__ = ["Freshness", "Policy"]


class Policy(StrEnum):
    """When a clone and its remote meet without being asked."""

    #: Writes are published; reads ask the remote now and then.
    AUTO = "auto"
    #: Writes are published; every read asks the remote.
    ALWAYS = "always"
    #: Only push, pull and sync talk to the remote.
    MANUAL = "manual"
    #: Nothing talks to the remote, not even when it is asked to.
    OFFLINE = "offline"

    @property
    def meets(self) -> bool:
        """Whether clone and remote meet without being asked."""
        return self in (Policy.AUTO, Policy.ALWAYS)


class Freshness:
    """Knows when a project's remote was asked last, and whether the remote is out of reach.

    A remote that did not answer is left alone for ``max_age`` seconds, by all processes of a root,
    so that work offline does not wait for the same silence again and again.

    Args:
        policy: when clones and remotes meet.
        max_age: seconds for which an answer, or silence, is believed.
        asked: what other processes know; None for this one alone.
        clock: returns seconds that only go forwards.
    """

    def __init__(
        self,
        policy: Policy,
        max_age: float,
        *,
        asked: Asked | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.policy = policy
        self._max_age = max_age
        self._shared = asked
        self._clock = clock
        self._asked: dict[str, float] = {}
        self._silent_since: float | None = None
        self._told = False
        self._guard = threading.Lock()

    @property
    def silent(self) -> bool:
        """Whether the remote did not answer a short time ago."""
        own = self._silent_since
        if own is not None and self._clock() - own < self._max_age:
            return True
        return self._is_recent(None if self._shared is None else self._shared.silence())

    def due(self, project: str, *, missing: bool = False) -> bool:
        """Returns whether reading a project should ask the remote first.

        Args:
            project: its name.
            missing: whether something that was asked for is not in the clone.
        """
        if not self.policy.meets:
            return False
        if self.policy is Policy.AUTO and not missing and self._is_fresh(project):
            return False
        return not self.silent

    def publishes(self) -> bool:
        """Returns whether a write should be published now."""
        return self.policy.meets and not self.silent

    def answered(self, project: str) -> None:
        """Remembers that the remote has just told what it has of a project."""
        self._asked[project] = self._clock()
        self._silent_since, self._told = None, False
        if self._shared is not None:
            self._shared.answered(project)
            self._shared.heard()

    def failed(self, reason: str = "") -> bool:
        """Remembers that the remote is out of reach; returns whether that is news."""
        self._silent_since = self._clock()
        if self._shared is not None:
            self._shared.silent(reason)
        return self._is_news()

    def untold(self) -> str | None:
        """Returns why the remote is left alone, if another process found out; only once."""
        if self._shared is None or not self.silent or not self._is_news():
            return None
        return self._shared.reason()

    def _is_news(self) -> bool:
        with self._guard:
            news, self._told = not self._told, True
        return news

    def _is_fresh(self, project: str) -> bool:
        asked = self._asked.get(project)
        if asked is not None and self._clock() - asked < self._max_age:
            return True
        return self._is_recent(None if self._shared is None else self._shared.since(project))

    def _is_recent(self, age: float | None) -> bool:
        return age is not None and age < self._max_age

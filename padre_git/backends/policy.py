"""When a clone and its remote meet by themselves."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

__all__ = ["Freshness", "Policy"]


class Policy(StrEnum):
    """When a clone and its remote meet without being asked."""

    #: Writes are published; reads ask the remote now and then.
    AUTO = "auto"
    #: Writes are published; every read asks the remote.
    ALWAYS = "always"
    #: Only push, pull and sync talk to the remote.
    MANUAL = "manual"


class Freshness:
    """Knows when a project's remote was asked last, and whether the remote is out of reach.

    A remote that did not answer is left alone for ``max_age`` seconds, so that work offline does
    not wait for the same silence again and again.
    """

    def __init__(
        self, policy: Policy, max_age: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.policy = policy
        self._max_age = max_age
        self._clock = clock
        self._asked: dict[str, float] = {}
        self._silent_since: float | None = None
        self._told = False

    @property
    def silent(self) -> bool:
        """Whether the remote did not answer a short time ago."""
        return self._silent_since is not None and self._clock() - self._silent_since < self._max_age

    def due(self, project: str, *, missing: bool = False) -> bool:
        """Returns whether reading a project should ask the remote first.

        Args:
            project: its name.
            missing: whether something that was asked for is not in the clone.
        """
        if self.policy is Policy.MANUAL or self.silent:
            return False
        asked = self._asked.get(project)
        if self.policy is Policy.ALWAYS or missing or asked is None:
            return True
        return self._clock() - asked >= self._max_age

    def publishes(self) -> bool:
        """Returns whether a write should be published now."""
        return self.policy is not Policy.MANUAL and not self.silent

    def answered(self, project: str) -> None:
        """Remembers that the remote has just told what it has of a project."""
        self._asked[project] = self._clock()
        self._silent_since, self._told = None, False

    def failed(self) -> bool:
        """Remembers that the remote is out of reach; returns whether that is news."""
        self._silent_since = self._clock()
        news, self._told = not self._told, True
        return news

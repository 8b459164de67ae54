"""Commands about whole projects: what they exchange with their remotes, and what changed in them.

All are addressed to the service of projects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from padre_git.errors import Conflict
from padre_git.messages.commands import Command
from padre_git.messages.commit import Deletion
from padre_git.messages.damage import Damage, Maintained
from padre_git.messages.settling import Choice, Decision
from padre_git.model import Key

__all__ = [
    "CheckOut",
    "Compare",
    "Conflicts",
    "Decided",
    "Deletions",
    "Flush",
    "LeaveOut",
    "Maintain",
    "Pull",
    "Push",
    "RemoteOnly",
    "Repair",
    "Seek",
    "Settle",
    "Status",
    "Sync",
    "Verify",
]


@dataclass(frozen=True, kw_only=True)
class Push(Command[None]):
    """Publishes what the clone of a project has: data first, then commits."""

    project: str


@dataclass(frozen=True, kw_only=True)
class Pull(Command[None]):
    """Brings in what the remote has of a project."""

    project: str


@dataclass(frozen=True, kw_only=True)
class Sync(Command[None]):
    """Pulls, merges and pushes: both sides have everything afterwards."""

    project: str


@dataclass(frozen=True, kw_only=True)
class Status(Command[Any]):
    """Returns how the clone of a project and its remote stand to each other."""

    project: str


@dataclass(frozen=True, kw_only=True)
class Seek(Command[bool]):
    """Asks the remote for a project that is not here; returns whether it came.

    Attributes:
        project: its name.
        since: what the remote has said since then, by the monotonic clock, is not asked again.
    """

    project: str
    since: float


@dataclass(frozen=True, kw_only=True)
class RemoteOnly(Command[list[Any]]):
    """Returns the projects that only the remote has."""


@dataclass(frozen=True, kw_only=True)
class Conflicts(Command[tuple[Conflict, ...]]):
    """Returns what stands between the clone of a project and its remote."""

    project: str


@dataclass(frozen=True, kw_only=True)
class Decided(Command[tuple[Decision, ...]]):
    """Returns what was decided about conflicts and waits for the rest."""

    project: str


@dataclass(frozen=True, kw_only=True)
class Settle(Command[tuple[Conflict, ...]]):
    """Decides conflicts and returns those that are still open.

    Attributes:
        project: its name.
        decisions: about conflicts as they were shown.
        rest: the side that counts wherever else something is open; None to leave it open.
    """

    project: str
    decisions: tuple[Decision, ...] = ()
    rest: Choice | None = None


@dataclass(frozen=True, kw_only=True)
class Flush(Command[None]):
    """Publishes what waits in the background, now."""


@dataclass(frozen=True, kw_only=True)
class Compare(Command[Any]):
    """Returns which records of a project differ between two states.

    Attributes:
        project: its name.
        start: a state; None for "before anything".
        end: a state; None for now.
    """

    project: str
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, kw_only=True)
class Deletions(Command[list[Deletion]]):
    """Returns what was deleted and can be restored, in the order of keys.

    Attributes:
        parent: a record above; None for everything.
    """

    parent: Key | None = None


@dataclass(frozen=True, kw_only=True)
class Verify(Command[tuple[Damage, ...]]):
    """Returns what is wrong with git's and our files in the clone of a project."""

    project: str


@dataclass(frozen=True, kw_only=True)
class Repair(Command[tuple[Damage, ...]]):
    """Mends what is wrong with them, and returns what cannot be mended."""

    project: str


@dataclass(frozen=True, kw_only=True)
class Maintain(Command[Maintained]):
    """Tidies the clone of a project up, and returns what that did."""

    project: str


@dataclass(frozen=True, kw_only=True)
class CheckOut(Command[None]):
    """Brings a record with all below it into the work tree of its clone."""

    key: Key


@dataclass(frozen=True, kw_only=True)
class LeaveOut(Command[None]):
    """Leaves all runs of a project out of the work tree of its clone."""

    project: str

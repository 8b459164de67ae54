"""States: the words for how records and projects stand to the remote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from padre_git.model import Key, Kind

__all__ = ["ProjectStatus", "State"]


class State(StrEnum):
    """How one record, or a whole project, stands."""

    #: The remote has it as it is here.
    PUBLISHED = "published"
    #: The remote never had it.
    LOCAL_ONLY = "local only"
    #: Only this side has changed it.
    AHEAD = "ahead"
    #: Only the remote's side has changed it.
    BEHIND = "behind"
    #: Both sides have changed it.
    DIVERGED = "diverged"
    #: It is at the remote and not here.
    REMOTE_ONLY = "remote only"
    #: It is here, left out of the work tree.
    EVICTED = "evicted"
    #: It was deleted from the remote; this clone keeps a copy.
    KEPT = "kept"
    #: It waits for the user to finish something before it reaches the branch.
    PENDING = "pending"


@dataclass(frozen=True, kw_only=True)
class ProjectStatus:
    """Is how a project's clone and its remote stand.

    Attributes:
        project: its name.
        state: how the project stands as a whole.
        url: where it is published, or would be; None without a place at the remote.
        ahead: commits that the remote does not have.
        behind: commits that this clone does not have.
        pending: commits that wait for the user to finish something.
        problem: why the remote did not answer, so that this is what was known before, or what its
            history lost; None if all is well.
        records: the state of every record that is not simply published. Of a project that is at
            one side only, and of what was evicted or is kept, only the record itself is named.
    """

    project: str
    state: State
    url: str | None
    ahead: int = 0
    behind: int = 0
    pending: int = 0
    problem: str | None = None
    records: Mapping[Key, State] = field(default_factory=dict)

    def of(self, key: Key) -> State:
        """Returns how one record stands that exists on either side; the project as a whole."""
        if key.kind is Kind.PROJECT:
            return self.state
        if key in self.records:
            return self.records[key]
        for above in key.ancestors():
            if self.records.get(above) in (State.EVICTED, State.KEPT):
                return self.records[above]
        whole = self.state in (State.LOCAL_ONLY, State.REMOTE_ONLY)
        return self.state if whole else State.PUBLISHED

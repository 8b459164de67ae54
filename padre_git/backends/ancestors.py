"""What two commits began with: their common ancestor, or what several of them make together."""

from __future__ import annotations

from dataclasses import dataclass, field

from padre_git.backends.sides import Sides
from padre_git.format.fields import EVERYTHING
from padre_git.format.merging import Dispute, Doubts
from padre_git.vcs.plan import Edit
from padre_git.vcs.repository import Repository
from padre_git.vcs.snapshot import Snapshot
from padre_git.vcs.trial import Trial

__all__ = ["Ancestor", "common_ancestor"]


@dataclass(frozen=True, kw_only=True)
class Ancestor:
    """Is what two sides began with.

    Attributes:
        snapshot: its files; of what is in doubt they say nothing.
        doubts: where several ancestors contradict each other.
    """

    snapshot: Snapshot
    doubts: Doubts = field(default_factory=dict)


def common_ancestor(
    repository: Repository, trial: Trial, project: str, ours: str, theirs: str
) -> Ancestor | None:
    """Returns what two commits began with; None if they have nothing in common.

    Several best common ancestors are merged with each other, in the order of their ids so that
    both sides find the same.

    Args:
        repository: has the commits.
        trial: makes the snapshots.
        project: its name.
        ours: a commit.
        theirs: a commit.
    """
    return _Ancestors(repository, trial, project).of((ours,), theirs)


class _Ancestors:
    def __init__(self, repository: Repository, trial: Trial, project: str) -> None:
        self._repository = repository
        self._trial = trial
        self._project = project
        self._known: dict[tuple[tuple[str, ...], str], Ancestor | None] = {}

    def of(self, left: tuple[str, ...], right: str) -> Ancestor | None:
        """Returns what a commit and a merge of others began with."""
        if (left, right) not in self._known:
            bases = sorted(self._repository.merge_bases(right, *left))
            self._known[left, right] = self._merged(bases) if bases else None
        return self._known[left, right]

    def _merged(self, bases: list[str]) -> Ancestor:
        so_far = Ancestor(snapshot=self._trial.snapshot(bases[0]))
        for count, base in enumerate(bases[1:], start=1):
            earlier = self.of(tuple(bases[:count]), base)
            so_far = self._with(so_far, base, earlier)
        return so_far

    def _with(self, so_far: Ancestor, base: str, earlier: Ancestor | None) -> Ancestor:
        earlier = earlier or Ancestor(snapshot=self._trial.snapshot(None))
        outcome = Sides(
            trial=self._trial,
            project=self._project,
            base=earlier.snapshot,
            ours=so_far.snapshot,
            theirs=self._trial.snapshot(base),
            doubts=earlier.doubts,
        ).merged()
        doubts = dict(so_far.doubts)
        edits: dict[str, Edit] = dict(outcome.edits)
        for dispute in outcome.disputes:
            for path in dispute.paths:
                doubts[path] = doubts.get(path, frozenset()) | _doubt(dispute)
            if len(dispute.paths) > 1 and dispute.top is None:  # a file and a directory
                edits.update(dict.fromkeys(dispute.paths))
        return Ancestor(snapshot=self._trial.edited(so_far.snapshot, edits), doubts=doubts)


def _doubt(dispute: Dispute) -> frozenset[str]:
    return EVERYTHING if dispute.field is None else frozenset([dispute.field])

"""Reconciling two histories of a project: three-way, by path and then by field, never by clock.

What both began with is found by ancestry (:mod:`.ancestors`), what comes of it is made by
:mod:`.sides`, and what only a person can decide is asked of :mod:`.decisions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from padre_git.backends.ancestors import Ancestor, common_ancestor
from padre_git.backends.deciding import Deciding
from padre_git.backends.sides import Sides
from padre_git.backends.uniting import Unite, nothing_united
from padre_git.errors import Conflict, ConflictError
from padre_git.format import commit_text, locate
from padre_git.format.fields import Decide, nobody_decides
from padre_git.messages import Message
from padre_git.messages.settling import Decision
from padre_git.model import Key
from padre_git.vcs.plan import NewCommit
from padre_git.vcs.repository import Repository
from padre_git.vcs.trial import Trial

__all__ = ["ContradictionError", "Merge", "plan_merge"]


class ContradictionError(ConflictError):
    """Says that two histories cannot be merged by themselves; it is the same until one moves."""


@dataclass(frozen=True, kw_only=True)
class Merge:
    """Is a merge that can be made.

    Attributes:
        commit: to be made on top of our side.
        decisions: what a person had to decide for it.
    """

    commit: NewCommit
    decisions: tuple[Decision, ...]


def plan_merge(
    repository: Repository,
    project: str,
    ours: str,
    theirs: str,
    *,
    message: Message,
    decide: Decide = nobody_decides,
    unite: Unite = nothing_united,
    base: str | None = None,
    where: str = "here and at the remote",
) -> Merge:
    """Returns the merge of two commits.

    Args:
        repository: the clone that has both.
        project: its name.
        ours: the first parent.
        theirs: the second parent.
        message: what the log shall say, and by whom.
        decide: returns what was decided about a conflict.
        unite: see :data:`~padre_git.backends.uniting.Unite`.
        base: the commit to compare both with, if it is not what they have in common.
        where: where the two are, as an error says it.

    Raises:
        ContradictionError: if both changed the same thing, with every such place that was not
            decided, or if the two have no common beginning.
        InvalidInputError: if something was decided that cannot be.
    """
    trial = repository.trial()
    if base is not None:
        ancestor: Ancestor | None = Ancestor(snapshot=trial.snapshot(base))
    else:
        ancestor = common_ancestor(repository, trial, project, ours, theirs)
    if ancestor is None:
        raise _unrelated(project, repository.path)
    merging = Deciding(_sides(trial, project, ancestor, ours, theirs), decide, unite)
    outcome = merging.outcome()
    if outcome.disputes:
        raise _contradiction(project, [d.conflict for d in outcome.disputes], where)
    text = commit_text(message, _keys(project, outcome.edits), body=_said(merging.used))
    commit = NewCommit(edits=outcome.edits, text=text, author=message.author, parents=(theirs,))
    return Merge(commit=commit, decisions=merging.used)


def _sides(trial: Trial, project: str, ancestor: Ancestor, ours: str, theirs: str) -> Sides:
    return Sides(
        trial=trial,
        project=project,
        base=ancestor.snapshot,
        ours=trial.snapshot(ours),
        theirs=trial.snapshot(theirs),
        doubts=ancestor.doubts,
    )


def _unrelated(project: str, path: Path) -> ContradictionError:
    return ContradictionError(
        f"two projects named '{project}' that have nothing in common: one here, one at the remote",
        key=project,
        hint=f"nothing is lost: rename the directory '{path}' to give this one another name,"
        " then get the other one",
    )


def _contradiction(project: str, conflicts: Sequence[Conflict], where: str) -> ContradictionError:
    unique = {(c.key, c.field): c for c in conflicts}
    places = sorted({conflict.key for conflict in conflicts})
    return ContradictionError(
        f"'{places[0]}' was changed {where}"
        + (f", and {len(places) - 1} more" if len(places) > 1 else ""),
        conflicts=tuple(
            unique[place] for place in sorted(unique, key=lambda p: (p[0], p[1] or ""))
        ),
        key=project,
        hint=f"nothing was merged; settle each place: padre-git resolve {project}",
    )


def _said(decisions: Sequence[Decision]) -> list[str]:
    """Returns what the log says of decisions, one line for each place."""
    lines = []
    for decision in decisions:
        about = decision.conflict
        place = about.key if about.field is None else f"{about.key} {about.field}"
        lines.append(f"{place}: {decision.choice.value}")
    return lines


def _keys(project: str, edits: Iterable[str]) -> list[Key]:
    found = (locate(path, project) for path in edits)
    return sorted({place[0] for place in found if place is not None})

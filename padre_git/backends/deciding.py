"""Merging with what a person has decided: a side's word for a path is that side's file on both.

So there is one merge and not two kinds: the other side is given the chosen files, and then both
have the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from padre_git.backends.decisions import spoken
from padre_git.backends.pointed import DATA, VERSION, PointedFiles
from padre_git.backends.sides import Outcome, Sides, file_at
from padre_git.backends.uniting import Unite
from padre_git.errors import Conflict, InvalidInputError
from padre_git.format import locate
from padre_git.format.fields import Decide
from padre_git.format.graves import is_sign
from padre_git.format.merging import Dispute
from padre_git.messages.settling import Choice, Decision
from padre_git.model import DOCUMENTS, Key, Kind
from padre_git.vcs.plan import Edit
from padre_git.vcs.snapshot import Snapshot

__all__ = ["Deciding"]

_ROUNDS = 20


class Deciding:
    """Merges two sides with decisions, and knows which of them counted.

    Args:
        sides: the two.
        decide: returns what was decided about a conflict.
        unite: see :data:`~padre_git.backends.uniting.Unite`.

    Attributes:
        used: the decisions that counted.
    """

    def __init__(self, sides: Sides, decide: Decide, unite: Unite) -> None:
        self._sides = sides
        self._decide = decide
        self._pointed = PointedFiles(unite, self._ask)
        self._made: dict[tuple[str, str | None], Decision] = {}

    @property
    def used(self) -> tuple[Decision, ...]:
        """The decisions that counted, in the order of their places."""
        return tuple(self._made[place] for place in sorted(self._made, key=_order))

    def outcome(self) -> Outcome:
        """Returns what comes of the merge; its disputes are those that nobody has decided.

        Raises:
            InvalidInputError: if the places of one deletion, or data and its version, were decided
                differently, or a value was given for what is no field.
            InvalidValueError: if a value that was decided has no place in its document.
        """
        sides, exchanged = self._sides, dict[str, Edit]()
        for _ in range(_ROUNDS):
            outcome = sides.merged(self._ask)
            ours, theirs = self._exchanges(sides, outcome.disputes)
            if not ours and not theirs:
                break
            sides = sides.with_edits(ours, theirs)
            exchanged.update(ours)
        self._check_data()
        left = [d for d in outcome.disputes if d.field is not None or not self._decide(d.conflict)]
        left = self._pointed.left(left)
        new = {path: edit for path, edit in exchanged.items() if isinstance(edit, bytes)}
        return Outcome(edits={**exchanged, **outcome.edits, **new}, disputes=tuple(left))

    def _check_data(self) -> None:
        """Makes sure that a dataset gets the version of the data that it gets."""
        for (key, name), decision in self._made.items():
            version = self._made.get((key, VERSION))
            if name == DATA and version is not None and version.choice is not decision.choice:
                raise InvalidInputError(
                    f"'{key}' would have the data of one side and the version of another",
                    key=key,
                    hint=f"decide '{DATA}' and '{VERSION}' alike",
                )

    def _ask(self, conflict: Conflict) -> Decision | None:
        version = self._pointed.version(conflict)
        if version is not None:  # it says what the data is, and that is decided
            return Decision(conflict, Choice.VALUE, version)
        decision = self._decide(conflict)
        if decision is not None:
            self._made[conflict.key, conflict.field] = decision
        return decision

    def _exchanges(
        self, sides: Sides, disputes: Sequence[Dispute]
    ) -> tuple[dict[str, Edit], dict[str, Edit]]:
        """Returns which files our side and theirs are given by decisions about whole files."""
        ours, theirs = dict[str, Edit](), dict[str, Edit]()
        for group in _groups(d for d in disputes if d.field is None):
            choice = self._choice(group)
            if choice is Choice.OURS:
                theirs |= _files(sides, group[0], chosen=sides.ours, other=sides.theirs)
            elif choice is Choice.THEIRS:
                ours |= _files(sides, group[0], chosen=sides.theirs, other=sides.ours)
            elif (united := self._pointed.united(sides, group[0])) is not None:
                ours |= dict.fromkeys(group[0].paths, united)
                theirs |= dict.fromkeys(group[0].paths, united)
        return ours, theirs

    def _choice(self, group: Sequence[Dispute]) -> Choice | None:
        """Returns what was decided about disputes that are one; None if one of them is open."""
        found = [self._decide(dispute.conflict) for dispute in group]
        decisions = [decision for decision in found if decision is not None]
        for decision in decisions:
            if decision.choice is Choice.VALUE:
                raise InvalidInputError(
                    f"{spoken(decision.conflict)} is no single value",
                    key=decision.conflict.key,
                    hint="choose a side: ours or theirs",
                )
        if len({decision.choice for decision in decisions}) > 1:
            raise InvalidInputError(
                f"{spoken(decisions[0].conflict)} and {spoken(decisions[-1].conflict)} were"
                " deleted together and are decided differently",
                key=group[0].top,
                hint=f"'{group[0].top}' comes back as a whole or not at all: decide them alike",
            )
        if len(decisions) < len(group):
            return None
        for decision in decisions:
            self._made[decision.conflict.key, decision.conflict.field] = decision
        return decisions[0].choice


def _order(place: tuple[str, str | None]) -> tuple[str, str]:
    return place[0], place[1] or ""


def _groups(disputes: Iterable[Dispute]) -> Iterator[list[Dispute]]:
    """Yields the disputes that are about one deletion together, and every other by itself."""
    tops: dict[Key, list[Dispute]] = {}
    for dispute in disputes:
        if dispute.top is None:
            yield [dispute]
        else:
            tops.setdefault(dispute.top, []).append(dispute)
    yield from tops.values()


def _files(
    sides: Sides, dispute: Dispute, *, chosen: Snapshot, other: Snapshot
) -> Mapping[str, Edit]:
    """Returns what the other side is given so that it has what the chosen one has."""
    paths = set(dispute.paths)
    if dispute.top is not None:
        paths.update(_belonging(sides, dispute, dispute.top, chosen))
    found = {path: file_at(chosen, path) for path in sorted(paths)}
    return {path: entry for path, entry in found.items() if entry != file_at(other, path)}


def _belonging(sides: Sides, dispute: Dispute, top: Key, chosen: Snapshot) -> Iterator[str]:
    """Yields the paths that come and go with a record.

    Those are its own on every side, its seals and marks, and the files of the user's that the
    chosen side has in its directory.
    """
    main = (top, DOCUMENTS[top.kind])
    document = next(path for path in dispute.paths if locate(path, sides.project) == main)
    if top.kind is Kind.ENVIRONMENT:
        return
    directory = document.rpartition("/")[0]
    for side in (sides.base, sides.ours, sides.theirs):
        for path, _ in side.walk(directory):
            place = locate(path, sides.project)
            users = place is None and not is_sign(path)
            if not users or (side is chosen and top.kind is not Kind.PROJECT):
                yield path

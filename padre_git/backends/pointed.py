"""The files behind pointers in a merge: put together by name, each contradiction for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from padre_git.backends.sides import Sides
from padre_git.backends.uniting import Pointers, Unite, United
from padre_git.errors import Conflict, InvalidInputError
from padre_git.format.merging import Dispute
from padre_git.messages.settling import Choice, Decision

__all__ = ["DATA", "VERSION", "PointedFiles"]

#: The pointer of a dataset, and the field of its document that follows it.
DATA, VERSION = "data.dvc", "version"
#: What the files of a record are called in a conflict, by the pointer to them.
_PLACES = {"artifacts.dvc": "artifacts", DATA: "data"}


class PointedFiles:
    """Merges pointers, and knows which files are in dispute.

    Args:
        unite: returns what comes of three versions of a pointer.
        ask: returns what was decided about a conflict.
    """

    def __init__(self, unite: Unite, ask: Callable[[Conflict], Decision | None]) -> None:
        self._unite = unite
        self._ask = ask
        self._open: dict[tuple[str, str | None], list[Dispute]] = {}
        self._versions: dict[str, str] = {}

    def united(self, sides: Sides, dispute: Dispute) -> bytes | None:
        """Returns one pointer for the files of both sides; None while that cannot be.

        Args:
            sides: the two.
            dispute: about any file.

        Raises:
            InvalidInputError: if somebody decided on a value for a file.
        """
        about = dispute.conflict
        pointers = self._pointers(sides, dispute)
        found = None if pointers is None else self._unite(pointers)
        if pointers is None or found is None:
            return None
        choices, left = self._choices(dispute, found)
        self._open[about.key, about.field] = left
        if choices and not left:
            found = self._unite(pointers._replace(choices=choices))
        if left or found is None or found.content is None:
            return None
        if about.field == DATA:
            self._versions[about.key] = f"md5:{found.version}"
        return found.content

    def version(self, conflict: Conflict) -> str | None:
        """Returns the version of a dataset whose data was put together, if it is about that."""
        return self._versions.get(conflict.key) if conflict.field == VERSION else None

    def left(self, disputes: Iterable[Dispute]) -> list[Dispute]:
        """Returns disputes with those about files in place of those about their pointer.

        The version of data that is in dispute is none of its own: it follows.
        """
        found: list[Dispute] = []
        for dispute in disputes:
            about = dispute.conflict
            if about.field == VERSION and self._open.get((about.key, DATA)):
                continue
            found += self._open.get((about.key, about.field)) or [dispute]
        return found

    def _pointers(self, sides: Sides, dispute: Dispute) -> Pointers | None:
        """Returns the three versions of a pointer that both sides have; None for anything else."""
        if dispute.conflict.field not in _PLACES:
            return None
        (path,) = dispute.paths
        base, ours, theirs = (
            side.blobs([path]).get(path) for side in (sides.base, sides.ours, sides.theirs)
        )
        if not ours or not theirs or path in sides.doubts:
            return None
        return Pointers(base or None, ours, theirs)

    def _choices(
        self, dispute: Dispute, found: United
    ) -> tuple[tuple[tuple[str, Choice], ...], list[Dispute]]:
        """Returns what was decided about files, and disputes about the others."""
        about = dispute.conflict
        choices: list[tuple[str, Choice]] = []
        left: list[Dispute] = []
        for name, versions in found.disputed.items():
            place = f"{_PLACES[about.field or '']}/{name}"
            base, ours, theirs = versions
            conflict = Conflict(key=about.key, field=place, base=base, ours=ours, theirs=theirs)
            decision = self._ask(conflict)
            if decision is None:
                left.append(Dispute(conflict=conflict, paths=dispute.paths))
            elif decision.choice is Choice.VALUE:
                raise InvalidInputError(
                    f"'{about.key}' {place} is a file, no value",
                    key=about.key,
                    hint="choose a side: ours or theirs",
                )
            else:
                choices.append((name, decision.choice))
        return tuple(choices), left

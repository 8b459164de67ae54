"""What three clones may say, by what was written and by who knew what when writing it.

A write is a commit, and a clone knows the commits of its history. Of a field counts what was
written last: by somebody who knew all the others. Where two wrote without knowing of each other,
either may count. The same goes for deleting something while somebody else writes in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

__all__ = ["Facts", "Known", "Write"]

#: The commits of a history.
Known = Set[str]


@dataclass(frozen=True, kw_only=True)
class Write:
    """Is one commit and what it says of one thing.

    Attributes:
        commit: its id.
        thing: what is written: an experiment by its first name, a run by its id, a file.
        values: by field; ``exists`` for the thing itself.
        knew: the commits that were known.
        below: the experiment of a run.
    """

    commit: str
    thing: str
    values: Mapping[str, Any]
    knew: Known
    below: str | None = None

    @property
    def deletes(self) -> bool:
        """Whether it is a deletion."""
        return self.values.get("exists") is False


class Facts:
    """Is all that was written."""

    def __init__(self) -> None:
        self.writes: list[Write] = []

    def things(self) -> list[str]:
        """Returns everything that was ever made."""
        return list(dict.fromkeys(write.thing for write in self.writes))

    def below(self, thing: str) -> str | None:
        """Returns the experiment of a run."""
        return next(w.below for w in self.writes if w.thing == thing)

    def made_in(self, experiment: str, known: Known) -> list[str]:
        """Returns the runs of an experiment that somebody who knows this much may see."""
        runs = (w.thing for w in self.writes if w.below == experiment and w.commit in known)
        return list(dict.fromkeys(runs))

    def existence(self, thing: str, known: Known) -> set[bool]:
        """Returns whether a thing is there; both if that was for people to decide."""
        own = [w for w in self.writes if w.thing == thing and w.commit in known]
        made = [w for w in own if w.values.get("exists")]
        if not made:
            return {False}
        gone = [w for w in self._deletions(thing, known)
                if not any(w.commit in m.knew for m in made)]  # fmt: skip
        if any(self._is_contested(w, known) for w in gone):
            return {True, False}
        return {not gone}

    def is_deleted(self, thing: str, known: Known) -> bool:
        """Tells whether a thing was made and deleted, and nobody has any doubt about it."""
        return bool(self._deletions(thing, known)) and self.existence(thing, known) == {False}

    def values(self, thing: str, field: str, known: Known) -> set[Any] | None:
        """Returns what a field may be; None for anything, since people have decided."""
        if any(self._is_contested(w, known) for w in self._deletions(thing, known)):
            return None
        given = [w for w in self.writes
                 if w.thing == thing and field in w.values and w.commit in known]  # fmt: skip
        return {w.values[field] for w in _last(given)}

    def fields(self, thing: str, known: Known) -> set[str]:
        """Returns the fields that were ever given to a thing."""
        own = (w.values for w in self.writes if w.thing == thing and w.commit in known)
        return {field for values in own for field in values if field != "exists"}

    def told(self, thing: str) -> str:
        """Returns what was written about a thing, for whoever looks for what went wrong."""
        places = {thing, self.below(thing)}
        own = [w for w in self.writes if w.thing in places]
        return "\n".join(
            f"{w.commit[:10]} {w.thing} {dict(w.values)}, which knew"
            f" {[other.commit[:10] for other in own if other.commit in w.knew]}"
            for w in own
        )

    def _deletions(self, thing: str, known: Known) -> list[Write]:
        places = {thing, self.below(thing)}
        return [w for w in self.writes if w.deletes and w.thing in places and w.commit in known]

    def _is_contested(self, deletion: Write, known: Known) -> bool:
        """Tells whether somebody wrote in a thing without knowing that it was being deleted."""
        return any(
            deletion.thing in (w.thing, w.below)
            and w.commit != deletion.commit
            and w.commit in known
            and w.commit not in deletion.knew
            and deletion.commit not in w.knew
            and not w.deletes
            for w in self.writes
        )


def _last(given: Iterable[Write]) -> list[Write]:
    given = list(given)
    return [w for w in given if not any(w.commit in other.knew for other in given)]

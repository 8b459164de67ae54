"""The oracle: plain dicts that say what a store has to hold after each change.

It is written from the contract of the waist and shares no code with the backends, so that an
error in theirs is not repeated here. Records go by the text of their keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from padre_git.errors import AlreadyExistsError, ConflictError, NotFoundError
from padre_git.model import ABSENT, Change, Key

__all__ = ["Oracle"]


@dataclass
class Oracle:
    """Knows what a store holds.

    Attributes:
        living: files of the records that exist.
        revisions: their revisions, as the store named them.
        gone: tombstones, with the text of the new key of records that moved.
    """

    living: dict[str, dict[str, bytes]] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)
    gone: dict[str, str | None] = field(default_factory=dict)

    def errors(self, changes: Sequence[Change]) -> set[type[Exception]]:
        """Returns which errors these changes may end in; empty if they must succeed."""
        given = {change.key.text: change.files is not None for change in changes}
        return {error for change in changes for error in self._errors(change, given)}

    def _errors(self, change: Change, given: Mapping[str, bool]) -> set[type[Exception]]:
        wrong: set[type[Exception]] = set()
        text = change.key.text
        held = self.revisions.get(text, ABSENT)
        if change.expected is not None and change.expected != held:
            wrong.add(ConflictError)
        if change.moved_from is not None and text in self.living:
            wrong.add(AlreadyExistsError)
        if change.files is None:
            missing = text not in self.living
        else:
            missing = not all(given.get(up, up in self.living) for up in _above(text))
        return wrong | {NotFoundError} if missing else wrong

    def can_hold(self, key: Key) -> bool:
        """Returns whether all that lies above a key exists."""
        return all(above in self.living for above in _above(key.text))

    def note(self, changes: Sequence[Change], revisions: Mapping[Key, str | None]) -> None:
        """Takes over changes that the store has made.

        Args:
            changes: all that were made at once.
            revisions: what the store said of them.
        """
        assert set(revisions) == {change.key for change in changes}
        for change in changes:
            if change.moved_from is not None:
                self._copy_below(change.moved_from.text, change.key.text)
        for change in changes:
            if change.files is None:
                self._drop(change.key.text)
                self.gone[change.key.text] = change.moved_to.text if change.moved_to else None
        for change in changes:
            self._keep(change, revisions[change.key])
        for text in [t for t in self.gone if any(above in self.gone for above in _above(t))]:
            del self.gone[text]

    def _keep(self, change: Change, revision: str | None) -> None:
        assert (revision is None) == (change.files is None)
        if change.files is not None and revision is not None:
            self.living[change.key.text] = dict(change.files)
            self.revisions[change.key.text] = revision
            self.gone.pop(change.key.text, None)

    def _tables(self) -> tuple[dict[str, Any], ...]:
        return self.living, self.revisions, self.gone

    def _drop(self, text: str) -> None:
        for table in self._tables():
            for below in [t for t in table if t == text or t.startswith(text + "/")]:
                del table[below]

    def _copy_below(self, old: str, new: str) -> None:
        for table in self._tables():
            for below in [t for t in table if t.startswith(old + "/")]:
                table[new + below.removeprefix(old)] = table[below]


def _above(text: str) -> list[str]:
    parts = text.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) - 1, 2)]

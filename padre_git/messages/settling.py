"""Settling: what a person decides where two histories disagree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from padre_git.errors import Conflict, InvalidInputError
from padre_git.model.values import freeze

__all__ = ["Choice", "Decision"]


class Choice(StrEnum):
    """Is what shall count in one place."""

    OURS = "ours"
    THEIRS = "theirs"
    VALUE = "value"


@dataclass(frozen=True)
class Decision:
    """Is what somebody decided about one conflict.

    Attributes:
        conflict: as it was shown; when one of its values is another by then, nothing was decided.
        choice: which side counts, or :attr:`Choice.VALUE` for a value of its own.
        value: what a field shall be, with :attr:`Choice.VALUE` only.

    Raises:
        InvalidInputError: for a value without :attr:`Choice.VALUE`, or one that a document cannot
            hold.
    """

    conflict: Conflict
    choice: Choice
    value: object = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "choice", _choice(self.choice))
        if self.choice is not Choice.VALUE:
            if self.value is not None:
                raise InvalidInputError(f"'{self.choice}' takes no value", key=self.conflict.key)
            return
        field = self.conflict.field
        if field is None:
            raise InvalidInputError(
                f"'{self.conflict.key}' is no single value", hint="choose a side: ours or theirs"
            )
        finite = not field.startswith("metrics.")
        object.__setattr__(self, "value", freeze(self.value, field, finite=finite))


def _choice(text: object) -> Choice:
    try:
        return Choice(text)  # type: ignore[arg-type]
    except ValueError:
        raise InvalidInputError(
            f"no choice {text!r}", hint="it is Choice.OURS, Choice.THEIRS or Choice.VALUE"
        ) from None

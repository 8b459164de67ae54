"""What every backend refuses in a change set before it looks at what is stored."""

from __future__ import annotations

from collections.abc import Container, Mapping

from padre_git.errors import (
    ConflictError,
    InvalidInputError,
    InvalidNameError,
    NotFoundError,
)
from padre_git.format import is_part, read_tombstone
from padre_git.model import ABSENT, DOCUMENTS, Change, ChangeSet, Key, Kind, Record
from padre_git.model.names import quoted

__all__ = ["ChangedError", "check_expected", "check_files", "check_parents"]


def check_files(changes: ChangeSet) -> None:
    """Checks that every file of these changes is a part that a record of its kind may have.

    Raises:
        InvalidNameError: for a name that is no part, such as ``../x`` or ``notes.txt``.
        InvalidInputError: for content that is not bytes, and for a tombstone given as a document.
    """
    for change in changes:
        if change.files is not None:
            _check_parts(change.key, change.files)


def _check_parts(key: Key, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        if not is_part(key.kind, name):
            raise InvalidNameError(f"{key.kind.noun} has no part {quoted(name)}", key=key)
        if not isinstance(content, bytes):
            raise InvalidInputError(
                f"the content of {quoted(name)} is {type(content).__name__}, not bytes", key=key
            )
    if read_tombstone(files[DOCUMENTS[key.kind]], key) is not None:
        raise InvalidInputError(
            "a tombstone given as a document", key=key, hint="delete the record instead"
        )


class ChangedError(ConflictError):
    """Says that a record is not what it was; who reads it again can try again."""


def check_expected(change: Change, current: Record | None) -> None:
    """Checks that a record is where its change expects it to be.

    Args:
        change: what is asked for.
        current: the living record; None if there is none.

    Raises:
        ChangedError: if somebody was faster.
        NotFoundError: if the change deletes what does not exist.
    """
    key = change.key
    if change.expected == ABSENT and current is not None:
        raise ChangedError(f"'{key}' exists already", key=key, hint="read it and decide again")
    if change.expected not in (None, ABSENT):
        if current is None:
            raise ChangedError(f"'{key}' is gone since it was read", key=key)
        if current.revision != change.expected:
            raise ChangedError(
                f"'{key}' was changed since it was read", key=key, hint="read it and decide again"
            )
    if change.files is None and current is None:
        raise NotFoundError(f"no {key.kind} '{key}' to delete", key=key)


def check_parents(changes: ChangeSet, living: Container[Key]) -> None:
    """Checks that what is stored has a parent afterwards.

    Args:
        changes: what is asked for.
        living: has the records that exist before, at least all parents of changed ones.

    Raises:
        NotFoundError: for a record whose parent does not exist or is deleted by the same set.
    """
    given = {change.key: change.files for change in changes}
    for key, files in given.items():
        if files is None:
            continue
        for above in key.ancestors():
            exists = given[above] is not None if above in given else above in living
            if not exists:
                raise NotFoundError(
                    f"no {above.kind} '{above}' to store in",
                    key=above,
                    hint=f"put it first, or in the same transaction; on the command line:"
                    f" padre-git {'init' if above.kind is Kind.PROJECT else 'put'} {above}",
                )

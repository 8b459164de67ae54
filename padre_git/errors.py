"""The errors of padre_git: one tree, grouped by what a caller does next.

Every error carries a stable :attr:`~PadreGitError.code` (codes are only ever added), the key it
concerns where there is one, and a :attr:`~PadreGitError.hint` that says what to do. The text of an
error is lower case, says the failure first, quotes its subject and puts the advice on a line of
its own.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

__all__ = [
    "AlreadyExistsError",
    "AmbiguousReferenceError",
    "ArtifactCorruptError",
    "ArtifactError",
    "ArtifactMissingError",
    "AuthenticationError",
    "BranchMissingError",
    "Conflict",
    "ConflictError",
    "DamagedError",
    "DocumentError",
    "FormatError",
    "InvalidInputError",
    "InvalidNameError",
    "InvalidValueError",
    "LockedError",
    "NotFetchedError",
    "NotFoundError",
    "OfflineError",
    "PadreGitError",
    "RejectedError",
    "RemoteError",
    "RemoteMissingError",
    "RemoteRewrittenError",
    "RemoteUnavailableError",
    "RemoteUntrustedError",
    "RepositoryError",
    "UnpublishedError",
    "UnsupportedError",
    "UnsupportedFormatError",
    "UntrustedProjectError",
]


#: What the system says when it has no descriptor or no memory left: nothing about the file.
SCARCE = frozenset([errno.EMFILE, errno.ENFILE, errno.ENOMEM])
#: With it, what the disk says when it cannot read: nothing about whether there is a file.
UNSAID = SCARCE | {errno.EIO}


def is_scarce(error: BaseException | None) -> bool:
    """Tells whether an error says that a descriptor or memory is missing, and nothing of a file."""
    return isinstance(error, OSError) and error.errno in SCARCE


def unless_scarce(error: Exception) -> None:
    """Raises an error again that says nothing of a file, so that nobody acts upon it."""
    if is_scarce(error):
        raise error


def printable(text: str) -> str:
    """Returns a text with control characters spelled out: names and records can be anybody's."""
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


class PadreGitError(Exception):
    """Is the base of every error that padre_git raises on purpose.

    Args:
        message: what failed and on what, lower case, without a full stop; what does not print is
            spelled out.
        key: text of the record's key, if one record is concerned.
        hint: what the reader can do about it.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, key: object = None, hint: str | None = None) -> None:
        self.message = printable(message)
        super().__init__(self.message)
        self.key = None if key is None else str(key)
        self.hint = None if hint is None else printable(hint)

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n{self.hint}"


class InvalidInputError(PadreGitError, ValueError):
    """Says that an argument cannot be stored; nothing was written."""

    code = "invalid-input"


class InvalidNameError(InvalidInputError):
    """Says that a name or id breaks the rules of docs/format, "Names"."""

    code = "invalid-name"


class InvalidValueError(InvalidInputError):
    """Says that a value has no exact place in a document (docs/format, "Values").

    Args:
        message: see :class:`PadreGitError`.
        field: dotted name of the value, such as ``parameters.C``.
        key: see :class:`PadreGitError`.
        hint: see :class:`PadreGitError`.
    """

    code = "invalid-value"

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        key: object = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, key=key, hint=hint)
        self.field = field


class AmbiguousReferenceError(InvalidInputError):
    """Says that a reference fits more than one record; the hint lists them."""

    code = "ambiguous-reference"


class UnsupportedError(InvalidInputError):
    """Says that this backend cannot do what was asked (no history, no remote)."""

    code = "unsupported"


class NotFoundError(PadreGitError, LookupError):
    """Says that no record, commit or part answers to the reference."""

    code = "not-found"


class AlreadyExistsError(PadreGitError, FileExistsError):
    """Says that the name is taken."""

    code = "already-exists"

    def __str__(self) -> str:
        return PadreGitError.__str__(self)


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Is one place where two histories disagree.

    Attributes:
        key: text of the record's key, or the path of a file that belongs to no record.
        field: the field of the document or the name of the part; None for the whole record.
        base: the value in the common ancestor; None if there was none.
        ours: the value on this side; None if it is gone.
        theirs: the value on the other side; None if it is gone.
    """

    key: str
    field: str | None
    base: object = None
    ours: object = None
    theirs: object = None


class ConflictError(PadreGitError):
    """Says that somebody else changed the same thing; nothing was written.

    Args:
        message: see :class:`PadreGitError`.
        conflicts: the disagreements, one by one.
        key: see :class:`PadreGitError`.
        hint: see :class:`PadreGitError`.
    """

    code = "conflict"

    def __init__(
        self,
        message: str,
        *,
        conflicts: Sequence[Conflict] = (),
        key: object = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, key=key, hint=hint)
        self.conflicts = tuple(conflicts)


class RemoteRewrittenError(ConflictError):
    """Says that the remote's history was replaced; nothing was changed on either side.

    Only a person knows what was meant. Everything of this clone is kept on a branch that the
    message names, and the hint says how to follow the remote and how to bring the old back.
    """

    code = "remote-rewritten"


class FormatError(PadreGitError):
    """Says that what is stored cannot be understood."""

    code = "format"


class DocumentError(FormatError):
    """Says that one document breaks the format.

    Args:
        message: what is wrong.
        file: path of the file below the project, or any name for it.
        line: line in that file, counted from 1.
        field: dotted name of the field.
        key: see :class:`PadreGitError`.
        hint: see :class:`PadreGitError`.
    """

    code = "document"

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        field: str | None = None,
        key: object = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, key=key, hint=hint)
        self.reason = message
        self.file = file
        self.line = line
        self.field = field

    def located(self, *, file: str | None = None, key: object = None) -> DocumentError:
        """Returns this error with a file and a key, for a caller that knows them."""
        return type(self)(
            self.reason,
            file=self.file or file,
            line=self.line,
            field=self.field,
            key=self.key if self.key is not None else key,
            hint=self.hint,
        )

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place = f"{place}:{self.line}" if place else f"line {self.line}"
        text = f"{place}: {self.message}" if place else self.message
        if self.field is not None:
            text += f" (field '{self.field}')"
        if self.key is not None:
            text += f" [in '{self.key}']"
        return printable(text if self.hint is None else f"{text}\n{self.hint}")


class UnsupportedFormatError(FormatError):
    """Says that a newer padre_git wrote this; neither read nor written here."""

    code = "unsupported-format"


class RepositoryError(PadreGitError):
    """Says that git could not do its part on a clone; carries git's own words."""

    code = "repository"


class DamagedError(RepositoryError):
    """Says that the clone's own objects, refs or index are unreadable."""

    code = "damaged"


class LockedError(RepositoryError):
    """Says that another process holds a lock for longer than we waited."""

    code = "locked"


class UntrustedProjectError(RepositoryError):
    """Says that a clone was not opened, because it would run a program or lead elsewhere.

    The message names what would; the hint says how to copy the clone without it, and how to trust
    it as it is.
    """

    code = "untrusted-project"


class RemoteError(PadreGitError):
    """Is the base of what can go wrong with the other side."""

    code = "remote"


class RemoteUnavailableError(RemoteError, ConnectionError):
    """Says that the remote did not answer; local work stands."""

    code = "remote-unavailable"

    def __str__(self) -> str:
        return PadreGitError.__str__(self)


class OfflineError(RemoteUnavailableError):
    """Says that no remote was asked, because this store is not to talk to any; local work stands.

    Args:
        reason: who says so.
    """

    code = "offline"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"no remote is asked: {reason}",
            hint="PADRE_OFFLINE, --offline or the policy 'offline' says so; take it back to go on",
        )


class RemoteMissingError(RemoteError):
    """Says that the remote answers and has no repository for the project."""

    code = "remote-missing"


class BranchMissingError(RemoteError):
    """Says that the remote's repository has branches, but not the one that was asked for."""

    code = "branch-missing"


class RemoteUntrustedError(RemoteError):
    """Says that the remote has not proved to be who it was taken for; nothing was sent to it."""

    code = "remote-untrusted"


class AuthenticationError(RemoteError):
    """Says that the remote does not accept these credentials."""

    code = "authentication"


class RejectedError(RemoteError):
    """Says that the remote refused the push; the server's words are in the message."""

    code = "rejected"


class UnpublishedError(PadreGitError):
    """Says that something would be lost, because it exists only here; nothing was removed."""

    code = "unpublished"


class ArtifactError(PadreGitError):
    """Is the base of what can go wrong with data kept by DVC."""

    code = "artifact"


class ArtifactMissingError(ArtifactError, LookupError):
    """Says that no reachable place has these bytes."""

    code = "artifact-missing"


class ArtifactCorruptError(ArtifactError):
    """Says that stored bytes do not have the hash they are filed under."""

    code = "artifact-corrupt"


class NotFetchedError(PadreGitError):
    """Says that the data exists elsewhere and has not been fetched yet."""

    code = "not-fetched"

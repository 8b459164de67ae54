"""Work trees of clones: runs that are left out of them are brought when they are asked for."""

from __future__ import annotations

from padre_git.backends.deleting import restore_files
from padre_git.backends.records import Records
from padre_git.errors import NotFoundError
from padre_git.model import Key, Kind
from padre_git.vcs.repository import Repository

__all__ = ["check_out"]


def check_out(repository: Repository, key: Key) -> None:
    """Brings a record with all below it into the work tree; it stays there from then on.

    Args:
        repository: the clone.
        key: the record; a project for everything that is not evicted.

    Raises:
        NotFoundError: if there is no such record.
        LockedError: if the user is in the middle of something.
    """
    if key.kind is Kind.PROJECT:
        repository.bring_all()
        return
    records = Records(key.project, repository.snapshot())
    place = records.places(records.alive([key])).get(key)
    if place is None:
        raise NotFoundError(f"no {key.kind} '{key}'", key=key)
    repository.bring([place])
    restore_files(repository, key)

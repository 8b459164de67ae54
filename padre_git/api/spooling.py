"""Spooling: how a run that begins, or goes on, gets the one spool that it may write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from padre_git.api import heartbeat, provenance
from padre_git.api.committing import Circumstances
from padre_git.api.events import event_of_start
from padre_git.api.home import Home
from padre_git.api.owners import Owner, claim, owner_of
from padre_git.api.replaying import Replayed
from padre_git.api.spool import Spool
from padre_git.errors import LockedError, RepositoryError
from padre_git.format.spools import CODE
from padre_git.model import Key

__all__ = ["Former", "OwnSpool", "in_use", "open_spool", "unwritten"]


@dataclass(frozen=True, kw_only=True)
class Former:
    """Is a run as processes before this one have left it.

    Attributes:
        replayed: what they logged.
        directory: of its spool.
        owner: the last of them.
    """

    replayed: Replayed
    directory: Path
    owner: Owner


class OwnSpool(Spool):
    """Is a spool that this process alone writes, and lives as long as its heart beats.

    Args:
        directory: of the spool.
        after: the number of its owner before; 0 for none.

    Raises:
        FileExistsError: if another process was faster.
        OSError: if it cannot be made.
    """

    def __init__(self, directory: Path, after: int) -> None:
        super().__init__(directory)
        self._number = after + 1
        try:
            self._heart = claim(directory, after, job=provenance.job())
        except OSError as error:
            if isinstance(error, FileExistsError) or after:
                self.close()
            else:
                self.remove()
            raise
        heartbeat.begin(self._heart)

    def close(self) -> None:
        """See :meth:`Spool.close`."""
        if hasattr(self, "_heart"):
            heartbeat.end(self._heart)
        super().close()

    def leave(self) -> None:
        """Leaves the commit of the run, which has ended, to somebody who can make it."""
        self.flush()
        claim(self.directory, self._number, job=provenance.job(), left=True)
        self.close()

    def successor(self) -> Owner | None:
        """Returns the process that has continued the run meanwhile; None if there is none."""
        if not self._heart.with_name(f"owner.{self._number + 1}").exists():
            return None  # whoever comes after us makes that one first
        try:
            owner = owner_of(self.directory)
        except OSError:
            return None
        return owner if owner.number > self._number and not owner.records else None


def open_spool(
    home: Home, begun: Circumstances, parameters: Mapping[str, Any], former: Former | None
) -> OwnSpool | None:
    """Returns the spool of a run that begins or goes on; None for a store without files.

    Raises:
        LockedError: if another process has it.
        RepositoryError: if it cannot be written; nothing was begun.
    """
    key = begun.run.key
    directory = home.spool(key) if former is None else former.directory
    if directory is None:
        return None
    after = 0 if former is None else former.owner.number
    spool: OwnSpool | None = None
    try:
        spool = OwnSpool(directory, after)
        if former is None:
            _start(spool, home, begun)
        else:
            spool.write("again", datetime.now(UTC).isoformat())
        spool.write("parameters", parameters)
    except FileExistsError as error:
        raise in_use(key, owner_of(directory)) from error
    except OSError as error:
        if spool is not None and former is None:
            spool.remove()
        elif spool is not None:
            spool.close()
        raise unwritten(key, "could not begin", "nothing was begun", error) from error
    return spool


def in_use(key: Key, owner: Owner) -> LockedError:
    """Returns what is told to somebody who wants a run that is running elsewhere."""
    return LockedError(
        f"run '{key}' is running: {owner} has it",
        key=key,
        hint="end that process, or wait until it has ended; if it is gone without a trace, its run"
        " can be continued ten minutes after its last sign of life",
    )


def unwritten(key: Key, what: str, still: str, error: OSError) -> RepositoryError:
    """Returns what is told when a spool cannot be written."""
    reason = (error.strerror or str(error)).lower()
    return RepositoryError(
        f"run '{key}': {what}: {reason}",
        key=key,
        hint=f"{still}; make room, or make the store's directory writable",
    )


def _start(spool: Spool, home: Home, begun: Circumstances) -> None:
    spool.start("start", *event_of_start(home, begun))
    if begun.patch is not None:
        spool.attach(CODE, begun.patch)
